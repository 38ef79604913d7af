"""A case: one property of spiking networks, and the smallest network that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import nir

from eideploy.compile import CompileOptions
from eideploy.program import Program, Stimulus


@dataclass(frozen=True, eq=False)
class Case:
    """A network, what is shown to it, and what must hold.

    A case holds no result: that is what the oracle computes of it, `expected`.

    Args:
        name: `topic/what-it-is`, in lower case, unique and never changed: others list it.
        claim: what must hold, in a sentence.
        network: a Program, aligned and ready to run, or a graph, which the target compiles.
        stimulus: what is shown to it.
        options: how a graph is compiled; of no meaning to a Program.
        state: whether the state of neurons is part of what is expected, beside what they emit.
            Only of Programs: a graph does not say how a target scales it.
    """

    name: str
    claim: str
    network: Program | nir.NIRGraph
    stimulus: Stimulus
    options: CompileOptions = field(default_factory=CompileOptions)
    state: bool = True

    @property
    def topic(self) -> str:
        """What it is about: the first part of its name."""
        return self.name.split("/", 1)[0]

    @property
    def arithmetic(self) -> str | None:
        """`float` or `integer`, or None of a graph, which becomes what the target needs."""
        return self.network.arithmetic if isinstance(self.network, Program) else None

    def applies_to(self, arithmetic: str) -> bool:
        """Whether a target of that arithmetic can be asked at all."""
        return self.arithmetic in (None, arithmetic)
