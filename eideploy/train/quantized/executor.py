"""A quantized Program in torch: exact integers forward, gradients of its float parameters backward.

An integer weight w stands for s·W of the float weight W, with the s that brings both closest. It
is used as w + (s·W − stopgrad(s·W)), which is w, and lets gradients through to W and on to the
parameters that W is made of. So does the bias. Everything is exact, so that every spike and every
potential is that of `eideploy.simulate.reference`.

Axes: T steps, B samples. A feed-forward Program is run population by population, all steps at once:
sums do not depend on time, only the membrane does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from norse.torch import SequentialState
from torch import Tensor

from eideploy.cells.circuit import per_channel
from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    EINeuronFixed,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.neuron import CURRENT_SHIFT
from eideploy.train.quantized.deployment import Deployed
from eideploy.train.quantized.membrane import divisive_current, fire, relay, straight_through
from eideploy.train.quantized.parameters import Circuit, circuits_of, float_weight
from eideploy.train.quantized.synapses import weighted_sum


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
        alpha: steepness of the surrogate gradient per unit of the float potential.

    Raises:
        UnsupportedError: the Program has loops, neurons that are not trained here, or weights that
            are not made of the network's circuits.
    """

    def __init__(self, deployed: Deployed, network: SequentialState, alpha: float) -> None:
        self.program, self._floating = deployed.program, deployed.floating
        self._alpha = alpha
        self._device = next(network.parameters()).device
        self._circuits = circuits_of(network, self._floating)
        _require_feed_forward(self.program)
        self._into: dict[str, list[tuple[Projection, Tensor]]] = {
            population.name: [] for population in self.program.populations
        }
        pairs = zip(self._floating.projections, self.program.projections, strict=True)
        for real, integer in pairs:
            self._into[integer.target].append((integer, self._weight(real, integer)))
        self._bias = {
            population.name: self._bias_of(population)
            for population in self.program.populations
            if population.neuron.spiking
        }

    def __call__(self, x: Tensor) -> Rehearsal:
        """Run the Program from rest.

        Args:
            x: stimulus, real, [T, B, *shape]. What is expanded along T is summed up once.
        """
        done = Rehearsal()
        for population in sorted(self.program.populations, key=lambda p: p.offset):
            name = population.name
            match population.neuron:
                case Source(scale=scale):
                    done.outputs[name] = _for_each_step(
                        x, lambda x, scale=scale: (x.double() * float(scale)).round().float()
                    )
                case Relay() as neuron:
                    done.outputs[name] = relay(self._sum(population, "input", done), neuron)
                case EINeuronFixed() as neuron:
                    ports = [self._sum(population, port, done) for port in neuron.ports]
                    current = divisive_current(ports[0], ports[1], neuron)
                    self._fire(population, current, neuron.threshold, done)
                case LIFNeuronFixed() as neuron:
                    current = self._sum(population, "input", done) + self._tensor(
                        neuron.current_bias
                    )
                    unit = 2**CURRENT_SHIFT
                    self._fire(population, unit * current, unit * neuron.threshold, done)
                case other:
                    raise UnsupportedError(
                        f"population {name!r}: {type(other).__name__} is not trained in integers"
                    )
        return done

    def _fire(self, population: Population, current: Tensor, theta: Array, done: Rehearsal) -> None:
        neuron = population.neuron
        assert isinstance(neuron, (EINeuronFixed, LIFNeuronFixed))
        _require_plain_membrane(population)
        done.outputs[population.name], done.potentials[population.name] = fire(
            current + self._bias[population.name],
            decay=torch.tensor(neuron.voltage_decay, device=self._device),
            threshold=torch.tensor(theta, device=self._device),
            reset=neuron.reset,
            steepness=self._tensor(self._alpha / self._units(population)),
        )

    def _sum(self, population: Population, port: str, done: Rehearsal) -> Tensor:
        """What arrives at a port [T, B, *shape]."""
        total: Tensor | None = None
        for projection, weight in self._into[population.name]:
            if projection.port == port:
                source = done.outputs[projection.source]
                arrived = _for_each_step(
                    source,
                    lambda x, p=projection, w=weight: weighted_sum(p.operator, w, x).view(
                        len(x), *population.shape
                    ),
                )
                total = arrived if total is None else total + arrived
        if total is None:
            first = next(iter(done.outputs.values()))
            return first.new_zeros(*first.shape[:2], *population.shape)
        return total

    def _weight(self, real: Projection, integer: Projection) -> Tensor:
        """Integers with their exponent, and the gradient to the parameters, if it has any."""
        value = self._tensor(integer.operator.weight * 2.0**integer.exponent)
        circuit: Circuit | None = self._circuits.get(real.target)
        if circuit is None or isinstance(self.program.by_name[real.target].neuron, Source):
            return value
        weight = float_weight(circuit, real, self._floating)
        power = float((real.operator.weight**2).sum())
        product = float((real.operator.weight * integer.operator.weight).sum())
        scale = product * 2.0**integer.exponent / power if power else 0.0
        return straight_through(scale * weight, value)

    def _bias_of(self, population: Population) -> Tensor:
        """The bias of a membrane in units of its v, as it broadcasts to a step."""
        neuron = population.neuron
        if isinstance(neuron, LIFNeuronFixed):
            value = self._tensor(neuron.bias_mantissa << neuron.bias_exponent)
        else:
            assert isinstance(neuron, EINeuronFixed)
            value = self._tensor(neuron.bias)
        bias = per_channel(self._circuits[population.name].module.bias, value[None])[0]
        return straight_through(bias * self._tensor(self._units(population)), value)

    def _units(self, population: Population) -> Array:
        """Units of the integer v per unit of the float one: both have the same threshold."""
        neuron = population.neuron.parameters()
        real = self._floating.by_name[population.name].neuron.parameters()
        units = neuron["threshold"] / real["threshold"]
        return units * 2**CURRENT_SHIFT if "bias_mantissa" in neuron else units

    def _tensor(self, values: Array | float) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32, device=self._device)


def _for_each_step(x: Tensor, apply) -> Tensor:
    """Apply a function of [N, …] to [T, B, …], once where all steps are the same."""
    if len(x) > 1 and x.stride(0) == 0:
        once: Tensor = apply(x[0])
        return once.expand(len(x), *once.shape)
    each: Tensor = apply(x.flatten(0, 1))
    return each.unflatten(0, x.shape[:2])


def _require_feed_forward(program: Program) -> None:
    late = [p.name for p in program.projections if program.lag(p) != 0]
    if late or program.stride != 1:
        raise UnsupportedError(
            f"the Program has a loop ({', '.join(late) or 'a stride of more than a step'}); only "
            "feed-forward networks are fine-tuned through integers"
        )
    negative = [p.name for p in program.projections if p.exponent < 0]
    if negative:
        raise UnsupportedError(
            f"projection {negative[0]} has a negative weight exponent, which rounds; it is not "
            "trained in integers"
        )


def _require_plain_membrane(population: Population) -> None:
    """That it starts and is reset to 0, or by its threshold, and has no filter of its current."""
    neuron = population.neuron.parameters()
    filtered = np.any(neuron.get("current_decay", 4095) != 4095)
    if filtered or (np.any(neuron["reset_to"]) and population.neuron.reset == "value"):
        raise UnsupportedError(
            f"population {population.name!r} has a synaptic filter or a reset to another value "
            "than 0, which is not trained in integers"
        )
