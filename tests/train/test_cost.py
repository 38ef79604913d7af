"""Parameters and synaptic operations, against arithmetic written out by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from eideploy.train import cost_of, list_recipes, load_recipe, parse_recipe
from eideploy.train import zoo as registry
from eideploy.train.data import DATASETS


@pytest.fixture
def rgb(monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set of RGB images of 32×32 in ten classes, which is never loaded."""

    def load(steps: int) -> None:
        raise AssertionError("counting needs no data")

    spec = replace(DATASETS["digits"], shape=(3, 32, 32), load=load)
    monkeypatch.setitem(DATASETS, "rgb", spec)
    return "rgb"


def recipe(model: str, data: str, flat: bool = False) -> str:
    return f"{{name: one, model: {model}, data: {{name: {data}, flat: {str(flat).lower()}}}}}"


def conv(fan_in: int, width: int, size: int, kernel: int = 3) -> int:
    """A divisive circuit: E and I convolutions at each place, two mixings of I into E."""
    inhibitory = width // 4
    places = size * size
    return places * ((width + inhibitory) * fan_in * kernel**2 + 2 * width * inhibitory)


def readout(fan_in: int) -> int:
    """Ten E and two I neurons; B alone, so that W_EI is used once."""
    return 12 * fan_in + 20


def test_an_mlp() -> None:
    cost = cost_of(parse_recipe(recipe("{name: mlp, hidden: [20, 12]}", "digits", True), "one"))
    assert cost.operations == {
        "0": 20 * 64 + 5 * 64 + 2 * 20 * 5,
        "2": 12 * 20 + 3 * 20 + 2 * 12 * 3,
        "4": 10 * 12 + 2 * 12 + 10 * 2,
    }
    assert cost.synaptic_operations == 1800 + 372 + 164


def test_vgg8(rgb: str) -> None:
    cost = cost_of(parse_recipe(recipe("{name: vgg, depth: 8}", rgb), "one"))
    layers = [(3, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 512, 2)]
    assert list(cost.operations.values()) == [*(conv(*layer) for layer in layers), readout(512)]
    assert cost.parameters == 5_048_714


@pytest.mark.parametrize(("depth", "parameters"), [(16, 18_856_378), (19, 25_642_234)])
def test_deeper_vggs(depth: int, parameters: int, rgb: str) -> None:
    cost = cost_of(parse_recipe(recipe(f"{{name: vgg, depth: {depth}}}", rgb), "one"))
    assert (cost.parameters, len(cost.operations)) == (parameters, depth - 2)


def test_resnet18_with_its_shortcuts(rgb: str) -> None:
    cost = cost_of(parse_recipe(recipe("{name: resnet}", rgb), "one"))
    expected = conv(3, 64, 32) + 4 * conv(64, 64, 32) + readout(512)
    for fan_in, size in ((64, 16), (128, 8), (256, 4)):
        width = 2 * fan_in
        expected += conv(fan_in, width, size) + 3 * conv(width, width, size)
        expected += conv(fan_in, width, size, kernel=1)
    assert cost.synaptic_operations == expected
    assert cost.parameters == 14_401_226


def test_the_batchnorm_twin_pays_for_its_convolutions_alone(rgb: str) -> None:
    twin = cost_of(parse_recipe(recipe("{name: vgg, depth: 8, inhibition: false}", rgb), "one"))
    layers = [(3, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 512, 2)]
    expected = [9 * fan_in * width * size * size for fan_in, width, size in layers]
    assert list(twin.operations.values()) == [*expected, 512 * 10]


def test_rows_have_what_one_compares() -> None:
    row = next(row for row in list_recipes() if row["name"] == "digits_conv")
    assert row["synaptic_operations"] == (
        64 * (20 * 9 + 2 * 16 * 4) + 16 * (20 * 144 + 2 * 16 * 4) + 12 * 256 + 20
    )
    assert row["parameters"] == cost_of(load_recipe("digits_conv")).parameters
    assert (row["data"], row["steps"], row["error"]) == ("digits", 8, None)


def test_expected_accuracy_comes_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{name: mine, model: {name: mlp}, data: {name: digits, flat: true}, "
        "expected: {accuracy: 87.03, source: published}}"
    )
    monkeypatch.setattr("eideploy.train.listing.recipe_files", lambda: {"mine": path})
    monkeypatch.setattr("eideploy.train.recipe.zoo.recipe_files", lambda: {"mine": path})
    (row,) = list_recipes()
    assert row["expected"] == {"accuracy": 87.03, "source": "published"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_library\nzoo = {}", "models of 'theirs' .* cannot be imported"),
        ("def mine(input_shape, classes, neuron): return 1 / 0\nzoo = {'mine': mine}", "ZeroDiv"),
    ],
)
def test_what_is_broken_elsewhere_hides_nothing(
    code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / f"their_{'library' if 'library' in code else 'division'}"
    (package / "recipes").mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    (package / "recipes" / "theirs.yaml").write_text(recipe("{name: mine}", "digits"))
    monkeypatch.syspath_prepend(tmp_path)
    entries = [EntryPoint("theirs", f"{package.name}:zoo", registry.GROUP), *registry._entries()]
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    rows = {row["name"]: row for row in list_recipes()}
    assert rows["digits_mlp"]["parameters"] == 84_362
    assert rows["theirs"]["parameters"] is None
    assert re.search(says, rows["theirs"]["error"])
