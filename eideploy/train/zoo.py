"""Models and recipes of installed packages, found by the entry point group `eideploy.models`.

The entry point of a package is a mapping from names to builders (see `Builder`); recipes are the
YAML files in a folder `recipes` beside the module that holds it.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, create_model

from eideploy.errors import MissingComponentError, RecipeError
from eideploy.train.complaint import nearest

if TYPE_CHECKING:
    from norse.torch import SequentialState
    from torch import nn

GROUP = "eideploy.models"


class Builder(Protocol):
    """Makes a network over sequences; its keyword-only arguments are the options of a recipe."""

    def __call__(
        self,
        input_shape: tuple[int, ...],
        classes: int,
        neuron: Callable[[], nn.Module],
        **options: Any,
    ) -> SequentialState:
        """Build the network.

        Args:
            input_shape: shape of one sample of one step.
            classes: outputs of the readout.
            neuron: makes a LIF over sequences [T, B, …].
            options: of this model.
        """
        ...


def find_builder(name: str) -> Builder:
    """The builder of that name.

    Raises:
        RecipeError: there is none.
        MissingComponentError: there is none, and a package that offers models cannot be imported.
    """
    builders, broken = _builders()
    if name in builders:
        return builders[name]
    if broken:  # it may be the one that offers the model
        raise broken[0]
    raise RecipeError(f"no model is named {name!r}", nearest(name, builders))


def list_models() -> list[str]:
    """Names of all installed models.

    Raises:
        MissingComponentError: a package that offers models cannot be imported.
    """
    builders, broken = _builders()
    if broken:
        raise broken[0]
    return sorted(builders)


def options_model(name: str) -> type[BaseModel]:
    """A pydantic model of the options of a builder, made from its signature.

    Raises:
        RecipeError: there is no builder of that name.
        MissingComponentError: as `find_builder`.
    """
    builder = find_builder(name)
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(builder).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(
        f"{name} options",
        __config__=ConfigDict(strict=True, extra="forbid", frozen=True),
        __module__=builder.__module__,  # where annotations that are text are looked up
        **fields,
    )


def recipe_files() -> dict[str, Path]:
    """YAML files of all installed recipes by name; no package is imported to find them."""
    return {
        file.stem: file
        for entry in _entries()
        if (folder := _folder(entry))
        for file in sorted(folder.glob("recipes/*.yaml"))
    }


def _builders() -> tuple[dict[str, Builder], list[MissingComponentError]]:
    """Builders by name, and an error for each package that cannot be imported."""
    builders: dict[str, Builder] = {}
    broken: list[MissingComponentError] = []
    for entry in _entries():
        try:
            builders |= _load(entry)
        except MissingComponentError as error:
            broken.append(error)
    return builders, broken


def _entries() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP))


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except ImportError as error:
        raise MissingComponentError(
            f"models of {entry.name!r} ({entry.value}) cannot be imported: {error}",
            "Reinstall the package that offers them, or remove it.",
        ) from error


def _folder(entry: EntryPoint) -> Path | None:
    """The folder of the module that an entry point names, None if there is no such module."""
    try:
        spec = importlib.util.find_spec(entry.module)
    except ImportError:
        return None
    return Path(spec.origin).parent if spec and spec.origin else None
