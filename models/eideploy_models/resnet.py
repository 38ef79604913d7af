"""Residual networks of E-I circuits. Torch is imported when one is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from eideploy.errors import InputError

if TYPE_CHECKING:
    from norse.torch import SequentialState
    from torch import nn

    from eideploy.cells import ResidualBlock
    from eideploy_models.layers import Layers

STAGES: dict[int, tuple[tuple[int, int], ...]] = {18: ((64, 2), (128, 2), (256, 2), (512, 2))}
"""Channels and number of blocks of each stage by depth; each stage but the first halves the size.

Configuration of He et al. (CVPR 2016), with the 3×3 stem for small images.
"""


def resnet(
    input_shape: tuple[int, ...],
    classes: int,
    neuron: Callable[[], nn.Module],
    *,
    depth: Literal[18] = 18,
    stages: tuple[tuple[int, int], ...] | None = None,
    inhibition: bool = True,
    ratio: int = 4,
) -> SequentialState:
    """A ResNet: a 3×3 stem, blocks of two 3×3 circuits and LIF, a global pool, a linear readout.

    A block adds its input to its spikes; where the shape changes the input goes through a 1×1
    circuit and a LIF first. At 10 classes, RGB and ratio 4 there are 14,401,226 parameters.

    Args:
        input_shape: [channels, height, width].
        classes: outputs of the readout.
        neuron: makes a LIF over sequences.
        depth: 18.
        stages: channels and number of blocks of each stage, instead of those of a depth.
        inhibition: false gives the BatchNorm twin, see `eideploy_models.layers`.
        ratio: excitatory per inhibitory channels; without inhibition it is not used.

    Raises:
        InputError: the input is not an image, or a value is out of its range.

    Source: Liu, Ding, Yu, ICLR 2026.
    """
    from norse.torch import SequentialState
    from torch import nn

    from eideploy_models.layers import Layers, Merged

    if depth not in STAGES:
        raise InputError(
            f"model resnet has no depth {depth}", f"Use one of: {', '.join(map(str, STAGES))}."
        )
    chosen = STAGES[depth] if stages is None else stages
    if not chosen or min(map(min, chosen)) < 1:
        raise InputError(
            f"model resnet: stages are {[list(stage) for stage in chosen]}",
            "Give each stage channels and blocks, as in stages: [[64, 2], [128, 2]].",
        )
    if len(input_shape) != 3:
        raise InputError(
            f"model resnet takes [channels, height, width], the data have {list(input_shape)}",
            "Set data.flat to false in the recipe.",
        )
    make = Layers(inhibition, ratio)
    channels, *size = input_shape
    fan_in = chosen[0][0]
    layers: list[nn.Module] = [make.conv(channels, fan_in), neuron()]
    for number, (width, blocks) in enumerate(chosen):
        stride = 1 if number == 0 else 2
        layers.append(_block(make, neuron, fan_in, width, stride))
        layers += [_block(make, neuron, width, width, 1) for _ in range(blocks - 1)]
        fan_in, size = width, [-(-n // stride) for n in size]
    # Over sequences [T, B, C, H, W] the first two axes stay.
    pool = Merged(nn.AvgPool2d((size[0], size[1])))
    return SequentialState(*layers, pool, nn.Flatten(start_dim=2), make.classifier(fan_in, classes))


def _block(
    make: Layers, neuron: Callable[[], nn.Module], fan_in: int, width: int, stride: int
) -> ResidualBlock:
    from norse.torch import SequentialState

    from eideploy.cells import ResidualBlock

    first, second = make.conv(fan_in, width, stride=stride), make.conv(width, width)
    body = SequentialState(first, neuron(), second, neuron())
    if stride == 1 and fan_in == width:
        return ResidualBlock(body, SequentialState())
    projection = make.conv(fan_in, width, kernel_size=1, stride=stride)
    return ResidualBlock(body, SequentialState(projection, neuron()))
