"""The wheel and the sdist: what is in them, and that they work where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import eideploy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / "tools" / "uv"
CONSTRAINTS = ROOT / "constraints.txt"


def run(*command: str | Path, cwd: Path) -> str:
    """Run `command` with nothing of this checkout in reach; its standard output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS"}
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = [UV, "build", "--python", sys.executable, "--build-constraints", CONSTRAINTS]
    run(*build, "--out-dir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"eideploy-{eideploy.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a new environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("empty")
    environment = folder / "environment"
    python = environment / "bin" / "python"
    run(UV, "venv", "--python", sys.executable, environment, cwd=folder)
    install = [UV, "pip", "install", "--python", python, "--constraints", CONSTRAINTS]
    run(*install, "--build-constraints", CONSTRAINTS, f"{wheel}[lava]", cwd=folder)
    return environment / "bin"


def test_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {"eideploy", "eideploy_models", "eideploy_targets"}
    assert {name.split("/")[0] for name in names} == packages | {
        f"eideploy-{eideploy.__version__}.dist-info"
    }
    assert {f"{package}/py.typed" for package in packages} <= names
    assert {f"{package}/__init__.py" for package in packages} <= names
    assert {f"eideploy_models/recipes/digits_{kind}.yaml" for kind in ("mlp", "conv")} <= names
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_sdist_holds_what_the_tests_need(dist: Path) -> None:
    top = f"eideploy-{eideploy.__version__}"
    with tarfile.open(dist / f"{top}.tar.gz") as archive:
        names = set(archive.getnames())
    needed = {"Makefile", "constraints.txt", "tools/uv", "tests/conftest.py", "LICENSE"}
    assert {f"{top}/{name}" for name in needed} <= names


def test_installed_command_says_its_version(scripts: Path, tmp_path: Path) -> None:
    assert eideploy.__version__ in run(scripts / "eideploy", "--version", cwd=tmp_path)


@pytest.mark.lava
@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Lava needs Python 3.10")
def test_installed_command_finds_its_parts(scripts: Path, tmp_path: Path) -> None:
    said = run(scripts / "eideploy", "doctor", cwd=tmp_path)
    for part in ("reference", "twin", "lava-float", "lava-fixed"):
        assert part in said


@pytest.mark.lava
@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Lava needs Python 3.10")
def test_demo_runs_where_there_is_no_checkout(scripts: Path, tmp_path: Path) -> None:
    said = run(scripts / "eideploy", "demo", cwd=tmp_path)
    assert "quantized→lava-fixed" in said
