"""Where a Program lies on a board, as a table for a person."""

from __future__ import annotations

from rich.table import Table

from eideploy.cli.console import out
from eideploy.compile.placement import Placement


def show_placement(placement: Placement) -> None:
    """What each population takes of its cores; shares are those of its fullest core."""
    if not placement.cores:
        return
    chip = placement.chip
    table = Table(title=f"on {chip.name}", title_justify="left", box=None, pad_edge=False)
    table.add_column("population", overflow="fold")
    limits = list(placement.cores[0].used.shares(chip))
    for column in ("cores", *limits):
        table.add_column(column, justify="right")
    for population in dict.fromkeys(core.population for core in placement.cores):
        cores = placement.of(population)
        shares = [core.used.shares(chip) for core in cores]
        fullest = (max(share[what][0] / share[what][1] for share in shares) for what in limits)
        table.add_row(population, f"{len(cores):,}", *(f"{100 * full:.0f} %" for full in fullest))
    out.print(table)
    synapses = sum(core.used.synapse_bytes for core in placement.cores)
    state = sum(core.used.state_bytes for core in placement.cores)
    out.print(
        f"\n{len(placement.cores):,} of {chip.cores_in_all:,} cores "
        f"({placement.chips} of {chip.chips.value} chips) · {synapses:,} bytes of synapses, copies "
        f"included · {state:,} of state\n"
    )
