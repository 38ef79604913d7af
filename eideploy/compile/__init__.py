"""Graph → Program, by small passes. A pipeline is a tuple of passes, one per target, as data."""

from eideploy.compile.calibration import Calibration
from eideploy.compile.passes import CompileOptions, Mapping, Pass, run_passes
from eideploy.compile.pipelines import float_pipeline, integer_pipeline

__all__ = [
    "Calibration",
    "CompileOptions",
    "Mapping",
    "Pass",
    "float_pipeline",
    "integer_pipeline",
    "run_passes",
]
