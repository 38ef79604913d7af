"""Wrong backends, and how many of them the suite finds.

A mutant is the twin with one mistake in it. If a suite passes a mutant, it would pass a backend
with that mistake; a good suite fails all of them.
"""

from eideploy.conform.mutants.edit import Edit, edited
from eideploy.conform.mutants.faults import MUTANTS
from eideploy.conform.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Edit", "Mutant", "edited"]
