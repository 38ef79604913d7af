"""An integer Program → layers of lava-dl, or by name what netx cannot hold.

What is written is made a Program again and held against the original, so that nothing is ever
changed silently.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eideploy.errors import UnsupportedError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    EINeuronFixed,
    Identity,
    Population,
    Program,
    Projection,
    planar,
)
from eideploy_targets.netx.layers import LONGEST_DELAY, Cuba, Layer, Network
from eideploy_targets.netx.neurons import cuba_of
from eideploy_targets.netx.note import Note
from eideploy_targets.netx.sums import check_sums


def to_network(program: Program) -> Network:
    """The layers that do on netx what an integer Program says.

    Args:
        program: aligned; a chain of populations, each a step behind the one before.

    Raises:
        UnsupportedError: names the population or projection that netx has no layer for, and why.
    """
    refuse_circuits(program)
    chain = _chain(program)
    layers: list[Layer] = []
    for before, population in pairwise(chain):
        layers.append(_layer(program, before, population, len(layers)))
    check_sums(program)
    return Network(chain[0].shape, tuple(layers), Note.about(program, chain).values())


def refuse_circuits(program: Program) -> None:
    """Raise `UnsupportedError` if there are E-I neurons, and say what can be done."""
    for population in program.populations:
        if isinstance(population.neuron, EINeuronFixed):
            raise UnsupportedError(
                f"population {population.name!r}: netx has no neurons with divisive inhibition",
                "Compile the network with --form folded: its divisive gains are then constants.",
            )


def _chain(program: Program) -> list[Population]:
    """The populations in order, from the only input to the only output."""
    if program.arithmetic != "integer":
        raise UnsupportedError(
            "netx runs integer Programs; this one has float arithmetic",
            "Compile it for netx: eideploy compile MODEL -t netx.",
        )
    if program.stride != 1:
        raise UnsupportedError(
            f"a logical step of this Program takes {program.stride} hardware steps, for its loops "
            "over several populations; netx has one for each"
        )
    if len(program.sources) != 1 or len(program.outputs) != 1:
        raise UnsupportedError(
            f"netx has one input and one output; this Program has "
            f"{[p.name for p in program.sources]} and {list(program.outputs)}"
        )
    chain = [program.sources[0]]
    while len(chain) < len(program.populations):
        last = chain[-1].name
        following = {p.target for p in program.projections if p.source == last and p.target != last}
        if len(following) != 1:
            raise UnsupportedError(
                f"population {last!r} projects to {sorted(following) or 'nothing'}; "
                "the layers of netx are a chain"
            )
        population = program.by_name[following.pop()]
        sources = {p.source for p in program.into(population.name)} - {population.name}
        if sources != {last} or population in chain:
            raise UnsupportedError(
                f"population {population.name!r} receives from {sorted(sources)}; "
                "the layers of netx are a chain"
            )
        chain.append(population)
    if program.outputs != (chain[-1].name,):
        raise UnsupportedError(
            f"the output is {program.outputs[0]!r}; that of netx is the last layer, "
            f"{chain[-1].name!r}"
        )
    return chain


def _layer(program: Program, before: Population, population: Population, number: int) -> Layer:
    where = f"population {population.name!r}"
    if population.offset != before.offset + 1 or population.reset_phase != 0:
        raise UnsupportedError(
            f"{where} starts {population.offset - before.offset} steps after {before.name!r} and "
            f"is reset in step {population.reset_phase}; in netx each layer starts 1 step after "
            "the one before and is reset there"
        )
    projections = [p for p in program.into(population.name) if p.source == before.name]
    loops = [p for p in program.into(population.name) if p.source == population.name]
    operator = projections[0].operator
    shape = planar(population.shape) if isinstance(operator, Conv2d) else (population.size,)
    neuron, bias = cuba_of(population, shape, last=population.name in program.outputs)
    match operator:
        case Conv2d() as conv:
            return _conv(before, population, projections + loops, conv, neuron, bias, number)
        case Dense():
            weight, delay = _synapses(projections)
            recurrent, back = _synapses(loops) if loops else (None, None)
            if loops and not population.neuron.spiking:
                raise _refusal(loops[0], "a layer of netx that is read sends nothing to itself")
            if back is not None and (np.any(delay) or np.any(back)):
                raise UnsupportedError(
                    f"{where}: netx loses the weight exponent of recurrent layers with delays"
                )
            layer = Layer(
                number,
                "dense",
                shape,
                neuron,
                weight,
                recurrent,
                delay if np.any(delay) else None,
                bias,
            )
            _check_weights(projections[0], layer)
            return layer
        case Identity():
            raise _refusal(projections[0], "netx has no one-to-one connections")
        case other:
            raise _refusal(projections[0], f"netx has no operator {type(other).__name__}")


def _conv(
    before: Population,
    population: Population,
    projections: list[Projection],
    conv: Conv2d,
    neuron: Cuba,
    bias: Array,
    number: int,
) -> Layer:
    projection = projections[0]
    if len(projections) > 1 or projection.delay != 1:
        raise _refusal(projection, "netx has no delays and no recurrence in convolutions")
    if number and len(before.shape) != len(population.shape):
        raise _refusal(projection, "netx has no convolution of something flat")
    weight = _exact_weight(projection)
    if np.any(weight < -256) or np.any(weight > 255):
        raise _refusal(projection, f"weights {weight.min()}…{weight.max()} need more than 8 bits")
    return Layer(
        number,
        "conv",
        planar(population.shape),
        neuron,
        weight,
        bias=bias,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
    )


def _synapses(projections: list[Projection]) -> tuple[Array, Array]:
    """One matrix of weights and one of additional delays for all projections of a source."""
    weight = np.zeros_like(projections[0].operator.weight)
    delay = np.zeros_like(weight)
    for projection in projections:
        if not isinstance(projection.operator, Dense):
            raise _refusal(projection, "one layer of netx has one kind of synapse")
        part = _exact_weight(projection)
        if np.any((weight != 0) & (part != 0)):
            raise _refusal(projection, "netx has one synapse between two neurons")
        if not 1 <= projection.delay <= 1 + LONGEST_DELAY:
            raise _refusal(projection, f"netx has delays of 1 to {1 + LONGEST_DELAY} steps")
        weight = weight + part
        delay = np.where(part != 0, projection.delay - 1, delay)
    return weight, delay


def _exact_weight(projection: Projection) -> Array:
    """Weights with exponent 0."""
    weight, exponent = projection.operator.weight, projection.exponent
    if exponent < 0 and np.any(weight % 2**-exponent):
        raise _refusal(projection, f"netx has no weight exponent of {exponent}")
    return weight << exponent if exponent >= 0 else weight >> -exponent


def _check_weights(projection: Projection, layer: Layer) -> None:
    """Refuse what netx would load as something else."""
    if not any(np.any(matrix) for matrix in layer.matrices):
        raise _refusal(projection, "all weights are 0, on which netx fails")
    try:
        loaded = layer.loaded
    except UnsupportedError as error:
        raise _refusal(projection, error.what) from error
    for matrix, (weight, exponent) in zip(layer.matrices, loaded, strict=True):
        wrong = weight * 2.0**exponent != matrix
        if np.any(wrong):
            row, column = np.argwhere(wrong)[0]
            raise _refusal(
                projection,
                f"netx loads weight [{row}, {column}] = {matrix[row, column]} as "
                f"{weight[row, column] * 2.0**exponent:g}",
            )


def _refusal(projection: Projection, why: str) -> UnsupportedError:
    return UnsupportedError(f"projection {projection.name}: {why}")
