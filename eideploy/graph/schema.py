"""What each node type stores: one table behind reading, writing, checking and describing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import nir

from eideploy.errors import GraphError
from eideploy.graph.dialect import DIALECT, EIConv2d, EILinear
from eideploy.graph.soft_reset import SoftResetCubaLIF, SoftResetIF, SoftResetLIF


class Kind(enum.Enum):
    """How a field is stored and what values it takes."""

    PARAMETER = "an array of real numbers"
    FLAG = "true or false"
    INTEGER = "an integer"
    INTEGERS = "one or two integers"
    PADDING = "one or two integers, 'same' or 'valid'"
    WINDOW = "one or two integers, kept as an array"
    SHAPE = "a list of integers"


@dataclass(frozen=True)
class Field:
    """One stored field of a node.

    Args:
        name: its name in the file and, unless `port` is given, in the Python object.
        kind: what it holds.
        required: False if a file may leave it out.
        port: "input" or "output" if the object keeps it as the shape of that port.
        least: smallest integer it takes.
    """

    name: str
    kind: Kind = Kind.PARAMETER
    required: bool = True
    port: str = ""
    least: int | None = None


@dataclass(frozen=True)
class NodeType:
    """A node class and what it stores.

    Args:
        cls: the class.
        fields: its stored fields.
        time_constants: those of them that are time constants, in seconds.
        is_neuron: whether its parameters all have the shape of the population.
    """

    cls: type[nir.NIRNode]
    fields: tuple[Field, ...]
    time_constants: tuple[str, ...] = ()
    is_neuron: bool = False

    @property
    def name(self) -> str:
        """Name of the type in a file."""
        return self.cls.__name__

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the fields that hold real numbers."""
        return tuple(field.name for field in self.fields if field.kind is Kind.PARAMETER)

    @property
    def is_dialect(self) -> bool:
        """Whether only eideploy knows the type."""
        return self.cls in DIALECT


def _arrays(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in names)


_CIRCUIT = (
    *_arrays("weight_ee", "weight_ie", "weight_ei", "gain_i", "gain_e", "bias", "floor"),
    Field("divisive", Kind.FLAG),
)
_POOL = (
    Field("kernel_size", Kind.WINDOW, least=1),
    Field("stride", Kind.WINDOW, least=1),
    Field("padding", Kind.WINDOW, least=0),
)
_V_RESET = Field("v_reset", required=False)


def _conv(shape: Kind) -> tuple[Field, ...]:
    return (
        Field("input_shape", shape, required=False, least=1),
        *_arrays("weight"),
        Field("stride", Kind.INTEGERS, least=1),
        Field("padding", Kind.PADDING, least=0),
        Field("dilation", Kind.INTEGERS, least=1),
        Field("groups", Kind.INTEGER, least=1),
        *_arrays("bias"),
    )


NODE_TYPES: dict[str, NodeType] = {
    node_type.name: node_type
    for node_type in (
        NodeType(nir.Input, (Field("shape", Kind.SHAPE, port="input", least=1),)),
        NodeType(nir.Output, (Field("shape", Kind.SHAPE, port="output", least=1),)),
        NodeType(nir.Linear, _arrays("weight")),
        NodeType(nir.Affine, _arrays("weight", "bias")),
        NodeType(nir.Scale, _arrays("scale"), is_neuron=True),
        NodeType(nir.Conv1d, _conv(Kind.INTEGER)),
        NodeType(nir.Conv2d, _conv(Kind.SHAPE)),
        NodeType(nir.SumPool2d, _POOL),
        NodeType(nir.AvgPool2d, _POOL),
        NodeType(
            nir.Flatten,
            (
                Field("input_type", Kind.SHAPE, required=False, port="input", least=1),
                Field("start_dim", Kind.INTEGER),
                Field("end_dim", Kind.INTEGER),
            ),
        ),
        NodeType(nir.Delay, _arrays("delay"), is_neuron=True),
        NodeType(nir.Threshold, _arrays("threshold"), is_neuron=True),
        NodeType(nir.I, _arrays("r"), is_neuron=True),
        NodeType(nir.IF, (*_arrays("r", "v_threshold"), _V_RESET), is_neuron=True),
        NodeType(nir.LI, _arrays("tau", "r", "v_leak"), ("tau",), is_neuron=True),
        NodeType(
            nir.LIF,
            (*_arrays("tau", "r", "v_leak", "v_threshold"), _V_RESET),
            ("tau",),
            is_neuron=True,
        ),
        NodeType(
            nir.CubaLI,
            (*_arrays("tau_syn", "tau_mem", "r", "v_leak"), Field("w_in", required=False)),
            ("tau_syn", "tau_mem"),
            is_neuron=True,
        ),
        NodeType(
            nir.CubaLIF,
            (
                *_arrays("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
                _V_RESET,
                Field("w_in", required=False),
            ),
            ("tau_syn", "tau_mem"),
            is_neuron=True,
        ),
        NodeType(EILinear, _CIRCUIT),
        NodeType(
            EIConv2d,
            (
                Field("input_shape", Kind.SHAPE, least=1),
                *_CIRCUIT,
                Field("stride", Kind.INTEGERS, least=1),
                Field("padding", Kind.INTEGERS, least=0),
            ),
        ),
        NodeType(SoftResetIF, _arrays(*SoftResetIF.parameters), is_neuron=True),
        NodeType(
            SoftResetCubaLIF,
            _arrays(*SoftResetCubaLIF.parameters),
            ("tau_syn", "tau_mem"),
            is_neuron=True,
        ),
        NodeType(SoftResetLIF, _arrays(*SoftResetLIF.parameters), ("tau",), is_neuron=True),
    )
}
"""Every node type that eideploy reads and writes, by its name in a file (nested graphs aside)."""


def named_type(name: str) -> NodeType:
    """The node type of that name in a file.

    Raises:
        GraphError: there is none.
    """
    if name not in NODE_TYPES:
        raise GraphError(
            f"unknown node type {name!r}", f"Known are: {', '.join([*NODE_TYPES, 'NIRGraph'])}."
        )
    return NODE_TYPES[name]


def node_type(node: nir.NIRNode) -> NodeType:
    """The node type of a node.

    Raises:
        GraphError: it is of a class that has none, or only shares its name with one.
    """
    found = named_type(type(node).__name__)
    if type(node) is not found.cls:
        raise GraphError(
            f"{type(node).__module__}.{found.name} is not the node type {found.name!r}"
        )
    return found
