"""What stands in a network file of lava-dl: layers in a chain, in the file's own numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from eideploy.program import Array
from eideploy_targets.netx.synapses import Held, held

Kind = Literal["input", "conv", "dense"]

Shape = tuple[int, ...]

UNREACHABLE = 2**17
"""A threshold from here on, shifted by 6, is above every potential: Lava clips v at 2²³ − 1."""

READOUT = 2**18 - 1
"""The threshold that lava-dl writes for a layer whose potential is read, not its spikes."""

BIAS_EXPONENT = 6
"""netx shifts every bias by this (`Network.get_neuron_params`)."""

LONGEST_DELAY = 62
"""netx cuts longer delays (`Network.create_dense`)."""


@dataclass(frozen=True, eq=False)
class Cuba:
    """Parameters of a layer of CUBA neurons, each for all of them or one per neuron or channel.

    u ← tz(u·(4096 − current_decay) / 4096) + 2⁶·x
    v ← tz(v·(4096 − voltage_decay) / 4096) + u + 2⁶·bias;  z = [v > 2⁶·threshold];  v ← 0 where z

    Args:
        current_decay: `iDecay`, 0…4096.
        voltage_decay: `vDecay`, 0…4096.
        threshold: `vThMant`, ≥ 0.
    """

    current_decay: Array
    voltage_decay: Array
    threshold: Array

    @property
    def silent(self) -> bool:
        """Whether no potential can reach the threshold: the layer is there to be read."""
        return bool(np.all(self.threshold >= UNREACHABLE))


INTEGRATOR = Cuba(np.array(0), np.array(4096), np.array(READOUT))
"""The neurons of a layer without any: v is the sum of all input so far (`create_dense`)."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer.

    Args:
        where: number of its group in the file.
        kind: what it does with its input.
        shape: [n] or [c, h, w].
        neuron: None only for an input that passes on what it is given.
        weight: dense [n, inputs], conv [c, inputs / groups, kernel_h, kernel_w]; of an input, the
            factor on what is shown.
        recurrent: [n, n], from the layer to itself one step later.
        delay: additional steps [n, inputs] of every synapse.
        bias: scalar or one that broadcasts to the shape.
        stride, padding, dilation, groups: of a conv, (h, w).
    """

    where: int
    kind: Kind
    shape: Shape
    neuron: Cuba | None
    weight: Array
    recurrent: Array | None = None
    delay: Array | None = None
    bias: Array = field(default_factory=lambda: np.array(0))
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def name(self) -> str:
        """What its population is called."""
        return f"{self.kind}{self.where}"

    @property
    def matrices(self) -> list[Array]:
        """Weights of a dense layer: of its input, and of itself if it is recurrent."""
        return [self.weight] if self.recurrent is None else [self.weight, self.recurrent]

    @property
    def loaded(self) -> list[Held]:
        """What netx makes of them; raises `UnsupportedError` if it cannot hold them."""
        delayed_loop = self.recurrent is not None and self.delay is not None
        return held(*self.matrices, shifted_back=not delayed_loop)


@dataclass(frozen=True, eq=False)
class Network:
    """A chain of layers.

    Args:
        input_shape: of what the first layer is given.
        layers: in order, at least one; an `input` only in front.
        note: what eideploy wrote beside them; empty in a file of another tool.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    note: dict[str, object] = field(default_factory=dict)
