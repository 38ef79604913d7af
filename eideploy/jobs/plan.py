"""How the tasks of a run are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from eideploy.errors import OutputError
from eideploy.jobs.crew import Crew
from eideploy.jobs.digest import digest
from eideploy.jobs.journal import Journal, keep_journal
from eideploy.jobs.source import source
from eideploy.jobs.versions import versions

R = TypeVar("R")


def _silently(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Plan:
    """Who does the tasks of a run, and where it is written down what is done.

    Args:
        crew: who does them; this process, unless given.
        cache: folder of what can be made again; without it nothing is written down.
        resume: go on with what was done before the same run was interrupted.
        tell: called with a line for a person.
    """

    crew: Crew = field(default_factory=Crew)
    cache: Path | None = None
    resume: bool = False
    tell: Callable[[str], None] = _silently

    @contextmanager
    def journal(
        self, subject: object, encode: Callable[[R], bytes], decode: Callable[[bytes], R]
    ) -> Iterator[Journal[R] | None]:
        """What was done, and is done in the block; None if it is not written down.

        A run that is not to be resumed does without where nothing can be written.

        Args:
            subject: everything that results depend on, for `digest`.
            encode: a result as bytes.
            decode: the same backwards.

        Raises:
            OutputError: it is to be resumed, and nothing can be written.
        """
        key = digest((versions(), source("eideploy"), subject)) if self.cache is not None else None
        if self.cache is None or key is None:
            if self.resume:
                self.tell("nothing to resume: not all is known that this run depends on")
            yield None
            return
        with ExitStack() as stack:
            try:
                journal = stack.enter_context(
                    keep_journal(self.cache, key, encode, decode, resume=self.resume)
                )
            except OutputError as error:
                if self.resume:
                    raise
                self.tell(f"this run cannot be resumed if it is interrupted: {error.what}")
                yield None
                return
            done = len(journal.names())
            if self.resume:
                self.tell(
                    f"resuming: {done} done before"
                    if done
                    else "nothing to resume: starting from the beginning"
                )
            yield journal
