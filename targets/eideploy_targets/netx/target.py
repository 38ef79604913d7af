"""The target `netx`: networks as files of lava-dl, run by `lava.lib.dl.netx`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from eideploy.compile import CompileOptions, Pass, integer_pipeline
from eideploy.compile.overflow import Prove
from eideploy.errors import InputError, MissingComponentError
from eideploy.program import Program, Stimulus, Trace
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability
from eideploy_targets.lava.start_method import forking
from eideploy_targets.lava.target import PYTHON
from eideploy_targets.netx.exporting import to_network
from eideploy_targets.netx.form import NetxForm
from eideploy_targets.netx.importing import to_program
from eideploy_targets.netx.layers import Shape
from eideploy_targets.netx.quiet import quiet
from eideploy_targets.netx.reading import about, read_network
from eideploy_targets.netx.writing import write_network


@dataclass(frozen=True)
class Netx:
    """Integer Programs that are chains of lava-dl's layers, in lava-dl's own runtime.

    The arithmetic is that of the reference bit for bit: netx puts Lava's Dense or Conv, which take
    a step, in front of Lava's bit-accurate LIF. Between samples netx resets each layer as its first
    step comes (`reset_interval`); a network with loops or delays, which could carry a spike from
    one sample into the next, is started anew for each sample instead.

    Args:
        timeout: seconds after which a run is given up; None for never.
        chunk: samples that are streamed in one run of Lava.
    """

    timeout: float | None = None
    chunk: int = 1000

    name: ClassVar[str] = "netx"
    arithmetic: ClassVar[str] = "integer"
    relation: ClassVar[str] = "exact"
    records_state: ClassVar[bool] = False
    suffix: ClassVar[str] = ".net"

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise InputError(f"{self.name}: chunk is {self.chunk}; it takes at least one sample")
        if self.timeout is not None and self.timeout <= 0:
            raise InputError(f"{self.name}: timeout is {self.timeout:g} s; it must be positive")

    def pipeline(self, options: CompileOptions) -> tuple[Pass, ...]:
        """Passes from a graph to an integer Program in lava-dl's numbers."""
        return (*integer_pipeline(options), NetxForm(), Prove())

    def available(self) -> Availability:
        """Whether lava-dl is installed on a Python that it runs on."""
        remedy = "In an environment of Python 3.10: pip install 'eideploy[lava]'"
        if sys.version_info[:2] != PYTHON:
            here = ".".join(map(str, sys.version_info[:2]))
            return Availability(False, f"lava-dl needs Python 3.10, this is {here}", remedy)
        try:
            # Not the module itself: looking for it imports all of lava-dl.
            found = find_spec("lava.lib.dl") is not None
        except ModuleNotFoundError:
            found = False
        return Availability(True) if found else Availability(False, "lava-dl is missing", remedy)

    def write(self, path: str | os.PathLike[str], program: Program) -> None:
        """Write a Program as a network file of lava-dl.

        Raises:
            UnsupportedError: netx has no layer for something in it.
            OutputError: the file cannot be written.
        """
        write_network(path, to_network(program))

    def read(self, path: str | os.PathLike[str], input_shape: Shape | None = None) -> Program:
        """Read a network file of lava-dl as the integer Program that netx makes of it.

        Args:
            path: of the file.
            input_shape: [n] or [c, h, w], where the file does not say it.

        Warns:
            EideployWarning: netx passes over something that is in the file.

        Raises:
            InputError: the file cannot be read, or does not make sense.
            UnsupportedError: it holds a layer or a neuron that a Program has not.
        """
        with about(path):
            return to_program(read_network(path, input_shape), Path(path).stem)

    def run(
        self,
        program: Program,
        stimulus: Stimulus,
        record: Record,
        progress: Progress | None = None,
    ) -> Trace:
        """Write a Program as a file and let netx run that; state is not recorded.

        Raises:
            StimulusError: the stimulus does not fit the input.
            UnsupportedError: netx has no layer for something in the Program.
            TargetError: a worker died, or time is up.
            MissingComponentError: lava-dl is not there, or cannot be imported.
        """
        availability = self.available()
        if not availability.ok:
            raise MissingComponentError(f"{self.name}: {availability.reason}", availability.remedy)
        network = to_network(program)
        try:
            with forking(), quiet():
                from eideploy_targets.netx import execution
        except ImportError as error:
            raise MissingComponentError(
                f"{self.name}: lava-dl cannot be imported: {error}",
                "Install it again: pip install --force-reinstall 'eideploy[lava]'",
            ) from error
        with forking(), TemporaryDirectory(prefix="eideploy-") as folder:
            path = Path(folder) / f"network{self.suffix}"
            write_network(path, network)
            return execution.run(
                program, path, stimulus, record, progress, timeout=self.timeout, chunk=self.chunk
            )
