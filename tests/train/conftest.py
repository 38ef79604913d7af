"""Small recipes and a run that is trained once."""

from __future__ import annotations

from pathlib import Path

import pytest

from eideploy.train import Recipe, Run, load_recipe, override, train

SMALL = ["model.hidden=[64, 32]", "steps=4", "training.epochs=2"]


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    """digits_mlp, smaller and shorter."""
    return override(load_recipe("digits_mlp"), SMALL)


@pytest.fixture(scope="session")
def small_run(small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What training it gives; tests must not write into it."""
    return train(small_recipe, Path(tmp_path_factory.mktemp("small")) / "run", progress=False)
