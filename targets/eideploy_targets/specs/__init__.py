"""Descriptions of chips, each limit with its source; found by the entry points `eideploy.chips`."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from eideploy.compile import CompileOptions
from eideploy.compile.chip import Chip, parse_chip

__all__ = ["fitted", "loihi1", "loihi2"]


def fitted(options: CompileOptions) -> CompileOptions:
    """The options with a chip: Loihi 2 where none is asked for."""
    return options if options.chip else replace(options, chip=loihi2())


def loihi1() -> Chip:
    """Intel's first Loihi: LIF neurons only, spikes without payload."""
    return _read("loihi1.yaml")


def loihi2() -> Chip:
    """Loihi 2: programmable neurons and graded spikes."""
    return _read("loihi2.yaml")


def _read(name: str) -> Chip:
    return parse_chip(files(__name__).joinpath(name).read_text(encoding="utf-8"), name)
