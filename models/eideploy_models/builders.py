"""Builders of networks. Torch is imported when one of them is called."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from eideploy.errors import InputError

if TYPE_CHECKING:
    from norse.torch import SequentialState
    from torch import nn


def mlp(
    input_shape: tuple[int, ...],
    classes: int,
    neuron: Callable[[], nn.Module],
    *,
    hidden: tuple[int, ...] = (256, 128),
    inhibition: bool = True,
    ratio: int = 4,
) -> SequentialState:
    """A dense network: a circuit and LIF for each hidden layer, then a readout.

    Args:
        input_shape: [features].
        classes: outputs of the readout.
        neuron: makes a LIF over sequences.
        hidden: excitatory neurons of each hidden layer.
        inhibition: false gives the BatchNorm twin, see `eideploy_models.layers`.
        ratio: excitatory per inhibitory neurons; without inhibition it is not used.

    Raises:
        InputError: the input is not flat.
    """
    from norse.torch import SequentialState

    from eideploy_models.layers import Layers

    if len(input_shape) != 1:
        raise InputError(
            f"model mlp takes flat input, the data have shape {list(input_shape)}",
            "Set data.flat to true in the recipe.",
        )
    make = Layers(inhibition, ratio)
    widths = (*input_shape, *hidden)
    layers: list[nn.Module] = []
    for fan_in, width in itertools.pairwise(widths):
        layers += [make.linear(fan_in, width), neuron()]
    return SequentialState(*layers, make.classifier(widths[-1], classes))


def conv(
    input_shape: tuple[int, ...],
    classes: int,
    neuron: Callable[[], nn.Module],
    *,
    channels: tuple[int, ...] = (16, 16),
    strides: tuple[int, ...] = (1, 2),
    pools: tuple[int, ...] | None = None,
    kernel_size: int = 3,
    padding: int = 1,
    inhibition: bool = True,
    ratio: int = 4,
) -> SequentialState:
    """A plain convolutional network: a circuit and LIF for each layer, then a dense readout.

    Strides take the place of pooling, or pools that of strides.

    Args:
        input_shape: [channels, height, width].
        classes: outputs of the readout.
        neuron: makes a LIF over sequences.
        channels: excitatory channels of each layer.
        strides: stride of each layer.
        pools: side of the average pool behind each layer, 1 for none; an odd row or column at the
            edge is dropped.
        kernel_size: of every layer.
        padding: zeros around the input of every layer.
        inhibition: false gives the BatchNorm twin, see `eideploy_models.layers`.
        ratio: excitatory per inhibitory channels; without inhibition it is not used.

    Raises:
        InputError: the input is not an image, the options disagree in length, or a layer is left
            with nothing to see.
    """
    from norse.torch import SequentialState
    from torch import nn

    from eideploy.cells import AvgPool2d
    from eideploy_models.layers import Layers, Merged

    if len(input_shape) != 3:
        raise InputError(
            f"model conv takes [channels, height, width], the data have {list(input_shape)}",
            "Set data.flat to false in the recipe.",
        )
    sides = (1,) * len(channels) if pools is None else pools
    for option, values in (("strides", strides), ("pools", sides)):
        if len(channels) != len(values):
            raise InputError(
                f"model conv has {len(channels)} channels and {len(values)} {option}",
                f"Give model.{option} one entry for each of model.channels.",
            )
        if any(value < 1 for value in values):
            raise InputError(
                f"model conv: {option} are {list(values)}", f"Give model.{option} of at least 1."
            )
    make = Layers(inhibition, ratio)
    fan_in, *size = input_shape
    layers: list[nn.Module] = []
    for width, stride, side in zip(channels, strides, sides, strict=True):
        layers += [make.conv(fan_in, width, kernel_size, stride, padding), neuron()]
        if side > 1:
            layers.append(Merged(AvgPool2d(side)))
        fan_in = width
        size = [((n + 2 * padding - kernel_size) // stride + 1) // side for n in size]
        if min(size) < 1:
            raise InputError(
                f"model conv: {list(input_shape)} is too small for {len(channels)} layers of "
                f"kernel {kernel_size}, strides {list(strides)} and pools {list(sides)}",
                "Use fewer layers, smaller strides or pools, or more padding.",
            )
    features = fan_in * size[0] * size[1]
    # Over sequences [T, B, C, H, W] the first two axes stay.
    readout = make.classifier(features, classes)
    return SequentialState(*layers, nn.Flatten(start_dim=2), readout)
