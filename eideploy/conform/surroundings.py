"""What a run of the suite depended on: options of the target, versions of what computed."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from eideploy import installed
from eideploy.targets import Target

PACKAGES = ("numpy", "torch", "nir", "lava-nc", "lava-dl", "onnx", "onnxruntime")


def options_of(target: Target) -> dict[str, str]:
    """The fields of a target that is a dataclass, as text."""
    if not is_dataclass(target):
        return {}
    return {field.name: str(getattr(target, field.name)) for field in fields(target)}


def environment() -> dict[str, str]:
    """Versions of Python, of the platform and of the packages that are installed, by name."""
    return installed.environment(*PACKAGES)
