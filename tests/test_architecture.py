"""Who may import whom. The table of the architecture, as data, held against every import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "eideploy": ROOT,
    "eideploy_models": ROOT / "models",
    "eideploy_targets": ROOT / "targets",
}

Torch = Literal["no", "lazily", "yes"]


@dataclass(frozen=True)
class Part:
    """Which parts a part imports, and whether it may load torch (`lazily`: inside functions)."""

    imports: frozenset[str]
    torch: Torch


def part(imports: str = "", torch: Torch = "no") -> Part:
    return Part(frozenset(f"eideploy.{name}" for name in imports.split()), torch)


TABLE = {
    "eideploy": part(),
    "eideploy.errors": part(),
    "eideploy.files": part(),
    "eideploy.installed": part(),
    "eideploy.cells": part(torch="yes"),
    "eideploy.page": part(),
    "eideploy.train": part("cells graph graph.export page", torch="yes"),
    # Alone in training it knows the compiler, and nothing of training knows it.
    "eideploy.train.quantized": part(
        "cells graph.export program compile targets train", torch="yes"
    ),
    "eideploy.graph": part(),
    "eideploy.graph.export": part("cells graph", torch="yes"),
    "eideploy.program": part(),
    "eideploy.compile": part("graph program"),
    "eideploy.simulate": part(),
    "eideploy.simulate.record": part("program"),
    "eideploy.simulate.reference": part("program simulate.record"),
    "eideploy.simulate.twin": part("program simulate.record", torch="yes"),
    # The signatures of the protocol name passes and what to record.
    "eideploy.targets": part("program compile simulate.record"),
    "eideploy.verify": part(
        "page jobs program simulate simulate.record simulate.reference simulate.twin targets"
    ),
    "eideploy.jobs": part(),
    "eideploy.bundle": part("graph program verify"),
    "eideploy.conform": part(
        "graph program compile simulate.record targets verify page jobs conform.oracle "
        "pytest_plugin"
    ),
    "eideploy.conform.oracle": part(),
    "eideploy.pytest_plugin": part("conform targets"),
    # Wrong backends are variations of the twin.
    "eideploy.conform.mutants": part(
        "program compile simulate.record simulate.twin targets verify conform", torch="yes"
    ),
}
CORE = frozenset(TABLE) | {"eideploy.cli"}
TABLE |= {
    "eideploy.cli": Part(CORE, torch="lazily"),
    "eideploy_models": Part(CORE, torch="yes"),
    "eideploy_targets": Part(CORE, torch="yes"),
}

OPEN_TO_ALL = frozenset({"eideploy", "eideploy.errors", "eideploy.files", "eideploy.installed"})
STANDARD_LIBRARY_ONLY = OPEN_TO_ALL | {"eideploy.conform.oracle"}
LOADS_TORCH = frozenset({"torch", "torchvision", "norse", "nirtorch", "lightning", "tonic"})
BACKENDS = frozenset({"lava", "onnx", "onnxruntime"})


@dataclass(frozen=True)
class Import:
    module: str
    lazy: bool


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for package, folder in SOURCES.items():
        for path in sorted((folder / package).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def part_of(module: str) -> str | None:
    """The part that `module` belongs to: its longest prefix in the table."""
    if module == "eideploy":
        return module
    names = module.split(".")
    prefixes = (".".join(names[:length]) for length in range(len(names), 0, -1))
    # The part `eideploy` is that package's `__init__` alone, not a home for what has no row.
    return next((name for name in prefixes if name in TABLE and name != "eideploy"), None)


def imports_of(node: ast.AST, *, lazy: bool = False) -> Iterator[Import]:
    """Every import under `node`; one in a function or for type checkers only is lazy."""
    match node:
        case ast.Import(names):
            yield from (Import(alias.name, lazy) for alias in names)
        case ast.ImportFrom(str(module), names, 0):
            for alias in names:
                name = f"{module}.{alias.name}"
                yield Import(name if name in MODULES else module, lazy)
        case ast.ImportFrom():
            raise AssertionError(f"relative import in line {node.lineno}")
        case ast.Constant(str(text)) if re.fullmatch(r"eideploy_(models|targets)(\.\w+)*", text):
            # A name in a string is how importlib would go round the table.
            yield Import(text, lazy=True)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            for child in ast.iter_child_nodes(node):
                yield from imports_of(child, lazy=True)
        case ast.If(ast.Name("TYPE_CHECKING"), body, otherwise):
            for child in body:
                yield from imports_of(child, lazy=True)
            for child in otherwise:
                yield from imports_of(child, lazy=lazy)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from imports_of(child, lazy=lazy)


def objections(module: str, source: str) -> list[str]:
    """What is wrong with the imports of `module`, a sentence each."""
    here = part_of(module)
    if here is None:
        return [f"{module} belongs to no part of the table"]
    allowed = TABLE[here].imports | OPEN_TO_ALL | {here}
    found = []
    for imported in imports_of(ast.parse(source)):
        top = imported.module.split(".")[0]
        there = part_of(imported.module)
        if top in SOURCES:
            loads_torch = there is not None and TABLE[there].torch == "yes"
            if there not in allowed:
                found.append(f"{module} imports {imported.module}: no arrow {here} → {there}")
        else:
            loads_torch = top in LOADS_TORCH
            if loads_torch and TABLE[here].torch == "no":
                found.append(f"{module} imports {top}: {here} does without torch")
            if here in STANDARD_LIBRARY_ONLY and top not in sys.stdlib_module_names:
                found.append(f"{module} imports {top}: {here} needs only the standard library")
            if top in BACKENDS and here != "eideploy_targets":
                found.append(f"{module} imports {top}: backends live in eideploy_targets")
        if loads_torch and not imported.lazy and TABLE[here].torch != "yes":
            found.append(f"{module} imports {imported.module} when it is imported: loads torch")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_what_the_table_allows(module: str) -> None:
    assert not objections(module, MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("eideploy.program.trace", "from eideploy.simulate import reference"),
        ("eideploy.program.trace", "def f():\n    from eideploy.compile.passes import Pass"),
        ("eideploy.graph.read", "import eideploy.graph.export"),
        ("eideploy.compile.fold", "import torch"),
        ("eideploy.compile.fold", "def f():\n    import nirtorch"),
        ("eideploy.verify.hops", "from eideploy.simulate.twin import TwinTarget"),
        ("eideploy.cli.train", "import torch.nn"),
        ("eideploy.cli.train", "from eideploy.train import fit"),
        ("eideploy.cli.run", "def f():\n    import eideploy_targets.lava"),
        ("eideploy.targets.registry", 'name = "eideploy_targets.lava"'),
        ("eideploy.cells.lif", "import lava.proc.lif.process"),
        ("eideploy_models.zoo", "import eideploy_targets"),
        ("eideploy.conform.oracle", "import numpy as np"),
        ("eideploy.misc", ""),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert objections(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("eideploy.verify.hops", "def f():\n    from eideploy.simulate.twin import TwinTarget"),
        ("eideploy.cli.train", "def f():\n    import torch\n    from eideploy.train import fit"),
        ("eideploy.cli", "if TYPE_CHECKING:\n    import torch"),
        ("eideploy_targets.lava.run", "import lava\nfrom eideploy.simulate import reference"),
        ("eideploy.program.storage", "from eideploy.files import atomic_write\nimport numpy"),
    ],
)
def test_an_allowed_import_is_not(module: str, source: str) -> None:
    assert objections(module, source) == []


def test_what_does_without_torch_does_not_load_it() -> None:
    light = [
        name
        for name in MODULES
        if TABLE[part_of(name) or "eideploy"].torch != "yes" and not name.endswith("__main__")
    ]
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, f'import {name} loads torch'\n"
    )
    command = [sys.executable, "-c", script, *light]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
