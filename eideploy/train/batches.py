"""Running a network over a whole data set in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from norse.torch import SequentialState
from torch import Tensor

from eideploy.train.data import Array

LARGEST = {"cpu": 4 * 2**20, "cuda": 128 * 2**20}
"""Bytes of the largest array inside the network by device; about six such are alive at a time.

On a CPU more was slower (measured on mnist_conv): memory is then asked of the system again and
again. A GPU wants work enough for all its cores.
"""


def batches(
    network: SequentialState, stimulus: Array, batch_size: int | None = None
) -> Iterator[Tensor]:
    """Cut a stimulus into batches [T, B, …], on the device and in the dtype of a network.

    Args:
        network: over sequences [T, B, …], in inference.
        stimulus: [sample, step, *input_shape]; may be a view that repeats one step.
        batch_size: samples at a time; as many as keep memory small if not given, for which one
            sample is run, at once.
    """
    device = next(network.parameters()).device.type
    largest = LARGEST.get(device, LARGEST["cuda"])
    size = batch_size or max(1, largest // _bytes_of_a_sample(network, stimulus))
    return (
        _sequence(network, stimulus[start : start + size])
        for start in range(0, len(stimulus), size)
    )


@torch.no_grad()
def _bytes_of_a_sample(network: SequentialState, stimulus: Array) -> int:
    """Size of the largest output of any module for the first sample."""
    largest = 1

    def look(module: Any, inputs: Any, output: Any) -> None:
        nonlocal largest
        values = output[0] if isinstance(output, tuple) else output
        largest = max(largest, values.numel() * values.element_size())

    handles = [module.register_forward_hook(look) for module in network.modules()]
    try:
        network(_sequence(network, stimulus[:1]))
    finally:
        for handle in handles:
            handle.remove()
    return largest


def _sequence(network: SequentialState, stimulus: Array) -> Tensor:
    """One batch; a step that is repeated stays a view, which circuits compute once."""
    steps, parameter = stimulus.shape[1], next(network.parameters())
    shown = stimulus[:, :1] if stimulus.strides[1] == 0 else stimulus
    sequence = torch.tensor(shown).to(parameter).transpose(0, 1)
    return sequence.expand(steps, *sequence.shape[1:])
