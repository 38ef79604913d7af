"""Large networks: wide, deep, and shown many samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import lif, source
from eideploy.conform.cases.convolution import kernel
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one, shown, spikes
from eideploy.program import Array, Conv2d, Dense, Projection


def cases() -> Iterator[Case]:
    """Images, matrices, rows of neurons, chains, many populations and many samples."""
    yield from _wide()
    yield from _deep()


def _spikes(name: str, *extent: int, rate: float = 0.5) -> Array:
    return spikes(f"large/{name}", *extent, rate=rate)


def _weights(rows: int, columns: int) -> Dense:
    """Even weights of both signs by a rule that repeats nowhere soon."""
    row, column = np.indices((rows, columns))
    return Dense(2 * ((row * row + 31 * column + row * column) % 127 - 60))


def _wide() -> Iterator[Case]:
    yield Case(
        "large/convolution",
        "16 channels of 32 by 32 pixels into 16: 2,359,296 synapses, padded.",
        network(
            source(16, 32, 32),
            layer("out", instant(150), 16, 32, 32),
            Projection("in", "out", Conv2d(kernel(16, 16, 3, 3), padding=(1, 1)), delay=1),
        ),
        shown(_spikes("convolution", 1, 2, 16, 32, 32, rate=0.15)),
    )
    yield Case(
        "large/strided-convolution",
        "3 channels of 64 by 48 pixels into 24 channels of 16 by 12.",
        network(
            source(3, 64, 48),
            layer("out", lif(voltage_decay=1024, threshold=300), 24, 16, 12),
            Projection(
                "in", "out", Conv2d(kernel(24, 3, 5, 5), stride=(4, 4), padding=(2, 2)), delay=1
            ),
        ),
        shown(_spikes("strided-convolution", 1, 3, 3, 64, 48, rate=0.2)),
    )
    yield Case(
        "large/matrix",
        "1024 neurons to 512: 524,288 synapses.",
        network(
            source(1024),
            layer("out", lif(voltage_decay=512, threshold=2000), 512),
            Projection("in", "out", _weights(512, 1024), delay=1),
        ),
        shown(_spikes("matrix", 1, 4, 1024, rate=0.3)),
    )
    yield Case(
        "large/one-to-one",
        "16,384 neurons with a synapse, a weight and a threshold each.",
        network(
            source(16_384),
            layer("out", lif(voltage_decay=512, threshold=np.arange(16_384) % 300), 16_384),
            Projection("in", "out", one_to_one(*range(-8192, 8192)), delay=1, exponent=-4),
        ),
        shown(_spikes("one-to-one", 1, 3, 16_384)),
    )
    yield Case(
        "large/recurrent",
        "512 neurons to themselves: 262,144 synapses in a loop.",
        network(
            source(512),
            layer("out", lif(voltage_decay=300, threshold=900), 512),
            Projection("in", "out", Dense(252 * np.eye(512, dtype=np.int64)), delay=1, exponent=2),
            Projection("out", "out", _weights(512, 512), delay=1),
        ),
        shown(_spikes("recurrent", 1, 8, 512, rate=0.2)),
    )
    yield Case(
        "large/samples",
        "300 samples, each its own, of a small network.",
        network(
            source(12),
            layer("a", lif(voltage_decay=512, threshold=90), 8),
            layer("out", lif(voltage_decay=512, threshold=60), 4, offset=2),
            Projection("in", "a", _weights(8, 12), delay=1),
            Projection("a", "out", _weights(4, 8), delay=1),
        ),
        shown(_spikes("samples", 300, 6, 12)),
    )


def _deep() -> Iterator[Case]:
    depth = 40
    yield Case(
        f"large/chain-of-{depth}",
        f"A spike goes through {depth} populations in one logical step.",
        network(
            source(6),
            *(
                layer(f"p{n:02d}", lif(voltage_decay=1024, threshold=3), 6, offset=n)
                for n in range(1, depth + 1)
            ),
            Projection("in", "p01", Dense(4 * np.eye(6, dtype=np.int64)), delay=1),
            *(_link(n) for n in range(1, depth)),
            outputs=[f"p{depth:02d}"],
        ),
        shown(_spikes("chain", 2, 10, 6)),
    )
    wide: dict[str, Any] = {f"p{n:02d}": instant(n % 9) for n in range(60)}
    yield Case(
        "large/sixty-side-by-side",
        "Sixty populations, all between the same input and the same output.",
        network(
            source(4),
            *(layer(name, neuron, 3) for name, neuron in wide.items()),
            layer("out", lif(voltage_decay=512, threshold=[100, 400, 900]), 3, offset=2),
            *(Projection("in", name, _side(n, 3, 4), delay=1) for n, name in enumerate(wide)),
            *(Projection(name, "out", _side(n + 3, 3, 3), delay=1) for n, name in enumerate(wide)),
        ),
        shown(_spikes("sixty-side-by-side", 2, 8, 4)),
    )


def _link(number: int) -> Projection:
    """From population `number` of the chain to the next, its neurons moved on by one or two."""
    weight = 4 * np.roll(np.eye(6, dtype=np.int64), 1, axis=0) + 2 * np.eye(6, dtype=np.int64)
    weight[number % 6, (number + 2) % 6] = -4
    return Projection(f"p{number:02d}", f"p{number + 1:02d}", Dense(weight), delay=1)


def _side(number: int, rows: int, columns: int) -> Dense:
    """A small matrix, another one for each number."""
    row, column = np.indices((rows, columns))
    return Dense(2 * ((row * 5 + column * 3 + number * (row + 1)) % 13 - 5))
