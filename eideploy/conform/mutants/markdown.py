"""What is said of mutants, for the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from eideploy.conform.mutants.report import EndToEnd, EndToEndResult, Finding, MutationReport

_HEAD = """\
# Does the suite catch mistakes?

A suite that every backend passes says nothing. So it is held against backends that are known to
be wrong: {mutants} *mutants*, each of them the [twin](targets.md) with one mistake in it, as an
engineer would make it. Most are a line of the twin that reads otherwise, the others something that
happens to the Program on its way; `eideploy/conform/mutants/faults` has all of them.

A mutant counts as found only by a wrong result. That it crashes or refuses is no finding, and the
twin without a mistake has to pass every case.

```
{command}
```

wrote this page. It exits with 0 only if every mutant is found.{against}

"""

_AGAINST = """ `--against` takes what `eideploy train`
wrote, and shows the test data of that run to every mutant."""

_VERIFY = """
`verify` compares every output and every state of every neuron, bin for bin, and is right in all
that it says: on *this* network and *this* data the other mutants do nothing else than the twin. But
a network meets only a few of the rules that a backend has to follow. Nothing in it overflows, no
delay is longer than a step, no kernel is dilated; the next network, or the same one trained longer,
is another matter. Accuracy, which is what is looked at where nothing else can be compared, hardly
moves: a network that was trained forgives most mistakes.

So both are needed. The suite says whether a backend does what it has to; `verify` says whether a
network on it is still the network that was trained.
"""


def to_markdown(report: MutationReport, command: str) -> str:
    """A page: how many are found by what, and a table of mutants for each kind.

    Args:
        report: what was found.
        command: that made it, as a reader would type it.
    """
    against = _AGAINST if report.networks else ""
    head = _HEAD.format(mutants=len(report.findings), command=command, against=against)
    parts = [head, _summary(report)]
    if report.networks:
        parts.append(_VERIFY)
    parts += [_section(kind, findings, report) for kind, findings in report.kinds.items()]
    return "".join(parts)


def _summary(report: MutationReport) -> str:
    rows = [
        ["what looks at the backends", "mutants found"],
        ["---", "---:"],
        [f"the suite: {report.cases} cases for integers", _of(report.found, report)],
    ]
    for network in report.networks:
        where = f"`{network.network}`, {network.samples} samples of {network.steps} steps"
        rows += [
            [f"`verify` on {where}: outputs and state", _of(network.found, report)],
            ["outputs of its neurons alone", _of(network.found_in_output, report)],
            ["its accuracy, if it may not move at all", _of(network.found_in_accuracy, report)],
        ]
    return _rows(rows)


def _of(found: int, report: MutationReport) -> str:
    return f"**{found}** of {len(report.findings)}"


def _section(kind: str, findings: Sequence[Finding], report: MutationReport) -> str:
    networks = [{r.mutant: r for r in network.results} for network in report.networks]
    counted = ["cases"] if report.all_finders else []
    head = ["mutant", "the mistake", "found by", *counted]
    rows = [
        [*head, *(f"`verify` on `{network.network}`" for network in report.networks)],
        ["---", "---", "---", *("---:" for _ in counted), *("---" for _ in networks)],
    ]
    for finding in findings:
        cells = [f"`{finding.mutant.removeprefix('mutant-')}`", finding.fault]
        cells.append(f"`{finding.finders[0]}`" if finding.found else "**nothing**")
        cells += [str(len(finding.finders))] if report.all_finders else []
        cells += [
            _seen(network, results[finding.mutant])
            for network, results in zip(report.networks, networks, strict=True)
        ]
        rows.append(cells)
    return f"\n## {kind.capitalize()}\n\n{_rows(rows)}"


def _seen(network: EndToEnd, result: EndToEndResult) -> str:
    if result.status == "pass":
        return "nothing differs"
    if result.status != "fail":
        return {"error": "breaks", "unsupported": "refuses"}[result.status]
    differs = f"{result.bins:,} outputs differ" if result.bins else "state differs"
    if network.moves(result):
        return f"{differs}; accuracy {network.accuracy:.1f} → {result.accuracy:.1f} %"
    return differs


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
