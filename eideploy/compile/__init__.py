"""Graph → Program, by small passes. A pipeline is a tuple of passes, one per target, as data."""

from eideploy.compile.passes import CompileOptions, Pass, run_passes

__all__ = ["CompileOptions", "Pass", "run_passes"]
