"""The neuron models and operators as functions of ONNX, in its textual syntax.

An ONNX model may bring functions of its own: a node that calls one is what a viewer shows, its body
is what a runtime executes. So the graph of a Program reads as populations and projections, and what
each of them computes is written once, below, in standard operators only.

Each function takes x of all samples, [sample, …]. Integers are int64, and nothing is left to what
runtimes do differently: divisions of integers are of numbers ≥ 0, or leave no remainder. Clip, Min,
Max and Sign are not used on int64 at all, since onnxruntime (1.23 and 1.31, on x86-64) gets them
wrong where two numbers differ by 2³¹ or more; comparisons and Where do the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from onnx import FunctionProto, NodeProto, parser

DOMAIN = "eideploy"
"""Domain of the functions."""

OPSET = 18
"""Version of the standard operators; tried with onnxruntime 1.18, 1.23 and 1.31."""

_HEADER = f'<domain: "{DOMAIN}", opset_import: ["" : {OPSET}, "{DOMAIN}" : 1]>\n'

_INTEGERS = (
    """
    WithSignOf (magnitude, x) => (y) {
        zero = Constant <value_int: int = 0> ()
        negative = Less (x, zero)
        opposite = Neg (magnitude)
        y = Where (negative, opposite, magnitude)
    }
    """,
    """
    AtLeast (x, least) => (y) {
        above = Greater (x, least)
        y = Where (above, x, least)
    }
    """,
    """
    AtMost (x, most) => (y) {
        below = Less (x, most)
        y = Where (below, x, most)
    }
    """,
    """
    TowardZero (x, divisor) => (y) {
        magnitude = Abs (x)
        whole = Div (magnitude, divisor)
        y = eideploy.WithSignOf (whole, x)
    }
    """,
    """
    FloorDivision (x, divisor) => (y) {
        remainder = Mod (x, divisor)
        multiple = Sub (x, remainder)
        y = Div (multiple, divisor)
    }
    """,
    """
    NearestDivision (x, divisor, half) => (y) {
        raised = Add (x, half)
        y = eideploy.FloorDivision (raised, divisor)
    }
    """,
)

_OPERATORS = (
    # weight [n_source, n_target], in the type in which the sums are taken; `like` has that of y.
    """
    Dense <shape> (x, weight, like) => (y) {
        flat = Flatten (x)
        rows = CastLike (flat, weight)
        sums = MatMul (rows, weight)
        exact = CastLike (sums, like)
        to = Constant <value_ints: ints = @shape> ()
        y = Reshape (exact, to)
    }
    """,
    # Patches are gathered by their positions in the padded plane, with the channels of a group
    # lying together: taps [position, tap], weight [group, tap·channel, n_target / group].
    """
    Conv2d <planes, line, rows, shape> (x, pads, taps, weight, like) => (y) {
        values = CastLike (x, weight)
        to_planes = Constant <value_ints: ints = @planes> ()
        grouped = Reshape (values, to_planes)
        channels_last = Transpose <perm = [0, 1, 3, 4, 2]> (grouped)
        padded = Pad (channels_last, pads)
        to_line = Constant <value_ints: ints = @line> ()
        line = Reshape (padded, to_line)
        gathered = Gather <axis = 2> (line, taps)
        to_rows = Constant <value_ints: ints = @rows> ()
        rows = Reshape (gathered, to_rows)
        sums = MatMul (rows, weight)
        channels_first = Transpose <perm = [0, 1, 3, 2]> (sums)
        exact = CastLike (channels_first, like)
        to = Constant <value_ints: ints = @shape> ()
        y = Reshape (exact, to)
    }
    """,
    """
    OneToOne <shape> (x, weight, like) => (y) {
        flat = Flatten (x)
        values = CastLike (flat, like)
        weighted = Mul (values, weight)
        to = Constant <value_ints: ints = @shape> ()
        y = Reshape (weighted, to)
    }
    """,
)

_NEURONS = (
    """
    LeakyIntegrator (x, u, v, current_decay, voltage_decay, gain, bias, current_bias)
        => (current, voltage)
    {
        one = Constant <value = double {1.0}> ()
        kept_current = Sub (one, current_decay)
        old_current = Mul (kept_current, u)
        input = Mul (gain, x)
        filtered = Add (old_current, input)
        current = Add (filtered, current_bias)
        kept_voltage = Sub (one, voltage_decay)
        old_voltage = Mul (kept_voltage, v)
        charged = Add (old_voltage, current)
        voltage = Add (charged, bias)
    }
    """,
    """
    EIIntegrator (balanced, shunt, v, voltage_decay, gain, bias, floor) => (voltage) {
        one = Constant <value = double {1.0}> ()
        scaled = Mul (gain, balanced)
        divisor = Max (shunt, floor)
        current = Div (scaled, divisor)
        kept = Sub (one, voltage_decay)
        old = Mul (kept, v)
        charged = Add (old, current)
        voltage = Add (charged, bias)
    }
    """,
    # Once around 24 bits: +2²³ stays, −2²³ becomes +2²³.
    """
    Wrap24 (x) => (y) {
        high = Constant <value_int: int = 8388608> ()
        low = Constant <value_int: int = -8388608> ()
        turn = Constant <value_int: int = 16777216> ()
        beyond = Greater (x, high)
        under = LessOrEqual (x, low)
        lowered = Sub (x, turn)
        raised = Add (x, turn)
        inside = Where (under, raised, x)
        y = Where (beyond, lowered, inside)
    }
    """,
    # bias = bias_mantissa << bias_exponent
    """
    LeakyIntegratorFixed (x, u, v, current_decay, voltage_decay, bias, current_bias)
        => (current, voltage)
    {
        unity = Constant <value_int: int = 4096> ()
        most = Constant <value_int: int = 4095> ()
        kept_current = Sub (most, current_decay)
        scaled_current = Mul (u, kept_current)
        old_current = eideploy.TowardZero (scaled_current, unity)
        input = Add (x, current_bias)
        alignment = Constant <value_int: int = 64> ()
        aligned = Mul (input, alignment)
        filtered = Add (old_current, aligned)
        current = eideploy.Wrap24 (filtered)
        kept_voltage = Sub (unity, voltage_decay)
        scaled_voltage = Mul (v, kept_voltage)
        old_voltage = eideploy.TowardZero (scaled_voltage, unity)
        charged = Add (old_voltage, current)
        wide = Add (charged, bias)
        low = Constant <value_int: int = -8388607> ()
        high = Constant <value_int: int = 8388607> ()
        limited = eideploy.AtLeast (wide, low)
        voltage = eideploy.AtMost (limited, high)
    }
    """,
    # quotient_unit = 2^quotient_shift, most = 2^(quotient_bits − 1) − 1
    """
    EIIntegratorFixed (balanced, shunt, v, voltage_decay, gain, bias, floor, quotient_unit, most)
        => (voltage)
    {
        magnitude = Abs (balanced)
        numerator = Mul (magnitude, quotient_unit)
        divisor = eideploy.AtLeast (shunt, floor)
        whole = Div (numerator, divisor)
        saturated = eideploy.AtMost (whole, most)
        quotient = eideploy.WithSignOf (saturated, balanced)
        amplified = Mul (quotient, gain)
        gain_unit = Constant <value_int: int = 256> ()
        current = eideploy.TowardZero (amplified, gain_unit)
        unity = Constant <value_int: int = 4096> ()
        kept = Sub (unity, voltage_decay)
        scaled = Mul (v, kept)
        old = eideploy.TowardZero (scaled, unity)
        charged = Add (old, current)
        voltage = Add (charged, bias)
    }
    """,
    """
    FireAndReset (v, threshold, reset_to) => (spikes, after) {
        spikes = Greater (v, threshold)
        after = Where (spikes, reset_to, v)
    }
    """,
    """
    FireAndSubtract (v, threshold, amount) => (spikes, after) {
        spikes = Greater (v, threshold)
        lowered = Sub (v, amount)
        after = Where (spikes, lowered, v)
    }
    """,
    # Of all this, nothing happens to v while steps of its refractory period remain.
    """
    Refractory (spikes, tested, after, v, remaining, period) => (fired, held, kept, left) {
        none = Constant <value_int: int = 0> ()
        zero = CastLike (none, remaining)
        step = Constant <value_int: int = 1> ()
        one = CastLike (step, remaining)
        waiting = Greater (remaining, zero)
        free = Not (waiting)
        fired = And (spikes, free)
        held = Where (waiting, v, tested)
        kept = Where (waiting, v, after)
        less = Sub (remaining, one)
        counted = Where (waiting, less, zero)
        left = Where (fired, period, counted)
    }
    """,
)


def is_function(kind: str) -> bool:
    """Whether `kind` is one of our functions, and not a standard operator."""
    return kind in _library()


def functions_of(nodes: Iterable[NodeProto]) -> list[FunctionProto]:
    """The functions that `nodes` call and those that these call; what is called comes first."""
    needed: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node.domain == DOMAIN and node.op_type not in needed:
            needed.add(node.op_type)
            waiting += _library()[node.op_type].node
    return [function for name, function in _library().items() if name in needed]


@cache
def _library() -> dict[str, FunctionProto]:
    """All functions, none before one that it calls."""
    texts = (*_INTEGERS, *_OPERATORS, *_NEURONS)
    functions = [parser.parse_function(_HEADER + text) for text in texts]
    return {function.name: function for function in functions}
