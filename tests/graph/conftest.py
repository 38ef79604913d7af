"""An independent reading of what graphs mean, and networks to compare it with."""

from __future__ import annotations

from collections.abc import Callable

import nir
import norse.torch
import numpy as np
import pytest
import torch

from eideploy.cells import LIF, EICircuit, EIConv2d, EILinear, ResidualBlock

Outputs = dict[str, np.ndarray]


_DT = 1e-3


def _convolve(x: np.ndarray, weight: np.ndarray, stride, padding) -> np.ndarray:
    """Cross-correlation of [c, h, w] with [n, c, kh, kw], one window at a time."""
    (up, left), (down, right) = padding, stride
    x = np.pad(x, ((0, 0), (up, up), (left, left)))
    kh, kw = weight.shape[2:]
    rows = range(0, x.shape[1] - kh + 1, down)
    columns = range(0, x.shape[2] - kw + 1, right)
    windows = np.array([[x[:, i : i + kh, j : j + kw] for j in columns] for i in rows])
    return np.einsum("hwcij,ncij->nhw", windows, weight)


def _circuit(node, drive: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    i_ee, i_ie = drive(node.weight_ee), drive(node.weight_ie)
    tail = (-1, *[1] * (i_ee.ndim - 1))
    balanced = i_ee - np.tensordot(node.weight_ei, i_ie, 1)
    if not node.divisive:
        return balanced
    divisor = np.tensordot(node.weight_ei, node.gain_i.reshape(tail) * i_ie, 1)
    quotient = balanced / np.maximum(divisor, node.floor)
    return node.gain_e.reshape(tail) * quotient + node.bias.reshape(tail)


def _interpret(graph: nir.NIRGraph, stimulus: np.ndarray, dt: float) -> Outputs:
    """Run one sample [T, …] through a graph; what each node gives out in each step.

    Nodes are in the order of execution, and a node gets the sum of what its edges bring.
    """
    voltage: dict[str, np.ndarray] = {}
    record: dict[str, list[np.ndarray]] = {name: [] for name in graph.nodes}
    for values in stimulus:
        for name, node in graph.nodes.items():
            kind = type(node).__name__
            x = (
                values
                if kind == "Input"
                else sum(record[s][-1] for s, t in graph.edges if t == name)
            )
            if kind == "EILinear":
                x = _circuit(node, lambda weight, x=x: weight @ x)
            elif kind == "EIConv2d":
                x = _circuit(
                    node, lambda w, x=x, node=node: _convolve(x, w, node.stride, node.padding)
                )
            elif kind == "Affine":
                x = node.weight @ x + node.bias
            elif kind == "Linear":
                x = node.weight @ x
            elif kind == "Conv2d":
                x = _convolve(x, node.weight, node.stride, node.padding)
                x = x + node.bias.reshape(-1, 1, 1)
            elif kind == "AvgPool2d":
                kernel = np.eye(len(x))[:, :, None, None] * np.ones(tuple(node.kernel_size))
                area = np.prod(node.kernel_size)
                x = _convolve(x, kernel, tuple(node.stride), tuple(node.padding)) / area
            elif kind == "Flatten":
                x = x.reshape(-1)
            elif kind in ("LIF", "SoftResetLIF"):
                v = voltage.get(name, node.v_leak)
                v = v + dt / node.tau * ((node.v_leak - v) + node.r * x)
                x = (v > node.v_threshold).astype(float)
                after = node.v_reset if kind == "LIF" else v - node.v_threshold
                voltage[name] = np.where(x > 0, after, v)
            else:
                assert kind in ("Input", "Output"), kind
            record[name].append(x)
    return {name: np.array(values) for name, values in record.items()}


@pytest.fixture(scope="session")
def interpret() -> Callable[..., Outputs]:
    return _interpret


class _PlainLIF(torch.nn.Module):
    """NIR's own equation, for nirtorch, which ships no neurons."""

    def __init__(self, node: nir.LIF) -> None:
        super().__init__()
        self.node = node

    def forward(self, x, state=None):
        fields = ("tau", "r", "v_leak", "v_reset", "v_threshold")
        node = {name: torch.as_tensor(getattr(self.node, name)).to(x) for name in fields}
        v = node["v_leak"] if state is None else state
        v = v + _DT / node["tau"] * ((node["v_leak"] - v) + node["r"] * x)
        z = (v > node["v_threshold"]).to(x.dtype)
        return z, torch.where(z > 0, node["v_reset"], v)


def _affine(node: nir.Affine) -> torch.nn.Linear:
    # nirtorch 2.6 loads Affine with a random bias.
    module = torch.nn.Linear(node.weight.shape[1], node.weight.shape[0])
    module.weight.data = torch.from_numpy(node.weight)
    module.bias.data = torch.from_numpy(node.bias)
    return module


@pytest.fixture(scope="session")
def nirtorch_modules() -> dict[type, Callable[..., torch.nn.Module]]:
    """What nirtorch is to make of nodes, for graphs with steps of 1 ms."""
    return {nir.LIF: _PlainLIF, nir.Affine: _affine}


def _finish(network, floor: float) -> norse.torch.SequentialState:
    """What training and freezing would leave: uneven weights, a bias, a floor that often bites."""
    random = np.random.default_rng(7)
    for module in network.modules():
        if isinstance(module, EICircuit):
            n_i, fan_in = len(module.gain_i), module.fan_in
            for name, scale, low, high in (
                ("weight_ee", (4 / 3 / fan_in) ** 0.5, 0.0, 1.0),
                ("weight_ie", (4 / 3 / fan_in) ** 0.5, 0.0, 1.0),
                ("weight_ei", 1 / n_i, 0.5, 1.5),
                ("gain_i", (3 / fan_in) ** 0.5, 0.5, 1.5),
                ("gain_e", 1.0, 0.5, 2.0),
                ("bias", 1.0, 0.0, 0.6),
            ):
                parameter = getattr(module, name)
                values = (scale * random.uniform(low, high, parameter.shape)).astype(np.float32)
                parameter.data = torch.from_numpy(values)
            module.floor.fill_(floor)
            module.stabilizer = "floor"
        elif isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            for name, low, high in (
                ("weight", 0.5, 1.5),
                ("bias", 0.0, 0.6),
                ("running_mean", -0.1, 0.1),
                ("running_var", 0.01, 0.05),
            ):
                values = random.uniform(low, high, module.num_features).astype(np.float32)
                getattr(module, name).data = torch.from_numpy(values)
    return network.double().eval()


@pytest.fixture
def dense_network() -> Callable[..., norse.torch.SequentialState]:
    def build(reset: str = "zero", readout: bool = True) -> norse.torch.SequentialState:
        modules = [EILinear(24, 20), LIF(reset=reset), EILinear(20, 12), LIF(3.0, 0.7, reset)]
        if readout:
            modules.append(EILinear(12, 5, divisive=False))
        return _finish(norse.torch.SequentialState(*modules), floor=0.25)

    return build


@pytest.fixture
def conv_network() -> Callable[..., norse.torch.SequentialState]:
    def build(
        reset: str = "zero", kernel=(3, 2), padding=(1, 0), pool: bool = True
    ) -> norse.torch.SequentialState:
        modules = [
            EIConv2d(2, 8, kernel, stride=(1, 2), padding=padding),
            LIF(reset=reset),
            norse.torch.Lift(torch.nn.AvgPool2d((2, 1))) if pool else torch.nn.Identity(),
            torch.nn.Flatten(2),
            torch.nn.Dropout(0.5).eval(),
            EILinear(8 * (3 if pool else 6) * 4, 16),
            LIF(1.5, reset=reset),
            EILinear(16, 3, divisive=False),
        ]
        return _finish(norse.torch.SequentialState(*modules), floor=0.25)

    return build


@pytest.fixture
def residual_network() -> Callable[..., norse.torch.SequentialState]:
    """A block with an identity, one with a shortcut of its own, one behind that; 6×4 images."""

    def conv(fan_in: int, width: int, kernel: int, stride: int, inhibition: bool):
        if inhibition:
            return EIConv2d(fan_in, width, kernel, stride=stride, padding=kernel // 2)
        layer = torch.nn.Conv2d(fan_in, width, kernel, stride, kernel // 2, bias=kernel == 1)
        return norse.torch.Lift(torch.nn.Sequential(layer, torch.nn.BatchNorm2d(width)))

    def build(reset: str = "zero", inhibition: bool = True) -> norse.torch.SequentialState:
        def block(fan_in: int, width: int, stride: int) -> ResidualBlock:
            body = [
                *(conv(fan_in, width, 3, stride, inhibition), LIF(reset=reset)),
                *(conv(width, width, 3, 1, inhibition), LIF(1.5, reset=reset)),
            ]
            shortcut = []
            if fan_in != width:
                shortcut = [conv(fan_in, width, 1, stride, inhibition), LIF(reset=reset)]
            sequence = norse.torch.SequentialState
            return ResidualBlock(sequence(*body), sequence(*shortcut))

        torch.manual_seed(5)
        readout = EILinear(12, 3, divisive=False) if inhibition else torch.nn.Linear(12, 3)
        modules = [
            *(conv(2, 8, 3, 1, inhibition), LIF(reset=reset)),
            *(block(8, 8, 1), block(8, 12, 2), block(12, 12, 1)),
            norse.torch.Lift(torch.nn.AvgPool2d((3, 2))),
            torch.nn.Flatten(2),
            readout,
        ]
        return _finish(norse.torch.SequentialState(*modules), floor=0.25)

    return build
