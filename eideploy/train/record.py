"""What a network does with a stimulus, node by node, for comparison with where it is deployed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from norse.torch import SequentialState

from eideploy.cells import LIF
from eideploy.graph.export import node_names
from eideploy.train.batches import batches
from eideploy.train.data import Array


@torch.no_grad()
def record_network(
    network: SequentialState, stimulus: Array, *, batch_size: int | None = None
) -> dict[str, dict[str, Array]]:
    """Record every LIF and the readout, in the dtype of the network's parameters.

    Args:
        network: over sequences [T, B, …], in inference; float64 for an exact comparison.
        stimulus: [sample, step, *input_shape].
        batch_size: samples at a time; as many as keep memory small if not given.

    Returns:
        For each LIF `output` (spikes, uint8) and `v` (membrane potential at the threshold test,
        before the reset), for the readout `output`; all [sample, step, *shape]. Names are those of
        `eideploy.graph.export.node_names`.

    Raises:
        UnsupportedError: a module of the network has no node.
        InputError: the stimulus does not fit the network, or a floor in use is not calibrated.
    """
    records: dict[str, dict[str, Array]] = {}
    start = 0
    for batch in batches(network, stimulus, batch_size):
        stop = start + batch.shape[1]
        for name, arrays in _record_batch(network, batch).items():
            whole = records.setdefault(name, {})
            for key, values in arrays.items():
                if key not in whole:
                    whole[key] = np.empty((len(stimulus), *values.shape[1:]), values.dtype)
                whole[key][start:stop] = values
        start = stop
    return records


def _record_batch(network: SequentialState, sequence: torch.Tensor) -> dict[str, dict[str, Array]]:
    records: dict[str, dict[str, Array]] = {}

    def record_neurons(name: str) -> Callable[..., None]:
        def record(lif: LIF, inputs: tuple[Any, ...]) -> None:
            spikes, v = lif.trace(inputs[0])
            records[name] = {"output": _to_numpy(spikes).astype(np.uint8), "v": _to_numpy(v)}

        return record

    def record_readout(module: Any, inputs: Any, output: torch.Tensor) -> None:
        records["readout"] = {"output": _to_numpy(output)}

    handles = []
    for name, module in node_names(network):
        if isinstance(module, LIF):
            handles.append(module.register_forward_pre_hook(record_neurons(name)))
        elif name == "readout":
            handles.append(module.register_forward_hook(record_readout))
    try:
        network(sequence)
    finally:
        for handle in handles:
            handle.remove()
    return records


def _to_numpy(sequence: torch.Tensor) -> Array:
    """[step, sample, …] → [sample, step, …]."""
    return sequence.transpose(0, 1).cpu().numpy()
