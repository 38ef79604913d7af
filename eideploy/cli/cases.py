"""Cases of the conformance suite as the command line asks for them: chosen, listed, written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from eideploy.cli.console import out, print_json, remark, stages
from eideploy.targets import Target

if TYPE_CHECKING:
    from eideploy.conform import Case
    from eideploy.conform.silicon import Recorded


def chosen_cases(
    patterns: Sequence[str],
    quick: bool,
    generate: int,
    seed: int,
    recordings: Path | None,
    targets: Sequence[Target],
) -> tuple[list[Case], list[Recorded]]:
    """What is asked for: cases, of the arithmetic of the targets if there are any, and chips."""
    from eideploy.conform.cases import suite
    from eideploy.conform.cases.quick import QUICK
    from eideploy.conform.generate import generated
    from eideploy.conform.selection import select
    from eideploy.conform.silicon import Recorded, recorded

    found: list[Case | Recorded] = [*suite()]
    if quick:
        found = select(found, QUICK)
    for arithmetic in ("integer", "float"):
        if not targets or any(target.arithmetic == arithmetic for target in targets):
            found += generated(generate, seed, arithmetic)
    if not quick or recordings is not None:
        found += recorded(recordings)
    found = select(found, patterns)
    chips = [one for one in found if isinstance(one, Recorded)]
    return [one for one in found if not isinstance(one, Recorded)], chips


def list_cases(cases: Sequence[Case], json: bool) -> None:
    """Say what each case claims, a line for each."""
    from eideploy.conform.files import described

    if json:
        print_json({"schema": "eideploy.cases/1", "cases": [described(case) for case in cases]})
        return
    width = max((len(case.name) for case in cases), default=0)
    for case in cases:
        line = Text.assemble(case.name.ljust(width), "  ", (case.claim, "dim"))
        out.print(line, soft_wrap=True)
    remark(f"{len(cases)} cases")


def write_to(folder: Path, cases: Sequence[Case]) -> None:
    """Write the cases as files, and say where their index is."""
    from eideploy.conform.files import write_cases

    with stages() as progress:
        write_cases(folder, cases, partial(progress, "writing"))
    remark(f"{len(cases)} cases: {folder / 'index.json'}")
