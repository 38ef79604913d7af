"""All neuron models by arithmetic and name, and where their state starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eideploy.conform.oracle import fixed, floating
from eideploy.conform.oracle.document import Number

State = tuple[Any, ...]


@dataclass(frozen=True)
class Model:
    """What a neuron has, and what it does in a step.

    Args:
        ports: names of its inputs, in the order in which `step` takes them.
        state: names of its state variables, in the order in which `step` takes them.
        step: (parameters, state, sums on its ports) → (what it emits, state as tested, state).
        counters: what it counts beside them, which is in no trace; `step` takes them last.
        bounded: `step` keeps its state within 24 bits; where it does not, a Program that leaves
            them has no meaning.
    """

    ports: tuple[str, ...]
    state: tuple[str, ...]
    step: Callable[[dict[str, Any], Any, Any], tuple[Any, State, State]]
    counters: tuple[str, ...] = ()
    bounded: bool = True

    def start(self, parameters: dict[str, Any]) -> State:
        """State before the first step: 0, but `initial` for v where the model has that."""
        zero: Number = 0
        return tuple(
            parameters.get("initial", zero) if name == "v" else zero
            for name in (*self.state, *self.counters)
        )


_ONE = ("input",)
_TWO = ("balanced", "shunt")

MODELS: dict[str, dict[str, Model]] = {
    "integer": {
        "Relay": Model(_ONE, (), fixed.relay),
        "LIFNeuronFixed": Model(_ONE, ("u", "v"), fixed.lif, ("remaining",)),
        "IntegratorFixed": Model(_ONE, ("u", "v"), fixed.integrator),
        "EINeuronFixed": Model(_TWO, ("v",), fixed.circuit, bounded=False),
    },
    "float": {
        "Relay": Model(_ONE, (), floating.relay),
        "LIFNeuron": Model(_ONE, ("u", "v"), floating.lif, ("remaining",)),
        "Integrator": Model(_ONE, ("u", "v"), floating.integrator),
        "EINeuron": Model(_TWO, ("v",), floating.circuit),
    },
}
"""Sources are not among them: they emit what is shown."""
