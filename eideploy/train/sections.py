"""The sections of a recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """What every part of a recipe has in common: no unknown keys, no conversions, no changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ModelSection(BaseModel):
    """Which network; all keys but `name` are options of its builder."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Options of the builder, complete and checked against its signature."""
        return dict(self.model_extra or {})


class AugmentSection(Section):
    """What is done to an image each time it is trained on; event data stay as they are.

    `crop` zeros are put on each side before a window of the old size is cut out at random, `flip`
    mirrors every second image left to right, `cutout` is the probability of erasing a rectangle of
    2 to 40 % of the area.
    """

    crop: Annotated[int, Field(ge=0)] = 0
    flip: bool = False
    cutout: Annotated[float, Field(ge=0, le=1)] = 0.0


class DataSection(Section):
    """Which data set, whether its samples are flattened to [features], and how many are used.

    `train_samples` and `test_samples` keep the first so many; null keeps all.
    """

    name: str
    flat: bool = False
    train_samples: Count | None = None
    test_samples: Count | None = None
    augment: AugmentSection = AugmentSection()


class NeuronSection(Section):
    """The LIF: τ in steps, θ, reset to 0 or by subtraction of θ, steepness α of the surrogate."""

    tau: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    threshold: Positive = 1.0
    reset: Literal["zero", "subtract"] = "zero"
    alpha: Positive = 4.0


class TrainingSection(Section):
    """How long, in what batches, in what numbers, and which parts of the paper's method are on.

    An optimizer step sees `accumulate` batches of `batch_size`, or what the epoch has left, and
    goes by the mean loss of their samples. `precision` is that of convolutions and matrix products;
    weights, divisions and statistics are float32 always. `compile` hands the network to
    torch.compile. `clip_gradient` is the largest norm of the whole gradient; null leaves it as it
    is. `workers` is the number of processes that prepare batches, 0 for none beside the training;
    the result does not depend on it. `threads` is the number of CPU threads: sums are added in
    another order with another number, so that a run repeats bit for bit only with the same one;
    null leaves the choice to torch.

    Ablations of the paper's method, each true (or adaptive) in the method itself:
    `ei_init` false draws weights as He initialization would, made non-negative, with gains of 1;
    `stabilizer` none divides by zero where a divisor is zero; `straight_through` false lets no
    gradient through a replaced divisor; `gradient_scaling` false leaves the gradient of W_EI
    undivided; `dale` false lets weights have either sign, and such a network cannot be deployed.
    """

    epochs: Count = 30
    batch_size: Annotated[int, Field(ge=2)] = 64
    accumulate: Count = 1
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    compile: bool = False
    clip_gradient: Positive | None = 1.0
    workers: Annotated[int, Field(ge=0)] = 0
    threads: Count | None = None
    ei_init: bool = True
    stabilizer: Literal["adaptive", "none"] = "adaptive"
    straight_through: bool = True
    gradient_scaling: bool = True
    dale: bool = True


class OptimizerSection(Section):
    """SGD with momentum, or Adam (which has no use for `momentum` and `first_step`).

    `gain_lr_factor` multiplies the learning rate of g_I and g_E: at the full rate g_I may fall to 0
    in the first epochs, which kills a layer (measured: 4 of 9 trainings of two-layer conv networks
    on digits, none of 18 at a tenth of it). `first_step: paper` starts the momentum at the first
    gradient and then adds that gradient again, as the authors' code does.
    """

    name: Literal["sgd", "adam"] = "sgd"
    lr: Positive = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: NonNegative = 5e-4
    gain_lr_factor: Positive = 0.1
    first_step: Literal["torch", "paper"] = "torch"


class ScheduleSection(Section):
    """Learning rate over the optimizer's steps: constant, or half a cosine down to 0.

    For the first `warmup_epochs` it rises in a straight line from `warmup_lr` to `optimizer.lr`;
    the cosine begins there.
    """

    name: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: NonNegative = 0.0
    warmup_lr: Positive = 1e-7


class AwareSection(Section):
    """Fine-tuning of a finished run through the integers of a target.

    `run` is the run directory that it starts from, `target` what it is deployed on; mapping, pool
    and form are those of `eideploy verify`, and are to be given there again.
    """

    run: Annotated[str, Field(min_length=1)]
    target: Annotated[str, Field(min_length=1)]
    mapping: Literal["fused", "explicit"] = "fused"
    pool: Literal["fold", "relay"] = "fold"
    form: Literal["ei", "folded"] = "ei"


class QuantizeSection(Section):
    """Width of integer weights, and whether they were trained as such or rounded afterwards.

    `training` is null for post-training quantization.
    """

    weight_bits: Annotated[int, Field(ge=2, le=8)] = 8
    training: AwareSection | None = None


class LimitsSection(Section):
    """What `verify` allows a bounded hop: loss of accuracy in points, agreement of spikes in %."""

    accuracy_drop: NonNegative = 0.5
    agreement: Percent = 98.0


class ExpectedSection(Section):
    """What training by the recipe should come to: test accuracy in %, and who measured it."""

    accuracy: Percent
    source: Annotated[str, Field(min_length=1)]
