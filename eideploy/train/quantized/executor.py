"""A quantized Program in torch: exact integers forward, gradients of its float parameters backward.

An integer weight w stands for s·W of the float weight W, with the s that brings both closest. It
is used as w + (s·W − stopgrad(s·W)), which is w, and lets gradients through to W and on to the
parameters that W is made of. So does the bias. Everything is exact, so that every spike and every
potential is that of `eideploy.simulate.reference`.

Axes: T steps, B samples. A feed-forward Program is run population by population, all steps at once:
sums do not depend on time, only the membrane does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from norse.torch import SequentialState
from torch import Tensor

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    EINeuronFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Relay,
    Source,
)
from eideploy.program.neuron import CURRENT_SHIFT
from eideploy.train.quantized.deployment import Deployed
from eideploy.train.quantized.membrane import divisive_current, fire, relay, straight_through
from eideploy.train.quantized.parameters import circuits_of
from eideploy.train.quantized.wiring import bundles
from eideploy.train.sections import NeuronSection


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What a Program did, with gradients.

    Attributes:
        outputs: of each population [T, B, *shape], integers in float32.
        potentials: v at the test of each spiking population, int64, likewise.
    """

    outputs: dict[str, Tensor] = field(default_factory=dict)
    potentials: dict[str, Tensor] = field(default_factory=dict)


class Executor:
    """A quantized Program, tied to the parameters of the network that it was compiled of.

    Args:
        deployed: the Program and its float form.
        network: that it was compiled of, with the parameters of that moment.
        neuron: of all its LIF; its threshold says what a unit of the integer potential stands for.

    Raises:
        UnsupportedError: the Program has loops, neurons that are not trained here, or weights that
            are not made of the network's circuits.
    """

    def __init__(self, deployed: Deployed, network: SequentialState, neuron: NeuronSection) -> None:
        self.program = deployed.program
        self._neuron = neuron
        self._device = next(network.parameters()).device
        self._circuits = circuits_of(network, deployed.floating)
        _require_feed_forward(self.program)
        self._into = bundles(deployed, self._circuits, self._device)
        spiking = [p for p in self.program.populations if p.neuron.spiking]
        self._bias = {population.name: self._bias_of(population) for population in spiking}

    def __call__(self, x: Tensor) -> Rehearsal:
        """Run the Program from rest.

        Args:
            x: stimulus, real, [T, B, *shape]. What is expanded along T is summed up once.
        """
        done = Rehearsal()
        for population in sorted(self.program.populations, key=lambda p: p.offset):
            name, neuron = population.name, population.neuron
            ports = self._receive(population, done)
            match neuron:
                case Source():
                    done.outputs[name] = each_step(partial(_encode, float(neuron.scale)), x)
                case Relay():
                    done.outputs[name] = each_step(partial(relay, neuron), ports["input"])
                case EINeuronFixed():
                    current = each_step(
                        partial(divisive_current, neuron), ports["balanced"], ports["shunt"]
                    )
                    self._fire(population, current, neuron.threshold, done)
                case LIFNeuronFixed():
                    unit = 2**CURRENT_SHIFT
                    current = unit * (ports["input"] + self._tensor(neuron.current_bias))
                    self._fire(population, current, unit * neuron.threshold, done)
                case other:
                    raise UnsupportedError(
                        f"population {name!r}: {type(other).__name__} is not trained in integers"
                    )
        return done

    def _fire(self, population: Population, current: Tensor, theta: Array, done: Rehearsal) -> None:
        neuron = population.neuron
        assert isinstance(neuron, (EINeuronFixed, LIFNeuronFixed))
        done.outputs[population.name], done.potentials[population.name] = fire(
            current + self._bias[population.name],
            decay=torch.tensor(neuron.voltage_decay, device=self._device),
            threshold=torch.tensor(theta, device=self._device),
            reset=neuron.reset,
            steepness=self._tensor(self._neuron.alpha / self._units(population)),
        )

    def _receive(self, population: Population, done: Rehearsal) -> dict[str, Tensor]:
        """What arrives at each port [T, B, *shape]."""
        totals: dict[str, Tensor] = {}
        for bundle in self._into[population.name]:
            sums = each_step(bundle, done.outputs[bundle.source])
            parts = sums.chunk(len(bundle.ports), dim=2)
            for port, arrived in zip(bundle.ports, parts, strict=True):
                shaped = arrived.reshape(*arrived.shape[:2], *population.shape)
                totals[port] = totals[port] + shaped if port in totals else shaped
        return totals

    def _bias_of(self, population: Population) -> Tensor:
        """The bias of a membrane in units of its v, as it broadcasts to a step."""
        _require_plain_membrane(population)
        neuron = population.neuron
        if isinstance(neuron, LIFNeuronFixed):
            value = self._tensor(neuron.bias_mantissa << neuron.bias_exponent)
        else:
            assert isinstance(neuron, EINeuronFixed)
            value = self._tensor(neuron.bias)
        bias = self._circuits[population.name].module.bias
        channels = bias.view(-1, *[1] * (len(population.shape) - 1))
        return straight_through(channels * self._tensor(self._units(population)), value)

    def _units(self, population: Population) -> Array:
        """Units of the integer v per unit of the float one: both have the same threshold."""
        threshold = population.neuron.parameters()["threshold"] / self._neuron.threshold
        leaky = isinstance(population.neuron, LIFNeuronFixed)
        return threshold * 2**CURRENT_SHIFT if leaky else threshold

    def _tensor(self, values: Array | float) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32, device=self._device)


def each_step(apply: Callable[..., Tensor], *sequences: Tensor) -> Tensor:
    """Apply a function of [N, …] to all steps of [T, B, …], once where they are all the same."""
    first = sequences[0]
    if len(first) > 1 and all(x.stride(0) == 0 for x in sequences):
        once = apply(*(x[0] for x in sequences))
        return once.expand(len(first), *once.shape)
    each = apply(*(x.flatten(0, 1) for x in sequences))
    return each.reshape(*first.shape[:2], *each.shape[1:])


def _encode(scale: float, x: Tensor) -> Tensor:
    """As `eideploy.program.encode`."""
    return (x.double() * scale).round().float()


def _require_feed_forward(program: Program) -> None:
    late = [p.name for p in program.projections if program.lag(p) != 0]
    if late or program.stride != 1:
        raise UnsupportedError(
            f"the Program has a loop ({', '.join(late) or 'a stride of more than a step'}); only "
            "feed-forward networks are fine-tuned through integers"
        )


def _require_plain_membrane(population: Population) -> None:
    """That it starts and is reset to 0, or by its threshold; no filter, no refractory period."""
    neuron = population.neuron
    assert isinstance(neuron, (EINeuronFixed, LIFNeuronFixed))
    filtered = isinstance(neuron, LIFNeuronFixed) and np.any(neuron.current_decay != 4095)
    rests = isinstance(neuron, LIFNeuronFixed) and np.any(neuron.refractory)
    if filtered or rests or (np.any(neuron.reset_to) and neuron.reset == "value"):
        raise UnsupportedError(
            f"population {population.name!r} has a synaptic filter, a refractory period or a reset "
            "to another value than 0, which is not trained in integers"
        )
