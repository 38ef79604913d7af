"""The report on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from eideploy.verify.report import Accuracy, Hop, PopulationResult, Report

COLOURS = {"pass": "green", "fail": "bold red", "skipped": "yellow"}


def table(report: Report) -> RenderableType:
    """The ladder, a row per hop; below it what failed and where; last the verdict."""
    parts: list[RenderableType] = [_ladder(report), Text()]
    parts += [part for hop in report.hops if hop.status != "pass" for part in _explained(hop)]
    parts += [
        Text(f"! {name} never spikes: that it never differs proves little", "yellow")
        for name in report.silent
    ]
    parts.append(
        Text.assemble(
            (report.verdict.upper(), COLOURS[report.verdict]),
            f"  {report.model} on {report.target}, "
            f"{report.samples:,} samples of {report.steps:,} steps",
        )
    )
    return Group(*parts)


def _ladder(report: Report) -> Table:
    ladder = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)  # the widest row has 78 columns
    ladder.add_column("hop", overflow="fold")
    ladder.add_column("relation", no_wrap=True)
    ladder.add_column("", no_wrap=True)
    for name in ("differ", "state", "agree %", "accuracy %", "s"):
        ladder.add_column(name, justify="right", no_wrap=True)
    for hop in report.hops:
        looked_at = hop.status != "skipped"
        ladder.add_row(
            Text(hop.name),
            hop.relation,
            Text({"skipped": "skip"}.get(hop.status, hop.status), COLOURS[hop.status]),
            f"{compact(hop.mismatched_bins)}/{compact(hop.compared_bins)}" if looked_at else "",
            compact(hop.state_mismatches) if hop.state and looked_at else "",
            "" if hop.agreement is None else percent(hop.agreement),
            accuracy(hop.accuracy),
            f"{hop.run_seconds + hop.seconds:.1f}" if looked_at else "",
        )
    return ladder


def _explained(hop: Hop) -> list[RenderableType]:
    """Why a hop does not hold, and where its sides part first."""
    lines = list(hop.reasons)
    if hop.suspect and hop.suspect.first_divergence:
        lines.append(f"first at {where(hop.suspect)}")
    if hop.status == "fail" and hop.after == "quantized":
        lines.append("what rounding cost and where: `eideploy compile … --report`")
        lines.append("how much it may cost: --agreement, --accuracy-drop, `limits` in a recipe")
    head = Text.assemble((hop.name, COLOURS[hop.status]), f" {hop.status}")
    return [head, *(Padding(Text(line), (0, 0, 0, 2), expand=False) for line in lines), Text()]


def where(population: PopulationResult) -> str:
    """The first divergence of a population in words."""
    first = population.first_divergence
    if first is None:
        return "nowhere"
    variable = "" if first.variable == "output" else f".{first.variable}"
    margin = "" if first.margin is None else f" (margin {number(first.margin)})"
    return (
        f"{population.name}{variable}, sample {first.sample}, step {first.step}, "
        f"neuron {first.neuron}: {number(first.before)} → {number(first.after)}{margin}"
    )


def accuracy(values: Accuracy) -> str:
    """Accuracy of both sides, `97.2→96.9`."""
    if values.before is None or values.after is None:
        return ""
    return f"{values.before:.1f}→{values.after:.1f}"


def percent(value: float) -> str:
    """A percentage, never rounded up to 100."""
    text = f"{value:.2f}"
    return "99.99" if text == "100.00" and value < 100 else text


def number(value: int | float | None) -> str:
    """A value of a bin."""
    if value is None:
        return "not finite"
    text = f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
    return text.replace("-", "−")


def compact(count: int) -> str:
    """A count in at most five characters, such as `105k` or `1.11M`; exact below 10,000."""
    if count < 10_000:
        return str(count)
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if count < 999.5 * size:  # what rounds to 1000 belongs to the next unit
            return f"{count / size:.3g}{unit}"
    return f"{count / 1e12:.3g}T"
