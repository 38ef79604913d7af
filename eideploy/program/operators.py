"""How a projection turns the output of one population into input of another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from eideploy.errors import InputError
from eideploy.program.arrays import Array, widened

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Operator:
    """Base of all operators. `weight` is what the synapses hold; it is made read-only."""

    weight: Array
    weight_ranks: ClassVar[tuple[int, ...]]

    def __post_init__(self) -> None:
        weight = widened(self.weight)
        if weight.ndim not in self.weight_ranks:
            ranks = " or ".join(map(str, self.weight_ranks))
            raise InputError(
                f"{type(self).__name__} needs weights of rank {ranks}, got shape {weight.shape}"
            )
        object.__setattr__(self, "weight", weight)

    def fits(self, source: Shape, target: Shape) -> bool:
        """Whether the operator maps a population of shape `source` to one of shape `target`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Dense(Operator):
    """All to all: y = W·x, both flattened in C order. W is [n_target, n_source]."""

    weight_ranks: ClassVar[tuple[int, ...]] = (2,)

    def fits(self, source: Shape, target: Shape) -> bool:
        """Whether W is [n_target, n_source]."""
        return self.weight.shape == (math.prod(target), math.prod(source))


@dataclass(frozen=True, eq=False)
class Conv2d(Operator):
    """Cross-correlation over the last two axes, as `torch.nn.functional.conv2d`, without bias.

    A population of shape [c, l] counts as one of shape [c, 1, l], see `planar`.

    Args:
        weight: [c_target, c_source / groups, kernel_h, kernel_w].
        stride: (h, w), ≥ 1.
        padding: (h, w) zeros on both sides, ≥ 0.
        dilation: (h, w), ≥ 1.
        groups: number of channel groups.
    """

    weight_ranks: ClassVar[tuple[int, ...]] = (4,)

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(*self.stride, *self.dilation, self.groups) < 1 or min(self.padding) < 0:
            raise InputError(
                f"Conv2d has stride {self.stride}, dilation {self.dilation}, groups {self.groups} "
                f"and padding {self.padding}; expected at least 1, 1, 1 and 0"
            )

    def output_shape(self, source: Shape) -> Shape:
        """Shape [c, h, w] that comes out for a source of shape [c, h, w] or [c, l]."""
        size = [
            (extent + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for extent, kernel, stride, padding, dilation in zip(
                planar(source)[1:],
                self.weight.shape[2:],
                self.stride,
                self.padding,
                self.dilation,
                strict=True,
            )
        ]
        return (self.weight.shape[0], *size)

    def fits(self, source: Shape, target: Shape) -> bool:
        """Whether the channels agree and the output has the shape of the target."""
        return (
            len(source) in (2, 3)
            and source[0] == self.weight.shape[1] * self.groups
            and self.weight.shape[0] % self.groups == 0
            and self.output_shape(source) == planar(target)
        )


@dataclass(frozen=True, eq=False)
class Identity(Operator):
    """One to one: y = w⊙x, with a weight for all (rank 0) or one for each neuron (rank 1: [n]).

    Neurons are counted in C order. Shapes may differ, sizes may not.
    """

    weight_ranks: ClassVar[tuple[int, ...]] = (0, 1)

    def fits(self, source: Shape, target: Shape) -> bool:
        """Whether both populations have as many neurons, and as many as there are weights."""
        size = math.prod(source)
        return size == math.prod(target) and self.weight.size in (1, size)


def planar(shape: Shape) -> Shape:
    """The shape [c, h, w] in which a convolution sees a population: [c, l] as [c, 1, l]."""
    return shape if len(shape) != 2 else (shape[0], 1, shape[1])


OPERATORS: dict[str, type[Operator]] = {op.__name__: op for op in (Dense, Conv2d, Identity)}
"""All operators by name: what a Program file may contain."""
