"""What quantization did, as tables for a person."""

from __future__ import annotations

import warnings

from rich.table import Table

from eideploy.cli.console import out
from eideploy.compile.report import PopulationQuantization, QuantizationReport
from eideploy.errors import EideployWarning

_LEGEND = (
    "error: root mean square of what rounding and saturation changed, over that of the weights; "
    "largest: of one weight, over the largest weight; decay: largest relative error; bits to "
    "spare: of 24, in the worst case; worst: neurons, or channels, of the largest error"
)


SPARE_BITS = 1
"""Bits of its weights that a projection may lose to the width of its sums without a word."""


def warn_of_losses(report: QuantizationReport) -> None:
    """Name the projections whose weights got fewer bits than they were to have."""
    for population in report.populations:
        for made in population.weights:
            if made.bits < report.weight_bits - SPARE_BITS:
                warnings.warn(
                    f"{made.source}→{population.name}: its weights keep {made.bits} of "
                    f"{report.weight_bits} bits, and {_percent(made.vanished)} of them became 0; "
                    "with more, sums or thresholds would not fit. See `eideploy compile --report`; "
                    "where the input is spikes, say so in its metadata (`levels` 1).",
                    EideployWarning,
                    stacklevel=2,
                )


def show_quantization(report: QuantizationReport) -> None:
    """Weights by projection, then neurons by population."""
    numbers = ("bits", "exponent", "saturated", "became 0", "error", "largest")
    weights = _table(f"weights of {report.weight_bits} bits", "projection", *numbers)
    for population in report.populations:
        for made in population.weights:
            port = "" if made.port == "input" else f".{made.port}"
            weights.add_row(
                f"{made.source}→{population.name}{port}",
                str(made.bits),
                str(made.exponent),
                *(_percent(share) for share in (made.saturated, made.vanished)),
                *(_percent(share) for share in (made.error, made.largest_error)),
            )
    out.print(weights)
    out.print()
    neurons = _table("neurons", "population", "threshold", "decay", "quotient", "drops")
    for column in ("bits to spare", "worst"):
        neurons.add_column(column, overflow="fold")
    for population in report.populations:
        neurons.add_row(
            population.name,
            _thresholds(population),
            "" if population.decay_error is None else _percent(population.decay_error),
            _quotient(population),
            f"{population.shift} bit" if population.shift else "",
            ", ".join(f"{name} {bits:.1f}" for name, bits in population.headroom.items()),
            _worst(population),
        )
    out.print(neurons)
    out.print(_LEGEND, style="dim")
    out.print()


def _table(title: str, name: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(name, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", overflow="fold")
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share else "0"


def _thresholds(population: PopulationQuantization) -> str:
    if population.thresholds is None:
        return ""
    low, high = population.thresholds
    return f"{low:,}" if low == high else f"{low:,}…{high:,}"


def _quotient(population: PopulationQuantization) -> str:
    """How far |B| is shifted before it is divided, and the width of what comes out."""
    if population.quotient_shift is None:
        return ""
    return f"<<{population.quotient_shift}, {population.quotient_bits} bit"


def _worst(population: PopulationQuantization) -> str:
    """`8, 15, 5 (≤ 0.6 %)`: the first is the worst."""
    if not population.worst:
        return ""
    indices = ", ".join(str(neuron.index) for neuron in population.worst)
    return f"{indices} (≤ {_percent(population.worst[0].error)})"
