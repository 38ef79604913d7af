"""Synapses of integers: weights, their signs and their exponents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import draw, lif, show, source
from eideploy.conform.cases.build_sums import FORGETS, one_to_one, sums, synapses
from eideploy.program import LIFNeuronFixed, Population, Program, Projection, Stimulus


def cases() -> Iterator[Case]:
    """Values, then exponents, then which weight is between which neurons, then large sums."""
    yield from _values()
    yield from _exponents()
    yield from _places()
    yield from _large()


def _values() -> Iterator[Case]:
    yield sums(
        "weights/mixed-extremes",
        "Weights of both signs are the even numbers from −256 to 254.",
        [1, 0, 1],
        synapses([[-256], [254], [-254], [-2], [2], [0]]),
    )
    yield sums(
        "weights/every-even-one",
        "Each of the 256 weights of both signs is what it says.",
        [1],
        synapses([[weight] for weight in range(-256, 256, 2)]),
    )
    yield sums(
        "weights/every-excitatory-one",
        "Each of the 256 excitatory weights is what it says: one sign buys the odd ones too.",
        [1],
        synapses([[weight] for weight in range(256)], "excitatory"),
    )
    yield sums(
        "weights/every-inhibitory-one",
        "Each of the 256 inhibitory weights is what it says: one sign buys the odd ones too.",
        [1],
        synapses([[-weight] for weight in range(256)], "inhibitory"),
    )
    yield Case(
        "weights/last-bit-decides",
        "The lowest bit of an excitatory weight is a spike or none.",
        _program(
            lif(threshold=[3, 259, 255, 260]),
            synapses([[1, 3], [5, 255], [127, 129], [253, 7]], "excitatory"),
        ),
        show([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1]]),
    )
    yield Case(
        "weights/last-bit-of-inhibition",
        "The lowest bit of an inhibitory weight is a spike or none.",
        _program(
            lif(threshold=1, bias_mantissa=[65, 129, 193, 257], **FORGETS),
            synapses([[-1, 0], [-1, -1], [-3, 0], [-1, -3]], "inhibitory"),
        ),
        show([[0, 0], [1, 0], [0, 1], [1, 1]]),
    )
    yield sums(
        "weights/excitation-beside-inhibition",
        "Two projections of one sign each add up to what has both signs.",
        [[1, 0], [0, 1], [1, 1], [0, 0]],
        synapses([[255, 1], [0, 3], [7, 0]], "excitatory"),
        synapses([[-1, -255], [-3, 0], [-7, -9]], "inhibitory"),
    )
    yield sums(
        "weights/graded",
        "A graded input is multiplied by the weight, whatever the sign of either.",
        [[3, 5], [-3, 5], [255, -255], [-1, -1], [0, 10]],
        synapses([[254, -256], [2, 4], [-6, -2]]),
    )


def _exponents() -> Iterator[Case]:
    yield sums(
        "weights/exponent-of-a-layer",
        "An exponent of 3 makes all weights of a projection 8 times as large, of either sign.",
        [[1, 0], [0, 1], [1, 1]],
        synapses([[254, 2], [-256, 4], [-2, 0]], exponent=3),
    )
    yield sums(
        "weights/exponents",
        "An exponent of e ≥ 0 makes weights 2^e times as large.",
        [[1, 0], [0, 1], [1, 1]],
        *(synapses([[254 * (row == e), -6] for row in range(8)], exponent=e) for e in range(8)),
    )
    yield sums(
        "weights/negative-exponents",
        "A negative exponent shifts the sum to the right, and drops its lowest bits.",
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]],
        *(
            synapses(
                [[255 * (row == e), 171 * (row == e), 85 * (row == e)] for row in range(-8, 0)],
                "excitatory",
                exponent=e,
            )
            for e in range(-8, 0)
        ),
    )
    yield sums(
        "weights/negative-sums-round-down",
        "A negative sum is rounded to −∞ by a negative exponent: −1 / 2 is −1, −3 / 2 is −2.",
        [1, 0, 1],
        synapses([[-1], [-2], [-3], [-5], [-255]], "inhibitory", exponent=-1),
    )
    yield sums(
        "weights/shifted-after-the-sum",
        "It is the sum of a projection that is shifted, not each of its weights: (3 + 3) / 4 is 1.",
        [[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]],
        synapses([[3, 3, 1], [2, 1, 1], [1, 1, 1], [3, 3, 3]], "excitatory", exponent=-2),
    )
    yield sums(
        "weights/shifted-one-by-one",
        "Each projection is shifted by itself before they add up: ⌊3/2⌋ + ⌊−3/2⌋ is −1.",
        [1, 0, 1],
        synapses([[3], [3], [1], [255]], "excitatory", exponent=-1),
        synapses([[-3], [-1], [-1], [-255]], "inhibitory", exponent=-1),
        synapses([[0], [1], [3], [255]], "excitatory", exponent=1),
    )
    yield sums(
        "weights/exponents-of-one-to-one",
        "One-to-one connections have exponents too, and round to −∞ as others do.",
        [[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]],
        one_to_one([-3, 3, -255, 255], exponent=-2),
        one_to_one(5, exponent=3),
    )
    yield sums(
        "weights/exponent-of-graded",
        "With a negative exponent a payload is multiplied first, and then the sum is shifted.",
        [[1, 1], [15, 15], [-1, 2], [-15, -15], [7, -8]],
        synapses([[1, 3], [255, 1], [7, 7]], "excitatory", exponent=-3),
    )
    yield sums(
        "weights/sum-of-30-bits-shifted",
        "A sum of 30 bits loses none of them before a negative exponent shifts it.",
        [[2**22, -1], [2**22, 1], [-1, 2**22]],
        synapses([[255, 1], [129, 7]], "excitatory", exponent=-14),
    )
    yield sums(
        "weights/sum-of-33-bits-shifted",
        "A sum of 33 bits loses none of them before a negative exponent shifts it.",
        [[2**23 - 1, 2**23 - 1], [2**23 - 1, 1]],
        synapses([[255, 255], [254, 129]], "excitatory", exponent=-17),
    )


def _places() -> Iterator[Case]:
    yield sums(
        "weights/rows-are-targets",
        "Weights are [target, source], in a square matrix too.",
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]],
        synapses([[2, 4, 6], [8, 10, 12], [14, 16, 18]]),
    )
    yield Case(
        "weights/of-a-square",
        "The weight in row 0 and column 1 leads from neuron 1 to neuron 0.",
        _program(lif(**FORGETS), synapses([[0, 12, 0], [0, 0, 12], [8, 0, 0]])),
        show([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]),
    )
    yield sums(
        "weights/of-zero",
        "A weight of 0 connects nothing.",
        [[1, 0], [0, 1], [1, 1]],
        synapses([[0, 2], [0, 0], [2, 0]]),
    )
    shape, onto = (2, 2, 3), (2, 3)
    rng = draw("weights/of-images")
    weight = [[2 * rng.randint(-128, 127) for _ in range(12)] for _ in range(6)]
    yield Case(
        "weights/of-images",
        "Neurons of an image are counted row by row, channel after channel, at both ends.",
        Program(
            (source(*shape), Population("out", onto, lif(**FORGETS, threshold=0), 1)),
            (synapses(weight),),
            "integer",
            ("out",),
        ),
        Stimulus({"in": np.eye(12, dtype=np.int64).reshape(1, 12, *shape)}),
    )
    yield sums(
        "weights/one-to-one",
        "One-to-one connections have one weight for all, or one for each neuron.",
        [[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 0, 0]],
        one_to_one([2, -4, 255, -255]),
        one_to_one(7),
    )


def _large() -> Iterator[Case]:
    yield sums(
        "weights/many",
        "A sum of 300 weights of 255 is 76500, which 16 bits do not hold.",
        [[1] * 300, [1, 0] * 150, [0] * 299 + [1]],
        synapses([[255] * 300, [129, 128] * 150, [255] * 150 + [0] * 150], "excitatory"),
    )
    yield sums(
        "weights/many-of-both-signs",
        "Large sums of both signs that all but cancel keep their lowest bits.",
        [[1] * 300, [1, 0] * 150, [1] * 150 + [0] * 150],
        synapses([[254] * 150 + [-254] * 149 + [-252], [254, -256] * 150]),
    )


def _program(neuron: LIFNeuronFixed, into: Projection) -> Program:
    """An input of spikes, and a neuron for each row of weights."""
    rows, columns = into.operator.weight.shape
    return Program(
        (source(columns), Population("out", (rows,), neuron, 1)), (into,), "integer", ("out",)
    )
