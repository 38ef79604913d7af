"""Layers → a network file of lava-dl, which netx reads and `import-netx` reads back."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import h5py
import numpy as np

from eideploy.files import atomic_write
from eideploy.program import Array, planar
from eideploy_targets.netx.layers import Cuba, Layer, Network
from eideploy_targets.netx.reading import NOTE


def write_network(path: str | os.PathLike[str], network: Network) -> None:
    """Write a network, atomically. Equal networks give equal bytes.

    Raises:
        OutputError: the file cannot be written; what was there before is untouched.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(_bytes(network))


def _bytes(network: Network) -> bytes:
    """The file, made in memory, so that a full disk is an ordinary failure to write."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        root = file.create_group("layer", track_order=True)
        shape = network.input_shape
        group = _group(root, "input", planar(shape) if len(shape) > 1 else shape)
        group.create_dataset(NOTE, data=json.dumps(network.note), dtype=h5py.string_dtype())
        for layer in network.layers:
            if layer.kind == "dense" and len(shape) > 1:
                _group(root, "flatten", (int(np.prod(shape)),))
            _write_layer(root, layer)
            shape = layer.shape
    return buffer.getvalue()


def _group(root: Any, kind: str, shape: tuple[int, ...]) -> Any:
    """The next group, with what every layer has."""
    group = root.create_group(str(len(root)), track_order=True)
    group.create_dataset("type", data=np.array([kind.encode()], "S10"))
    group.create_dataset("shape", data=np.array(shape))
    return group


def _write_layer(root: Any, layer: Layer) -> None:
    recurrent = layer.recurrent is not None
    group = _group(root, "dense_rec" if recurrent else layer.kind, layer.shape)
    _matrix(group, "weight", layer.weight)
    if layer.kind == "conv":
        group.create_dataset("inChannels", data=layer.weight.shape[1] * layer.groups)
        group.create_dataset("outChannels", data=layer.weight.shape[0])
        group.create_dataset("kernelSize", data=np.array(layer.weight.shape[2:]))
        for name in ("stride", "padding", "dilation", "groups"):
            group.create_dataset(name, data=np.array(getattr(layer, name)))
    else:
        group.create_dataset("inFeatures", data=layer.weight.shape[1])
        group.create_dataset("outFeatures", data=layer.weight.shape[0])
    if layer.recurrent is not None:
        _matrix(group, "weight_rec", layer.recurrent)
    if layer.delay is not None:
        _matrix(group, "delay", layer.delay)
    if np.any(layer.bias):
        group.create_dataset("bias", data=_bias(layer))
    assert layer.neuron is not None
    _write_neuron(group, layer.neuron)


def _matrix(group: Any, name: str, values: Array) -> None:
    group.create_dataset(name, data=values.astype(np.int32), compression="gzip")


def _bias(layer: Layer) -> Array:
    """One for each channel where that says it all, else for each neuron [w, h, c]."""
    spread = np.broadcast_to(layer.bias, layer.shape)
    channels = spread.reshape(layer.shape[0], -1)
    return channels[:, 0] if np.all(channels == channels[:, :1]) else spread.transpose()


def _write_neuron(group: Any, neuron: Cuba) -> None:
    group.create_dataset("neuron/type", data="CUBA", dtype=h5py.string_dtype())
    group.create_dataset("neuron/iDecay", data=neuron.current_decay.ravel().squeeze())
    group.create_dataset("neuron/vDecay", data=neuron.voltage_decay.ravel().squeeze())
    group.create_dataset("neuron/vThMant", data=neuron.threshold.ravel().squeeze())
    group.create_dataset("neuron/refDelay", data=1)
    group.create_dataset("neuron/gradedSpike", data=False)
