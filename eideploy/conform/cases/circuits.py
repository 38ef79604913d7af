"""The exact quotient of an E-I neuron, what stands in for it, and what is done with it.

B and S are what is shown to two inputs, and v forgets at once, so that each potential is a
quotient.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, draw
from eideploy.conform.cases.build_circuits import FORGETS, LARGEST, case


def cases() -> Iterator[Case]:
    """Quotients, what divides where S does not, gains and widths."""
    yield from _quotients()
    yield from _stand_ins()
    yield from _gains()
    yield from _widths()


def _quotients() -> Iterator[Case]:
    yield case(
        "quotient-exact",
        "A quotient without a remainder is what it is: B·2^shift / S.",
        circuit(**FORGETS),
        [(3, 4), (1, 4096), (-5, 8), (7, 1), (4096, 4096), (-1, 2)],
    )
    yield case(
        "quotient-toward-zero",
        "A positive quotient is rounded down, also where it is nearest to the next integer.",
        circuit(quotient_shift=0, **FORGETS),
        [(7, 4), (5, 2), (8, 9), (19, 5), (LARGEST, 2)],
    )
    yield case(
        "quotient-of-negative-odd",
        "A negative quotient is rounded toward zero: sgn(B)·⌊|B|/S⌋, and not ⌊B/S⌋.",
        circuit(quotient_shift=0, **FORGETS),
        [(-7, 2), (-1, 2), (-5, 3), (-9, 10), (-LARGEST, 2)],
    )
    yield case(
        "quotient-by-odd-divisors",
        "Quotients by divisors that are no powers of two are exact, to the last bit.",
        circuit(**FORGETS),
        [(b, s) for b in (-1000, -1, 1, 999) for s in (3, 7, 11, 4095, 65537)],
    )
    yield case(
        "quotient-exact-by-odd-divisors",
        "A quotient without a remainder is whole: B·(1/S), rounded on the way, may fall short.",
        circuit(**FORGETS),
        [(sign * n * s, s) for sign in (1, -1) for n in (1, 3) for s in (49, 98, 103, 107, 161)],
    )
    random = draw("circuits/quotients-of-many-sizes")
    yield case(
        "quotients-of-many-sizes",
        "Quotients of numbers of any size are exact, where 24 bits hold them.",
        circuit(quotient_shift=np.arange(0, 32, 2), **FORGETS),
        *(
            [
                (random.randint(-(2**22), 2**22), random.getrandbits(random.randint(1, 23)))
                for _ in range(16)
            ]
            for _ in range(12)
        ),
    )
    yield case(
        "quotient-shift-0",
        "A quotient_shift of 0 leaves no bits behind the point.",
        circuit(quotient_shift=0, **FORGETS),
        [(0, 1), (1, 1), (2, 3), (3, 2), (-3, 2), (LARGEST, 1), (-LARGEST, 1)],
    )
    yield case(
        "quotient-shift-38",
        "With the largest quotient_shift |B|·2^38 has more bits than 32, and is not cut.",
        circuit(quotient_shift=38, **FORGETS),
        [(1, LARGEST), (255, LARGEST), (-3, LARGEST), (1, 2**20 + 1), (-77, 2**22 - 5)],
    )
    yield case(
        "quotient-of-61-bits",
        "|B|·2^38 of 61 bits is divided in all of its bits, and no float in between loses one.",
        circuit(quotient_shift=38, **FORGETS),
        [(LARGEST, LARGEST), (-LARGEST, LARGEST - 1), (LARGEST - 2, 2**22)],
    )
    yield case(
        "quotient-beside-an-integer",
        "One part in 2^23 less than an integer is the integer below, and not rounded up to it.",
        circuit(quotient_shift=22, **FORGETS),
        [(LARGEST - 1, LARGEST), (LARGEST, LARGEST), (2**22 - 1, 2**22), (-(2**22) + 1, 2**22)],
    )
    yield case(
        "shunt-large",
        "A divisor of 24 bits divides as any other.",
        circuit(quotient_shift=12, **FORGETS),
        [(1, LARGEST), (2047, LARGEST), (2048, LARGEST), (-2049, LARGEST), (LARGEST, LARGEST)],
    )


def _stand_ins() -> Iterator[Case]:
    yield case(
        "balance-zero",
        "Where B is 0 the current is 0, whatever S is.",
        circuit(bias=[0, 5, -5], **FORGETS),
        [(0, 0), (0, 1), (0, LARGEST)],
        [(1, 1), (0, 7), (-1, 1)],
    )
    yield case(
        "shunt-zero",
        "Where S is 0 the divisor is the floor.",
        circuit(floor=[1, 7, 4096], **FORGETS),
        [(3, 0), (3, 0), (3, 0)],
        [(-3, 0), (-3, 0), (-3, 0)],
    )
    yield case(
        "both-zero",
        "Without any input the current is 0, and bias and decay act as in any other step.",
        circuit(voltage_decay=[0, 2048, 4096], bias=[3, -3, 100], floor=9),
        *[[(0, 0), (0, 0), (0, 0)]] * 5,
    )
    yield case(
        "floor-active",
        "Where S is below the floor, the floor divides.",
        circuit(floor=[10, 10, 1000, 1000], **FORGETS),
        [(5, 1), (5, 9), (-5, 1), (-5, 999)],
        [(5, 11), (5, 100), (-5, 1001), (-5, 5000)],
    )
    yield case(
        "floor-exactly-met",
        "The divisor is the larger of S and the floor: one below, equal and one above.",
        circuit(floor=100, quotient_shift=16, **FORGETS),
        [(9, 99), (9, 100), (9, 101), (-9, 99), (-9, 100), (-9, 101)],
    )
    yield case(
        "floor-of-one",
        "A floor of 1 keeps the division by 0 away, and changes no other divisor.",
        circuit(floor=1, quotient_shift=4, **FORGETS),
        [(6, 0), (6, 1), (6, 2), (-6, 0), (-6, 1), (-6, 2)],
    )
    yield case(
        "floor-largest",
        "A floor of 24 bits divides all that comes.",
        circuit(floor=LARGEST, quotient_shift=23, **FORGETS),
        [(1, 1), (3, LARGEST), (-3, LARGEST - 1), (1000, 0)],
    )
    yield case(
        "shunt-negative",
        "A negative S is below any floor, so that the floor divides, and keeps the sign of B.",
        circuit(floor=[3, 3, 50], **FORGETS),
        [(9, -9), (-9, -1), (100, -LARGEST)],
        lowest=-LARGEST,
    )


def _gains() -> Iterator[Case]:
    quotients = [(q, 1) for q in (3, -3, 255, -255, 256, -256, 257, -257)]
    plain = {"quotient_shift": 0, **FORGETS}
    yield case(
        "gain-zero",
        "A gain of 0 leaves the bias alone.",
        circuit(gain=0, bias=np.arange(-4, 4), **plain),
        quotients,
    )
    yield case(
        "gain-one",
        "A gain of 256 is 1 and changes nothing, neither of positive nor of negative quotients.",
        circuit(gain=256, **plain),
        quotients,
    )
    yield case(
        "gain-toward-zero",
        "q·gain / 2^8 is rounded toward zero: a gain of a half makes 1 of 3 and −1 of −3.",
        circuit(gain=128, **plain),
        quotients,
    )
    yield case(
        "gain-smallest",
        "A gain of 2^-8 makes 0 of all quotients within ±255.",
        circuit(gain=1, **plain),
        quotients,
    )
    yield case(
        "gain-above-one",
        "A gain may be above 1 and differ from neuron to neuron.",
        circuit(gain=[257, 257, 300, 300, 511, 511, 4096, 4096], **plain),
        quotients,
    )
    yield case(
        "gain-after-the-quotient",
        "The gain acts on the quotient that was rounded already, not on B.",
        circuit(gain=512, **plain),
        [(7, 2), (-7, 2), (1, 2), (-1, 2), (5, 3), (-5, 3)],
    )


def _widths() -> Iterator[Case]:
    plain = {"quotient_shift": 0, **FORGETS}
    around = [(q, 1) for q in (126, 127, 128, 129, 255, 256, 1000, LARGEST)]
    yield case(
        "saturation-above",
        "Quotients saturate at 2^(bits − 1) − 1; they do not wrap.",
        circuit(quotient_bits=8, **plain),
        around,
    )
    yield case(
        "saturation-below",
        "Negative quotients saturate at −(2^(bits − 1) − 1), the same distance from 0 as above.",
        circuit(quotient_bits=8, **plain),
        [(-b, s) for b, s in around],
    )
    yield case(
        "saturation-of-each-width",
        "Each neuron has a width of its own; one bit is the sign alone and leaves 0.",
        circuit(quotient_bits=[1, 2, 3, 10, 16, 17, 23, 24], **plain),
        [(LARGEST, 1)] * 8,
        [(-LARGEST, 1)] * 8,
        [(1, 1)] * 8,
        [(-2, 1)] * 8,
    )
    yield case(
        "saturation-of-large-shifts",
        "What leaves 24 bits by far, 2^61 times too large, saturates too.",
        circuit(quotient_shift=38, quotient_bits=[24, 24, 12, 24], **FORGETS),
        [(LARGEST, 1), (-LARGEST, 1), (-LARGEST, 3), (1, 2**15)],
    )
    yield case(
        "saturation-before-gain",
        "A quotient saturates before it is multiplied by the gain.",
        circuit(quotient_bits=8, gain=[256, 512, 128, 512], **plain),
        [(200, 1), (200, 1), (200, 1), (-200, 1)],
    )
    yield case(
        "saturation-without-bias",
        "The bias is added to what saturated, and does not saturate with it.",
        circuit(quotient_bits=8, bias=[100, 100, -100, -100], **plain),
        [(200, 1), (-200, 1), (-200, 1), (27, 1)],
    )
