"""`EILinear` and `EIConv2d` as modules."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eideploy.cells import EICircuit, EIConv2d, EILinear
from eideploy.errors import InputError


def spikes(*shape: int, rate: float = 0.4, seed: int = 0) -> torch.Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < rate).float()


@pytest.fixture
def dense() -> EILinear:
    torch.manual_seed(1)
    return EILinear(12, 8)


@pytest.fixture
def conv() -> EIConv2d:
    torch.manual_seed(2)
    return EIConv2d(3, 8, 3, stride=2, padding=1)


@pytest.mark.parametrize(
    ("out", "ratio", "inhibitory"), [(8, 4, 2), (10, 4, 2), (3, 4, 1), (16, 2, 8)]
)
def test_ratio_decides_how_many_neurons_inhibit(out: int, ratio: int, inhibitory: int) -> None:
    shapes = {
        "weight_ee": (out, 5),
        "weight_ie": (inhibitory, 5),
        "weight_ei": (out, inhibitory),
        "gain_i": (inhibitory,),
        "gain_e": (out,),
        "bias": (out,),
    }
    layer = EILinear(5, out, ratio=ratio)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == shapes
    assert layer.floor.shape == ()
    kernels = EIConv2d(5, out, (3, 2), ratio=ratio)
    assert kernels.weight_ee.shape == (out, 5, 3, 2)
    assert kernels.weight_ie.shape == (inhibitory, 5, 3, 2)
    assert kernels.weight_ei.shape == (out, inhibitory)


def test_any_leading_axes(dense: EILinear, conv: EIConv2d) -> None:
    for layer, sample in ((dense, (12,)), (conv, (3, 7, 6))):
        x = spikes(4, 5, *sample)
        whole = layer(x)
        assert whole.shape[:2] == (4, 5)
        torch.testing.assert_close(whole.flatten(0, 1), layer(x.flatten(0, 1)))
        torch.testing.assert_close(whole[2, 3], layer(x[2, 3]))


def test_an_image_shown_for_some_steps_is_computed_once(dense: EILinear, conv: EIConv2d) -> None:
    """A stride of 0 in time: the same current and gradients as of a copy for each step."""
    for layer, sample in ((dense, (12,)), (conv, (3, 7, 6))):
        layer.double()
        image = spikes(2, *sample).double().requires_grad_()
        weights = torch.linspace(-1, 1, 5).double()[:, None]
        found = []
        for x in (image.expand(5, *image.shape), torch.stack([image] * 5)):
            layer.zero_grad()
            current = layer(x)
            (current.flatten(1) * weights).square().sum().backward()
            gradients = [p.grad for p in (image, *layer.parameters())]
            found.append([current.detach(), *[g.clone() for g in gradients if g is not None]])
            image.grad = None
        assert len(found[0]) == 8
        for once, repeated in zip(*found, strict=True):
            torch.testing.assert_close(once, repeated)


def test_step_by_step_is_the_same_as_merged(dense: EILinear, conv: EIConv2d) -> None:
    """The rows of the adaptive stabilizer are entries of [T·B], so it knows no other steps."""
    for layer, sample in ((dense, (12,)), (conv, (3, 7, 6))):
        x = spikes(6, 2, *sample, rate=0.08)
        with torch.no_grad():
            layer.weight_ei[::2, 0] = 0  # so that some divisors are 0
            _, shunt = layer.components(layer.merge(x))
            assert (shunt == 0).any()
        torch.testing.assert_close(layer(x), torch.stack([layer(step) for step in x]))


def test_a_convolution_over_the_whole_image_is_dense() -> None:
    conv, dense = EIConv2d(3, 8, (4, 5)), EILinear(60, 8)
    with torch.no_grad():
        for name, parameter in dense.named_parameters():
            parameter.copy_(getattr(conv, name).reshape(parameter.shape))
    x = spikes(6, 3, 4, 5)
    torch.testing.assert_close(conv(x).flatten(1), dense(x.flatten(1)))


def test_geometry_is_that_of_torch() -> None:
    layer = EIConv2d(3, 8, (3, 2), stride=(2, 1), padding=(1, 0))
    assert (layer.kernel_size, layer.stride, layer.padding) == ((3, 2), (2, 1), (1, 0))
    reference = torch.nn.Conv2d(3, 8, (3, 2), stride=(2, 1), padding=(1, 0))
    x = spikes(2, 3, 7, 6)
    assert layer(x).shape == reference(x).shape


@given(scale=st.floats(1e-3, 1e3))
def test_current_does_not_change_with_the_scale_of_the_input(scale: float) -> None:
    torch.manual_seed(3)
    layer = EILinear(12, 8).double()
    x = spikes(5, 12).double()
    torch.testing.assert_close(layer(scale * x), layer(x))


def test_readout_is_the_balanced_current_and_trains_nothing_else() -> None:
    layer = EILinear(12, 8, divisive=False)
    x = spikes(5, 12)
    balanced, _ = layer.components(x)
    output = layer(x)
    torch.testing.assert_close(output, balanced)
    output.sum().backward()
    trained = {name for name, parameter in layer.named_parameters() if parameter.grad is not None}
    assert trained == {"weight_ee", "weight_ie", "weight_ei"}


def test_gradient_of_the_inhibitory_weights_is_divided_by_the_fan_in() -> None:
    for make, sample, fan_in in (
        (lambda scaled: EILinear(12, 8, gradient_scaling=scaled), (12,), 12),
        (lambda scaled: EIConv2d(3, 8, 3, gradient_scaling=scaled), (3, 5, 5), 27),
    ):
        gradients = {}
        for scaled in (True, False):
            torch.manual_seed(4)
            layer = make(scaled).double()
            layer(spikes(6, *sample).double()).square().sum().backward()
            gradients[scaled] = {name: p.grad for name, p in layer.named_parameters()}
        for name, plain in gradients[False].items():
            expected = plain / fan_in if name == "weight_ei" else plain
            torch.testing.assert_close(gradients[True][name], expected)


def test_floor_and_adaptive_agree_where_no_divisor_is_small(dense: EILinear) -> None:
    x = spikes(5, 12)
    _, shunt = dense.components(x)
    adaptive = dense(x)
    dense.stabilizer = "floor"
    dense.floor.fill_(float(shunt.detach().min()))
    assert torch.equal(dense(x), adaptive)
    dense.floor.fill_(1e3)
    balanced, _ = dense.components(x)
    torch.testing.assert_close(dense(x), balanced / 1e3)


def test_with_a_floor_no_input_gives_the_bias(dense: EILinear) -> None:
    dense.stabilizer = "floor"
    dense.floor.fill_(1e-3)
    with torch.no_grad():
        dense.bias.uniform_(-1, 1)
    assert torch.equal(dense(torch.zeros(2, 12)), dense.bias.expand(2, -1))


def test_a_floor_that_is_not_calibrated_is_an_error(dense: EILinear) -> None:
    dense.stabilizer = "floor"
    with pytest.raises(InputError, match=r"not calibrated[\s\S]*freeze"):
        dense(spikes(5, 12))


def test_floor_is_saved_with_the_weights(dense: EILinear) -> None:
    dense.floor.fill_(0.125)
    other = EILinear(12, 8)
    other.load_state_dict(dense.state_dict())
    assert other.floor == 0.125


@pytest.mark.parametrize("shape", [(5, 11), (), (12, 5)])
def test_input_that_does_not_fit(dense: EILinear, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"EILinear: expected input of shape \[\.\.\., 12\]"):
        dense(torch.ones(shape))


@pytest.mark.parametrize("shape", [(3, 5), (2, 7, 6), (3,)])
def test_image_that_does_not_fit(conv: EIConv2d, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"EIConv2d: expected input of shape \[\.\.\., 3, ·, ·\]"):
        conv(torch.ones(shape))


def test_bad_arguments() -> None:
    for make in (
        lambda: EILinear(0, 8),
        lambda: EILinear(3, 8, ratio=0),
        lambda: EIConv2d(3, 8, 0),
        lambda: EIConv2d(3, 8, 3, stride=0),
        lambda: EIConv2d(3, 8, 3, padding=-1),
        lambda: EILinear(3, 8, stabilizer="flor"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError):
            make()


def test_repr_says_what_it_is(dense: EILinear, conv: EIConv2d) -> None:
    assert "(12,) → 8 E + 2 I" in repr(dense)
    assert "stride=(2, 2), padding=(1, 1)" in repr(conv)


def test_the_base_class_does_not_know_how_to_drive() -> None:
    class Bare(EICircuit):
        pass

    bare = Bare(
        (8, 12),
        1,
        ratio=4,
        divisive=True,
        stabilizer="adaptive",
        gradient_scaling=True,
    )
    with pytest.raises(NotImplementedError):
        bare(spikes(5, 12))
