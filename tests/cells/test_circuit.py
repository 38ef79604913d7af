"""The circuit's functions against the equations, written out with NumPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eideploy.cells import circuit

GENERATOR = np.random.default_rng(7)
N, E, I = 3, 6, 2  # noqa: E741 - the field's own letters


def drawn(*shape: int, zeros: float = 0.0) -> torch.Tensor:
    values = GENERATOR.exponential(1.0, shape)
    values[GENERATOR.random(shape) < zeros] = 0.0
    return torch.from_numpy(values)


@pytest.mark.parametrize("kernel", [(), (3, 2)])
def test_the_balanced_weight_is_excitation_less_inhibition(kernel: tuple[int, ...]) -> None:
    weight_ee, weight_ie = drawn(E, 5, *kernel), drawn(I, 5, *kernel)
    weight_ei = drawn(E, I)
    found = circuit.balanced_weight(weight_ee, weight_ie, weight_ei)
    expected = weight_ee.numpy() - np.tensordot(weight_ei.numpy(), weight_ie.numpy(), axes=1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    x = drawn(N, weight_ie[0].numel())
    i_ee, i_ie = x @ weight_ee.flatten(1).mT, x @ weight_ie.flatten(1).mT
    current = circuit.balanced_current(i_ee, i_ie, weight_ei)
    np.testing.assert_allclose(current, x @ found.flatten(1).mT, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", ["contiguous", "channels last", "a slice of channels last"])
@pytest.mark.parametrize("space", [(), (4, 5)])
def test_shunt_is_the_equation_in_any_layout(space: tuple[int, ...], layout: str) -> None:
    i_ie = drawn(N, I, *space)
    if layout != "contiguous":
        i_ie = i_ie.movedim(1, -1).contiguous().movedim(-1, 1)
    if layout == "a slice of channels last":
        i_ie = torch.cat([i_ie, i_ie], 1)[:, I:]
    weight_ei, gain_i = drawn(E, I), drawn(I)
    shunt = circuit.shunt(i_ie, weight_ei, gain_i).numpy()
    for n, e, *place in np.ndindex(N, E, *space):
        inhibition = i_ie.numpy()[(n, slice(None), *place)]
        row = weight_ei.numpy()[e]
        assert shunt[(n, e, *place)] == pytest.approx(row @ (gain_i.numpy() * inhibition))


def test_divisive_current_is_the_equation() -> None:
    balanced, divisor, gain, bias = drawn(N, E, 2, 2), drawn(N, E, 2, 2) + 0.1, drawn(E), drawn(E)
    current = circuit.divisive_current(balanced, divisor, gain, bias).numpy()
    for n, e, *place in np.ndindex(N, E, 2, 2):
        at = (n, e, *place)
        quotient = balanced.numpy()[at] / divisor.numpy()[at]
        assert current[at] == pytest.approx(gain.numpy()[e] * quotient + bias.numpy()[e])


def test_adaptive_stabilizer_fills_zeros_with_the_smallest_other_entry_of_their_row() -> None:
    shunt = torch.tensor([[[0.0, 3.0], [0.5, 2.0]], [[4.0, 1.0], [0.0, 0.0]]])
    filled = circuit.adaptive_stabilizer(shunt)
    expected = torch.tensor([[[0.5, 3.0], [0.5, 2.0]], [[4.0, 1.0], [1.0, 1.0]]])
    assert torch.equal(filled, expected)


def test_negative_divisors_are_left_and_the_least_magnitude_fills() -> None:
    """Without Dale's law S has either sign; nothing but a division by exactly 0 is prevented."""
    shunt = torch.tensor([[0.0, -0.5, 2.0], [0.25, -3.0, 0.0], [-1.0, -2.0, 4.0], [-0.0, 0.0, 0.0]])
    assert circuit.smallest_nonzero(shunt).tolist() == [-0.5, 0.25, -1.0, torch.inf]
    filled = circuit.adaptive_stabilizer(shunt)
    assert filled.tolist() == [
        [-0.5, -0.5, 2.0],
        [0.25, -3.0, 0.25],
        [-1.0, -2.0, 4.0],
        [torch.inf] * 3,
    ]


