"""What a pass is, and how a pipeline of passes is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import nir

from eideploy.compile.calibration import Calibration
from eideploy.compile.chip import Chip
from eideploy.errors import EideployError, UnsupportedError
from eideploy.program import Program

Mapping = Literal["fused", "explicit"]

Pools = Literal["fold", "relay"]

Granularity = Literal["projection", "channel"]


@dataclass(frozen=True)
class CompileOptions:
    """What a user may choose about compilation.

    Args:
        mapping: `fused` (E neurons only, two ports) or `explicit` (E and I populations).
        weight_bits: width of integer weights, 2…8.
        pool: `fold` makes pools part of the kernels behind them wherever that is exact, `relay`
            leaves them populations of graded relays.
        dt: step in seconds, where the graph does not say it.
        chip: on which an integer Program has to fit; each target has one that it takes by default.
        calibration: which weights set the scale of theirs, and which saturate.
        granularity: weights have one scale for each `projection`, or for each `channel` (neuron or
            channel) that they lead to, which undoes it by a gain or a threshold of its own.
    """

    mapping: Mapping = "fused"
    weight_bits: int = 8
    pool: Pools = "fold"
    dt: float | None = None
    chip: Chip | None = None
    calibration: Calibration = field(default_factory=Calibration)
    granularity: Granularity = "channel"


@runtime_checkable
class Pass(Protocol):
    """A frozen dataclass with a name; its fields are its options.

    `requires` and `ensures` name the facts that must hold before and that hold after it; a
    pipeline in which a requirement is not met is refused before anything runs.
    """

    @property
    def name(self) -> str:
        """Name of the pass, as shown in messages."""

    @property
    def requires(self) -> frozenset[str]:
        """Facts that an earlier pass must have ensured."""

    @property
    def ensures(self) -> frozenset[str]:
        """Facts that hold afterwards."""

    def __call__(self, subject: Any, /) -> Any:
        """Graph → Graph, Graph → Program or Program → Program; the argument is not changed."""


def run_passes(passes: tuple[Pass, ...], graph: nir.NIRGraph) -> Program:
    """Run a pipeline from a graph to a Program.

    Raises:
        UnsupportedError: a pass requires what none before it ensures, or the last one does not
            give a Program.
        EideployError: whatever a pass says, with the name of the pass in front.
    """
    subject: Any = graph
    for _, made in stages(passes, graph):
        subject = made
    if not isinstance(subject, Program):
        raise UnsupportedError("the pipeline ends before the graph became a Program")
    return subject


def stages(passes: tuple[Pass, ...], graph: nir.NIRGraph) -> Iterator[tuple[str, Any]]:
    """What each pass of a pipeline makes, with its name; raises as `run_passes`."""
    subject: Any = graph
    facts: frozenset[str] = frozenset()
    for step in passes:
        if missing := step.requires - facts:
            raise UnsupportedError(
                f"pass {step.name!r} requires {sorted(missing)}, which no pass before it ensures"
            )
        try:
            subject = step(subject)
        except EideployError as error:
            raise type(error)(f"{step.name}: {error.what}", error.remedy) from error
        facts |= step.ensures
        yield step.name, subject
