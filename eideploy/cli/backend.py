"""Targets as the command line asks for them: by name, with some of their fields set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from eideploy.cli.console import remark
from eideploy.errors import InputError
from eideploy.program import Program
from eideploy.targets import Target, load_target, require


def ready_target(name: str, **options: object) -> Target:
    """The target called `name`, configured, and sure to be able to run here.

    Args:
        name: as in `eideploy targets`.
        options: as in `configured`.

    Raises:
        InputError: there is no such target, or it lacks one of the options.
        MissingComponentError: it cannot run here.
    """
    target = configured(load_target(name), **options)
    require(target)
    return target


def ready_targets(names: Sequence[str], **options: object) -> list[Target]:
    """The targets, sure to be able to run here, each with those of the options that it takes.

    Raises:
        InputError: there is no such target, or none of them takes an option that is given.
        MissingComponentError: one of them cannot run here.
    """
    found = [load_target(name) for name in dict.fromkeys(names)]
    for name, value in options.items():
        if found and value is not None and not any(takes(target, name) for target in found):
            configured(found[0], **{**dict.fromkeys(options), name: value})
    ready = [
        configured(target, **{n: v for n, v in options.items() if takes(target, n)})
        for target in found
    ]
    for target in ready:
        require(target)
    return ready


def configured(target: Any, **options: object) -> Any:
    """The target with those of its fields set that are options on the command line.

    Args:
        target: its options are its fields; one that is no dataclass has none.
        options: values by name of the field; None is what was not given.

    Raises:
        InputError: the target has no such field, or does not take the value.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if not takes(target, name):
            taken = (
                ", ".join(f"--{option}" for option in options if takes(target, option)) or "none"
            )
            raise InputError(
                f"target {target.name!r} has no option --{name}",
                f"Leave it out; of these options {target.name} takes {taken}.",
            )
    return replace(target, **given) if given else target


def takes(target: Any, option: str) -> bool:
    """Whether an option is a field of the target."""
    return is_dataclass(target) and option in (field.name for field in fields(target))


def tell_executor(target: Any, program: Program) -> None:
    """Say what a target runs a Program with, if it has a choice: its `executor_for`."""
    if hasattr(target, "executor_for"):
        remark(f"{target.name}: executor {target.executor_for(program)}")
