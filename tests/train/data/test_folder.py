"""Where data sets are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from eideploy.cli.app import run
from eideploy.errors import InputError, MissingComponentError
from eideploy.train.data import data_folder, find_dataset, list_datasets, use_data_folder
from eideploy.train.data.folder import files_by_class, reading


def test_it_is_the_environments_or_the_working_directorys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", "")
    assert data_folder() == Path("data")
    use_data_folder("~/sets")
    assert data_folder() == Path.home() / "sets"


@pytest.mark.parametrize("name", sorted(set(list_datasets()) - {"digits"}))
def test_a_missing_data_set_says_where_it_was_looked_for_and_how_to_get_it(
    name: str, folder: Path
) -> None:
    with pytest.raises(MissingComponentError) as caught:
        find_dataset(name).load(4)
    assert caught.value.exit_code == 3
    assert f"data set {name} is not in {folder}: there is no " in caught.value.what
    assert any(word in caught.value.remedy for word in ("Download", "Unpack"))
    assert "--data-dir" in caught.value.remedy
    assert list(folder.iterdir()) == []


def test_files_come_by_class_and_number(tmp_path: Path) -> None:
    for name in ("b/a_10.bin", "b/a_9.bin", "a/z.bin", "a/z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    paths, labels = files_by_class(tmp_path, ["a", "b"], ".bin")
    names = [str(path.relative_to(tmp_path)) for path in paths]
    assert names == ["a/z.bin", "b/a_9.bin", "b/a_10.bin"]
    assert labels.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match=r"/c holds no \*\.bin file"):
        files_by_class(tmp_path, ["a", "c"], ".bin")


def test_what_a_reader_raises_names_the_file() -> None:
    path = Path("some.bin")
    with (
        pytest.raises(InputError, match=r"some\.bin cannot be read: AssertionError"),
        reading(path),
    ):
        raise AssertionError
    with pytest.raises(InputError, match="mine"), reading(path):
        raise InputError("mine")


def test_the_command_line_chooses_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EIDEPLOY_DATA", "elsewhere")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: m\nmodel: {name: mlp, hidden: [8]}\ndata: {name: mnist, flat: true}\n")
    output, sets = str(tmp_path / "run"), str(tmp_path / "sets")
    assert run(["train", str(recipe), "--output", output, "--data-dir", sets]) == 3
    said = capsys.readouterr().err
    assert f"mnist is not in {sets}: there is no MNIST/raw/train-images-idx3-ubyte nor" in said
    assert f"torchvision.datasets.MNIST('{sets}', download=True)" in said
