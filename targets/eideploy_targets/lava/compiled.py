"""Lava's compiler, which looks for the models of each kind of process only once."""

from __future__ import annotations

from collections.abc import Sequence

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.compiler.executable import Executable
from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg

CHANNEL_SLOTS = 4
"""Messages that a channel holds; all processes end a step together, so two would do."""

_MODELS: dict[tuple[type[AbstractProcess], str], type[AbstractProcessModel]] = {}
"""What Lava chose. It executes whole folders to find out, for each process again if it is asked."""


def compiled(processes: Sequence[AbstractProcess], tag: str) -> Executable:
    """Lava's choice of a model for each of some connected processes, and their channels.

    Args:
        processes: all of the network.
        tag: of the models to choose.
    """
    config = Loihi2SimCfg(select_tag=tag)
    for process in processes:
        kind = type(process), tag
        if kind not in _MODELS:
            found = ProcGroupDiGraphs._find_proc_models(process)
            _MODELS[kind] = config.select(process, found)
        config.exception_proc_model_map[process] = _MODELS[kind]
    return processes[0].compile(config, {"pypy_channel_size": CHANNEL_SLOTS})
