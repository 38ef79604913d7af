"""The targets `lava-float` and `lava-fixed`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from eideploy.compile import CompileOptions, Pass, float_pipeline, integer_pipeline
from eideploy.errors import InputError, MissingComponentError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability
from eideploy_targets.lava import limits
from eideploy_targets.lava.start_method import forking
from eideploy_targets.specs import fitted

PYTHON = (3, 10)
"""The only Python on which lava-nc 0.10 can be imported."""

EXECUTORS = ("auto", "runtime", "inprocess")
SYNAPSES = ("own", "stock")

FEW_PROCESSES = 12
"""What `auto` gives to the runtime, which takes about 0.2 ms for each of them in every step."""


@dataclass(frozen=True)
class _Lava:
    """What both targets share.

    Args:
        timeout: seconds after which a run is given up; None for never.
        chunk: most samples that are streamed in one run of Lava's runtime; fewer where they are
            large. A Program whose samples are not independent, because it is reset late or never,
            is streamed in one run whatever this is; `inprocess` always does that, and never holds
            more than a few samples.
        executor: `runtime`, Lava's own, in which each process is one of the operating system's;
            `inprocess`, the same models stepped in this process; or `auto`, see `executor_for`.
        synapses: of convolutions: `own`, ours, or `stock`, Lava's `Conv`, which gives the same and
            is much slower. All other synapses are Lava's.
    """

    name: ClassVar[str]
    arithmetic: ClassVar[str]
    relation: ClassVar[str] = "exact"

    timeout: float | None = None
    chunk: int = 10_000
    executor: str = "auto"
    synapses: str = "own"

    def __post_init__(self) -> None:
        for option, choices in (("executor", EXECUTORS), ("synapses", SYNAPSES)):
            if getattr(self, option) not in choices:
                raise InputError(
                    f"{self.name}: {option} is {getattr(self, option)!r}",
                    f"It can be {', '.join(choices)}.",
                )
        if self.chunk < 1:
            raise InputError(f"{self.name}: chunk is {self.chunk}; it takes at least one sample")
        if self.timeout is not None and self.timeout <= 0:
            raise InputError(f"{self.name}: timeout is {self.timeout:g} s; it must be positive")

    def available(self) -> Availability:
        """Whether Lava is installed on a Python that it runs on."""
        remedy = "In an environment of Python 3.10: pip install 'eideploy[lava]'"
        if sys.version_info[:2] != PYTHON:
            here = ".".join(map(str, sys.version_info[:2]))
            return Availability(False, f"Lava needs Python 3.10, this is {here}", remedy)
        try:
            missing = find_spec("lava.magma") is None
        except ModuleNotFoundError:
            missing = True
        return Availability(False, "lava-nc is not installed", remedy) if missing else _HERE

    def executor_for(self, program: Program) -> str:
        """`runtime` or `inprocess`: what this Program is run by.

        `auto` is the runtime for networks of few processes, for which it takes seconds.
        """
        if self.executor != "auto":
            return self.executor
        processes = len(program.populations) + len(program.projections)
        return "runtime" if processes <= FEW_PROCESSES else "inprocess"

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """Stream all samples back to back through a network of Lava's processes.

        Args:
            program: aligned, and of the arithmetic of this target.
            stimulus: values [sample, step, *shape] for every input.
            record: what to keep.
            progress: called with (samples done, samples in all).

        Raises:
            InputError: the Program was not aligned, or resets beyond the end of a sample.
            StimulusError: the stimulus does not fit the inputs.
            UnsupportedError: a number or a part does not fit Lava's processes.
            TargetError: a worker died, or time is up.
            MissingComponentError: Lava is not there, or cannot be imported.
        """
        availability = self.available()
        if not availability.ok:
            raise MissingComponentError(f"{self.name}: {availability.reason}", availability.remedy)
        stock = self.synapses == "stock"
        limits.check(program, self.arithmetic, stimulus.steps, stock=stock)
        try:
            with forking():
                from eideploy_targets.lava import execution
        except ImportError as error:
            raise MissingComponentError(
                f"{self.name}: Lava cannot be imported: {error}",
                "Install it again: pip install --force-reinstall 'eideploy[lava]'",
            ) from error
        with forking():
            return execution.run(
                program,
                stimulus,
                record,
                progress,
                inprocess=self.executor_for(program) == "inprocess",
                stock=stock,
                timeout=self.timeout,
                chunk=self.chunk,
            )


_HERE = Availability(True)


@dataclass(frozen=True)
class LavaFloat(_Lava):
    """Lava's floating-point models, for float64 Programs."""

    name: ClassVar[str] = "lava-float"
    arithmetic: ClassVar[str] = "float"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to a float Program."""
        return float_pipeline(options)


@dataclass(frozen=True)
class LavaFixed(_Lava):
    """Lava's fixed-point models, bit-accurate where Lava's are, for integer Programs."""

    name: ClassVar[str] = "lava-fixed"
    arithmetic: ClassVar[str] = "integer"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to an integer Program that cannot overflow."""
        return integer_pipeline(fitted(options))
