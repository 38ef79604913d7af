"""How integers are rounded, and what happens at the ends of their range."""

from __future__ import annotations

from fractions import Fraction

LARGEST = 2**23 - 1
"""Largest value of a state variable or of the sum on a port: 24 bits, sign included."""

SMALLEST = -(2**23)
"""Smallest value that 24 bits hold."""


def toward_zero(value: int, bits: int) -> int:
    """value / 2^bits without its fraction: 3/2 becomes 1 and −3/2 becomes −1."""
    magnitude = abs(value) // 2**bits
    return magnitude if value >= 0 else -magnitude


def half_up(value: int, bits: int) -> int:
    """⌊value / 2^bits + 1/2⌋: the nearest integer, the larger one of two."""
    return (2 * value + 2**bits) // 2 ** (bits + 1)


def half_even(value: Fraction) -> int:
    """The nearest integer, the even one of two."""
    below = value.numerator // value.denominator
    above_half = value - below - Fraction(1, 2)
    if above_half == 0:
        return below + below % 2
    return below + (above_half > 0)


def aligned(value: int, exponent: int) -> int:
    """value · 2^exponent, rounded to −∞ where the exponent is negative."""
    return value * 2**exponent if exponent >= 0 else value // 2**-exponent


def wrapped(value: int) -> int:
    """One turn round 24 bits: +2²³ stays as it is, −2²³ becomes +2²³."""
    if value > 2**23:
        return value - 2**24
    if value <= -(2**23):
        return value + 2**24
    return value


def clipped(value: int, largest: int = LARGEST) -> int:
    """The value nearest to it between −largest and +largest."""
    return max(-largest, min(largest, value))
