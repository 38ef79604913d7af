"""The targets `onnx` and `onnx-fixed`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, Literal, get_args

from eideploy.compile import CompileOptions, Pass, float_pipeline, integer_pipeline
from eideploy.errors import InputError, MissingComponentError, UnsupportedError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class _Onnx:
    """What both targets share.

    Args:
        device: on which onnxruntime computes.
        memory: bytes that a run may take, about; samples are shown in chunks that do.
    """

    name: ClassVar[str]
    arithmetic: ClassVar[str]
    relation: ClassVar[str] = "exact"
    suffix: ClassVar[str] = ".onnx"

    device: Device = "cpu"
    memory: int = 2**29

    def __post_init__(self) -> None:
        if self.device not in get_args(Device):
            raise InputError(
                f"{self.name}: device is {self.device!r}, expected one of {get_args(Device)}"
            )
        if self.memory < 1:
            raise InputError(f"{self.name}: memory is {self.memory} bytes; it must be positive")

    def available(self) -> Availability:
        """Whether onnx and onnxruntime are installed, the latter for the device."""
        missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        if missing:
            return Availability(
                False, f"{' and '.join(missing)} is not installed", "pip install 'eideploy[onnx]'"
            )
        try:
            from eideploy_targets.onnx import session
        except ImportError as error:
            return Availability(
                False,
                f"it cannot be imported: {error}",
                "pip install --force-reinstall 'eideploy[onnx]'",
            )
        return session.available(self.device)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """Run the model of `program` on all samples, a chunk of them at a time.

        Args:
            program: aligned, and of the arithmetic of this target.
            stimulus: values [sample, step, *shape] for every input.
            record: what to keep.
            progress: called with (samples done, samples in all).

        Raises:
            StimulusError: the stimulus does not fit the inputs.
            UnsupportedError: the Program is of the other arithmetic, has no logical time, or holds
                what ONNX models have not.
            MissingComponentError: onnx or onnxruntime is missing, or has no such device.
            TargetError: onnxruntime failed.
        """
        self._check(program)
        availability = self.available()
        if not availability.ok:
            raise MissingComponentError(f"{self.name}: {availability.reason}", availability.remedy)
        from eideploy_targets.onnx import session

        return session.run(
            program, stimulus, record, progress, device=self.device, memory=self.memory
        )

    def write(self, path: str | os.PathLike[str], program: Program) -> None:
        """Write the model of `program`, whose outputs are those of the Program.

        Raises:
            UnsupportedError: as `run`.
            MissingComponentError: onnx is missing.
            OutputError: the file cannot be written.
        """
        self._check(program)
        if find_spec("onnx") is None:
            raise MissingComponentError("onnx is not installed", "pip install 'eideploy[onnx]'")
        from eideploy_targets.onnx.model import write

        write(path, program)

    def _check(self, program: Program) -> None:
        if program.arithmetic != self.arithmetic:
            raise UnsupportedError(
                f"target {self.name!r} runs Programs of {self.arithmetic} arithmetic; this one is "
                f"of {program.arithmetic} arithmetic",
                "Use target 'onnx' for float Programs, 'onnx-fixed' for integer ones.",
            )


@dataclass(frozen=True)
class Onnx(_Onnx):
    """A float64 Program as an ONNX model."""

    name: ClassVar[str] = "onnx"
    arithmetic: ClassVar[str] = "float"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to a float Program."""
        return float_pipeline(options)


@dataclass(frozen=True)
class OnnxFixed(_Onnx):
    """An integer Program as an ONNX model, exact in every bit."""

    name: ClassVar[str] = "onnx-fixed"
    arithmetic: ClassVar[str] = "integer"

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to an integer Program that cannot overflow."""
        return integer_pipeline(options)
