"""Layers of lava-dl → the integer Program that netx makes of them, spike for spike.

netx puts synapses of Lava, which take a step, in front of Lava's bit-accurate LIF, so that each
layer is a step behind the one before. A layer whose threshold no potential can reach is there to be
read: it becomes an integrator that emits its potential.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    Identity,
    IntegratorFixed,
    LIFNeuronFixed,
    Neuron,
    Population,
    Program,
    Projection,
    Relay,
    Source,
)
from eideploy.program.program import Sign
from eideploy_targets.netx.layers import BIAS_EXPONENT, Cuba, Layer, Network, Shape
from eideploy_targets.netx.note import Note
from eideploy_targets.netx.synapses import Held

SLAYER_RANGE = (-4.0, 254 / 64)
"""What slayer clamps the input of a layer of input neurons to (`quantize_8bit`)."""


def to_program(network: Network, name: str) -> Program:
    """The Program that does what netx does with a network.

    Args:
        network: as it was read.
        name: of the model, for reports.

    Raises:
        InputError: what eideploy noted beside the layers does not fit them.
        UnsupportedError: something in it has no integer form.
    """
    note = Note.of(network)
    first = network.layers[0]
    sources = note.source or _source(first)
    populations = [Population(note.names[0], note.shapes[0], sources)]
    projections: list[Projection] = []
    for layer, called, shape in zip(network.layers, note.names[1:], note.shapes[1:], strict=True):
        before = populations[-1]
        neuron = _readout(layer, note) if layer is network.layers[-1] else _neuron(layer)
        if shape != layer.shape:
            neuron = _reshaped(neuron, layer.shape, shape)
        populations.append(Population(called, shape, neuron, offset=before.offset + 1))
        projections += _projections(layer, before.name, called)
    if note.signs is not None:
        projections = note.signed(projections)
    return Program(
        tuple(populations),
        tuple(projections),
        "integer",
        (populations[-1].name,),
        note.dt,
        note.metadata or {"model": name},
    )


def _source(first: Layer) -> Source:
    """Spikes, or for input neurons what they were trained on, in units of 1 / weight."""
    if first.kind != "input":
        return Source(minimum=0, maximum=1, levels=1, scale=1)
    return Source(*SLAYER_RANGE, scale=max(1, abs(int(first.weight))))


def _readout(layer: Layer, note: Note) -> Neuron:
    """The neurons of the last layer, as the note says if there is one."""
    if note.readout == "Relay":
        return Relay(shift=note.shift, bias=layer.bias)
    neuron = _neuron(layer)
    return replace(neuron, shift=note.shift) if isinstance(neuron, IntegratorFixed) else neuron


def _neuron(layer: Layer) -> Neuron:
    cuba = layer.neuron
    assert cuba is not None
    decays = _decays(layer, cuba)
    if cuba.silent:
        return IntegratorFixed(*decays, layer.bias, BIAS_EXPONENT)
    return LIFNeuronFixed(*decays, layer.bias, BIAS_EXPONENT, cuba.threshold)


def _reshaped(neuron: Neuron, shape: Shape, other: Shape) -> Neuron:
    """The same neurons in another shape."""
    changed = {
        name: np.broadcast_to(values, shape).reshape(other)
        for name, values in neuron.parameters().items()
        if values.ndim
    }
    return replace(neuron, **changed)


def _decays(layer: Layer, cuba: Cuba) -> tuple[Array, Array]:
    """Registers of both decays; an integrator that sums in u does so in v instead."""
    if layer.kind == "input":
        # Input comes as a bias, past the current (`blocks.Input`): a current that is gone at once.
        return np.array(4095), cuba.voltage_decay
    if not np.any(cuba.current_decay == 0):
        return cuba.current_decay - 1, cuba.voltage_decay
    sums = cuba.silent and not np.any(cuba.current_decay) and np.all(cuba.voltage_decay == 4096)
    if sums and not np.any(layer.bias):
        return np.array(4095), np.array(0)
    raise UnsupportedError(
        f"/layer/{layer.where}/neuron/iDecay is 0, but the current of Loihi's neurons always "
        "decays, by at least 1/4096 a step",
        "Train with a current_decay of at least 1/4096.",
    )


def _projections(layer: Layer, source: str, target: str) -> list[Projection]:
    if layer.kind == "input":
        sign = np.sign(layer.weight)
        return [_projection(source, target, Identity(sign), 1)]
    if layer.kind == "conv":
        operator = Conv2d(layer.weight, layer.stride, layer.padding, layer.dilation, layer.groups)
        return [_projection(source, target, operator, 1)]
    assert layer.neuron is not None
    # A layer that cannot spike hears nothing of itself.
    origins = (source,) if layer.neuron.silent else (source, target)
    return [
        projection
        for origin, matrix in zip(origins, layer.loaded, strict=False)
        for projection in _delayed(layer, origin, target, matrix)
    ]


def _delayed(layer: Layer, source: str, target: str, matrix: Held) -> list[Projection]:
    """A projection for each delay that occurs."""
    weight, exponent = matrix
    delay = np.zeros_like(weight) if layer.delay is None else layer.delay
    occurring: Any = np.unique(delay[weight != 0]) if np.any(weight) else [0]
    return [
        _projection(source, target, Dense(np.where(delay == d, weight, 0)), 1 + int(d), exponent)
        for d in occurring
    ]


def _projection(
    source: str, target: str, operator: Any, delay: int, exponent: int = 0
) -> Projection:
    weight = operator.weight
    sign: Sign = "mixed"
    if np.all(weight >= 0):
        sign = "excitatory"
    elif np.all(weight <= 0):
        sign = "inhibitory"
    return Projection(source, target, operator, delay=delay, exponent=exponent, sign=sign)
