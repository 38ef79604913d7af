"""The `Target` protocol and the registry of targets; the backends themselves are plug-ins."""

from eideploy.targets.protocol import Availability, Target
from eideploy.targets.registry import load_target, require, target_names

__all__ = ["Availability", "Target", "load_target", "require", "target_names"]
