"""What a network does with a stimulus, node by node, for comparison with where it is deployed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from norse.torch import SequentialState

from eideploy.cells import LIF
from eideploy.graph.export import node_names
from eideploy.train.data import Array


@torch.no_grad()
def record_network(
    network: SequentialState, stimulus: Array, *, batch_size: int = 256
) -> dict[str, dict[str, Array]]:
    """Record every LIF and the readout, in the dtype of the network's parameters.

    Args:
        network: over sequences [T, B, …], in inference; float64 for an exact comparison.
        stimulus: [sample, step, *input_shape].
        batch_size: samples at a time; limits memory.

    Returns:
        For each LIF `output` (spikes, uint8) and `v` (membrane potential at the threshold test,
        before the reset), for the readout `output`; all [sample, step, *shape]. Names are those of
        `eideploy.graph.export.node_names`.

    Raises:
        UnsupportedError: a module of the network has no node.
        InputError: the stimulus does not fit the network, or a floor in use is not calibrated.
    """
    batches = [
        _record_batch(network, stimulus[start : start + batch_size])
        for start in range(0, len(stimulus), batch_size)
    ]
    return {
        name: {key: np.concatenate([batch[name][key] for batch in batches]) for key in first}
        for name, first in batches[0].items()
    }


def _record_batch(network: SequentialState, stimulus: Array) -> dict[str, dict[str, Array]]:
    parameter = next(network.parameters())
    sequence = torch.as_tensor(np.ascontiguousarray(stimulus)).to(parameter).transpose(0, 1)
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
