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
    kernel_size: int = 3,
    padding: int = 1,
    inhibition: bool = True,
    ratio: int = 4,
) -> SequentialState:
    """A plain convolutional network: a circuit and LIF for each layer, then a dense readout.

    Strides take the place of pooling.

    Args:
        input_shape: [channels, height, width].
        classes: outputs of the readout.
        neuron: makes a LIF over sequences.
        channels: excitatory channels of each layer.
        strides: stride of each layer.
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

    from eideploy_models.layers import Layers

    if len(input_shape) != 3:
        raise InputError(
            f"model conv takes [channels, height, width], the data have {list(input_shape)}",
            "Set data.flat to false in the recipe.",
        )
    if len(channels) != len(strides):
        raise InputError(
            f"model conv has {len(channels)} channels and {len(strides)} strides",
            "Give model.strides one entry for each of model.channels.",
        )
    make = Layers(inhibition, ratio)
    fan_in, *size = input_shape
    layers: list[nn.Module] = []
    for width, stride in zip(channels, strides, strict=True):
        layers += [make.conv(fan_in, width, kernel_size, stride, padding), neuron()]
        fan_in, size = width, [(n + 2 * padding - kernel_size) // stride + 1 for n in size]
        if min(size) < 1:
            raise InputError(
                f"model conv: {list(input_shape)} is too small for {len(channels)} layers of "
                f"kernel {kernel_size} and strides {list(strides)}",
                "Use fewer layers, smaller strides or more padding.",
            )
    features = fan_in * size[0] * size[1]
    # Over sequences [T, B, C, H, W] the first two axes stay.
    readout = make.classifier(features, classes)
    return SequentialState(*layers, nn.Flatten(start_dim=2), readout)
