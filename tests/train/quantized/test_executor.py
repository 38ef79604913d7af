"""The differentiable executor is the Program, bin for bin, and its gradients are the network's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from eideploy.errors import UnsupportedError
from eideploy.program import Stimulus
from eideploy.simulate import reference
from eideploy.train.quantized.executor import Executor
from eideploy.train.sections import NeuronSection

Make = Callable[..., Any]
NEURON = NeuronSection()
CASES: dict[str, dict[str, Any]] = {
    "dense": {},
    "dense-image": {"timed": False},
    "dense-explicit": {"mapping": "explicit"},
    "dense-folded": {"form": "folded"},
    "dense-folded-subtract": {"form": "folded", "reset": "subtract"},
    "conv": {"kind": "conv"},
    "conv-image-subtract": {"kind": "conv", "reset": "subtract", "timed": False},
    "conv-explicit": {"kind": "conv", "mapping": "explicit"},
    "conv-relay-pools": {"kind": "conv", "pool": "relay"},
    "conv-folded": {"kind": "conv", "form": "folded"},
    "residual": {"kind": "residual"},
    "residual-explicit": {"kind": "residual", "mapping": "explicit"},
}
pytestmark = pytest.mark.filterwarnings("ignore:.*soft reset is not part of standard NIR")


@pytest.mark.parametrize("bits", [8, 3])
@pytest.mark.parametrize("case", CASES)
def test_every_bin_and_state_is_that_of_the_reference(example: Make, case: str, bits: int) -> None:
    made = example(**CASES[case], seed=3, weight_bits=bits)
    with torch.no_grad():
        done = Executor(made.deployed, made.network, NEURON)(made.stimulus)
    values = {"input": made.stimulus.transpose(0, 1).numpy()}
    expected = reference.run(made.deployed.program, Stimulus(values))
    for name, recording in expected.recordings.items():
        output = done.outputs[name].transpose(0, 1).numpy()
        np.testing.assert_array_equal(output, recording.output, err_msg=name)
        if "v" in recording.state:
            assert 0 < recording.output.mean() < 1, name
            v = done.potentials[name].transpose(0, 1).numpy()
            np.testing.assert_array_equal(v, recording.state["v"], err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_about_those_of_the_float_network(example: Make, case: str) -> None:
    """At 8 bits, of every parameter. In folded form inhibition no longer acts on the divisor."""
    made = example(**CASES[case])
    parameters = dict(made.network.named_parameters())
    weights = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))

    def gradients(output: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = (output.mean(0) * weights).sum()
        found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        return {n: g for n, g in zip(parameters, found, strict=True) if g is not None}

    real = gradients(made.network(made.stimulus)[0])
    program = made.deployed.program
    done = Executor(made.deployed, made.network, NEURON)(made.stimulus)
    (output,) = program.outputs
    integer = gradients(done.outputs[output] / program.metadata["output_scale"][output])
    folded = CASES[case].get("form") == "folded"
    assert integer.keys() == {n for n in real if not (folded and n.endswith("gain_i"))}
    for name, gradient in integer.items():
        if folded and name.endswith(("weight_ie", "weight_ei")):
            continue
        # The networks are small and drawn at random, differently by each version of torch. A
        # constant in place of the divisor is another function, whose gradients only point alike.
        cosine = torch.cosine_similarity(gradient.ravel(), real[name].ravel(), dim=0)
        assert cosine > (0.5 if folded else 0.9), name
        size = (gradient.norm() / real[name].norm()).item()
        assert 0.4 < size < 2.5, name


def test_weights_of_another_moment_are_refused(example: Make) -> None:
    made = example()
    with torch.no_grad():
        made.network[2].weight_ei.mul_(torch.linspace(0.5, 2, 4))
    with pytest.raises(UnsupportedError, match=r"lif1→lif2\.balanced"):
        Executor(made.deployed, made.network, NEURON)


def test_refractory_periods_are_refused(example: Make) -> None:
    made = example(form="folded")
    program = made.deployed.program
    first = next(p for p in program.populations if p.neuron.spiking)
    changed = program.replace_population(replace(first, neuron=replace(first.neuron, refractory=1)))
    with pytest.raises(UnsupportedError, match=f"'{first.name}' has .* a refractory period"):
        Executor(replace(made.deployed, program=changed), made.network, NEURON)
