"""Freezing: the adaptive stabilizer of training becomes a constant that a chip can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from norse.torch import SequentialState

from eideploy.cells import EICircuit
from eideploy.cells.circuit import smallest_nonzero
from eideploy.errors import InputError
from eideploy.graph.export import node_names
from eideploy.train.batches import batches
from eideploy.train.data import Array
from eideploy.train.folder import save_run
from eideploy.train.run import Run


@torch.no_grad()
def calibrate_floors(network: SequentialState, stimulus: Array) -> dict[str, float]:
    """The floor of every divisive circuit: the smallest divisor other than 0 that it meets.

    With it max(S, s_min) changes no divisor of the calibration data but those that are 0, which is
    where the adaptive stabilizer acts too.

    Args:
        network: over sequences [T, B, …], in inference, with the adaptive stabilizer.
        stimulus: calibration data, [sample, step, *input_shape].

    Returns:
        s_min > 0 by node name.

    Raises:
        InputError: a circuit meets no divisor but 0.
    """
    smallest: dict[str, float] = {}

    def measure(name: str) -> Callable[..., None]:
        def look(circuit: EICircuit, inputs: tuple[Any, ...]) -> None:
            _, shunt = circuit.components(circuit.merge(inputs[0]))
            smallest[name] = min(smallest[name], smallest_nonzero(shunt).min().item())

        return look

    handles = []
    for name, layer in node_names(network):
        if isinstance(layer, EICircuit) and layer.divisive:
            smallest[name] = np.inf
            handles.append(layer.register_forward_pre_hook(measure(name)))
    try:
        for batch in batches(network, stimulus):
            network(batch)
    finally:
        for handle in handles:
            handle.remove()
    for name, floor in smallest.items():
        if not np.isfinite(floor):
            raise InputError(
                f"layer {name}: every divisor is 0 on the training data, so no floor can be found",
                "The layer is dead; train again with a lower learning rate.",
            )
    return smallest


def freeze_network(network: SequentialState, stimulus: Array) -> dict[str, float]:
    """Calibrate the floors of a network and write them into its circuits.

    Args:
        network: over sequences [T, B, …], in inference, with the adaptive stabilizer; changed in
            place.
        stimulus: calibration data, [sample, step, *input_shape].

    Returns:
        s_min > 0 by node name.

    Raises:
        InputError: a circuit meets no divisor but 0.
    """
    floors = calibrate_floors(network, stimulus)
    for name, layer in node_names(network):
        if name in floors:
            layer.floor.fill_(floors[name])
    return floors


def freeze(run: Run, device: torch.device | str = "cpu") -> Run:
    """Calibrate the floors of a run on its training data and write them into its directory.

    Freezing twice changes nothing. A network without divisive circuits has no floors to calibrate.

    Args:
        run: trained; its files are replaced.
        device: what to calibrate on.

    Returns:
        The frozen run.

    Raises:
        InputError: a circuit is dead, or was trained without Dale's law.
        MissingComponentError: the data set is not there.
        OutputError: the run cannot be written.
    """
    frozen = calibrate(run, device)
    save_run(frozen)
    return frozen


def calibrate(run: Run, device: torch.device | str = "cpu") -> Run:
    """As `freeze`, without touching a file."""
    if not run.recipe.training.dale:
        raise run.never_frozen()
    network = run.network("adaptive").to(device)
    floors = freeze_network(network, run.samples("train")[0])
    frozen = replace(run, weights=network.cpu().state_dict(), floors=floors)
    metrics = {
        **run.metrics,
        "frozen_test_accuracy": accuracy(frozen.network("floor").to(device), *run.samples()),
    }
    return replace(frozen, metrics=metrics)


@torch.no_grad()
def accuracy(network: SequentialState, stimulus: Array, labels: Array) -> float:
    """Share of samples in % whose class has the largest time-averaged readout.

    Args:
        network: over sequences [T, B, …], in inference.
        stimulus: [sample, step, *input_shape].
        labels: [sample].
    """
    decided = [network(batch)[0].mean(0).argmax(1).cpu() for batch in batches(network, stimulus)]
    return float((torch.cat(decided).numpy() == labels).mean() * 100)
