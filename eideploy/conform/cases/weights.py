"""Synapses of integers: weights, their signs and their exponents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw, lif, matrix, show, source
from eideploy.program import (
    Identity,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Stimulus,
)
from eideploy.program.program import Sign

FORGETS = {"voltage_decay": 4096}

READ = {"threshold": 131071, **FORGETS}
"""u and v are 2⁶ times what arrives, and nothing else."""


def cases() -> Iterator[Case]:
    """Values, then exponents, then which weight is between which neurons, then large sums."""
    yield from _values()
    yield from _exponents()
    yield from _places()
    yield from _sums()


def _values() -> Iterator[Case]:
    yield _read(
        "weights/mixed-extremes",
        "Weights of both signs are the even numbers from −256 to 254.",
        [[-256], [254], [-254], [-2], [2], [0]],
        [1, 0, 1],
    )
    yield _read(
        "weights/every-even-one",
        "Each of the 256 weights of both signs is what it says.",
        [[weight] for weight in range(-256, 256, 2)],
        [1],
    )
    yield _read(
        "weights/every-excitatory-one",
        "Each of the 256 excitatory weights is what it says: one sign buys the odd ones too.",
        [[weight] for weight in range(256)],
        [1],
        sign="excitatory",
    )
    yield _read(
        "weights/every-inhibitory-one",
        "Each of the 256 inhibitory weights is what it says: one sign buys the odd ones too.",
        [[-weight] for weight in range(256)],
        [1],
        sign="inhibitory",
    )
    yield Case(
        "weights/last-bit-decides",
        "The lowest bit of an excitatory weight is a spike or none.",
        _program(
            lif(threshold=[3, 259, 255, 260]),
            _synapses([[1, 3], [5, 255], [127, 129], [253, 7]], "excitatory"),
        ),
        show([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1]]),
    )
    yield Case(
        "weights/last-bit-of-inhibition",
        "The lowest bit of an inhibitory weight is a spike or none.",
        _program(
            lif(threshold=1, bias_mantissa=[65, 129, 193, 257], **FORGETS),
            _synapses([[-1, 0], [-1, -1], [-3, 0], [-1, -3]], "inhibitory"),
        ),
        show([[0, 0], [1, 0], [0, 1], [1, 1]]),
    )
    yield Case(
        "weights/excitation-beside-inhibition",
        "Two projections of one sign each add up to what has both signs.",
        _program(
            lif(**READ),
            _synapses([[255, 1], [0, 3], [7, 0]], "excitatory"),
            _synapses([[-1, -255], [-3, 0], [-7, -9]], "inhibitory"),
        ),
        show([[1, 0], [0, 1], [1, 1], [0, 0]]),
    )
    yield _read(
        "weights/graded",
        "A graded input is multiplied by the weight, whatever the sign of either.",
        [[254, -256], [2, 4], [-6, -2]],
        [[3, 5], [-3, 5], [255, -255], [-1, -1], [0, 100]],
    )


def _exponents() -> Iterator[Case]:
    yield Case(
        "weights/exponent-of-a-layer",
        "An exponent of 5 makes all weights of a projection 32 times as large, of either sign.",
        _program(lif(**READ), _synapses([[254, 2], [-256, 4], [-2, 0]], exponent=5)),
        show([[1, 0], [0, 1], [1, 1]]),
    )
    yield Case(
        "weights/exponents",
        "An exponent of e ≥ 0 makes weights 2^e times as large.",
        _program(
            lif(**READ),
            *(
                _synapses([[-254 * (row == e), 6] for row in range(8)], exponent=e)
                for e in range(8)
            ),
        ),
        show([[1, 0], [0, 1], [1, 1]]),
    )
    yield Case(
        "weights/negative-exponents",
        "A negative exponent shifts the sum to the right, and drops its lowest bits.",
        _program(
            lif(**READ),
            *(
                _synapses(
                    [[255 * (row == e), 171 * (row == e), 85 * (row == e)] for row in range(-8, 0)],
                    "excitatory",
                    exponent=e,
                )
                for e in range(-8, 0)
            ),
        ),
        show([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]),
    )
    yield Case(
        "weights/negative-sums-round-down",
        "A negative sum is rounded to −∞ by a negative exponent: −1 / 2 is −1, −3 / 2 is −2.",
        _program(
            lif(**READ), _synapses([[-1], [-2], [-3], [-5], [-255]], "inhibitory", exponent=-1)
        ),
        show([1, 0, 1]),
    )
    yield Case(
        "weights/shifted-after-the-sum",
        "It is the sum of a projection that is shifted, not each of its weights: (3 + 3) / 4 is 1.",
        _program(
            lif(**READ),
            _synapses([[3, 3, 1], [2, 1, 1], [1, 1, 1], [3, 3, 3]], "excitatory", exponent=-2),
        ),
        show([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]]),
    )
    yield Case(
        "weights/shifted-one-by-one",
        "Each projection is shifted by itself before they add up: ⌊3/2⌋ + ⌊−3/2⌋ is −1.",
        _program(
            lif(**READ),
            _synapses([[3], [3], [1], [255]], "excitatory", exponent=-1),
            _synapses([[-3], [-1], [-1], [-255]], "inhibitory", exponent=-1),
            _synapses([[0], [1], [3], [255]], "excitatory", exponent=1),
        ),
        show([1, 0, 1]),
    )
    yield Case(
        "weights/exponents-of-one-to-one",
        "One-to-one connections have exponents too, and round to −∞ as others do.",
        _program(
            lif(**READ),
            _one_to_one([-3, 3, -255, 255], exponent=-2),
            _one_to_one(5, exponent=3),
            n=4,
        ),
        show([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]]),
    )
    yield Case(
        "weights/exponent-of-graded",
        "With a negative exponent a payload is multiplied first, and then the sum is shifted.",
        _program(
            lif(**READ),
            _synapses([[1, 3], [255, 1], [7, 7]], "excitatory", exponent=-3),
            payload=15,
        ),
        show([[1, 1], [15, 15], [-1, 2], [-15, -15], [7, -8]]),
    )


def _places() -> Iterator[Case]:
    yield _read(
        "weights/rows-are-targets",
        "Weights are [target, source], in a square matrix too.",
        [[2, 4, 6], [8, 10, 12], [14, 16, 18]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]],
    )
    yield _read(
        "weights/of-zero",
        "A weight of 0 connects nothing.",
        [[0, 2], [0, 0], [2, 0]],
        [[1, 0], [0, 1], [1, 1]],
    )
    shape, onto = (2, 2, 3), (2, 3)
    rng = draw("weights/of-images")
    weight = [[2 * rng.randint(-128, 127) for _ in range(12)] for _ in range(6)]
    yield Case(
        "weights/of-images",
        "Neurons of an image are counted row by row, channel after channel, at both ends.",
        Program(
            (source(*shape), Population("out", onto, lif(**READ), 1)),
            (_synapses(weight),),
            "integer",
            ("out",),
        ),
        Stimulus({"in": np.eye(12, dtype=np.int64).reshape(1, 12, *shape)}),
    )
    yield Case(
        "weights/one-to-one",
        "One-to-one connections have one weight for all, or one for each neuron.",
        _program(lif(**READ), _one_to_one([2, -4, 255, -255]), _one_to_one(7), n=4),
        show([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 0, 0]]),
    )


def _sums() -> Iterator[Case]:
    yield _read(
        "weights/many",
        "A sum of 300 weights of 255 is 76500, which 16 bits do not hold.",
        [[255] * 300, [129, 128] * 150, [255] * 150 + [0] * 150],
        [[1] * 300, [1, 0] * 150, [0] * 299 + [1]],
        sign="excitatory",
    )
    yield _read(
        "weights/many-of-both-signs",
        "Large sums of both signs that all but cancel keep their lowest bits.",
        [[254] * 150 + [-254] * 149 + [-252], [-256, 254] * 150],
        [[1] * 300, [1, 0] * 150, [1] * 150 + [0] * 150],
    )


def _read(
    name: str,
    claim: str,
    rows: Sequence[Sequence[int]],
    steps: Sequence[Sequence[int] | int],
    sign: Sign = "mixed",
) -> Case:
    """Neurons whose u and v are 2⁶ times what arrives."""
    stimulus = show(steps)
    payload = int(np.abs(stimulus.values["in"]).max())
    return Case(
        name, claim, _program(lif(**READ), _synapses(rows, sign), payload=payload), stimulus
    )


def _program(
    neuron: LIFNeuronFixed, *projections: Projection, n: int = 0, payload: int = 1
) -> Program:
    """An input and a population, of n neurons each or of as many as the first weights have."""
    targets, sources = (n, n) if n else projections[0].operator.weight.shape
    least = -payload if payload > 1 else 0
    return Program(
        (
            source(sources, minimum=least, maximum=payload),
            Population("out", (targets,), neuron, 1),
        ),
        projections,
        "integer",
        ("out",),
    )


def _synapses(
    rows: Sequence[Sequence[int]], sign: Sign = "mixed", *, exponent: int = 0
) -> Projection:
    return Projection("in", "out", matrix(rows), delay=1, sign=sign, exponent=exponent)


def _one_to_one(weight: int | list[int], *, exponent: int = 0) -> Projection:
    return Projection("in", "out", Identity(np.array(weight)), delay=1, exponent=exponent)
