"""The part of the verb `conform` behind `--mutants`: is the suite any good?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eideploy.cli.console import out, print_json, stages
from eideploy.cli.inputs import load_input, load_model
from eideploy.cli.stimuli import Shown
from eideploy.compile import CompileOptions, run_passes

if TYPE_CHECKING:
    from eideploy.conform import Case
    from eideploy.conform.mutants import EndToEnd, MutationReport


def hold_mutants(
    cases: Sequence[Case],
    runs: Sequence[Path] = (),
    *,
    all_finders: bool = False,
    output: Path | None = None,
    markdown: Path | None = None,
    json: bool = False,
) -> MutationReport:
    """Hold the mutants against cases and trained networks, and say what was found.

    Args:
        cases: the suite, or some of it.
        runs: of trained networks, each with test data.
        all_finders: ask every mutant every case, not only until one finds it.
        output: file for the JSON document.
        markdown: file for the page of the documentation.
        json: print the document instead of a table.
    """
    from eideploy.conform.mutants import MUTANTS, score
    from eideploy.conform.mutants.document import to_document, write_json
    from eideploy.conform.mutants.markdown import to_markdown
    from eideploy.conform.mutants.table import table
    from eideploy.files import write_text

    with stages() as progress:
        report = score(MUTANTS, cases, all_finders=all_finders, progress=progress)
    report = replace(report, networks=tuple(_end_to_end(run) for run in runs))
    if output is not None:
        write_json(output, report)
    if markdown is not None:
        write_text(markdown, to_markdown(report, _command(runs, all_finders, markdown)))
    if json:
        print_json(to_document(report))
    else:
        out.print(table(report))
    return report


def _end_to_end(run: Path) -> EndToEnd:
    from eideploy.conform.mutants import MUTANTS, UNMUTATED, end_to_end

    model = load_model(run)
    program = run_passes(UNMUTATED.pipeline(CompileOptions()), model.graph)
    stimulus = load_input(model, Shown())
    with stages() as progress:
        shown = partial(progress, model.name)
        return end_to_end(MUTANTS, model.name, program, stimulus, shown)


def _command(runs: Sequence[Path], all_finders: bool, page: Path) -> str:
    """The command line that writes the page."""
    words = ["eideploy conform --mutants"]
    words += ["--all-finders"] if all_finders else []
    words += [f"--against {_told(run)}" for run in runs]
    return " ".join([*words, f"--markdown {_told(page)}"])


def _told(path: Path) -> str:
    """A path; of an absolute one, which says nothing elsewhere, the name alone."""
    return path.name if path.is_absolute() else str(path)
