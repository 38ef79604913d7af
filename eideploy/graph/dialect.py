"""The E-I dialect of NIR: circuits and soft reset, which standard NIR cannot express.

A file that holds one of them is read by eideploy only; other tools refuse it by its node type.
All arrays are stored as given (dtype and bits); the invariants are checked once, at construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from eideploy.errors import GraphError
from eideploy.graph.numbers import Array, check_finite, real_numbers
from eideploy.graph.soft_reset import SOFT_RESET_NODES

NON_NEGATIVE = ("weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e")


@dataclass(eq=False)
class EILinear(nir.NIRNode):  # type: ignore[misc]
    r"""Memoryless dense circuit of excitatory (E) and inhibitory (I) neurons.

    .. math::
        I_{EE} &= W_{EE}\,x \qquad I_{IE} = W_{IE}\,x \\
        B &= I_{EE} - W_{EI}\,I_{IE}                   && \text{subtractive inhibition} \\
        S &= W_{EI}\,(g_I \odot I_{IE})                && \text{divisive (shunting) inhibition} \\
        y &= g_E \odot B / \max(S, s_{min}) + b        && \text{and } y = b \text{ where } B = 0

    With ``divisive=False`` (the readout of a network) the output is B alone.

    Args:
        weight_ee: W_EE, excitatory weights, [n_e, n_in], dimensionless, ≥ 0.
        weight_ie: W_IE, weights onto the I neurons, [n_i, n_in], dimensionless, ≥ 0.
        weight_ei: W_EI, strength of inhibition, [n_e, n_i], dimensionless, ≥ 0.
        gain_i: g_I, shunting gain of each I neuron, [n_i], dimensionless, ≥ 0.
        gain_e: g_E, gain of each E neuron, [n_e], current, ≥ 0.
        bias: b, constant current into each E neuron, [n_e], current, any sign.
        floor: s_min, the least divisor, one number > 0 in the unit of S; ignored if not divisive.
        divisive: whether B is divided by S.

    Raises:
        GraphError: shapes disagree, a number is NaN or infinite, a weight or gain is negative
            (Dale's law), or the floor is not positive.

    Source: Liu, Ding, Yu, "Training Deep Normalization-Free Spiking Neural Networks with Lateral
    Inhibition", ICLR 2026.
    """

    weight_ee: Array
    weight_ie: Array
    weight_ei: Array
    gain_i: Array
    gain_e: Array
    bias: Array
    floor: float | np.number[Any]
    divisive: bool = True

    def __post_init__(self) -> None:
        _settle_circuit(self)
        self.validate()
        self.input_type = {"input": np.array(self.weight_ee.shape[1:])}
        self.output_type = {"output": np.array(self.weight_ee.shape[:1])}

    def validate(self) -> None:
        """Check the invariants again, for a node whose arrays may have been changed."""
        _check_circuit(self, "n_in")


@dataclass(eq=False)
class EIConv2d(nir.NIRNode):  # type: ignore[misc]
    r"""Memoryless convolutional circuit of excitatory (E) and inhibitory (I) channels.

    The equations are those of `EILinear`, with W_EE and W_IE two convolutions (cross-correlations)
    of one geometry, without bias, dilation 1, groups 1; W_EI, the gains and b mix or scale channels
    only and are the same at every pixel.

    Args:
        input_shape: (height, width) of the input, in pixels.
        weight_ee: W_EE, [n_e, channels, kernel height, kernel width], dimensionless, ≥ 0.
        weight_ie: W_IE, [n_i, channels, kernel height, kernel width], dimensionless, ≥ 0.
        weight_ei: W_EI, [n_e, n_i], dimensionless, ≥ 0.
        gain_i: g_I, [n_i], dimensionless, ≥ 0.
        gain_e: g_E, [n_e], current, ≥ 0.
        bias: b, [n_e], current, any sign.
        floor: s_min, the least divisor, one number > 0 in the unit of S; ignored if not divisive.
        divisive: whether B is divided by S.
        stride: (vertical, horizontal) step of the kernel in pixels, ≥ 1.
        padding: rows and columns of zeros on each side, in pixels, ≥ 0.

    Raises:
        GraphError: as `EILinear`, or the kernel is larger than the padded input.
    """

    input_shape: tuple[int, int]
    weight_ee: Array
    weight_ie: Array
    weight_ei: Array
    gain_i: Array
    gain_e: Array
    bias: Array
    floor: float | np.number[Any]
    divisive: bool = True
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        _settle_circuit(self)
        self.input_shape = _pair("EIConv2d", "input_shape", self.input_shape, least=1)
        self.stride = _pair("EIConv2d", "stride", self.stride, least=1)
        self.padding = _pair("EIConv2d", "padding", self.padding, least=0)
        self.validate()
        kernel = self.weight_ee.shape[2:]
        size = [
            (n + 2 * p - k) // s + 1
            for n, p, k, s in zip(self.input_shape, self.padding, kernel, self.stride, strict=True)
        ]
        if min(size) < 1:
            raise GraphError(
                f"EIConv2d: the kernel {kernel} is larger than the input {self.input_shape} "
                f"with padding {self.padding}",
                "Check input_shape, given as (height, width), and padding.",
            )
        self.input_type = {"input": np.array([self.weight_ee.shape[1], *self.input_shape])}
        self.output_type = {"output": np.array([self.weight_ee.shape[0], *size])}

    def validate(self) -> None:
        """Check the invariants again, for a node whose arrays may have been changed."""
        _check_circuit(self, "channels", "kernel height", "kernel width")


DIALECT = (EILinear, EIConv2d, *SOFT_RESET_NODES)


def _pair(kind: str, field: str, value: object, least: int) -> tuple[int, int]:
    """One integer or two, as two."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iu" or numbers.shape not in ((), (2,)) or np.min(numbers) < least:
        raise GraphError(f"{kind}: {field} is {value!r}, expected one or two integers ≥ {least}")
    first, second = np.broadcast_to(numbers, (2,)).tolist()
    return int(first), int(second)


def _settle_circuit(node: EILinear | EIConv2d) -> None:
    """Bring the fields of a circuit to their types."""
    for field in (*NON_NEGATIVE, "bias"):
        setattr(node, field, real_numbers(node, field))
    floor = real_numbers(node, "floor")
    if floor.ndim:
        raise GraphError(
            f"{type(node).__name__}: floor has shape {floor.shape}, expected one number"
        )
    node.floor = floor.dtype.type(floor)
    node.divisive = bool(node.divisive)


def _check_circuit(node: EILinear | EIConv2d, *fan_in: str) -> None:
    """Check shapes, finite numbers, Dale's law and the floor of a circuit."""
    kind = type(node).__name__
    if node.weight_ee.ndim != 1 + len(fan_in) or node.weight_ei.ndim != 2:
        raise GraphError(
            f"{kind}: weight_ee has shape {node.weight_ee.shape} and weight_ei "
            f"{node.weight_ei.shape}, expected [n_e, {', '.join(fan_in)}] and [n_e, n_i]"
        )
    n_e, n_i = node.weight_ei.shape
    axes = node.weight_ee.shape[1:]
    expected: dict[str, Sequence[int]] = {
        "weight_ee": (n_e, *axes),
        "weight_ie": (n_i, *axes),
        "gain_i": (n_i,),
        "gain_e": (n_e,),
        "bias": (n_e,),
    }
    for field, shape in expected.items():
        found = getattr(node, field).shape
        if found != shape:
            raise GraphError(
                f"{kind}: {field} has shape {found}, expected {shape} "
                f"(weight_ee {node.weight_ee.shape}, weight_ei {node.weight_ei.shape})"
            )
    if 0 in (n_e, n_i, *axes):
        raise GraphError(f"{kind}: a dimension is 0 (n_e {n_e}, n_i {n_i}, fan-in {axes})")
    for field in (*NON_NEGATIVE, "bias", "floor"):
        check_finite(kind, field, np.asarray(getattr(node, field)))
    for field in NON_NEGATIVE:
        values = getattr(node, field)
        negative = int(np.count_nonzero(values < 0))
        if negative:
            raise GraphError(
                f"{kind}: {field} has {negative} negative of {values.size} values "
                f"(worst {values.min():g}); Dale's law wants all ≥ 0",
                "Project the weights at 0, or use Affine or Conv2d if they are meant to be signed.",
            )
    if node.divisive and not float(node.floor) > 0:
        raise GraphError(
            f"{kind}: floor is {float(node.floor):g}, expected > 0, since the circuit divides",
            "Calibrate it on data (freeze) before exporting.",
        )
