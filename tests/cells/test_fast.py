"""Hand-written backward passes against autograd through plain equations and single steps."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState
from torch import Tensor

from eideploy.cells import LIF, EICircuit, EIConv2d, EILinear, Reset, Stabilizer, lif_step
from eideploy.cells.current import circuit_current

RESETS: tuple[Reset, ...] = ("zero", "subtract")
TIGHT = {"rtol": 1e-6, "atol": 1e-12}


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The yardstick of the benchmarks, which leaves all of the backward to autograd."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "plain_cells.py"
    spec = importlib.util.spec_from_file_location("plain_cells", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gradients(function: torch.nn.Module, circuit: EICircuit, x: Tensor) -> dict[str, Tensor | None]:
    """Output and all gradients of a loss that treats no two entries alike."""
    circuit.zero_grad()
    x = x.clone().requires_grad_()
    output = function(x)
    weights = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).reshape(output.shape)
    (output * weights).sum().backward()
    parameters = {name: p.grad for name, p in circuit.named_parameters()}
    return {"output": output.detach(), "x": x.grad, **parameters}


def circuits(divisive: bool) -> list[tuple[EICircuit, tuple[int, ...]]]:
    torch.manual_seed(1)
    return [
        (EILinear(12, 8, divisive=divisive), (12,)),
        (EILinear(7, 8, divisive=divisive), (7,)),  # 10 rows: more than inputs, and fewer
        (EIConv2d(3, 8, 3, stride=2, padding=1, divisive=divisive), (3, 7, 6)),
    ]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Spikes so sparse that some divisors are 0, one row of nothing but zeros."""
    spikes = (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.15).float()
    spikes[0] = 0
    return spikes


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, TIGHT), (torch.float32, {"rtol": 1e-4, "atol": 1e-5})],
)
@pytest.mark.parametrize("kind", ["adaptive", "blocked", "floor", "none", "readout"])
def test_a_circuit_is_the_plain_one(
    plain: ModuleType, kind: str, dtype: torch.dtype, tolerance: dict[str, float]
) -> None:
    for circuit, sample in circuits(divisive=kind != "readout"):
        circuit.to(dtype)
        with torch.no_grad():
            circuit.weight_ei.uniform_(0.1, 1)
            circuit.weight_ei[0] = 0
            circuit.gain_e.uniform_(0.5, 2)
            circuit.bias.uniform_(-1, 1)
        x = drawn(10, *sample).to(dtype)
        circuit.straight_through = kind != "blocked"
        if kind in ("floor", "none"):
            circuit.stabilizer = kind
            circuit.floor.fill_(0.3)
        _, shunt = circuit.components(x)
        assert (shunt == 0).any()
        assert (shunt > 0.3).any()
        ours = gradients(circuit, circuit, x)
        theirs = gradients(plain.PlainCircuit(circuit), circuit, x)
        for name, expected in theirs.items():
            if expected is None:
                assert ours[name] is None
            else:
                torch.testing.assert_close(
                    ours[name], expected, **tolerance, equal_nan=kind == "none", msg=name
                )


def test_without_a_stabilizer_zero_is_divided_by() -> None:
    """Why the method has one: what B/0 is, infinite or NaN, arrives at the neurons."""
    for circuit, sample in circuits(divisive=True):
        with torch.no_grad():
            circuit.weight_ei[0] = 0  # S = 0 beside B > 0
        circuit.stabilizer = "none"
        x = drawn(10, *sample)
        balanced, shunt = circuit.components(x)
        current = circuit(x)
        assert torch.equal(current.isinf(), (shunt == 0) & (balanced != 0))
        assert torch.equal(current.isnan(), (shunt == 0) & (balanced == 0))
        assert current.isinf().any()
        assert current.isnan().any()


@pytest.mark.parametrize("space", [(), (2, 3)])
@pytest.mark.parametrize("stabilizer", ["adaptive", "floor", "none"])
def test_gradients_of_the_current_agree_with_finite_differences(
    space: tuple[int, ...], stabilizer: Stabilizer
) -> None:
    torch.manual_seed(2)
    shapes = [(4, 8, *space), (6, 2), (2,), (6,), (6,)]
    inputs = [(torch.rand(shape).double() + 0.1).requires_grad_() for shape in shapes]
    floor = torch.tensor(0.5, dtype=torch.float64) if stabilizer == "floor" else None
    assert torch.autograd.gradcheck(
        lambda *values: circuit_current(*values, stabilizer, floor=floor), inputs
    )


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize(("tau", "threshold", "alpha"), [(2.0, 1.0, 4.0), (3.0, 0.7, 2.5)])
def test_the_sequence_is_its_steps(
    reset: Reset, tau: float, threshold: float, alpha: float
) -> None:
    lif = LIF(tau, threshold, reset, alpha)
    generator = torch.Generator().manual_seed(3)
    currents = torch.rand(7, 5, 6, generator=generator).double() * 1.5
    start = torch.rand(5, 6, generator=generator).double() - 0.3
    upstream = torch.randn(7, 5, 6, generator=generator).double()
    found = []
    for whole in (True, False):
        leaves = currents.clone().requires_grad_(), start.clone().requires_grad_()
        state = LIFBoxFeedForwardState(v=leaves[1])
        if whole:
            spikes, state = lif(leaves[0], state)
        else:
            steps = []
            for current in leaves[0]:
                z, state = lif_step(current, state, lif.p)
                steps.append(z)
            spikes = torch.stack(steps)
        assert 0 < spikes.mean() < 1
        loss = (spikes * upstream).sum() + state.v.square().sum()
        found.append((spikes, state.v, *torch.autograd.grad(loss, leaves)))
    assert torch.equal(found[0][0], found[1][0])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, **TIGHT)


@pytest.mark.parametrize("reset", RESETS)
def test_the_plain_neuron_is_the_same_neuron(plain: ModuleType, reset: Reset) -> None:
    lif = LIF(reset=reset)
    found = []
    for neuron in (lif, plain.PlainLIF(lif)):
        currents = (torch.linspace(-0.5, 2, 60).reshape(6, 10).double()).requires_grad_()
        spikes, _ = neuron(currents)
        (spikes * torch.linspace(-1, 2, 60).reshape(6, 10)).sum().backward()
        found.append((spikes.detach(), currents.grad))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1], **TIGHT)


def test_under_autocast_the_division_is_in_the_precision_of_the_weights() -> None:
    for circuit, sample in circuits(divisive=True):
        x = drawn(10, *sample)
        with torch.no_grad():
            expected = circuit(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            current = circuit(x)
        assert current.dtype == torch.float32
        torch.testing.assert_close(current, expected, rtol=0.1, atol=0.1)
        current.sum().backward()
        for parameter in circuit.parameters():
            assert parameter.grad is not None
            assert parameter.grad.isfinite().all()


def test_the_backward_pass_may_be_under_autocast_too() -> None:
    for circuit, sample in circuits(divisive=True):
        n_e, n_i = circuit.weight_ei.shape
        drive = torch.rand(10, n_e + n_i, *sample[1:])
        found = []
        for enabled in (False, True):
            leaves = [drive.clone().requires_grad_(), *list(circuit.parameters())[2:]]
            current = circuit_current(*leaves)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
                found.append(torch.autograd.grad(current.square().sum(), leaves))
        for under_autocast, expected in zip(*found, strict=True):
            assert torch.equal(under_autocast, expected)
