"""Network files of lava-dl, written with h5py alone, as slayer's `export_hdf5` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

CUBA = {
    "type": "CUBA",
    "iDecay": 1024,
    "vDecay": 512,
    "vThMant": 80,
    "refDelay": 1,
    "gradedSpike": False,
}


def cuba(**changes: Any) -> dict[str, Any]:
    """A neuron group."""
    return {**CUBA, **changes}


def dense(weight: Any, **fields: Any) -> dict[str, Any]:
    """A dense layer; `weight_rec` makes it a recurrent one. None leaves a field out."""
    weight = np.asarray(weight)
    kind = "dense_rec" if "weight_rec" in fields else "dense"
    shape = np.array(weight.shape[:1])
    return {"type": kind, "shape": shape, "weight": weight.astype("f4"), "neuron": CUBA, **fields}


def conv(weight: Any, shape: tuple[int, int, int], **fields: Any) -> dict[str, Any]:
    """A convolution to `shape` [c, h, w]."""
    return {
        "type": "conv",
        "shape": np.array(shape),
        "weight": np.asarray(weight).astype("f4"),
        "stride": np.array([1, 1]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "groups": 1,
        "neuron": CUBA,
        **fields,
    }


def layer(kind: str, *shape: int, **fields: Any) -> dict[str, Any]:
    """Any other layer."""
    return {"type": kind, "shape": np.array(shape), **fields}


def write(path: Path, *layers: dict[str, Any]) -> Path:
    """Write a file."""
    with h5py.File(path, "w") as file:
        root = file.create_group("layer")
        for number, fields in enumerate(layers):
            _fill(root.create_group(str(number)), fields)
    return path


def _fill(group: h5py.Group, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, dict):
            _fill(group.create_group(name), value)
        elif name == "type" and group.name.count("/") == 2:
            # Layers are named in fixed-length text in an array of one, neurons in a plain string.
            group.create_dataset(name, (1,), "S10", [value.encode()])
        else:
            group.create_dataset(name, data=value)


def even(rng: np.random.Generator, *shape: int, high: int = 120) -> Any:
    """Random weights of both signs, even as those of slayer."""
    return rng.integers(-high // 2, high // 2 + 1, shape) * 2
