"""Taking times, and a table whose rows are compared with one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from rich.table import Table as RichTable


@dataclass(frozen=True)
class Row:
    """One measurement.

    Args:
        name: what was measured.
        value: in the unit of the table; None if it was not.
        note: why not, or what there is to know.
    """

    name: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Measurements of one kind.

    Args:
        name: key in the JSON file.
        title: what it shows.
        unit: of the values.
        base: name of the row that the others are compared with.
        rows: in the order in which they are printed.
    """

    name: str
    title: str
    unit: str
    base: str
    rows: tuple[Row, ...]

    def ratio(self, row: Row) -> float | None:
        """The value of a row in units of the base row."""
        base = next((r.value for r in self.rows if r.name == self.base), None)
        return row.value / base if row.value is not None and base else None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "base": self.base,
            "rows": [
                {"name": r.name, "value": r.value, "ratio": self.ratio(r), "note": r.note}
                for r in self.rows
            ],
        }

    def to_rich(self) -> RichTable:
        """For the terminal, without the title."""
        table = RichTable()
        table.add_column("")
        table.add_column(self.unit, justify="right")
        table.add_column(f"× {self.base}", justify="right")
        table.add_column("")
        for row in self.rows:
            ratio = self.ratio(row)
            table.add_row(
                row.name,
                "–" if row.value is None else f"{row.value:,.4g}",
                "–" if ratio is None else f"{ratio:.3g}",
                row.note,
            )
        return table


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Shortest time of `work`: what else the machine does can only make it longer."""
    times = []
    for _ in range(repeats):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return min(times)
