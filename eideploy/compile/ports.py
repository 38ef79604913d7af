"""Scales of ports: how many integer units a real value has where it arrives.

Scales are chosen as large as the weights can use, then made smaller until no sum can leave its
width, either by relays that drop low bits or by weights that do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eideploy.compile.calibration import Calibration
from eideploy.compile.integers import (
    integer_weights,
    largest_weight,
    weight_levels,
    weight_step,
)
from eideploy.compile.overflow import check_width
from eideploy.compile.ranges import (
    Range,
    delivered_range,
    integrator_range,
    own_range,
    relay_range,
)
from eideploy.errors import QuantizationError
from eideploy.program import (
    Array,
    Integrator,
    IntegratorFixed,
    Population,
    Program,
    Projection,
    Relay,
)
from eideploy.program.neuron import CURRENT_SHIFT, STATE_BITS, STATE_MAX

MOST_SHIFT = STATE_BITS - 1
"""What has to drop more bits than this has nothing left to say."""

LEAST_EXPONENT = -CURRENT_SHIFT
"""A leaky neuron shifts its input to the left by 6: so far a sum can be shifted to the right, and
its weights keep all their bits where a port is too narrow for them."""

LEAST_PAYLOAD = 2**6
"""A relay that counts up to this keeps all its bits: they are worth more than those of weights."""


class Ports:
    """What has been settled so far, from the inputs on.

    Attributes:
        reach: the weight of each projection that sets its scale, larger ones saturate.
        scale: integer units per unit of what a population emits.
        port_scales: the same of what each port of a population receives.
        emitted: what a population can emit, in integers.
        populations: integer form of a population, by name.
        projections: integer form of each projection of the float Program.
    """

    def __init__(self, program: Program, weight_bits: int, calibration: Calibration) -> None:
        self.program = program
        self.weight_bits = weight_bits
        self.reach = {
            projection: calibration.reach(
                projection.operator.weight,
                weight_levels(projection, weight_bits),
                projection.target,
            )
            for projection in program.projections
        }
        spiking = [population for population in program.populations if population.neuron.spiking]
        self.scale = {population.name: 1.0 for population in spiking}
        self.port_scales: dict[str, dict[str, float]] = {}
        self.emitted = {population.name: own_range(population) for population in spiking}
        self.populations: dict[str, Population] = {}
        self.projections: dict[Projection, Projection] = {}

    def into(self, population: Population, port: str) -> list[Projection]:
        """Projections of the float Program into a port."""
        return [p for p in self.program.into(population.name) if p.port == port]

    def _full_scales(self, projections: list[Projection]) -> dict[Projection, float]:
        """The port scale at which each projection uses all its weight bits."""
        return {
            p: self.scale[p.source] * largest_weight(p, self.weight_bits) / self.reach[p]
            for p in projections
            if self.reach[p] > 0
        }

    def full_scale(self, projections: list[Projection], otherwise: float = 1.0) -> float:
        """The port scale at which all do, wasting least; `otherwise` where there are no weights."""
        full = list(self._full_scales(projections).values())
        if not full:
            return otherwise
        candidates = [f * 2.0 ** math.ceil(math.log2(max(full) / f)) for f in full]
        return min(candidates, key=lambda c: sum(math.log2(c / f) % 1.0 for f in full))

    def counting_scale(self, projections: list[Projection]) -> float | None:
        """The port scale at which every weight other than 0 is the least above 0, if one exists."""
        scales = {
            self.scale[p.source] * weight_step(p, self.weight_bits) / float(weight)
            for p in projections
            for weight in np.unique(p.operator.weight[p.operator.weight != 0])
        }
        scale = scales.pop() if len(scales) == 1 else 0.0
        return scale if scale > 0 else None

    def weights(
        self, population: Population, port: str, scale: float
    ) -> tuple[list[Projection], Range]:
        """Integer projections into a port of the given scale, and the range of their sum."""
        projections = [self._integer(p, scale) for p in self.into(population, port)]
        return projections, self._sum(population, projections)

    def _integer(self, projection: Projection, scale: float) -> Projection:
        """A projection into a port of the given scale, all of whose sums fit before any shift."""
        factor, reach = scale / self.scale[projection.source], self.reach[projection]
        source = self.program.by_name[projection.source]
        for least in range(self._least_exponent(projection), 1):
            integer = integer_weights(projection, factor, self.weight_bits, reach, least)
            whole = replace(integer, exponent=max(0, integer.exponent))
            total = delivered_range(whole, source.shape, self.emitted[source.name])
            if integer.exponent >= 0 or within_width(total):
                break
        return integer

    def _least_exponent(self, projection: Projection) -> int:
        leaky = "current_decay" in self.program.by_name[projection.target].neuron.parameters()
        return LEAST_EXPONENT if leaky else 0

    def wastes_bits(self, integer: list[Projection]) -> bool:
        """Whether weights are half as large as they could be, or less."""
        return any(
            0 < 2 * np.max(np.abs(p.operator.weight)) <= largest_weight(p, self.weight_bits)
            for p in integer
        )

    def _sum(self, population: Population, integer: list[Projection]) -> Range:
        """Range of what projections of settled sources deliver to a population together."""
        total = Range(np.zeros(()), np.zeros(()))
        for projection in integer:
            source = self.program.by_name[projection.source]
            arrived = delivered_range(projection, source.shape, self.emitted[projection.source])
            total = total + arrived.reshaped(population.shape)
        return total

    def keep(
        self, population: Population, port: str, scale: float, integer: list[Projection]
    ) -> None:
        """Settle a port; raises `QuantizationError` if a projection into it became nothing."""
        self.port_scales.setdefault(population.name, {})[port] = scale
        for old, new in zip(self.into(population, port), integer, strict=True):
            if np.any(old.operator.weight) and not np.any(new.operator.weight):
                raise QuantizationError(
                    f"projection {old.name}: all weights became 0 in {self.weight_bits} bits",
                    "They are too small beside the threshold, the bias or the other weights of "
                    f"{population.name!r}, or there are too many of them.",
                )
            self.projections[old] = new

    def announce(self, graded: Population) -> None:
        """Note what a relay or an integrator with a settled port emits."""
        shift = int(graded.neuron.parameters()["shift"])
        total = self._sum(graded, [self.projections[p] for p in self.into(graded, "input")])
        scale = self.port_scales[graded.name]["input"] / 2.0**shift
        if isinstance(graded.neuron, IntegratorFixed):
            self.scale[graded.name] = scale * 2**CURRENT_SHIFT
            self.emitted[graded.name] = integrator_range(graded, total)
        else:
            self.scale[graded.name] = scale
            self.emitted[graded.name] = relay_range(graded, total)
        self.populations[graded.name] = graded

    def settle(
        self,
        population: Population,
        scales_for: Callable[[int], dict[str, float]],
        bias: Array | float = 0.0,
    ) -> tuple[dict[str, float], dict[str, list[Projection]]]:
        """Scales and weights with which no port sum of a population leaves its width.

        What is graded drops low bits where that helps; else weights lose theirs.

        Args:
            population: that receives.
            scales_for: gives the scale of each port for a number of lost weight bits.
            bias: real value that is added to every sum.
        """
        loss = 0
        while True:
            scales = scales_for(loss)
            ports = {port: self.weights(population, port, scale) for port, scale in scales.items()}
            reached = {
                port: total.magnitude + np.abs(np.rint(bias * scales[port]))
                for port, (_, total) in ports.items()
            }
            wide = [port for port, magnitude in reached.items() if np.any(magnitude > STATE_MAX)]
            if not wide:
                return scales, {port: integer for port, (integer, _) in ports.items()}
            if self.drop_low_bits(population, wide):
                continue
            if loss == self.weight_bits:
                for port in wide:
                    check_width(population, f"sum on port {port!r}", reached[port], STATE_MAX)
            loss += 1

    def drop_low_bits(self, population: Population, ports: list[str]) -> bool:
        """Let what is graded and drives this population alone drop a bit each, if all `ports` gain.

        A port gains if one of these relays and integrators sets its scale; where another projection
        does, they would lose their bits for nothing. One that counts little, as behind a pool, has
        none to spare.
        """
        graded = [
            self.populations[name]
            for name in dict.fromkeys(p.source for p in self.program.into(population.name))
            if isinstance(self.program.by_name[name].neuron, (Relay, Integrator))
            and np.max(self.emitted[name].magnitude) > LEAST_PAYLOAD
            and all(
                p.target == population.name for p in self.program.projections if p.source == name
            )
        ]
        names = {emitter.name for emitter in graded}
        for port in ports:
            full = self._full_scales(self.into(population, port))
            others = max((f for p, f in full.items() if p.source not in names), default=0.0)
            if max(full.values(), default=0.0) <= others:
                return False
        shifts = [int(emitter.neuron.parameters()["shift"]) + 1 for emitter in graded]
        if not graded or max(shifts) > MOST_SHIFT:
            return False
        for emitter, shift in zip(graded, shifts, strict=True):
            neuron = replace(emitter.neuron, shift=shift)  # type: ignore[call-arg]
            self.announce(replace(emitter, neuron=neuron))
        return True

    def payload_room(self, population: Population) -> float:
        """Largest payload with which what a population drives can use all its weight bits."""
        room = float(STATE_MAX)
        for projection in self.program.projections:
            if projection.source != population.name or self.reach[projection] == 0:
                continue
            most = largest_weight(projection, self.weight_bits) / self.reach[projection]
            weight = np.abs(projection.operator.weight) * most
            sums = delivered_range(
                replace(projection, operator=replace(projection.operator, weight=weight)),
                population.shape,
                Range(np.zeros(()), np.ones(())),
            )
            room = min(room, STATE_MAX / float(np.max(sums.high)))
        return room


def within_width(total: Range) -> bool:
    """Whether a sum stays within the width of a port."""
    return bool(np.all(total.magnitude <= STATE_MAX))
