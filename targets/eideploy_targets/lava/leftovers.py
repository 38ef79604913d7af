"""What Lava leaves behind in the interpreter that it runs in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer


@contextmanager
def lava_as_before() -> Iterator[None]:
    """Undo what Lava does to the whole interpreter: log handlers, and lists that only grow."""
    processes, variables = ProcessServer().processes, VarServer().vars
    lengths = len(processes), len(variables)
    loggers = logging.getLogger(), logging.getLogger("lava.magma.compiler.compiler")
    handlers = [list(logger.handlers) for logger in loggers]
    try:
        yield
    finally:
        del processes[lengths[0] :], variables[lengths[1] :]
        for logger, kept in zip(loggers, handlers, strict=True):
            logger.handlers[:] = kept
