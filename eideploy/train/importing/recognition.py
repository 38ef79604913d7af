"""Which network it is, told from the shapes of its circuits and from the numbers of its modules.

A pool has no parameters, so it leaves no trace in a state dict but one: in a flat
`torch.nn.Sequential` it takes a number. The paper's code numbers a convolution, its norm, split,
LIF, dropout and merge, and a pool if there is one; the gaps between convolutions tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

import torch
from norse.torch import SequentialState

from eideploy.cells import LIF, EICircuit
from eideploy.errors import InputError, UnsupportedError
from eideploy.graph.export import node_names
from eideploy.train.data import DatasetSpec
from eideploy.train.importing.circuits import Circuit, Signature
from eideploy.train.importing.placing import signatures
from eideploy.train.zoo import find_builder, options_model

Stages = tuple[tuple[int, ...], ...]

_UNIT = (6, 5)  # modules from one convolution to the next without a pool: with and without dropout


@dataclass(frozen=True)
class Recognized:
    """A network that was told from its circuits.

    Attributes:
        model: name and options, as in the section `model` of a recipe.
        assumed: what was assumed, a sentence each.
    """

    model: dict[str, Any]
    assumed: tuple[str, ...] = ()


def recognize(circuits: Sequence[Circuit], data: DatasetSpec) -> Recognized:
    """The model whose network has circuits of these shapes.

    Args:
        circuits: in the order of their names.
        data: images; the model mlp takes them flattened.

    Raises:
        InputError: no model has such circuits, or not on these data; says why.
        UnsupportedError: the network is one that no model here can be.
    """
    ratio = _ratio(circuits)
    dense = [circuit for circuit in circuits if circuit.dense]
    convs = [circuit for circuit in circuits if not circuit.dense]
    if not convs:
        hidden = [circuit.shape[0] for circuit in circuits[:-1]]
        return _checked({"name": "mlp", "hidden": hidden, "ratio": ratio}, circuits, data)
    if len(dense) != 1:
        raise UnsupportedError(
            f"the checkpoint has {len(dense)} linear circuits behind its convolutions "
            f"({', '.join(c.name for c in dense) or 'none'}), and models here have one",
            "Networks of the paper have one linear layer (light_classifier: True).",
        )
    if _is_chain(convs) and all(c.shape[2:] == (3, 3) for c in convs):
        return _vgg(convs, circuits, data, ratio)
    for depth in _depths("resnet"):
        model = {"name": "resnet", "depth": depth, "ratio": ratio}
        if sorted(_signatures(model, data)) == sorted(c.signature for c in circuits):
            return Recognized(model)
    raise InputError(
        f"the {len(circuits)} circuits of the checkpoint are neither a chain of 3×3 convolutions "
        f"nor a ResNet-{' or '.join(map(str, _depths('resnet')))} for data of shape "
        f"{list(data.shape)} and {data.classes} classes",
        "Give its network by --recipe FILE, if a model here has these circuits.",
    )


def interface(circuits: Sequence[Circuit]) -> tuple[int, str, int]:
    """How many inputs a network has, of what kind, and how many classes."""
    convs = [circuit for circuit in circuits if not circuit.dense]
    last = next((circuit for circuit in reversed(circuits) if circuit.dense), circuits[-1])
    if convs:
        return min(circuit.shape[1] for circuit in convs), "channels", last.shape[0]
    return circuits[0].shape[1], "features", last.shape[0]


def fits(circuits: Sequence[Circuit], data: DatasetSpec) -> bool:
    """Whether a data set has as many inputs and classes as a network."""
    inputs, kind, classes = interface(circuits)
    given = data.shape[0] if kind == "channels" else math.prod(data.shape)
    return (given, data.classes) == (inputs, classes)


def _vgg(
    convs: Sequence[Circuit], circuits: Sequence[Circuit], data: DatasetSpec, ratio: int
) -> Recognized:
    wanted, stages = [c.signature for c in circuits], _stages(circuits)
    if len(data.shape) != 3:
        raise InputError(
            f"the checkpoint is a convolutional network, and the data have shape {list(data.shape)}"
        )
    for depth in _depths("vgg"):
        model = {"name": "vgg", "depth": depth, "ratio": ratio}
        if min(data.shape[1:]) < 32:  # too small for five pools
            break
        built = _build(model, data)
        if signatures(built) == wanted and stages in (None, _stages_of(built)):
            pools = f"pools are where VGG-{depth} has them, which module numbers do not tell"
            return Recognized(model, (pools,) if stages is None else ())
    if stages is None:
        raise InputError(
            "where the pools are is ambiguous: the checkpoint is a chain of convolutions with "
            f"{', '.join(str(c.shape[0]) for c in convs)} channels, which is no VGG of a known "
            "depth, and its modules are not numbered as in the paper's code",
            "Give its network by --recipe FILE, with for example "
            "model: {name: vgg, stages: [[64], [128, 128]]}.",
        )
    model = {"name": "vgg", "stages": [list(stage) for stage in stages], "ratio": ratio}
    return _checked(model, circuits, data)


def _checked(model: dict[str, Any], circuits: Sequence[Circuit], data: DatasetSpec) -> Recognized:
    """The model, if its network has exactly these circuits."""
    expected = _signatures(model, data)
    for circuit, (shape, n_i) in zip(circuits, expected, strict=True):
        if circuit.signature != (shape, n_i):
            raise InputError(
                f"the checkpoint does not fit data of shape {list(data.shape)} and "
                f"{data.classes} classes: W_EE of {circuit.name} has shape {list(circuit.shape)}, "
                f"model {model['name']} has {list(shape)} there",
                "Choose another data set by --data, or give the network by --recipe FILE.",
            )
    return Recognized(model)


def _stages(circuits: Sequence[Circuit]) -> Stages | None:
    """Channels of the convolutions between pools, or None where the numbers do not tell."""
    numbers = [int(found[0]) for c in circuits if (found := re.search(r"\d+$", c.name))]
    parents = {circuit.name.rpartition(".")[0] for circuit in circuits}
    if len(numbers) != len(circuits) or len(parents) != 1:
        return None
    gaps = [after - before for before, after in pairwise(numbers)]
    gaps[-1] -= 1  # the flattening in front of the readout
    readings = [[gap - unit for gap in gaps] for unit in _UNIT]
    # The builder ends in a pool; with that, at most one reading is left.
    for pools in readings:
        if set(pools) <= {0, 1} and pools[-1] == 1:
            stages: list[tuple[int, ...]] = [()]
            for circuit, pool in zip(circuits, pools, strict=False):
                stages[-1] += (circuit.shape[0],)
                stages += [()] * pool
            return tuple(stages[:-1])
    return None


def _stages_of(network: SequentialState) -> Stages:
    """The same of a network that is built."""
    stages: list[tuple[int, ...]] = [()]
    for name, module in node_names(network):
        if isinstance(module, EICircuit) and name != "readout":
            stages[-1] += (len(module.weight_ee),)
        elif name.startswith("pool"):
            stages.append(())
    return tuple(stages[:-1])


def _is_chain(convs: Sequence[Circuit]) -> bool:
    return all(after.shape[1] == before.shape[0] for before, after in pairwise(convs))


def _ratio(circuits: Sequence[Circuit]) -> int:
    """A ratio that gives every circuit as many inhibitory neurons as it has; 4 if that does."""
    sizes = {(shape[0], n_i) for shape, n_i in (c.signature for c in circuits)}
    for ratio in (4, *range(1, max(n_e for n_e, _ in sizes) + 1)):
        if all(max(1, n_e // ratio) == n_i for n_e, n_i in sizes):
            return ratio
    listed = ", ".join(f"{n_e} to {n_i}" for n_e, n_i in sorted(sizes))
    raise UnsupportedError(
        f"no one ratio of excitatory to inhibitory neurons fits all circuits: they have {listed}",
        "A network here has one ratio, with E // ratio inhibitory neurons in each circuit.",
    )


def _depths(name: str) -> tuple[int, ...]:
    return get_args(options_model(name).model_fields["depth"].annotation)


def _signatures(model: dict[str, Any], data: DatasetSpec) -> list[Signature]:
    return signatures(_build(model, data))


def _build(model: dict[str, Any], data: DatasetSpec) -> SequentialState:
    """The network of a model, of shapes only: its parameters take no memory."""
    options = {key: value for key, value in model.items() if key != "name"}
    shape = (math.prod(data.shape),) if model["name"] == "mlp" else data.shape
    with torch.device("meta"):
        return find_builder(model["name"])(shape, data.classes, LIF, **options)
