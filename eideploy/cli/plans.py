"""How the work of a verb is divided, as the command line asks for it."""

from __future__ import annotations

from eideploy.cli.console import remark
from eideploy.jobs import Crew, Plan, cache_folder


def plan_of(workers: int | None, scheduler: str | None, resume: bool) -> Plan:
    """Who does the work; what is done is written down, so that `--resume` can go on.

    Raises:
        InputError: both workers and a scheduler are given.
    """
    return Plan(Crew(workers, scheduler), cache_folder(), resume, remark)
