"""Copies of the twin in which some lines read otherwise.

The twin is its own package of a dozen modules. A copy of it is made from the same sources, with a
few words exchanged, under another name: the twin itself stays as it is, and any number of copies
live side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from inspect import getsource
from types import ModuleType

from eideploy.errors import InputError
from eideploy.simulate import twin

_ORIGINAL = twin.__name__
_COPY = "eideploy_twin_with_a_fault"


@dataclass(frozen=True)
class Edit:
    """Something that reads otherwise in a module of the twin.

    Args:
        module: of `eideploy.simulate.twin`.
        before: what stands there, once.
        after: what stands there instead.
    """

    module: str
    before: str
    after: str

    def apply(self, source: str) -> str:
        """The source of the module, edited.

        Raises:
            InputError: `before` does not stand there exactly once.
        """
        if source.count(self.before) != 1:
            raise InputError(
                f"{_ORIGINAL}.{self.module} has {source.count(self.before)} places that read "
                f"{self.before!r}, expected 1",
                "The twin was changed: change the mutant that is a variation of it.",
            )
        return source.replace(self.before, self.after)


@cache
def edited(edits: tuple[Edit, ...]) -> ModuleType:
    """A copy of `eideploy.simulate.twin` with some edits.

    Raises:
        InputError: an edit does not fit its module.
    """
    copier = _Copier(edits)
    sys.meta_path.insert(0, copier)
    try:
        return import_module(_COPY)
    finally:
        sys.meta_path.remove(copier)
        for name in [name for name in sys.modules if copier.makes(name)]:
            del sys.modules[name]


class _Copier(MetaPathFinder, InspectLoader):
    """Imports the copy: finds its modules under its name and gives them their sources."""

    def __init__(self, edits: tuple[Edit, ...]) -> None:
        self.edits = edits

    @staticmethod
    def makes(name: str) -> bool:
        return name.partition(".")[0] == _COPY

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(name, self) if self.makes(name) else None

    def is_package(self, fullname: str) -> bool:
        return fullname == _COPY

    def get_source(self, fullname: str) -> str:
        module = fullname[len(_COPY) + 1 :]
        original = import_module(f"{_ORIGINAL}.{module}" if module else _ORIGINAL)
        source = getsource(original)
        for edit in self.edits:
            if edit.module == module:
                source = edit.apply(source)
        return source.replace(_ORIGINAL, _COPY)
