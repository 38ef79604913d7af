"""A network file of lava-dl → layers. Nothing in the file is trusted, executed or unpickled."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from eideploy.errors import EideployWarning, GraphError, InputError, UnsupportedError
from eideploy.graph import hdf5
from eideploy.program import Conv2d
from eideploy_targets.netx.datasets import read_bias, read_delay, read_matrix, read_neuron
from eideploy_targets.netx.fields import Fields
from eideploy_targets.netx.layers import (
    INTEGRATOR,
    Layer,
    Network,
    Shape,
)

NET = hdf5.Layout(
    "a network of lava-dl",
    "a lava-dl network file",
    "layer",
    "Write it with `network.export_hdf5` of lava.lib.dl.slayer, or with eideploy compile -t netx.",
)

NOTE = "eideploy"
"""Dataset in the first layer where eideploy keeps what netx has no place for."""

_WITHOUT_NEURON = "is written without neurons and netx has no such layer"

REFUSED = {
    "average": f"it {_WITHOUT_NEURON}; leave it out and average the output spikes yourself",
    "concat": f"it {_WITHOUT_NEURON}, and layers of a file are a chain",
    "convT": "netx has no transposed convolution",
    "dense_comp": "a Program has no complex weights",
    "pool": "netx has no pooling; use a convolution with a stride",
    "unpool": "netx has no unpooling",
}
"""Layers that lava-dl can write and no Program can stand for, and why."""


def read_network(path: str | os.PathLike[str], input_shape: Shape | None = None) -> Network:
    """Read the layers of a network as netx reads them.

    Args:
        path: of a file that slayer's `export_hdf5` or `write_network` wrote.
        input_shape: [n] or [c, h, w], where the file does not say it and begins with a convolution.

    Warns:
        EideployWarning: netx passes over something that is in the file.

    Raises:
        InputError: the file cannot be read, or does not make sense; names the dataset.
        UnsupportedError: it holds a kind of layer or neuron that a Program has not.
    """
    remarks: list[str] = []
    network = _Reader(Fields(hdf5.load(path, NET), "/layer", remarks), input_shape).network()
    for remark in remarks:
        warnings.warn(f"{path}: {remark}", EideployWarning, stacklevel=2)
    return network


@contextmanager
def about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the name of a file in front of what is said about it."""
    try:
        yield
    except (InputError, UnsupportedError) as error:
        kind = InputError if isinstance(error, GraphError) else type(error)
        raise kind(f"{path}: {error.what}", error.remedy) from error.__cause__


