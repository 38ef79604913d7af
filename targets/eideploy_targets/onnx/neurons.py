"""Populations as nodes: what one does in a step, its parameters being constants of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import (
    EINeuron,
    EINeuronFixed,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Population,
    Relay,
)
from eideploy.program.neuron import CURRENT_SHIFT
from eideploy_targets.onnx.sheet import Sheet


@dataclass(frozen=True)
class Update:
    """Names of the values that a population has in a step.

    Args:
        output: what it emits: truth values if it spikes.
        tested: state after integration, by variable.
        after: state after the reset, by variable, and what counts steps.
    """

    output: str
    tested: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


def update(
    sheet: Sheet, population: Population, ports: Mapping[str, str], state: Mapping[str, str]
) -> Update:
    """Add one step of a population: it integrates what arrived, tests and resets.

    Args:
        sheet: where the nodes go.
        population: which one.
        ports: names of the sums at its ports.
        state: names of its state variables, and of what counts steps, before the step.

    Raises:
        UnsupportedError: the neuron model is of an unknown kind.
    """
    return _Step(sheet, population, ports, state).update()


@dataclass(frozen=True)
class _Step:
    sheet: Sheet
    population: Population
    ports: Mapping[str, str]
    state: Mapping[str, str]

    def update(self) -> Update:
        match self.population.neuron:
            case Relay(shift=shift):
                return Update(self._relay(shift))
            case LIFNeuron(reset=reset, threshold=threshold, reset_to=amount):
                current, voltage = self._leaky("LeakyIntegrator", "gain", "bias", "current_bias")
                return self._held(self._fire(voltage, reset, threshold, amount, u=current))
            case Integrator():
                current, voltage = self._leaky("LeakyIntegrator", "gain", "bias", "current_bias")
                return self._graded(voltage, current)
            case EINeuron(reset=reset, threshold=threshold, reset_to=amount):
                parameters = self._parameters("voltage_decay", "gain", "bias", "floor")
                return self._fire(
                    self._divided("EIIntegrator", parameters), reset, threshold, amount
                )
            case LIFNeuronFixed(reset=reset) as neuron:
                current, voltage = self._leaky_fixed(neuron)
                threshold = neuron.threshold << CURRENT_SHIFT
                amount = threshold if reset == "subtract" else neuron.reset_to
                return self._held(self._fire(voltage, reset, threshold, amount, u=current))
            case IntegratorFixed(shift=shift) as neuron:
                current, voltage = self._leaky_fixed(neuron)
                return self._graded(voltage, current, self._nearest(voltage, shift))
            case EINeuronFixed(reset=reset, threshold=threshold) as neuron:
                parameters = [
                    *self._parameters("voltage_decay", "gain", "bias", "floor"),
                    self._constant("quotient_unit", 1 << neuron.quotient_shift),
                    self._constant("most", (1 << (neuron.quotient_bits - 1)) - 1),
                ]
                voltage = self._divided("EIIntegratorFixed", parameters)
                amount = threshold if reset == "subtract" else neuron.reset_to
                return self._fire(voltage, reset, threshold, amount)
            case neuron:
                raise UnsupportedError(
                    f"population {self.population.name!r}: there is no {type(neuron).__name__} in "
                    "ONNX models"
                )

    def _constant(self, parameter: str, values: Any) -> str:
        return self.sheet.constant(f"{self.population.name}.{parameter}", values)

    def _parameters(self, *names: str) -> list[str]:
        values = self.population.neuron.parameters()
        return [self._constant(name, values[name]) for name in names]

    def _name(self, value: str) -> str:
        return f"{self.population.name}.{value}"

    def _relay(self, shift: Any) -> str:
        total = self.sheet.add(
            "Add",
            [self.ports["input"], *self._parameters("bias")],
            self._name("total"),
            self.population.name,
        )
        return self._nearest(total, shift)

    def _nearest(self, value: str, shift: Any) -> str:
        """⌊value / 2^shift + 1/2⌋."""
        if not np.any(shift):
            return value
        unit = 1 << shift
        divisor, half = self._constant("unit", unit), self._constant("half", unit >> 1)
        return self.sheet.add("NearestDivision", [value, divisor, half], self._name("rounded"))

    def _leaky(self, kind: str, *rest: str) -> list[str]:
        parameters = self._parameters("current_decay", "voltage_decay", *rest)
        return self._filtered(kind, parameters)

    def _leaky_fixed(self, neuron: LIFNeuronFixed | IntegratorFixed) -> list[str]:
        parameters = [
            *self._parameters("current_decay", "voltage_decay"),
            self._constant("bias", neuron.bias_mantissa << neuron.bias_exponent),
            *self._parameters("current_bias"),
        ]
        return self._filtered("LeakyIntegratorFixed", parameters)

    def _filtered(self, kind: str, parameters: list[str]) -> list[str]:
        """Current and voltage of a model with both."""
        return self.sheet.add_several(
            kind,
            [self.ports["input"], self.state["u"], self.state["v"], *parameters],
            (self._name("u.tested"), self._name("v.tested")),
            self.population.name,
        )

    def _divided(self, kind: str, parameters: list[str]) -> str:
        """Voltage of a model under divisive inhibition."""
        inputs = [self.ports["balanced"], self.ports["shunt"], self.state["v"], *parameters]
        return self.sheet.add(kind, inputs, self._name("v.tested"), self.population.name)

    def _graded(self, voltage: str, current: str, output: str | None = None) -> Update:
        state = {"u": current, "v": voltage}
        return Update(output or voltage, state, state)

    def _fire(
        self, voltage: str, reset: str, threshold: Any, amount: Any, **currents: str
    ) -> Update:
        spikes, after = self.sheet.add_several(
            "FireAndSubtract" if reset == "subtract" else "FireAndReset",
            [voltage, self._constant("threshold", threshold), self._constant("reset_to", amount)],
            (self._name("spikes"), self._name("v.after")),
        )
        return Update(spikes, {**currents, "v": voltage}, {**currents, "v": after})

    def _held(self, fired: Update) -> Update:
        """The same, but with v as it was, and no spike, in the steps after a spike."""
        if not np.any(self.population.neuron.parameters()["refractory"]):
            return fired
        inputs = [fired.output, fired.tested["v"], fired.after["v"]]
        inputs += [self.state["v"], self.state["remaining"], *self._parameters("refractory")]
        names = ("fired", "v.held", "v.kept", "remaining.after")
        spikes, tested, after, remaining = self.sheet.add_several(
            "Refractory", inputs, [self._name(name) for name in names]
        )
        return Update(
            spikes,
            {**fired.tested, "v": tested},
            {**fired.after, "v": after, "remaining": remaining},
        )
