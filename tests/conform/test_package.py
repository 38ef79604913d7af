"""A backend in a package of its own takes part through its entry point alone.

The package is the one that the documentation shows. It is built and installed into a folder, and
the command line finds it there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
(PROJECT,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.S)
(MODULE,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)

REFUSING = {"circuits", "convolution", "loops", "pooling"}
"""Topics of which the backend has nothing, and says so."""


def run(*command: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [str(part) for part in command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def install(folder: Path, module: str) -> Path:
    """Write the package with this module, build it, and install it into a folder of its own."""
    package, installed = folder / "package", folder / "installed"
    package.mkdir()
    (package / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (package / "mychip.py").write_text(module, encoding="utf-8")
    into = ["--python", sys.executable, "--target", installed]
    # Without its dependencies, that is eideploy: what is tested is this checkout.
    done = run(
        *(ROOT / "tools" / "uv", "pip", "install", "--offline", "--no-build-isolation"),
        *("--no-deps", *into, package),
    )
    assert done.returncode == 0, done.stderr
    return installed


def conform(installed: Path, *options: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit code of `eideploy conform --target mychip`, and its results by case."""
    command = [sys.executable, "-c", "from eideploy.cli import main; main()", "conform"]
    done = run(*command, "--target", "mychip", "--json", *options, path=installed)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert document["target"] == "mychip"
    return done.returncode, {case["name"]: case for case in document["cases"]}


def test_the_package_of_the_documentation_is_short() -> None:
    assert len(PROJECT.splitlines()) + len(MODULE.splitlines()) < 60


def test_it_passes_what_it_does_not_refuse(tmp_path: Path) -> None:
    code, cases = conform(install(tmp_path, MODULE))
    cases = {name: case for name, case in cases.items() if not name.startswith("silicon/")}
    assert {case["status"] for case in cases.values()} == {"pass", "unsupported"}
    assert code == 0
    passed = {name.split("/")[0] for name, case in cases.items() if case["status"] == "pass"}
    assert {"threshold", "decay", "overflow", "bias", "weights"} <= passed
    assert not passed & REFUSING
    refused = [str(case["reason"]) for case in cases.values() if case["status"] == "unsupported"]
    others = [reason for reason in refused if "mychip" not in reason]
    assert len(others) < 5
    assert all(reason.startswith("quantize: ") for reason in others)  # of its own pipeline


@pytest.mark.parametrize(
    ("right", "wrong", "topic"),
    [
        ("v > 64 * n.threshold", "v >= 64 * n.threshold", "threshold"),
        ("np.trunc(v *", "np.floor(v *", "decay"),
        ("1 - limit, limit - 1", "-limit, limit", "overflow"),
    ],
)
def test_a_slip_of_the_pen_in_it_is_found(
    tmp_path: Path, right: str, wrong: str, topic: str
) -> None:
    assert right in MODULE
    installed = install(tmp_path, MODULE.replace(right, wrong))
    code, cases = conform(installed, "--case", f"{topic}/*")
    assert code == 1
    assert "fail" in {case["status"] for case in cases.values()}