class _Reader:
    """Goes through the layers in order, knowing what shape has been reached."""

    def __init__(self, fields: Fields, input_shape: Shape | None) -> None:
        self.fields = fields
        self.input_shape = input_shape
        self.shape = input_shape
        self.flattened = False
        self.layers: list[Layer] = []

    def network(self) -> Network:
        count = len(self.fields.tree)
        for number in range(count):
            if str(number) not in self.fields:
                names = ", ".join(map(repr, list(self.fields.tree)[:8])) or "nothing"
                raise InputError(f"/layer has no layer {number} among its {count} ({names})")
            self._layer(number, self.fields.group(str(number)))
        if not self.layers or self.input_shape is None:
            raise InputError(f"/layer holds no layer of neurons among its {count}")
        return Network(self.input_shape, tuple(self.layers), _note(self.fields.group("0")))

    def _layer(self, number: int, fields: Fields) -> None:
        kind = fields.text("type")
        if self.layers and self.layers[-1].neuron and self.layers[-1].neuron.silent:
            raise UnsupportedError(
                f"{fields.where}: comes behind layer {self.layers[-1].where}, whose thresholds "
                "no potential can reach, so that nothing ever arrives here"
            )
        match kind:
            case "input":
                self._input(number, fields)
            case "flatten":
                self.flattened = True
            case "conv":
                self._conv(number, fields)
            case "dense" | "dense_rec":
                self._dense(number, fields, recurrent=kind == "dense_rec")
            case _ if kind in REFUSED:
                raise UnsupportedError(f"{fields.where}: a layer {kind!r}: {REFUSED[kind]}")
            case _:
                raise InputError(
                    f"{fields.where}/type is {kind!r}",
                    "Known are: input, conv, dense, dense_rec, flatten.",
                )

    def _input(self, number: int, fields: Fields) -> None:
        if number:
            raise InputError(f"{fields.where}: an input can only be the first layer")
        self.shape = self.input_shape = fields.shape((1, 2, 3))
        if "neuron" in fields:
            weight = fields.number("weight", -4096, 4095) if "weight" in fields else 64
            bias = fields.between("bias", -4096, 4095) if "bias" in fields else np.array(0)
            neuron = read_neuron(fields, self.shape)
            factor = np.array(weight)
            bias = bias.reshape(()) if bias.size == 1 else bias
            self.layers.append(Layer(number, "input", self.shape, neuron, factor, bias=bias))

    def _conv(self, number: int, fields: Fields) -> None:
        if self.shape is None:
            raise InputError(
                f"{fields.where}: the file begins with a convolution and does not say the shape "
                "of its input",
                "Give it: --input-shape CHANNELS,HEIGHT,WIDTH.",
            )
        if len(self.shape) != 3 or self.flattened:
            raise InputError(f"{fields.where}: a convolution of something flat {self.shape}")
        shape = fields.shape((3,))
        weight = fields.integers("weight")
        if weight.ndim < 4 or math.prod(weight.shape[4:]) != 1:
            raise InputError(f"{fields.where}/weight has shape {weight.shape}, expected rank 4")
        operator = Conv2d(
            weight.reshape(weight.shape[:4]),
            fields.pair("stride", 1),
            fields.pair("padding", 0),
            fields.pair("dilation", 1),
            fields.number("groups", 1, 2**24),
        )
        if not operator.fits(self.shape, shape):
            raise InputError(
                f"{fields.where}: weights {weight.shape}, stride {operator.stride}, padding "
                f"{operator.padding}, dilation {operator.dilation} and groups {operator.groups} "
                f"do not map {self.shape} to {shape}"
            )
        if "delay" in fields and np.any(fields.integers("delay")):
            fields.remarks.append(f"{fields.where}/delay: netx has no delays in convolutions")
        self._add(
            Layer(
                number,
                "conv",
                shape,
                read_neuron(fields, shape),
                operator.weight,
                bias=read_bias(fields, shape),
                stride=operator.stride,
                padding=operator.padding,
                dilation=operator.dilation,
                groups=operator.groups,
            )
        )

    def _dense(self, number: int, fields: Fields, *, recurrent: bool) -> None:
        shape = (math.prod(fields.shape((1, 2, 3))),)
        weight = read_matrix(fields, "weight", shape[0])
        if self.shape is None:
            self.shape = self.input_shape = (weight.shape[1],)
        if self.layers and len(self.shape) > 1 and not self.flattened:
            raise InputError(
                f"{fields.where}: a dense layer on something of shape {self.shape}",
                "netx needs a layer `flatten` between the two.",
            )
        if weight.shape[1] != math.prod(self.shape):
            raise InputError(
                f"{fields.where}/weight has shape {weight.shape}, but {math.prod(self.shape)} "
                f"inputs {self.shape}"
            )
        back = read_matrix(fields, "weight_rec", shape[0]) if recurrent else None
        if back is not None and back.shape != (*shape, *shape):
            raise InputError(
                f"{fields.where}/weight_rec has shape {back.shape}, expected {(*shape, *shape)}"
            )
        delay = read_delay(fields, weight.shape) if "delay" in fields else None
        if back is not None and delay is not None and delay.shape != back.shape:
            raise UnsupportedError(
                f"{fields.where}: delays of a recurrent layer with other than {shape[0]} inputs; "
                "netx gives its recurrent synapses the delays of the others"
            )
        neuron = read_neuron(fields, shape) if "neuron" in fields else INTEGRATOR
        bias = read_bias(fields, shape)
        layer = Layer(number, "dense", shape, neuron, weight, back, delay, bias)
        _say_other_weights(fields, layer)
        self._add(layer)

    def _add(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.shape = layer.shape
        self.flattened = False


def _say_other_weights(fields: Fields, layer: Layer) -> None:
    """Remark where netx loads other weights than are written."""
    try:
        loaded = layer.loaded
    except UnsupportedError as error:
        raise UnsupportedError(f"{fields.where}: {error.what}", error.remedy) from error
    names = ("weight", "weight_rec")
    for name, written, (weight, exponent) in zip(names, layer.matrices, loaded, strict=False):
        differ = weight * 2.0**exponent != written
        if np.any(differ):
            where = tuple(np.argwhere(differ)[0])
            fields.remarks.append(
                f"{fields.where}/{name}: netx loads {int(np.sum(differ))} of {written.size} "
                f"weights as others, such as {written[where]} as "
                f"{weight[where] * 2.0**exponent:g}; so does the Program"
            )


def _note(fields: Fields) -> dict[str, object]:
    """What eideploy wrote beside the layers."""
    if NOTE not in fields:
        return {}
    try:
        note = json.loads(fields.text(NOTE))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{fields.where}/{NOTE} is no JSON: {error}") from error
    if not isinstance(note, dict):
        raise InputError(f"{fields.where}/{NOTE} is no JSON object")
    return note
