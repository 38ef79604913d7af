"""The cells against what the authors' own implementation computed: forward, backward, three steps.

The recorded test is v ≥ 1 where ours is v > 1. No potential is exactly 1 (asserted below), so
the two agree on every spike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from norse.torch import Lift, SequentialState
from torch.nn import functional

from eideploy.cells import (
    LIF,
    EICircuit,
    EIConv2d,
    EILinear,
    InputStatistics,
    ei_init_,
    input_statistics,
    project_,
)
from eideploy.train.optimizer import PaperSGD

NAMES = ("mlp3_trained", "vgg5_init", "vgg5_trained")
GAINS_AND_BIAS = ("weight_ei", "gain_i", "gain_e", "bias")


@dataclass
class Recording:
    """One file: the network rebuilt from its parameters, and all that was computed with it."""

    data: dict[str, np.ndarray]
    network: SequentialState
    circuits: dict[int, EICircuit]  # by number of the module that holds W_EE
    neurons: dict[int, LIF]

    def tensor(self, key: str) -> torch.Tensor:
        return torch.from_numpy(self.data[key])

    def logits(self) -> torch.Tensor:
        x = self.tensor("x")
        output, _ = self.network(x.expand(int(self.data["T"]), *x.shape))
        return output.mean(0)

    def loss(self) -> torch.Tensor:
        return functional.cross_entropy(self.logits(), self.tensor("y"))

    def parameters(self, group: str) -> list[tuple[str, torch.nn.Parameter, torch.Tensor]]:
        """(name, our parameter, recorded values of `group` in the same shape)."""
        found = []
        for number, circuit in self.circuits.items():
            for name, parameter in circuit.named_parameters():
                key = f"{group}/{self._key(number, name)}"
                if key in self.data:
                    found.append((key, parameter, self.tensor(key).reshape(parameter.shape)))
        return found

    def _key(self, number: int, name: str) -> str:
        if name in GAINS_AND_BIAS:
            return f"layers.{number + 1}.{name}"
        dense = f"layers.{number}.{name}"
        conv = f"layers.{number}.{name.replace('weight', 'conv')}.weight"
        return dense if f"param/{dense}" in self.data else conv


def rebuild(path: Path) -> Recording:
    with np.load(path) as file:
        data = dict(file)
    numbers = sorted(int(key.split(".")[1]) - 1 for key in data if key.endswith("gain_i"))
    numbers = sorted(set(numbers))
    pooled = [int(width) for width in data["layers"]]
    circuits: dict[int, EICircuit] = {}
    neurons: dict[int, LIF] = {}
    modules: list[torch.nn.Module] = []
    for number in numbers:
        last = number == numbers[-1]
        conv = f"param/layers.{number}.conv_ee.weight"
        if conv in data:
            n_e, c_in, kernel, _ = data[conv].shape
            circuit: EICircuit = EIConv2d(c_in, n_e, kernel, padding=1, divisive=not last)
        else:
            n_e, n_in = data[f"param/layers.{number}.weight_ee"].shape
            circuit = EILinear(n_in, n_e, divisive=not last)
            if any(isinstance(module, EIConv2d) for module in modules):
                modules.append(torch.nn.Flatten(start_dim=2))
        circuits[number] = circuit
        modules.append(circuit)
        if last:
            break
        neurons[number] = LIF(tau=float(data["tau"]), reset="subtract")
        modules.append(neurons[number])
        pooled.pop(0)
        if pooled and pooled[0] == -1:
            pooled.pop(0)
            modules.append(Lift(torch.nn.AvgPool2d(2)))
    recording = Recording(data, SequentialState(*modules), circuits, neurons)
    with torch.no_grad():
        for _, parameter, values in recording.parameters("param"):
            parameter.copy_(values)
    return recording


@pytest.fixture(params=NAMES)
def recording(request: pytest.FixtureRequest, shared_data: Path) -> Recording:
    return rebuild(shared_data / "deepeisnn" / f"{request.param}.npz")


@pytest.fixture
def initialized(shared_data: Path) -> Recording:
    return rebuild(shared_data / "deepeisnn" / "vgg5_init.npz")


def test_every_recorded_parameter_is_used(recording: Recording) -> None:
    used = {key for key, _, _ in recording.parameters("param")}
    assert used == {key for key in recording.data if key.startswith("param/")}


def test_currents_spikes_and_logits(recording: Recording) -> None:
    seen: dict[str, torch.Tensor] = {}
    potentials: list[torch.Tensor] = []

    def current_of(number: int) -> Any:
        def keep(_: Any, __: Any, output: torch.Tensor) -> None:
            seen[f"current/layers.{number + 1}"] = output.flatten(0, 1)

        return keep

    def spikes_of(number: int) -> Any:
        def keep(lif: LIF, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
            seen[f"spikes/layers.{number + 3}"] = output[0]
            potentials.append(lif.trace(inputs[0])[1])

        return keep

    for number, circuit in recording.circuits.items():
        circuit.register_forward_hook(current_of(number))
    for number, neuron in recording.neurons.items():
        neuron.register_forward_hook(spikes_of(number))
    with torch.no_grad():
        seen["logits"] = recording.logits()

    expected = {k for k in recording.data if k.startswith(("current/", "spikes/"))} | {"logits"}
    assert set(seen) == expected
    for key, values in seen.items():
        recorded = recording.tensor(key)
        if key.startswith("spikes/"):
            assert int((values != recorded).sum()) == 0, key
            assert 0 < recorded.float().mean() < 1, f"{key} is no test"
        else:
            # Relative, with room for the rounding of a difference that is nearly 0.
            atol = 1e-6 * float(recorded.abs().max())
            torch.testing.assert_close(values, recorded, rtol=1e-4, atol=atol, msg=key)
    assert not any(bool((v == 1).any()) for v in potentials)


def test_loss_and_every_gradient(recording: Recording) -> None:
    loss = recording.loss()
    assert loss.item() == pytest.approx(float(recording.data["loss"]), rel=1e-5)
    loss.backward()
    compared = recording.parameters("grad")
    assert {key for key, _, _ in compared} == {k for k in recording.data if k.startswith("grad/")}
    for key, parameter, recorded in compared:
        assert parameter.grad is not None
        # Gradients of logits sum to 0 over classes. Where all entries of W_EI are alike, as right
        # after E-I Init, that of the readout's W_IE is 0 but for rounding (1e-8), hence the 1e-7.
        largest = float(recorded.abs().max())
        assert float((parameter.grad - recorded).abs().max()) < 1e-3 * largest + 1e-7, key


def test_the_readout_has_gradients_for_its_weights_only(recording: Recording) -> None:
    recording.loss().backward()
    readout = list(recording.circuits.values())[-1]
    without = {name for name, parameter in readout.named_parameters() if parameter.grad is None}
    assert without == {"gain_i", "gain_e", "bias"}


def test_three_optimizer_steps(recording: Recording) -> None:
    optimizer = PaperSGD(
        recording.network.parameters(),
        lr=float(recording.data["sgd/lr"]),
        momentum=0.9,
        weight_decay=5e-4,
    )
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = recording.loss()
        loss.backward()
        optimizer.step()
        project_(recording.network)
        losses.append(loss.item())
    np.testing.assert_allclose(losses, recording.data["sgd/losses"], rtol=1e-5)
    for key, parameter, recorded in recording.parameters("param_after_3_steps"):
        largest = max(float(recorded.abs().max()), 1e-6)
        assert float((parameter.detach() - recorded).abs().max()) < 1e-5 * largest, key


def test_statistics_that_ei_init_sees(initialized: Recording) -> None:
    seen: dict[int, InputStatistics] = {}

    def statistics_of(number: int) -> Any:
        def keep(circuit: EICircuit, inputs: tuple[torch.Tensor, ...]) -> None:
            seen[number] = input_statistics(circuit.merge(inputs[0]))

        return keep

    for number, circuit in initialized.circuits.items():
        circuit.register_forward_pre_hook(statistics_of(number))
    with torch.no_grad():
        initialized.logits()
    for number, found in seen.items():
        mean, variance, mean_square = initialized.data[f"stats/layers.{number}"]
        assert found.mean == pytest.approx(mean, rel=1e-5)
        assert found.variance == pytest.approx(variance, rel=1e-5)
        assert found.mean_square == pytest.approx(mean_square, rel=1e-5)


def test_parameters_that_ei_init_makes_of_them(initialized: Recording) -> None:
    for number, circuit in initialized.circuits.items():
        recorded = {name: p.detach().clone() for name, p in circuit.named_parameters()}
        statistics = InputStatistics(*map(float, initialized.data[f"stats/layers.{number}"]))
        ei_init_(circuit, statistics, generator=torch.Generator().manual_seed(number))
        for name in GAINS_AND_BIAS:
            torch.testing.assert_close(getattr(circuit, name).detach(), recorded[name])
        for name in ("weight_ee", "weight_ie"):
            ours, theirs = getattr(circuit, name).detach(), recorded[name]
            # Both are samples of one exponential distribution: mean and deviation are its scale.
            error = 6 * math.sqrt(2 / ours.numel())
            assert float(ours.mean() / theirs.mean()) == pytest.approx(1, abs=error)
            assert float(ours.std() / theirs.std()) == pytest.approx(1, abs=2 * error)
