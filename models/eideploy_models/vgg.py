"""VGG networks of E-I circuits. Torch is imported when one is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from eideploy.errors import InputError

if TYPE_CHECKING:
    from norse.torch import SequentialState
    from torch import nn

STAGES: dict[int, tuple[tuple[int, ...], ...]] = {
    8: ((64,), (128,), (256,), (512,), (512,)),
    11: ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    16: ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3),
    19: ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}
"""Channels of the convolutions of each stage by depth; a pool ends each stage.

11, 16 and 19 are configurations A, D and E of Simonyan and Zisserman (ICLR 2015) with one linear
layer in place of three; 8 has the five convolutions of the paper's network of that name.
"""


def vgg(
    input_shape: tuple[int, ...],
    classes: int,
    neuron: Callable[[], nn.Module],
    *,
    depth: Literal[8, 11, 16, 19] = 8,
    stages: tuple[tuple[int, ...], ...] | None = None,
    inhibition: bool = True,
    ratio: int = 4,
) -> SequentialState:
    """A VGG: 3×3 circuits and LIF in stages, a 2×2 average pool after each, one linear readout.

    Five pools take 32×32 to 1×1; an odd row or column at the edge is dropped. At 10 classes, RGB
    and ratio 4 the parameters are 5,048,714 (depth 8), 11,834,570, 18,856,378 and 25,642,234 (19).

    Args:
        input_shape: [channels, height, width], at least 2×2 to the power of the number of stages:
            32×32 for any depth.
        classes: outputs of the readout.
        neuron: makes a LIF over sequences.
        depth: 8, 11, 16 or 19, each of five stages.
        stages: channels of the convolutions of each stage, instead of those of a depth.
        inhibition: false gives the BatchNorm twin, see `eideploy_models.layers`.
        ratio: excitatory per inhibitory channels; without inhibition it is not used.

    Raises:
        InputError: the input is not an image or too small, or a value is out of its range.

    Source: Liu, Ding, Yu, ICLR 2026.
    """
    from norse.torch import SequentialState
    from torch import nn

    from eideploy.cells import AvgPool2d
    from eideploy_models.layers import Layers, Merged

    if depth not in STAGES:
        raise InputError(
            f"model vgg has no depth {depth}", f"Use one of: {', '.join(map(str, STAGES))}."
        )
    chosen = STAGES[depth] if stages is None else stages
    if not chosen or not all(chosen):
        raise InputError(
            f"model vgg: stages are {[list(stage) for stage in chosen]}",
            "Give each stage at least one convolution, as in stages: [[64], [128, 128]].",
        )
    least = 2 ** len(chosen)
    if len(input_shape) != 3 or min(input_shape[1:]) < least:
        raise InputError(
            f"model vgg takes [channels, height, width] of at least {least}×{least}, "
            f"the data have {list(input_shape)}",
            "Choose larger images (with data.flat false), or the model conv.",
        )
    make = Layers(inhibition, ratio)
    fan_in, *size = input_shape
    layers: list[nn.Module] = []
    for stage in chosen:
        for width in stage:
            layers += [make.conv(fan_in, width), neuron()]
            fan_in = width
        layers.append(Merged(AvgPool2d(2)))
        size = [n // 2 for n in size]
    # Over sequences [T, B, C, H, W] the first two axes stay.
    readout = make.classifier(fan_in * size[0] * size[1], classes)
    return SequentialState(*layers, nn.Flatten(start_dim=2), readout)
