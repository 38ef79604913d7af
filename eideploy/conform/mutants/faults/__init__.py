"""The mistakes: a module for each part of a backend in which they are made."""

from __future__ import annotations

from eideploy.conform.mutants.faults import (
    circuit,
    firing,
    geometry,
    graded,
    leak,
    synapse,
    time,
)
from eideploy.conform.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *firing.MUTANTS,
    *leak.MUTANTS,
    *synapse.MUTANTS,
    *geometry.MUTANTS,
    *time.MUTANTS,
    *circuit.MUTANTS,
    *graded.MUTANTS,
)
"""All of them, in the order of the report."""
