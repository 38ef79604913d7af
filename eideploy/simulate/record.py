"""What a run shall keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eideploy.errors import InputError
from eideploy.program import Population, Program

Progress = Callable[[int, int], None]
"""Called with (samples done, samples in all)."""


@dataclass(frozen=True)
class Record:
    """Which populations to record, and whether with their state.

    Args:
        populations: names; None for all but the inputs.
        state: whether to keep the state variables too.
    """

    populations: tuple[str, ...] | None = None
    state: bool = True

    def chosen(self, program: Program) -> tuple[Population, ...]:
        """The populations of `program` to record.

        Raises:
            InputError: a name is not in the Program.
        """
        if self.populations is None:
            inputs = {population.name for population in program.sources}
            return tuple(p for p in program.populations if p.name not in inputs)
        unknown = [name for name in self.populations if name not in program.by_name]
        if unknown:
            raise InputError(f"cannot record {unknown}; there are {sorted(program.by_name)}")
        return tuple(program.by_name[name] for name in self.populations)
