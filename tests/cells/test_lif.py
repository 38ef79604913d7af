"""The LIF against the equation, spelled out for one neuron."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from norse.torch import SequentialState
from norse.torch.functional.lif_box import LIFBoxFeedForwardState

from eideploy.cells import LIF, EILinear, LIFCell, Reset, lif_parameters, lif_step
from eideploy.errors import InputError

RESETS: tuple[Reset, ...] = ("zero", "subtract")


def by_hand(
    currents: list[float], tau: float, threshold: float, reset: str
) -> tuple[list[float], list[float]]:
    """v ← v + ((0 − v) + τ I)/τ, z = [v > θ], v ← 0 or v − θ where z; (spikes, v at the test)."""
    v, spikes, potentials = 0.0, [], []
    for current in currents:
        v += (1 / tau) * ((0 - v) + current * (1 / (1 / tau)))
        potentials.append(v)
        spikes.append(float(v > threshold))
        if spikes[-1]:
            v = 0.0 if reset == "zero" else v - threshold
    return spikes, potentials


@given(
    currents=st.lists(st.floats(-2, 3), min_size=1, max_size=12),
    tau=st.floats(1, 20),
    threshold=st.floats(0.1, 3),
    reset=st.sampled_from(RESETS),
)
def test_lif_is_the_equation(
    currents: list[float], tau: float, threshold: float, reset: Reset
) -> None:
    lif = LIF(tau, threshold, reset)
    sequence = torch.tensor(currents, dtype=torch.float64)[:, None]
    spikes, potentials = lif.trace(sequence)
    expected_spikes, expected_potentials = by_hand(currents, tau, threshold, reset)
    torch.testing.assert_close(
        potentials[:, 0], torch.tensor(expected_potentials, dtype=torch.float64)
    )
    clear = [abs(v - threshold) > 1e-9 for v in expected_potentials]
    if all(clear):
        assert spikes[:, 0].tolist() == expected_spikes


@pytest.mark.parametrize("reset", RESETS)
def test_a_potential_at_the_threshold_is_no_spike(reset: Reset) -> None:
    lif = LIF(tau=2.0, threshold=1.0, reset=reset)
    above = math.nextafter(1.0, 2.0)
    spikes, _ = lif(torch.tensor([[1.0, above]], dtype=torch.float64))
    assert spikes.tolist() == [[0.0, 1.0]]


def test_reset_takes_all_or_the_threshold() -> None:
    left = {}
    for reset in RESETS:
        _, state = LIF(threshold=1.0, reset=reset)(torch.tensor([[1.75, 0.5]]))
        left[reset] = state.v.tolist()
    assert left == {"zero": [0.0, 0.5], "subtract": [0.75, 0.5]}


@pytest.mark.parametrize("reset", RESETS)
def test_sequence_and_steps_agree_and_state_carries_over(reset: Reset) -> None:
    sequence = torch.rand(8, 3, 5, generator=torch.Generator().manual_seed(0)) * 1.5
    whole, last = LIF(reset=reset)(sequence)
    assert 0 < whole.mean() < 1

    cell, state, steps = LIFCell(reset=reset), None, []
    for current in sequence:
        spikes, state = cell(current, state)
        steps.append(spikes)
    assert torch.equal(torch.stack(steps), whole)
    assert state is not None
    assert torch.equal(state.v, last.v)

    first, state = LIF(reset=reset)(sequence[:3])
    second, _ = LIF(reset=reset)(sequence[3:], state)
    assert torch.equal(torch.cat([first, second]), whole)


def test_one_neuron_alone_needs_no_batch() -> None:
    alone = torch.rand(6).mul_(3).requires_grad_()
    batch = alone.detach()[:, None].requires_grad_()
    for currents in (alone, batch):
        LIF()(currents)[0].sum().backward()
    assert torch.equal(LIF()(alone)[0], LIF()(batch)[0][:, 0])
    assert alone.grad is not None
    assert batch.grad is not None
    assert torch.equal(alone.grad, batch.grad[:, 0])


def test_trace_gives_the_spikes_of_forward() -> None:
    sequence = torch.rand(8, 3, 5) * 1.5
    lif = LIF(tau=3.0, threshold=0.7, reset="subtract")
    spikes, potentials = lif.trace(sequence)
    assert torch.equal(spikes, lif(sequence)[0])
    assert torch.equal(spikes, (potentials > 0.7).float())


def test_both_are_found_stateful_by_norse() -> None:
    for neuron, x in ((LIF(), torch.rand(4, 2, 6)), (LIFCell(), torch.rand(2, 6))):
        network = SequentialState(EILinear(6, 4), neuron, EILinear(4, 3, divisive=False))
        assert network.stateful_layers == [False, True, False]
        output, state = network(x)
        assert output.shape == (*x.shape[:-1], 3)
        assert state[1].v.shape == (2, 4)


@pytest.mark.parametrize("alpha", [1.0, 4.0, 10.0])
def test_surrogate_gradient_is_that_of_a_sigmoid(alpha: float) -> None:
    current = torch.linspace(-1, 3, 41, dtype=torch.float64, requires_grad=True)
    spikes, _ = LIFCell(tau=2.0, threshold=1.0, alpha=alpha)(current)
    spikes.sum().backward()
    sigmoid = torch.sigmoid(alpha * (current.detach() - 1))
    assert current.grad is not None
    torch.testing.assert_close(current.grad, alpha * sigmoid * (1 - sigmoid))


@pytest.mark.parametrize("reset", RESETS)
def test_gradients_flow_along_the_potential_and_not_through_the_reset(reset: Reset) -> None:
    """dz₂/dI₁ = σ'(v₂ − θ) · (1 − 1/τ) · dv₁⁺/dv₁, where dv₁⁺/dv₁ is 1, or 0 after a reset to 0."""
    currents = torch.tensor([[1.5], [0.25]], dtype=torch.float64, requires_grad=True)
    lif = LIF(tau=4.0, threshold=1.0, reset=reset)
    spikes, _ = lif(currents)
    assert spikes[0] == 1
    spikes[1].backward()
    v2 = (0.5 if reset == "subtract" else 0.0) * 0.75 + 0.25
    sigmoid = 1 / (1 + math.exp(-4 * (v2 - 1)))
    slope = 4 * sigmoid * (1 - sigmoid)
    expected = [slope * 0.75 if reset == "subtract" else 0.0, slope]
    assert currents.grad is not None
    assert currents.grad[:, 0].tolist() == pytest.approx(expected)


def test_lif_step_is_pure() -> None:
    p = lif_parameters(tau=2.0)
    state = LIFBoxFeedForwardState(v=torch.tensor([0.8, 0.2]))
    current = torch.tensor([0.9, 0.1])
    spikes, after = lif_step(current, state, p)
    assert spikes.tolist() == [1.0, 0.0]
    assert after.v.tolist() == pytest.approx([0.0, 0.2])
    assert state.v.tolist() == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tau", 0.5),
        ("tau", math.inf),
        ("threshold", 0.0),
        ("threshold", math.nan),
        ("alpha", -1.0),
        ("reset", "soft"),
    ],
)
@pytest.mark.parametrize("kind", [LIF, LIFCell])
def test_bad_parameters_are_named(kind: type, name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"LIF: {name} must be"):
        kind(**{name: value})
