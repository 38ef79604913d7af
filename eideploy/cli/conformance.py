"""Verb `conform`: how faithfully does a backend run spiking networks?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eideploy.cli.backend import ready_targets
from eideploy.cli.cases import chosen_cases, list_cases, write_to
from eideploy.cli.console import out, print_json, remark, stages
from eideploy.cli.options import Device, Executor, Json, Resume, Scheduler, Timeout, Workers
from eideploy.cli.plans import plan_of
from eideploy.errors import InputError
from eideploy.targets import Target, target_names

if TYPE_CHECKING:
    from eideploy.conform import Case, Conformance
    from eideploy.conform.silicon import Recorded
    from eideploy.jobs import Plan


def conform(
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            help="See `eideploy targets`. Repeatable: a column for each.",
            metavar="NAME",
        ),
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(
            "--case", help="Only these, by name or pattern: 'decay/*'. Repeatable.", metavar="CASE"
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only a chosen few of each topic, for slow backends.")
    ] = False,
    generate: Annotated[
        int,
        typer.Option(
            "--generate",
            min=0,
            help="Add so many random networks, random/…; --case chooses among them too.",
            metavar="N",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random networks.")] = 0,
    list_: Annotated[
        bool, typer.Option("--list", help="List the cases and what they claim; run nothing.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            help="Write the cases as files into this new folder, for a backend that is not in "
            "Python; run nothing.",
            metavar="DIR",
        ),
    ] = None,
    known: Annotated[
        Path | None,
        typer.Option(
            "--known",
            help="Known differences of the target (YAML: a list of `case` and `reason`), in place "
            "of those that it brings along.",
            metavar="FILE",
        ),
    ] = None,
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants",
            help="Hold the suite against wrong backends, in place of a target. Exit 1 if it misses "
            "one.",
        ),
    ] = False,
    all_finders: Annotated[
        bool,
        typer.Option("--all-finders", help="With --mutants: ask each of them every case."),
    ] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            help="With --mutants: show what `verify` finds of them on this trained network. "
            "Repeatable.",
            metavar="RUN",
        ),
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(
            "--recordings",
            envvar="EIDEPLOY_RECORDINGS",
            help="Where recordings of chips are, loihi1/dense_250_25_1.npz and "
            "loihi2/lif_lava_loihi_fixed.csv; their cases are skipped without.",
            metavar="DIR",
        ),
    ] = None,
    executor: Executor = None,
    device: Device = None,
    timeout: Timeout = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    with_: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="Show what --output wrote elsewhere as further columns. Repeatable.",
            metavar="FILE",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the results as JSON.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a report to look at.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML for CI.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the matrix topics by targets.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask a backend case by case how faithfully it runs spiking networks. Exit 1 if it does not."""
    _refuse_other_half(
        mutants,
        {"--all-finders": all_finders, "--against": against},
        {
            "--target": target,
            "--known": known,
            "--recordings": recordings,
            "--workers": workers,
            "--scheduler": scheduler,
            "--resume": resume,
            "--executor": executor,
            "--device": device,
            "--timeout": timeout,
            "--with": with_,
            "--html": html,
            "--junit": junit,
        },
    )
    if list_ and (write is not None or mutants):
        raise InputError(
            "--list runs nothing and writes nothing", "Leave out --list, --write or --mutants."
        )
    backends = ready_targets(target or (), executor=executor, device=device, timeout=timeout)
    if executor is None:
        backends = [_in_one_process(backend) for backend in backends]
    chosen, chips = chosen_cases(case or (), quick, generate, seed, recordings, backends)
    if list_:
        list_cases(chosen, json)
        return
    if write is not None:
        write_to(write, chosen)
        return
    if mutants:
        from eideploy.cli.mutation import hold_mutants

        report = hold_mutants(
            chosen,
            against or (),
            all_finders=all_finders,
            output=output,
            markdown=markdown,
            json=json,
        )
        if report.verdict != "pass":
            raise typer.Exit(1)
        return
    plan, elsewhere = plan_of(workers, scheduler, resume), _read(with_ or ())
    columns = [*_run(backends, chosen, chips, known, plan), *elsewhere]
    if not columns:
        raise InputError(
            "no target is named",
            f"Give --target NAME, one of {', '.join(target_names())}; or --list to see the cases.",
        )
    _report(columns, output, html, junit, markdown, json)
    if any(column.verdict != "pass" for column in columns):
        raise typer.Exit(1)


def _in_one_process(target: Target) -> Target:
    from eideploy.conform.executor import in_one_process

    chosen = in_one_process(target)
    if chosen is not target:
        remark(f"{target.name}: executor inprocess (--executor runtime for Lava's own, slowly)")
    return chosen


def _refuse_other_half(
    mutants: bool, of_mutants: dict[str, object], of_targets: dict[str, object]
) -> None:
    """Raise an InputError if an option is about mutants and there are none, or about targets."""
    for option, value in (of_targets if mutants else of_mutants).items():
        if value:
            what = "targets, and mutants are none" if mutants else "mutants"
            raise InputError(
                f"{option} is about {what}",
                f"Leave out {option}{'' if mutants else ', or give --mutants'}.",
            )


def _run(
    targets: Sequence[Target],
    cases: Sequence[Case],
    chips: Sequence[Recorded],
    known: Path | None,
    plan: Plan,
) -> Iterator[Conformance]:
    from eideploy.conform import conform as hold
    from eideploy.conform import known_differences
    from eideploy.conform.cases import suite
    from eideploy.conform.known import load_known
    from eideploy.conform.silicon import recorded

    if known is not None and len(targets) != 1:
        raise InputError("--known is about one target", "Give it with one --target.")
    lists = [load_known(known) if known else known_differences(target) for target in targets]
    if any(listed.differences for listed in lists):
        names = {case.name for case in (*suite(), *cases)} | {chip.name for chip in recorded(None)}
        for listed in lists:
            listed.check(names)
    with stages() as progress:
        for target, listed in zip(targets, lists, strict=True):
            yield hold(
                target,
                cases,
                recordings=chips,
                known=listed,
                plan=plan,
                progress=partial(progress, target.name),
            )


def _read(files: Sequence[Path]) -> list[Conformance]:
    from eideploy.conform.document import read_json

    return [column for file in files for column in read_json(file)]


def _report(
    columns: Sequence[Conformance],
    output: Path | None,
    html: Path | None,
    junit: Path | None,
    markdown: Path | None,
    json: bool,
) -> None:
    from eideploy.conform.document import documents, write_json
    from eideploy.conform.html import write_html
    from eideploy.conform.junit import write_junit
    from eideploy.conform.markdown import matrix
    from eideploy.conform.table import table
    from eideploy.files import write_text

    if output is not None:
        write_json(output, columns)
    if html is not None:
        write_html(html, columns)
        remark(f"report: {html}")
    if junit is not None:
        write_junit(junit, columns)
    if markdown is not None:
        write_text(markdown, matrix(columns))
    if json:
        print_json(documents(columns))
    else:
        out.print(table(columns))
