"""The support matrix in the README and in the documentation: made, and held against a new run.

python tests/support/support_matrix.py          write it
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eideploy.cli.backend import configured
from eideploy.conform import Conformance, conform, known_differences
from eideploy.conform.cases import suite
from eideploy.conform.markdown import matrix, replace_block, summary
from eideploy.jobs import Crew, Plan
from eideploy.targets import load_target

ROOT = Path(__file__).resolve().parents[2]
PAGES = {ROOT / "README.md": summary, ROOT / "docs" / "conformance.md": matrix}
TARGETS: dict[str, dict[str, Any]] = {
    "reference": {},
    "twin": {},
    "lava-fixed": {"executor": "inprocess"},
    "onnx-fixed": {},
    "netx": {},
    "lava-float": {"executor": "inprocess"},
    "onnx": {},
}


def columns() -> Iterator[Conformance]:
    """The whole suite on every target, one after the other."""
    cases = list(suite())
    for name, options in TARGETS.items():
        target = configured(load_target(name), **options)
        plan = Plan(Crew(workers=2))
        yield conform(target, cases, known=known_differences(target), plan=plan)


def pages(columns: Sequence[Conformance]) -> dict[Path, str]:
    """What each page has to say, given what became of all cases."""
    return {
        page: replace_block(page.read_text(encoding="utf-8"), table(columns))
        for page, table in PAGES.items()
    }


if __name__ == "__main__":
    for page, text in pages(list(columns())).items():
        page.write_text(text, encoding="utf-8")
