"""Rules of the house that no other tool checks: versions in step, no traces of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import eideploy

ROOT = Path(__file__).resolve().parents[1]

# Put together here, so that this file does not hold what it forbids.
FORBIDDEN = {
    "the address of a package registry": "|".join(
        re.escape(".".join(parts))
        for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org")]
    ),
    "a path that exists on one machine only": r"(?<![\w.$}~/-])/(?:home|root|Users|work)/\w",
}


def tracked_texts() -> list[tuple[str, str]]:
    """Name and text of every text file under version control."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("needs a checkout: what is tracked is asked of git")
    texts = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                texts.append((name, content.decode("utf-8", errors="replace")))
    return texts


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tracked_files_hold_none(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def test_newest_version_of_the_changelog_is_the_packages() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)
    assert versions[0] == eideploy.__version__
    assert len(set(versions)) == len(versions)


def test_every_pin_is_a_version_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pin = re.compile(r"[a-z0-9-]+==[\w.]+( ; [\w.<>=!'\"* ()]+)?")
    assert [line for line in lines if not line.startswith("#") and not pin.fullmatch(line)] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
