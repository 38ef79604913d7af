"""The `Target` protocol and the registry of targets; the backends themselves are plug-ins."""

from eideploy.targets.chips import chip_names, load_chip
from eideploy.targets.output import writer
from eideploy.targets.protocol import Availability, FileFormat, Target
from eideploy.targets.registry import load_target, require, target_names

__all__ = [
    "Availability",
    "FileFormat",
    "Target",
    "chip_names",
    "load_chip",
    "load_target",
    "require",
    "target_names",
    "writer",
]
