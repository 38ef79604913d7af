"""What there is to say about a run, besides the graph that it is exported as."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from eideploy.cli.console import out, print_json, progress_bar, remark
from eideploy.cli.show import show_graph
from eideploy.graph.describe import GraphDescription

if TYPE_CHECKING:
    from eideploy.train import Run


def write_page(run: Run, path: Path | None = None) -> Path:
    """Write the page about the training of a run, with a bar; `training.html` in it by default."""
    from eideploy.train.plots import write_training_report

    with progress_bar("looking") as progress:
        return write_training_report(run, path, progress=progress)


def show_run(run: Run, description: GraphDescription | None, json: bool) -> None:
    """How a run was trained, what its layers did in the end, and its graph once it is frozen."""
    trained = _trained(run)
    if json:
        if description is None:
            print_json({"schema": "eideploy.run-description/1", "run": trained})
        else:
            graph = description.to_dict()
            print_json({"schema": "eideploy.graph/1", **graph, "run": trained})
        return
    if description is not None:
        show_graph(description, json=False)
        out.print()
    out.print(_sentence(trained), markup=False)
    if trained["layers"]:
        out.print(_layers(trained["layers"]))
    if description is None:
        remark("not frozen, so there is no graph of it yet")


def _trained(run: Run) -> dict[str, Any]:
    """Fields that a run does not have, as an imported one, are None."""
    epochs = run.metrics.get("epochs") or []
    return {
        "name": run.name,
        "frozen": run.frozen,
        "epochs": len(epochs),
        "seconds": run.metrics.get("seconds"),
        "test_accuracy": run.metrics.get("test_accuracy"),
        "frozen_test_accuracy": run.metrics.get("frozen_test_accuracy"),
        "expected": run.recipe.expected.model_dump() if run.recipe.expected else None,
        "layers": epochs[-1].get("layers") if epochs else None,
    }


def _sentence(trained: dict[str, Any]) -> str:
    count = trained["epochs"]
    parts = [f"{count} epoch{'s' if count != 1 else ''}" if count else "not trained here"]
    if trained["seconds"] is not None:
        parts.append(f"{trained['seconds']:.0f} s")
    if trained["test_accuracy"] is not None:
        parts.append(f"test accuracy {trained['test_accuracy']:.2f} %")
    if trained["frozen_test_accuracy"] is not None:
        parts.append(f"frozen {trained['frozen_test_accuracy']:.2f} %")
    if expected := trained["expected"]:
        parts.append(f"expected {expected['accuracy']:.2f} % ({expected['source']})")
    return f"{trained['name']}: " + " · ".join(parts)


def _layers(layers: dict[str, dict[str, float]]) -> Table:
    """What the history says of the layers after the last epoch."""
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    shown = {
        "rate": ("firing rate", "{:.1%}"),
        "shunt": ("mean divisor", "{:.3g}"),
        "replaced": ("divisors at 0", "{:.1%}"),
    }
    for label, _ in shown.values():
        table.add_column(label, justify="right")
    for name, seen in layers.items():
        cells = (form.format(seen[key]) if key in seen else "" for key, (_, form) in shown.items())
        table.add_row(name, *cells)
    return table
