"""Recipes: what is read, what is refused, and in what words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eideploy.errors import RecipeError
from eideploy.train import Recipe, load_recipe, override, parse_recipe
from eideploy.train.zoo import recipe_files

SHORTEST = """
name: mine
model: {name: mlp}
data: {name: digits, flat: true}
"""


def complaint(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "mine.yaml")
    return str(caught.value)


def test_defaults_are_those_of_the_paper_and_of_verify() -> None:
    recipe = parse_recipe(SHORTEST, "mine.yaml")
    assert (recipe.neuron.tau, recipe.neuron.threshold, recipe.neuron.alpha) == (2.0, 1.0, 4.0)
    assert recipe.neuron.reset == "zero"
    assert recipe.dt == 1e-3
    assert recipe.quantize.weight_bits == 8
    assert (recipe.limits.accuracy_drop, recipe.limits.agreement) == (0.5, 98.0)


def test_defaults_of_the_model_are_written_out() -> None:
    recipe = parse_recipe(SHORTEST, "mine.yaml")
    assert recipe.model.options == {
        "hidden": [256, 128],
        "inhibition": True,
        "ratio": 4,
    }


def test_installed_recipes_survive_a_round_trip() -> None:
    assert {"digits_mlp", "digits_conv"} <= set(recipe_files())
    for name in recipe_files():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert parse_recipe(recipe.to_yaml(), "again") == recipe


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SHORTEST)
    assert load_recipe(path) == load_recipe(str(path)) == parse_recipe(SHORTEST, "x")


def test_a_float_may_be_written_without_a_dot() -> None:
    recipe = parse_recipe(SHORTEST + "optimizer: {lr: 1e-2, weight_decay: 5E-4}", "mine.yaml")
    assert (recipe.optimizer.lr, recipe.optimizer.weight_decay) == (1e-2, 5e-4)


def test_recipes_do_not_change() -> None:
    recipe = parse_recipe(SHORTEST, "mine.yaml")
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("neuron: {resett: zero}", ["mine.yaml", "unknown key 'neuron.resett'", "'reset'?"]),
        ("neuron: {reset: subtrac}", ["neuron.reset", "'subtrac'", "mean 'subtract'?"]),
        ("optimiser: {}", ["unknown key 'optimiser'", "mean 'optimizer'?"]),
        ("qqq: 1", ["unknown key 'qqq'", "Use one of: data, description, dt"]),
        ("steps: 0", ["steps", "greater than or equal to 1", "got 0"]),
        ("steps: 8.5", ["steps", "integer", "got 8.5"]),
        ("steps: '8'", ["steps", "integer", "got '8'"]),
        ("seed: yes", ["seed", "integer", "got True"]),
        ("dt: .nan", ["dt", "finite"]),
        ("neuron: {tau: 0.5}", ["neuron.tau", "got 0.5"]),
        ("limits: {agreement: 101}", ["limits.agreement", "got 101"]),
        ("neuron: 3", ["neuron", "got 3"]),
        ("dt: 2001-01-01", ["dt", "number"]),
        ("steps: 8\nsteps: 9", ["mine.yaml, line 6", "'steps' is given twice"]),
        ("steps: [", ["mine.yaml, line"]),
    ],
)
def test_what_is_wrong_is_named(text: str, says: list[str]) -> None:
    message = complaint(SHORTEST + text)
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("{name: mpl}", ["no model is named 'mpl'", "mean 'mlp'?"]),
        ("{name: mlp, hiden: [3]}", ["unknown key 'model.hiden'", "mean 'hidden'?"]),
        ("{name: mlp, hidden: 3}", ["model.hidden", "got 3"]),
        ("{name: mlp, hidden: [3, x]}", ["model.hidden.1", "integer", "got 'x'"]),
        (
            "{name: mlp, channels: [3]}",
            ["unknown key 'model.channels'", "hidden, inhibition, ratio"],
        ),
        ("{hidden: [3]}", ["key 'model.name' is missing"]),
    ],
)
def test_options_are_checked_against_the_builder(model: str, says: list[str]) -> None:
    message = complaint(SHORTEST.replace("{name: mlp}", model))
    for part in says:
        assert part in message


def test_an_unknown_data_set_is_named() -> None:
    message = complaint(SHORTEST.replace("digits", "digit"))
    assert "mine.yaml: no data set is named 'digit'" in message
    assert "'digits'?" in message


def test_every_wrong_key_is_named_and_the_misspelt_one_gets_the_remedy() -> None:
    message = complaint("name: mine\nmodle: {name: mlp}\ndata: {name: digits}")
    assert "key 'model' is missing" in message
    assert "unknown key 'modle'" in message
    assert "mean 'model'?" in message


@pytest.mark.parametrize("text", ["", "- 1", "mine", "3"])
def test_what_holds_no_keys_is_no_recipe(text: str) -> None:
    assert "expected keys and values" in complaint(text)


def test_a_name_that_is_not_installed() -> None:
    with pytest.raises(RecipeError, match=r"'digits_mpl'\nDid you mean 'digits_mlp'\?"):
        load_recipe("digits_mpl")


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "binary.yaml")


def test_tags_are_not_obeyed() -> None:
    message = complaint(SHORTEST + "description: !!python/object/apply:os.system ['true']")
    assert "could not determine a constructor" in message


def test_override_changes_what_it_names_and_checks_it() -> None:
    recipe = load_recipe("digits_mlp")
    changes = ["neuron.reset=subtract", "optimizer.lr=1e-2", "model.hidden=[8]", "seed=3"]
    changed = override(recipe, changes)
    assert changed.neuron.reset == "subtract"
    assert changed.optimizer.lr == 1e-2
    assert changed.model.options["hidden"] == [8]
    assert changed.seed == 3
    assert changed.neuron.tau == recipe.neuron.tau
    assert recipe == load_recipe("digits_mlp")
    assert override(recipe, []) == recipe


def test_override_to_another_model_drops_no_option_silently() -> None:
    with pytest.raises(RecipeError, match=r"unknown key 'model\.hidden'") as caught:
        override(load_recipe("digits_mlp"), ["model.name=conv"])
    assert "--set 'model={name: conv, …}', with channels" in caught.value.remedy
    with pytest.raises(RecipeError) as caught:
        override(load_recipe("digits_mlp"), ["model.name=convv"])
    assert caught.value.remedy == "Did you mean 'conv'?"


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("steps=abc", "It takes a whole number ≥ 1, by default 8."),
        ("optimizer.lr=-1", "It takes a number > 0, by default 0.1."),
        ("model.hidden=3", "It takes a list, by default (256, 128)."),
    ],
)
def test_a_wrong_value_is_told_what_its_key_takes(change: str, remedy: str) -> None:
    with pytest.raises(RecipeError) as caught:
        override(load_recipe("digits_mlp"), [change])
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("neuron.resett=zero", ["unknown key 'neuron.resett'", "'reset'?"]),
        ("neurn.reset=zero", ["no section 'neurn'", "'neuron'?"]),
        ("neuron.reset.x=zero", ["no section 'neuron.reset'"]),
        ("neuron.reset", ["expected KEY=VALUE"]),
        ("=3", ["expected KEY=VALUE"]),
        ("steps=[", ["--set steps=[, line 1"]),
    ],
)
def test_overrides_that_are_wrong(change: str, says: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        override(load_recipe("digits_mlp"), [change])
    for part in ["--set", *says]:
        assert part in str(caught.value)


def test_reading_a_recipe_loads_neither_torch_nor_lightning() -> None:
    code = (
        "import sys; from eideploy.train import load_recipe; load_recipe('digits_conv');"
        "print([m for m in ('torch', 'lightning', 'norse', 'sklearn') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_public_names_are_where_they_are_said_to_be() -> None:
    import eideploy.train as package

    assert set(package.__all__) == {n for names in package._HOMES.values() for n in names}
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    assert package.Recipe is Recipe
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = package.trian


def test_a_folder_with_the_name_of_a_recipe_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits_mlp").mkdir()
    assert load_recipe("digits_mlp").name == "digits_mlp"
