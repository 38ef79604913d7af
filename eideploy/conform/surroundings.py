"""What a run of the suite depended on: options of the target, versions of what computed."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import fields, is_dataclass

from eideploy.targets import Target

PACKAGES = ("numpy", "torch", "nir", "lava-nc", "lava-dl", "onnx", "onnxruntime")


def options_of(target: Target) -> dict[str, str]:
    """The fields of a target that is a dataclass, as text."""
    if not is_dataclass(target):
        return {}
    return {field.name: str(getattr(target, field.name)) for field in fields(target)}


def environment() -> dict[str, str]:
    """Versions of Python, of the platform and of the packages that are installed, by name."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
