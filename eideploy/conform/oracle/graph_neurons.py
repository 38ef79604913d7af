"""Neurons of a graph in exact arithmetic: receive, integrate, test, reset, in this order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Node = dict[str, Any]

GRADED = ("LI", "CubaLI", "I")
"""Neurons that do not spike and give their potential."""

NEURONS = (
    *("Threshold", "LIF", "CubaLIF", "IF", *GRADED),
    *("SoftResetLIF", "SoftResetCubaLIF", "SoftResetIF"),
)


class Cells:
    """The neurons of one node in the middle of a sample.

    Args:
        node: type and parameters, each a list with a number for each neuron.
        dt: length of a step in seconds; 1 where there is none.
    """

    def __init__(self, node: Node, dt: Fraction | None) -> None:
        self.node, self.dt = node, Fraction(1) if dt is None else dt
        self.kind: str = node["type"]
        n = len(node["threshold"] if self.kind == "Threshold" else node["r"])
        nothing = [Fraction(0)] * n
        self.leak: list[Fraction] = node.get("v_leak", nothing)
        self.v = list(self.leak)
        self.i = list(nothing)
        self.tested = list(self.v)
        """The potentials as they were tested: after integration and before reset."""

    def step(self, x: list[Fraction]) -> list[Fraction]:
        """What the neurons give for the input x of one step."""
        return [self._step(k, value) for k, value in enumerate(x)]

    def _step(self, k: int, x: Fraction) -> Fraction:
        v = self.tested[k] = self._integrate(k, x)
        if self.kind in GRADED:
            self.v[k] = v
            return v
        field = "threshold" if self.kind == "Threshold" else "v_threshold"
        threshold: Fraction = self.node[field][k]
        spike = v > threshold
        if not spike:
            self.v[k] = v
        elif self.kind.startswith("SoftReset"):
            self.v[k] = v - threshold
        elif self.kind != "Threshold":
            self.v[k] = self.node["v_reset"][k]
        return Fraction(spike)

    def _integrate(self, k: int, x: Fraction) -> Fraction:
        """The potential of neuron k in this step."""
        if self.kind == "Threshold":
            return x
        v, r = self.v[k], self.node["r"][k]
        if self.kind in ("I", "IF", "SoftResetIF"):
            return v + self.dt * r * x
        if "Cuba" in self.kind:
            rate = self.dt / self.node["tau_syn"][k]
            self.i[k] += rate * (self.node["w_in"][k] * x - self.i[k])
            return v + self.dt / self.node["tau_mem"][k] * (self.leak[k] - v + r * self.i[k])
        return v + self.dt / self.node["tau"][k] * (self.leak[k] - v + r * x)
