"""Typed access to the datasets of one group of a file; errors name the dataset and the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eideploy.errors import InputError
from eideploy.graph.hdf5 import Tree
from eideploy.program import Array


@dataclass(frozen=True)
class Fields:
    """The datasets of a group.

    Args:
        tree: what was loaded of it.
        where: its path in the file.
        remarks: is added to where netx reads something else than what is written.
    """

    tree: Tree
    where: str
    remarks: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.tree

    def group(self, name: str) -> Fields:
        """A group in this one."""
        value = self.tree.get(name)
        where = f"{self.where}/{name}"
        if not isinstance(value, dict):
            found = "missing" if value is None else "a dataset"
            raise InputError(f"{where} is {found}, expected a group")
        return Fields(value, where, self.remarks)

    def text(self, name: str) -> str:
        """A string, or the first of a list of strings, as lava-dl writes the type of a layer."""
        value = self.tree.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, str):
            raise InputError(f"{self._called(name)}, expected text")
        return value

    def integers(self, name: str) -> Array:
        """Numbers as netx takes them: what lies behind the point is cut off."""
        value = self.tree.get(name)
        if not isinstance(value, np.ndarray) or value.size == 0:
            raise InputError(f"{self._called(name)}, expected numbers")
        if not np.all(np.isfinite(value)):
            raise InputError(
                f"{self.where}/{name} holds {int(np.sum(~np.isfinite(value)))} NaN or infinite of "
                f"{value.size} values"
            )
        if np.any(np.abs(value.astype(np.float64)) > 2**31 - 1):
            raise InputError(f"{self.where}/{name} holds values beyond 32 bits")
        integers = value.astype(np.int64)
        if np.any(integers != value):
            self.remarks.append(f"{self.where}/{name}: cut off to integers, as netx does")
        return integers

    def between(self, name: str, low: int, high: int) -> Array:
        """Integers that lie between two bounds."""
        values = self.integers(name)
        if np.any(values < low) or np.any(values > high):
            raise InputError(
                f"{self.where}/{name} ranges over [{values.min()}, {values.max()}], expected "
                f"[{low}, {high}]"
            )
        return values

    def number(self, name: str, low: int, high: int) -> int:
        """One integer, alone or in an array."""
        values = self.between(name, low, high)
        if values.size != 1:
            raise InputError(f"{self.where}/{name} has shape {values.shape}, expected one number")
        return int(values.flat[0])

    def pair(self, name: str, low: int) -> tuple[int, int]:
        """(h, w): two integers, or one for both."""
        values = self.between(name, low, 2**15).ravel()
        if values.size not in (1, 2):
            raise InputError(f"{self.where}/{name} has {values.size} numbers, expected 1 or 2")
        return int(values[0]), int(values[-1])

    def shape(self, ranks: tuple[int, ...]) -> tuple[int, ...]:
        """The field `shape`."""
        values = self.between("shape", 1, 2**24)
        if values.ndim != 1 or values.size not in ranks:
            wanted = " or ".join(map(str, ranks))
            raise InputError(f"{self.where}/shape is {values.tolist()}, expected {wanted} extents")
        return tuple(int(extent) for extent in values)

    def _called(self, name: str) -> str:
        value = self.tree.get(name)
        kind = "missing" if value is None else "a group" if isinstance(value, dict) else "no such"
        if isinstance(value, np.ndarray):
            kind = f"of dtype {value.dtype} and shape {value.shape}"
        elif isinstance(value, (str, list)):
            kind = "text"
        return f"{self.where}/{name} is {kind}"
