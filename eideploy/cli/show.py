"""Programs, traces and graphs as tables for a person or JSON for a machine."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from rich.table import Table

from eideploy.cli.console import out, print_json
from eideploy.compile.chip import Chip
from eideploy.compile.report import QuantizationReport
from eideploy.graph.describe import GraphDescription, TimeConstant, extent, in_seconds, in_steps
from eideploy.program import Program, Stimulus, Trace


def show_graph(description: GraphDescription, json: bool) -> None:
    """What is in a NIR graph."""
    if json:
        print_json({"schema": "eideploy.graph/1", **description.to_dict()})
        return
    sources = _branches(description)
    table = Table(box=None, pad_edge=False)
    columns = ("node", "type", "shape", "parameters", "time constants")
    for column in (*columns, "from") if sources else columns:
        table.add_column(column, overflow="fold")
    for node in description.nodes:
        kind = node.type if node.standard else f"{node.type} [cyan](dialect)[/]"
        table.add_row(
            node.name,
            kind,
            extent(node.output_shape),
            f"{node.parameters:,}" if node.parameters else "",
            _time_constants(node.time_constants),
            *([", ".join(sources.get(node.name, ()))] if sources else ()),
        )
    out.print(table)
    standard = "plain NIR" if description.standard else "NIR with the E-I dialect"
    step = f"{description.dt:g} s" if description.dt else "not given"
    out.print(
        f"\n{standard} · {description.parameters:,} parameters and {description.constants:,} "
        f"constants of neurons · step {step}"
    )
    for key, value in description.metadata.items():
        out.print(f"{key}: {value}", markup=False, style="dim")


def _branches(description: GraphDescription) -> dict[str, list[str]]:
    """Where the inputs of those nodes come from that are fed by more than the node above them."""
    names = [node.name for node in description.nodes]
    above = dict(itertools.pairwise(reversed(names)))
    sources: dict[str, list[str]] = {}
    for source, target in description.edges:
        sources.setdefault(target, []).append(source)
    return {name: found for name, found in sources.items() if found != [above.get(name)]}


def reset_of(program: Program) -> str | None:
    """What spikes do to the membrane potential: `value`, `subtract` or `mixed`; None if none do."""
    kinds = {str(vars(p.neuron)["reset"]) for p in program.populations if p.neuron.spiking}
    return None if not kinds else kinds.pop() if len(kinds) == 1 else "mixed"


RESETS = {
    "value": "reset to a value",
    "subtract": "soft reset",
    "mixed": "both resets",
    None: "no spikes",
}
"""What is said of each answer of `reset_of`."""


def show_program(
    program: Program,
    json: bool,
    chip: Chip | None = None,
    quantization: QuantizationReport | None = None,
) -> None:
    """Populations, projections, what they take of a chip and what quantization did, if given."""
    from eideploy.cli.placement import show_placement
    from eideploy.cli.quantization import show_quantization
    from eideploy.compile.demand import usage
    from eideploy.compile.placement import place

    placement = place(program, chip) if chip else None
    used = usage(program)
    populations = [
        {
            "name": p.name,
            "neuron": type(p.neuron).__name__,
            "shape": list(p.shape),
            "offset": p.offset,
        }
        for p in sorted(program.populations, key=lambda p: p.offset)
    ]
    projections = [
        {
            "source": p.source,
            "target": p.target,
            "port": p.port,
            "operator": type(p.operator).__name__,
            "weights": int(p.operator.weight.size),
            "sign": p.sign,
            "exponent": p.exponent,
            "delay": p.delay,
        }
        for p in sorted(program.projections, key=lambda p: program.by_name[p.target].offset)
    ]
    if json:
        print_json(
            {
                "schema": "eideploy.program-summary/1",
                "arithmetic": program.arithmetic,
                "latency": program.latency,
                "reset": reset_of(program),
                "neurons": used.neurons,
                "synapse_bytes": used.synapse_bytes,
                "populations": populations,
                "projections": projections,
                "placement": placement.to_dict() if placement else None,
                "quantization": quantization.to_dict() if quantization else None,
            }
        )
        return
    for title, rows in (("populations", populations), ("projections", projections)):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in rows[0] if rows else ():
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(extent(v) if isinstance(v, list) else str(v) for v in row.values()))
        out.print(table)
        out.print()
    if quantization:
        show_quantization(quantization)
    if placement:
        show_placement(placement)
    out.print(
        f"{program.arithmetic} · {used.neurons:,} neurons · {used.synapse_bytes:,} bytes of "
        f"synapses · latency {program.latency} steps · {RESETS[reset_of(program)]}"
    )


def show_trace(program: Program, stimulus: Stimulus, trace: Trace, json: bool) -> None:
    """Activity of every population, and the accuracy where there are labels."""
    from eideploy.verify import Artifact

    rows = [
        {
            "name": name,
            "neurons": program.by_name[name].size,
            "offset": recording.offset,
            "mean": float(np.mean(recording.output)),
            "spikes": int(np.sum(recording.output))
            if program.by_name[name].neuron.spiking
            else None,
        }
        for name, recording in sorted(trace.recordings.items(), key=lambda item: item[1].offset)
    ]
    correct = Artifact.of(program.metadata.get("model", ""), program, trace).accuracy(
        stimulus.labels
    )
    if json:
        print_json(
            {
                "schema": "eideploy.run-summary/1",
                "samples": stimulus.samples,
                "steps": stimulus.steps,
                "reset": reset_of(program),
                "accuracy": correct,
                "populations": rows,
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("population", "neurons", "latency", "mean", "spikes"):
        table.add_column(
            column, overflow="fold", justify="left" if column == "population" else "right"
        )
    for row in rows:
        spikes = "graded" if row["spikes"] is None else f"{row['spikes']:,}"
        cells = (f"{row['neurons']:,}", str(row["offset"]), f"{row['mean']:.4g}", spikes)
        table.add_row(str(row["name"]), *cells)
    out.print(table)
    if correct is not None:
        out.print(f"\naccuracy {correct:.2f} % of {stimulus.samples} samples")


def _time_constants(items: Sequence[TimeConstant]) -> str:
    """`tau_syn 8 ms, tau_mem 20 ms = 8, 20 steps`, in steps where dt is known."""
    if not items or items[0].steps is None:
        return in_seconds(items)
    steps = in_steps(items)
    for item in items:
        steps = steps.replace(f"{item.field} ", "")
    return f"{in_seconds(items)} = {steps}"
