"""The cases, a module for each topic or a few that belong together.

A module offers `cases()`, which makes its cases one after the other. Nothing in a case is drawn by
a generator that may change: numbers are written down, follow a rule, or come from `draw`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from eideploy.conform.case import Case

MODULES: tuple[str, ...] = (
    "threshold",
    "reset",
    "decay",
    "overflow",
    "weights",
    "bias",
    "refractory",
    "carry",
    "circuits",
    "circuits_neurons",
    "graded",
    "graded_integrators",
    "delays",
    "delays_ends",
    "loops",
    "loops_parts",
    "convolution",
    "convolution_forms",
    "pooling",
    "fan",
    "ports",
    "graphs_neurons",
    "graphs_layers",
    "graphs_wiring",
    "activity",
    "long",
    "large",
    "graphs_images",
    "graphs_pools",
    "graphs_delays",
    "graphs_loops",
    "graphs_circuits",
    "mappings",
    "floating",
    "floating_paths",
)
"""Modules of this package that hold cases, in the order of the suite."""


def suite() -> Iterator[Case]:
    """All cases, in an order that does not change."""
    for name in MODULES:
        yield from import_module(f"{__name__}.{name}").cases()
