"""Constant inputs of LIF neurons: of the potential, and of the current."""

from __future__ import annotations

from collections.abc import Iterator

from eideploy.conform.case import Case
from eideploy.conform.cases.build import chain, lif, matrix, neurons, show
from eideploy.conform.cases.build_neurons import case

SILENCE = [0] * 8
EXPONENTS = list(range(8))


def cases() -> Iterator[Case]:
    """Of the potential, then of the current."""
    yield from _of_the_potential()
    yield from _of_the_current()


def _of_the_potential() -> Iterator[Case]:
    yield case(
        "bias/from-the-first-step",
        "The bias counts in every step, the first of a sample included, without any input.",
        lif(bias_mantissa=[641, 640, 320, 214]),
        SILENCE,
        SILENCE,
    )
    yield case(
        "bias/in-units-of-v",
        "The bias is in units of v: it is not shifted by 6 as inputs and thresholds are.",
        lif(threshold=1, bias_mantissa=[1, 11, 32, 63, 64, 65]),
        SILENCE,
    )
    yield case(
        "bias/mantissa-extremes",
        "The mantissa has 13 bits: −4096 and 4095 are held as they are.",
        lif(bias_mantissa=[-4096, -4095, 4094, 4095], threshold=[60, 60, 4094, 4095]),
        [[65, 65, 0, 0]] * 66,
    )
    yield case(
        "bias/exponents",
        "bias = mantissa · 2^exponent, for exponents 0 to 7.",
        lif(bias_mantissa=5, bias_exponent=EXPONENTS, threshold=[5 * 2**e for e in EXPONENTS]),
        [0] * 66,
    )
    yield case(
        "bias/exponents-of-negatives",
        "A negative mantissa is shifted as a positive one: −5 · 2^exponent.",
        # What the bias leaves of an input of 704 units becomes 2⁶·θ in 64 steps, and more in 65.
        lif(
            bias_mantissa=-5,
            bias_exponent=EXPONENTS,
            threshold=[704 - 5 * 2**e for e in EXPONENTS],
        ),
        [11] * 66,
    )
    yield case(
        "bias/in-whole-units",
        "Biases of the size of inputs, with an exponent of 6: one of θ is no spike, θ + 1 is.",
        lif(bias_mantissa=[1, 5, 10, 11, -1, 0], bias_exponent=6),
        [[0, 0, 0, 0, 1, 3], *[0] * 6, [0, 0, 0, 0, 20, 20]],
    )
    yield case(
        "bias/mantissa-extremes-in-whole-units",
        "The mantissa has all its 13 bits with an exponent of 6 too.",
        lif(
            bias_mantissa=[-4096, -4095, 4094, 4095], bias_exponent=6, threshold=[3, 3, 4094, 4095]
        ),
        [[4097, 4097, 0, 0]] * 5,
    )
    yield case(
        "bias/largest",
        "The largest biases, 4095·2⁷ and −4096·2⁷, need 20 bits.",
        lif(
            bias_mantissa=[4095, -4096, 4095, -4096],
            bias_exponent=[7, 7, 6, 6],
            threshold=[131040, 16, 65520, 16],
        ),
        [[0, 8193, 0, 4097]] * 18,
    )
    yield case(
        "bias/does-not-decay",
        "The bias of a step is added whole, after the decay of what was there.",
        lif(voltage_decay=[1024, 2048, 4095, 4096], bias_mantissa=[163, 321, 640, 641]),
        [0] * 12,
    )
    yield case(
        "bias/beside-input",
        "Bias and input add up in the step in which they meet.",
        lif(bias_mantissa=[1, -1, 64, -64]),
        [10, 0, 5, 5, 0, 11, 0, 9],
    )
    yield case(
        "bias/not-of-the-current",
        "The bias goes into v alone: u shows nothing of it.",
        lif(current_decay=[0, 2047], bias_mantissa=[100, -100]),
        [0, 0, 3, 0, 0, 0],
    )
    yield Case(
        "bias/of-a-deep-layer",
        "The bias of a layer counts from its own first step on, and not while the sample is still "
        "on its way to it.",
        chain(
            *(
                (matrix(2), neurons(lif(bias_mantissa=bias), name=name))
                for name, bias in (("first", 130), ("second", 200), ("third", 330))
            )
        ),
        show([0, 1, 0, 1, 0, 0], [1, 0, 0, 0, 1, 1]),
    )


def _of_the_current() -> Iterator[Case]:
    yield case(
        "bias/of-the-current",
        "The bias of the current is an input in every step: it is shifted by 6.",
        lif(current_bias=[1, 3, 11, -2]),
        [0, 0, 0, 0, 5, 0, 0, 0],
    )
    yield case(
        "bias/of-the-current-is-filtered",
        "The bias of the current goes through the filter of u, and so adds up there.",
        lif(threshold=40, current_bias=[1, 3, -2, 5], current_decay=[0, 1023, 2047, 4094]),
        [*[0] * 6, 4, *[0] * 5],
    )
    yield case(
        "bias/of-both",
        "Biases of current and potential are two things, each in units of its own.",
        lif(
            current_bias=[2, -2, 2, -2],
            bias_mantissa=[100, 300, -100, -30],
            bias_exponent=[1, 0, 0, 2],
            current_decay=2047,
            voltage_decay=512,
        ),
        [0] * 10,
    )
