"""Random graphs in norse's neurons, wired by nirtorch: they do what the Programs do.

nirtorch 2.6 runs graphs of one Input and one Output and calls modules step by step. What is left
out, since neither has it: Scale, Delay, I, IF with a soft reset, circuits, several inputs and
outputs, sums in an Output, padding in a SumPool2d. In a loop nirtorch takes 0 for what a module
gave before the first step, so that synapses there have no bias. Modules are made here where those
of nirtorch are wrong: it leaves the bias of an Affine to chance and swaps the channels of a
convolution. norse's own import drops R and v_reset and lets the current leak to v_leak; its
functions, which are used here, have all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import nirtorch
import numpy as np
import pytest
import torch
from equations import DT
from hypothesis import given, settings
from hypothesis import strategies as st
from norse.torch.functional.iaf import IAFFeedForwardState, IAFParameters, iaf_feed_forward_step
from norse.torch.functional.leaky_integrator_box import (
    LIBoxParameters,
    LIBoxState,
    li_box_feed_forward_step,
)
from norse.torch.functional.lif_box import (
    LIFBoxFeedForwardState,
    LIFBoxParameters,
    lif_box_feed_forward_step,
)
from norse.torch.functional.reset import reset_subtract, reset_value
from norse.torch.functional.threshold import threshold
from random_graphs import cases

from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.graph import SoftResetCubaLIF, SoftResetLIF
from eideploy.program import Stimulus
from eideploy.simulate import reference

# What torch says of the padding that it takes for "same" with an even kernel.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

METHOD, ALPHA = "heaviside", torch.tensor(1.0)


class Neuron(torch.nn.Module):
    """A neuron node in the functions of norse."""

    def __init__(self, node: nir.NIRNode) -> None:
        super().__init__()
        self.node = node
        fields = {k: v for k, v in vars(node).items() if isinstance(v, np.ndarray)}
        self.p = {name: torch.tensor(values) for name, values in fields.items()}

    def forward(self, x: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        p, node = self.p, self.node
        if isinstance(node, nir.Threshold):
            return threshold(x - p["threshold"], METHOD, ALPHA), None
        if isinstance(node, nir.IF):
            start = IAFFeedForwardState(torch.zeros_like(p["r"]))
            parameters = IAFParameters(p["v_threshold"], p["v_reset"], METHOD, ALPHA)
            return iaf_feed_forward_step(DT * p["r"] * x, state or start, parameters, DT)
        current, synapse = x, None
        if "tau_syn" in p:
            rest = torch.zeros_like(p["r"])
            before = state[1] if state else LIBoxState(rest)
            filtered = LIBoxParameters(1 / p["tau_syn"], rest)
            current, synapse = li_box_feed_forward_step(p["w_in"] * x, before, filtered, DT)
        output, membrane = self.membrane(p["r"] * current, state[0] if state else None)
        return output, (membrane, synapse)

    def membrane(self, current: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        p = self.p
        rate = 1 / (p["tau_mem"] if "tau_mem" in p else p["tau"])
        if "v_threshold" not in p:
            integrator = LIBoxParameters(rate, p["v_leak"])
            return li_box_feed_forward_step(
                current, state or LIBoxState(p["v_leak"]), integrator, DT
            )
        soft = isinstance(self.node, (SoftResetLIF, SoftResetCubaLIF))
        parameters = LIFBoxParameters(
            tau_mem_inv=rate,
            v_leak=p["v_leak"],
            v_th=p["v_threshold"],
            v_reset=p["v_threshold"] if soft else p["v_reset"],
            method=METHOD,
            alpha=ALPHA,
            reset_method=reset_subtract if soft else reset_value,
        )
        return lif_box_feed_forward_step(
            current, state or LIFBoxFeedForwardState(p["v_leak"]), parameters, DT
        )


def affine(node: nir.Affine) -> torch.nn.Module:
    module = torch.nn.Linear(node.weight.shape[1], node.weight.shape[0])
    module.weight.data, module.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
    return module


def convolution(node: nir.NIRNode) -> torch.nn.Module:
    kind = torch.nn.Conv1d if isinstance(node, nir.Conv1d) else torch.nn.Conv2d
    n, inside, *kernel = node.weight.shape
    module = kind(
        inside * node.groups,
        n,
        kernel if kind is torch.nn.Conv2d else kernel[0],
        node.stride,
        node.padding,
        node.dilation,
        node.groups,
    )
    module.weight.data, module.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
    return module


NEURONS = (nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.Threshold)
MODULES: dict[type, Callable[..., torch.nn.Module]] = {
    nir.Affine: affine,
    nir.Conv1d: convolution,
    nir.Conv2d: convolution,
    **dict.fromkeys((*NEURONS, SoftResetLIF, SoftResetCubaLIF), Neuron),
}


def in_norse(graph: nir.NIRGraph, stimulus: Stimulus) -> Any:
    """What the graph gives out, [sample, step, *shape]."""
    module = nirtorch.nir_to_torch(graph, MODULES, dtype=torch.float64)
    samples = []
    for frames in torch.tensor(stimulus.values["input"]):
        state, outputs = None, []
        for x in frames:
            output, state = module(x, state)
            outputs.append(output)
        samples.append(torch.stack(outputs))
    return torch.stack(samples).detach().numpy()


def check(graph: nir.NIRGraph, stimulus: Stimulus, options: CompileOptions) -> None:
    program = run_passes(float_pipeline(options), graph)
    (output,) = program.outputs
    ours, theirs = reference.run(program, stimulus)[output].output, in_norse(graph, stimulus)
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, 1e-9, 1e-9)


@settings(max_examples=30)
@given(data=st.data())
def test_norse_does_the_same(data):
    check(*data.draw(cases(portable=True)))


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_norse_does_the_same_many_times(data):
    check(*data.draw(cases(portable=True)))
