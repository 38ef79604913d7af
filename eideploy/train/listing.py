"""What is installed to train: every recipe with what it costs and what it should come to."""

from __future__ import annotations

from typing import Any

from eideploy.errors import EideployError
from eideploy.train.cost import cost_of
from eideploy.train.recipe import Recipe, load_recipe
from eideploy.train.zoo import recipe_files

_KEYS = (
    "model",
    "data",
    "steps",
    "parameters",
    "synaptic_operations",
    "expected",
    "description",
    "error",
)


def list_recipes() -> list[dict[str, Any]]:
    """One row for each installed recipe, by name.

    Returns:
        Rows of `name`, `model`, `data`, `steps`, `parameters`, `synaptic_operations` (of one step
        of one sample, see `eideploy.train.cost`), `expected` (`accuracy` in % and `source`, or
        None), `description`, and `error`: None, or why the rest of the row is None, as where the
        model of some other package is broken, which is no reason to hide the other rows.
    """
    return [{"name": name, **dict.fromkeys(_KEYS), **_row(name)} for name in sorted(recipe_files())]


def _row(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    try:
        recipe = load_recipe(name)
        row |= _about(recipe)
        row |= _cost(recipe)
    except EideployError as error:
        row["error"] = error.what
    except Exception as error:  # noqa: BLE001 - builders of other packages may raise anything
        row["error"] = f"{type(error).__name__}: {error}"
    return row


def _about(recipe: Recipe) -> dict[str, Any]:
    return {
        "model": recipe.model.name,
        "data": recipe.data.name,
        "steps": recipe.steps,
        "expected": recipe.expected.model_dump() if recipe.expected else None,
        "description": recipe.description,
    }


def _cost(recipe: Recipe) -> dict[str, int]:
    cost = cost_of(recipe)
    return {"parameters": cost.parameters, "synaptic_operations": cost.synaptic_operations}