def test_adaptive_stabilizer_leaves_a_row_without_zeros_bit_for_bit() -> None:
    shunt = drawn(N, E) + 1e-9
    assert torch.equal(circuit.adaptive_stabilizer(shunt), shunt)


def test_a_row_of_zeros_lets_through_the_bias_alone_and_no_gradient() -> None:
    balanced = torch.tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True)
    shunt = torch.tensor([[0.0, 0.0], [0.0, 4.0]], requires_grad=True)
    gain, bias = torch.tensor([2.0, 2.0], requires_grad=True), torch.tensor([0.25, -0.5])
    current = circuit.divisive_current(balanced, circuit.adaptive_stabilizer(shunt), gain, bias)
    assert torch.equal(current[0], bias)
    assert current[1].tolist() == [2 * 3 / 4 + 0.25, -0.5]
    current.sum().backward()
    for gradient in (balanced.grad, shunt.grad, gain.grad):
        assert gradient is not None
        assert gradient.isfinite().all()
    assert balanced.grad is not None
    assert shunt.grad is not None
    assert balanced.grad[0].tolist() == [0, 0]
    assert shunt.grad[0].tolist() == [0, 0]


def test_adaptive_stabilizer_passes_gradients_straight_through() -> None:
    shunt = drawn(N, E, zeros=0.4).requires_grad_()
    upstream = drawn(N, E)
    (circuit.adaptive_stabilizer(shunt) * upstream).sum().backward()
    assert shunt.grad is not None
    assert torch.equal(shunt.grad, upstream)


def test_without_straight_through_no_gradient_reaches_what_was_filled() -> None:
    shunt = drawn(N, E, zeros=0.4).requires_grad_()
    upstream = drawn(N, E)
    filled = circuit.adaptive_stabilizer(shunt, straight_through=False)
    assert torch.equal(filled, circuit.adaptive_stabilizer(shunt))
    (filled * upstream).sum().backward()
    assert shunt.grad is not None
    assert torch.equal(shunt.grad, upstream * (shunt != 0))


def test_gradient_of_the_current_is_that_at_the_filled_value() -> None:
    balanced, shunt = drawn(N, E), drawn(N, E, zeros=0.4).requires_grad_()
    gain, bias = drawn(E), drawn(E)
    filled = circuit.adaptive_stabilizer(shunt)
    circuit.divisive_current(balanced, filled, gain, bias).sum().backward()
    expected = -gain * balanced / filled.detach() ** 2
    assert shunt.grad is not None
    torch.testing.assert_close(shunt.grad, expected)


def test_circuit_gradients_agree_with_finite_differences() -> None:
    def current(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        weight_ee, weight_ie, weight_ei, gain_i, gain_e, bias = parameters
        divisor = circuit.adaptive_stabilizer(circuit.shunt(x @ weight_ie.mT, weight_ei, gain_i))
        balanced = x @ circuit.balanced_weight(weight_ee, weight_ie, weight_ei).mT
        return circuit.divisive_current(balanced, divisor, gain_e, bias)

    shapes = [(N, 5), (E, 5), (I, 5), (E, I), (I,), (E,), (E,)]
    inputs = [(drawn(*shape) + 0.2).requires_grad_() for shape in shapes]
    assert torch.autograd.gradcheck(current, inputs)


def test_floor_stabilizer_is_a_maximum() -> None:
    shunt = torch.tensor([[0.0, 0.2, 0.3, 4.0]])
    assert circuit.floor_stabilizer(shunt, torch.tensor(0.3)).tolist() == [
        pytest.approx([0.3, 0.3, 0.3, 4.0])
    ]


def test_scale_gradient_scales_the_gradient_and_nothing_else() -> None:
    x = drawn(E).requires_grad_()
    y = circuit.scale_gradient(x, 0.125)
    assert torch.equal(y, x)
    (y * torch.arange(E)).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, 0.125 * torch.arange(E, dtype=torch.float64))
