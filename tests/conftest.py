"""Fixtures shared by all tests: recorded data, and small random E-I graphs with their meaning.

`interpret` writes the meaning of a graph out once more, straight from the equations, so that no
code of the project is held against itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from logging import CRITICAL
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from eideploy.graph import EIConv2d, EILinear, SoftResetLIF

Array = NDArray[Any]

# A busy machine is no failure; and what passed on a branch must not fail on main by a new draw.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-golden",
        action="store_true",
        help="write golden data anew instead of holding what is found against them",
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of recorded and third-party data beside the checkout; without it, a skip."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the recorded data, which is not at {folder}")
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a Dask cluster of two processes that was started by somebody else.

    It goes with the module: tests of other modules count what processes and files are open.

    It gives up a task of which two processes died.
    """
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 1,
                # A busy machine takes longer than it is given to replace a process that died.
                "distributed.deploy.lost-worker-timeout": "10 minutes",
            }
        ),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=CRITICAL,
        ) as started,
    ):
        yield started.scheduler_address


def circuit(
    rng: np.random.Generator,
    n_out: int,
    fan_in: tuple[int, ...],
    *,
    divisive: bool = True,
    **geometry: Any,
) -> nir.NIRNode:
    """A circuit of about the statistics of E-I Init, dense or convolutional."""
    n_i = max(1, n_out // 4)
    size = float(np.prod(fan_in))
    kind = EIConv2d if len(fan_in) == 3 else EILinear
    return kind(
        weight_ee=rng.exponential(1 / size, (n_out, *fan_in)),
        weight_ie=rng.exponential(1 / size, (n_i, *fan_in)),
        weight_ei=rng.uniform(0.5, 1.5, (n_out, n_i)) / n_i,
        gain_i=rng.uniform(0.2, 0.6, n_i),
        gain_e=rng.uniform(0.5, 1.5, n_out),
        bias=rng.normal(0.1, 0.2, n_out),
        floor=1e-3,
        divisive=divisive,
        **geometry,
    )


def lif(shape: tuple[int, ...], reset: str, tau: float = 2e-3, leak: float = 0.0) -> nir.NIRNode:
    one = np.ones(shape)
    if reset == "subtract":
        return SoftResetLIF(tau=tau * one, r=2 * one, v_leak=leak * one, v_threshold=one)
    return nir.LIF(tau=tau * one, r=2 * one, v_leak=leak * one, v_threshold=one, v_reset=leak * one)


def chain(nodes: dict[str, nir.NIRNode]) -> nir.NIRGraph:
    names = list(nodes)
    return nir.NIRGraph(
        nodes,
        list(pairwise(names)),
        metadata={"dt": 1e-3, "steps": 6},
        type_check=False,
    )


def input_node(shape: tuple[int, ...]) -> nir.Input:
    node = nir.Input({"input": np.array(shape)})
    node.metadata = {"high": 1.0, "levels": 16}
    return node


@pytest.fixture
def dense_graph() -> Callable[..., nir.NIRGraph]:
    def make(reset: str = "value", seed: int = 0, sizes: tuple[int, ...] = (12, 20, 16, 5)) -> Any:
        rng = np.random.default_rng(seed)
        return chain(
            {
                "input": input_node(sizes[:1]),
                "ei1": circuit(rng, sizes[1], sizes[:1]),
                "lif1": lif(sizes[1:2], reset),
                "ei2": circuit(rng, sizes[2], sizes[1:2]),
                "lif2": lif(sizes[2:3], reset),
                "readout": circuit(rng, sizes[3], sizes[2:3], divisive=False),
                "output": nir.Output({"output": np.array(sizes[3:])}),
            }
        )

    return make


@pytest.fixture
def conv_graph() -> Callable[..., nir.NIRGraph]:
    def make(reset: str = "value", seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        flat = nir.Flatten({"input": np.array([6, 3, 4])}, start_dim=0, end_dim=-1)
        return chain(
            {
                "input": input_node((2, 7, 6)),
                "ei1": circuit(
                    rng, 8, (2, 3, 3), input_shape=(7, 6), stride=(1, 1), padding=(1, 1)
                ),
                "lif1": lif((8, 7, 6), reset),
                "ei2": circuit(
                    rng, 6, (8, 3, 2), input_shape=(7, 6), stride=(2, 2), padding=(0, 1)
                ),
                "lif2": lif((6, 3, 4), reset),
                "flatten1": flat,
                "readout": circuit(rng, 5, (72,), divisive=False),
                "output": nir.Output({"output": np.array([5])}),
            }
        )

    return make


@pytest.fixture
def frames() -> Callable[..., Array]:
    def make(shape: tuple[int, ...], samples: int = 6, steps: int = 6, seed: int = 1) -> Array:
        rng = np.random.default_rng(seed)
        return rng.integers(0, 17, (samples, steps, *shape)) / 16

    return make


@pytest.fixture
def interpret() -> Callable[[nir.NIRGraph, Array], dict[str, Array]]:
    """Run a chain of nodes by the equations of each node: layer by layer, E and I kept apart."""

    def run(graph: nir.NIRGraph, x: Array) -> dict[str, Array]:
        seen: dict[str, Array] = {}
        for name, node in graph.nodes.items():
            if isinstance(node, (EILinear, EIConv2d)):
                x = _circuit(node, x)
            elif isinstance(node, (nir.LIF, SoftResetLIF)):
                x, seen[f"{name}.v"] = _lif(node, x)
            elif isinstance(node, nir.Flatten):
                x = x.reshape(*x.shape[:2], -1)
            seen[name] = x
        return seen

    return run


def _linear(node: nir.NIRNode, weight: Array, x: Array) -> Array:
    if isinstance(node, EILinear):
        return np.einsum("oi,nti->nto", weight, x)
    (ph, pw), (sh, sw) = node.padding, node.stride
    x = np.pad(x, ((0, 0), (0, 0), (0, 0), (ph, ph), (pw, pw)))
    kh, kw = weight.shape[2:]
    rows = range(0, x.shape[3] - kh + 1, sh)
    columns = range(0, x.shape[4] - kw + 1, sw)
    return np.stack(
        [
            np.stack(
                [
                    np.einsum("ocij,ntcij->nto", weight, x[..., r : r + kh, c : c + kw])
                    for c in columns
                ],
                axis=-1,
            )
            for r in rows
        ],
        axis=-2,
    )


def _circuit(node: nir.NIRNode, x: Array) -> Array:
    def channels(values: Array) -> Array:
        return values.reshape(-1, *[1] * (x.ndim - 3))

    i_ee, i_ie = _linear(node, node.weight_ee, x), _linear(node, node.weight_ie, x)
    balanced = i_ee - np.einsum("oi,nti...->nto...", node.weight_ei, i_ie)
    if not node.divisive:
        return balanced
    shunt = np.einsum("oi,nti...->nto...", node.weight_ei, channels(node.gain_i) * i_ie)
    current = channels(node.gain_e) * balanced / np.maximum(shunt, node.floor)
    return current + channels(node.bias)


def _lif(node: nir.NIRNode, x: Array) -> tuple[Array, Array]:
    v = np.broadcast_to(node.v_leak, x[:, 0].shape).copy()
    spikes, potentials = np.zeros_like(x), np.zeros_like(x)
    for t in range(x.shape[1]):
        v = v + 1e-3 / node.tau * ((node.v_leak - v) + node.r * x[:, t])
        potentials[:, t] = v
        spikes[:, t] = v > node.v_threshold
        if isinstance(node, SoftResetLIF):
            v = v - node.v_threshold * spikes[:, t]
        else:
            v = np.where(spikes[:, t] > 0, node.v_reset, v)
    return spikes, potentials
