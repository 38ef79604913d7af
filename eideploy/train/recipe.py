"""Recipes: everything that decides how a network is trained and what is asked of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from eideploy.errors import RecipeError
from eideploy.train import zoo
from eideploy.train.complaint import complaint, nearest
from eideploy.train.data import find_dataset
from eideploy.train.document import dump, parse
from eideploy.train.sections import (
    AugmentSection,
    Count,
    DataSection,
    ExpectedSection,
    LimitsSection,
    ModelSection,
    NeuronSection,
    OptimizerSection,
    Positive,
    QuantizeSection,
    ScheduleSection,
    Section,
    TrainingSection,
)

S = TypeVar("S", bound=BaseModel)


class Recipe(Section):
    """A recipe; `load_recipe` makes one from YAML.

    Attributes:
        name: what reports call the network.
        description: one line for listings.
        seed: of weights and order of samples.
        steps: T, steps for which each sample is shown.
        dt: length of a step in seconds.
        expected: what training should come to, if that is known.
    """

    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    steps: Count = 8
    dt: Positive = 1e-3
    model: ModelSection
    data: DataSection
    neuron: NeuronSection = NeuronSection()
    training: TrainingSection = TrainingSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    quantize: QuantizeSection = QuantizeSection()
    limits: LimitsSection = LimitsSection()
    expected: ExpectedSection | None = None

    def to_yaml(self) -> str:
        """The recipe with every default written out; `parse_recipe` gives the same back."""
        return dump(self.model_dump(mode="json"))


def load_recipe(path_or_name: str | Path) -> Recipe:
    """Read a recipe from a YAML file, or by the name of an installed one.

    Args:
        path_or_name: a path, or a name from `list_recipes`.

    Raises:
        RecipeError: there is no such recipe, or something in it is wrong; names file and key.
    """
    path = Path(path_or_name)
    # A folder of that name, such as the run of an earlier training, is no recipe.
    if not path.suffix and not path.is_file() and len(path.parts) == 1:
        path = _installed(str(path_or_name))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RecipeError(
            f"recipe {path} does not exist",
            "Give a YAML file, or a name that `eideploy models` lists.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"cannot read recipe {path}: {error}", "Give a YAML text file."
        ) from error
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """Make a recipe of YAML text.

    Args:
        text: the YAML document.
        source: what to call it in an error.

    Raises:
        RecipeError: something in it is wrong; names the source and the key.
    """
    return _validate(parse(text, source), source)


def override(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with some values changed.

    Args:
        recipe: where to start.
        changes: "key.path=value" each, the value in YAML, as in "neuron.reset=subtract".

    Raises:
        RecipeError: a change has no "=", or names no key, or its value is wrong.
    """
    values = recipe.model_dump(mode="json")
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise RecipeError(
                f"--set {change}: expected KEY=VALUE", "Write for example neuron.reset=subtract."
            )
        *sections, key = path.strip().split(".")
        place = values
        for depth, section in enumerate(sections):
            if not isinstance(place.get(section), dict):
                valid = [name for name, value in place.items() if isinstance(value, dict)]
                raise RecipeError(
                    f"--set {change}: there is no section {'.'.join(sections[: depth + 1])!r}",
                    nearest(section, valid),
                )
            place = place[section]
        place[key] = parse(text, f"--set {change}")
    if not changes:
        return recipe
    source = "--set " + " ".join(changes)
    try:
        return _validate(values, source)
    except RecipeError as error:
        before = recipe.model.name
        chosen = next((c.partition("=")[2] for c in changes if c.startswith("model.name=")), before)
        if chosen == before or chosen not in zoo.list_models():
            raise
        fields = zoo.options_model(chosen).model_fields
        options = ", ".join(sorted(fields, key=lambda name: not fields[name].is_required()))
        raise RecipeError(
            f"{error.what} (the options of the model {before!r} are still there)",
            f"Say the whole section: --set 'model={{name: {chosen}, …}}', with {options}.",
        ) from error


def _validate(values: Any, source: str) -> Recipe:
    if not isinstance(values, dict):
        raise RecipeError(
            f"{source}: expected keys and values, got {type(values).__name__}",
            "A recipe starts with a line such as `name: digits_mlp`.",
        )
    recipe = _check(Recipe, values, source)
    name, options = recipe.model.name, recipe.model.options
    try:
        schema = zoo.options_model(name)
        _check_augmentation(recipe.data)
    except RecipeError as error:
        raise RecipeError(f"{source}: {error.what}", error.remedy) from error
    complete = _check(schema, options, source, ("model",))
    model = ModelSection(name=name, **complete.model_dump(mode="json"))
    return recipe.model_copy(update={"model": model})


def _check_augmentation(data: DataSection) -> None:
    spec = find_dataset(data.name, flat=data.flat)
    if data.augment != AugmentSection() and (spec.timed or len(spec.shape) != 3):
        kind = "event data" if spec.timed else "flat samples"
        raise RecipeError(
            f"data.augment is for images; {data.name} gives {kind} of shape {list(spec.shape)}",
            "Leave data.augment out" + ("." if spec.timed else ", or set data.flat to false."),
        )


def _check(
    schema: type[S], values: dict[str, Any], source: str, section: tuple[str, ...] = ()
) -> S:
    try:
        # Strict validation takes a JSON array for a tuple, and would not take a Python list.
        return schema.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise complaint(error, schema, source, section) from error


def _installed(name: str) -> Path:
    recipes = zoo.recipe_files()
    if name not in recipes:
        raise RecipeError(f"no recipe is named {name!r}", nearest(name, recipes))
    return recipes[name]
