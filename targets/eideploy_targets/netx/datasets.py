"""The datasets of one layer of a file: neurons, weights, delays and biases, checked."""

from __future__ import annotations

import numpy as np

from eideploy.errors import InputError, UnsupportedError
from eideploy.program import Array
from eideploy_targets.netx.fields import Fields
from eideploy_targets.netx.layers import LONGEST_DELAY, UNREACHABLE, Cuba, Shape

REFUSED_NEURONS = {
    "ALIF": "adaptive thresholds",
    "RF": "resonators",
    "SDNN": "sigma-delta neurons, which send changes of graded values",
}
"""By a part of their name."""


def read_neuron(fields: Fields, shape: Shape) -> Cuba:
    """Neurons of a layer: parameters are single numbers, or one for each channel."""
    group = fields.group("neuron")
    kind = group.text("type")
    if kind not in ("CUBA", "LOIHI"):
        for known, what in REFUSED_NEURONS.items():
            if known in kind:
                raise UnsupportedError(f"{group.where}: {kind} neurons: a Program has no {what}")
        raise InputError(f"{group.where}/type is {kind!r}", "Known are: CUBA, LOIHI.")
    for name, usual in (("refDelay", 1), ("gradedSpike", 0), ("weight_exp", 0), ("wgtExp", 0)):
        if name in group and np.any(group.integers(name) != usual):
            group.remarks.append(f"{group.where}/{name}: netx passes over it")
    threshold = _channels(group, "vThMant", 2**31 - 1, shape)
    if np.any(threshold >= UNREACHABLE) and not np.all(threshold >= UNREACHABLE):
        raise UnsupportedError(
            f"{group.where}/vThMant: some neurons of the layer can spike and others cannot"
        )
    return Cuba(
        _channels(group, "iDecay", 4096, shape), _channels(group, "vDecay", 4096, shape), threshold
    )


def _channels(fields: Fields, name: str, high: int, shape: Shape) -> Array:
    """0…high, one for all or one for each channel, as an array that broadcasts to the shape."""
    values = fields.between(name, 0, high)
    if values.size == 1:
        return values.reshape(())
    if values.shape != shape[:1]:
        raise InputError(
            f"{fields.where}/{name} has shape {values.shape}, expected one number or {shape[0]}"
        )
    return values.reshape(-1, *(1 for _ in shape[1:]))


def read_matrix(fields: Fields, name: str, rows: int) -> Array:
    """Weights [rows, inputs], which may be stored flat."""
    weight = fields.integers(name)
    if weight.ndim == 1 and weight.size % rows == 0:
        weight = weight.reshape(rows, -1)
    if weight.ndim != 2 or len(weight) != rows:
        raise InputError(
            f"{fields.where}/{name} has shape {weight.shape}, expected [{rows}, inputs]"
        )
    return weight


def read_delay(fields: Fields, shape: Shape) -> Array:
    """Steps for every synapse: one number, one for each neuron or else each input, or for each."""
    values = fields.between("delay", 0, 2**31 - 1)
    if np.any(values > LONGEST_DELAY):
        fields.remarks.append(f"{fields.where}/delay: cut to {LONGEST_DELAY} steps, as in netx")
        values = np.minimum(values, LONGEST_DELAY)
    if values.ndim == 1 and values.size == shape[0]:
        values = values[:, np.newaxis]
    elif values.shape not in ((), (shape[1],), shape):
        raise InputError(
            f"{fields.where}/delay has shape {values.shape}, expected one for each of "
            f"{shape[0]} neurons or {shape[1]} inputs, or {shape}"
        )
    return np.broadcast_to(values, shape)


def read_bias(fields: Fields, shape: Shape) -> Array:
    """Biases that broadcast to the shape: one for all, one for each channel, or for each neuron."""
    if "bias" not in fields:
        return np.array(0)
    values = fields.between("bias", -4096, 4095)
    if values.size == 1:
        return values.reshape(())
    if values.shape == shape[::-1]:  # [w, h, c], which netx does not turn
        return values.transpose()
    if values.shape == shape[:1]:
        return values.reshape(-1, *(1 for _ in shape[1:]))
    raise InputError(
        f"{fields.where}/bias has shape {values.shape}, expected one for each of {shape[0]} "
        f"channels, or {shape[::-1]}"
    )
