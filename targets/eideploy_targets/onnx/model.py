"""A Program as one ONNX model: a Scan over the steps of many samples.

    inputs    for each input population its values, float64 [samples, steps, *shape], in the units
              of the training data: an integer model scales and rounds them itself
    outputs   what populations emitted, [samples, steps, *shape]: spikes as uint8, graded values as
              float64 or int64; and state as tested, where it was asked for
    metadata  arithmetic, dt [s], outputs, and the range of each input, as JSON

The state is carried inside, by the Scan: one call shows whole samples, there is nothing for the
caller to feed back and get wrong, and a viewer shows the network of one step as the body of the
Scan. (State as inputs and outputs of a model of one step would suit a caller that runs for ever;
a Program has samples.) A population that acts on others in later steps has, beside its state, what
it emitted in the steps before. Neither samples nor steps are in the model: both are symbolic.

Time is logical: delays that only align the layers of a chip play no role.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper

from eideploy import __version__
from eideploy.errors import UnsupportedError
from eideploy.files import atomic_write
from eideploy.program import Population, Program, Source
from eideploy.simulate.record import Record
from eideploy_targets.onnx.bounds import Bounds
from eideploy_targets.onnx.functions import DOMAIN, OPSET, functions_of
from eideploy_targets.onnx.neurons import update
from eideploy_targets.onnx.schedule import schedule
from eideploy_targets.onnx.sheet import Constants, Names, Sheet
from eideploy_targets.onnx.synapses import deliver

IR_VERSION = 8
"""Version of the file format: the first that knows functions of a model's own."""

LARGEST = 2**31 - 2**20
"""Bytes of constants that a model may have: a message of protobuf ends at 2 GiB."""

Variable = tuple[str, str | None]
"""A population and one of its state variables, or None for what it emits."""


@dataclass(frozen=True, eq=False)
class Model:
    """An ONNX model and where its outputs come from.

    Args:
        proto: the model.
        outputs: name of the graph output of each variable that is recorded.
    """

    proto: ModelProto
    outputs: dict[Variable, str]


def build(program: Program, record: Record) -> Model:
    """Make the model of a Program.

    Args:
        program: with a logical time, see `schedule`.
        record: what becomes an output of the model.

    Raises:
        UnsupportedError: the Program has no logical time, holds what ONNX models have not, or is
            too large for one file.
    """
    return _Builder(program, record).build()


@dataclass(frozen=True)
class _Carried:
    """What the Scan carries from step to step: how it starts, and what it is before and after."""

    start: str
    before: ValueInfoProto
    after: ValueInfoProto


class _Builder:
    """Two sheets: what is done once, outside of the Scan, and what is done in every step."""

    def __init__(self, program: Program, record: Record) -> None:
        self.program = program
        self.bounds = Bounds(program)
        self.number = np.dtype(np.int64 if program.arithmetic == "integer" else np.float64)
        self.names = Names()
        for population in program.sources:
            self.names.fresh(population.name)
        self.outputs: dict[Variable, str] = {}
        for population in record.chosen(program):
            for variable in (None, *(population.neuron.state if record.state else ())):
                if (population.name, variable) not in self.outputs:
                    wanted = f"{population.name}.{variable}" if variable else population.name
                    self.outputs[population.name, variable] = self.names.fresh(wanted)
        self.constants = Constants(self.names)
        self.once = Sheet(self.names, self.constants, self.number)
        self.step = Sheet(self.names, self.constants, self.number)
        self.samples = self.once.add("Shape", [program.sources[0].name], "samples", start=0, end=1)
        self.filled: dict[tuple[str, tuple[int, ...]], str] = {}
        self.arriving: dict[str, ValueInfoProto] = {}
        self.carried: list[_Carried] = []
        self.values: dict[Variable, str] = {}  # of this step
        self.past: dict[str, list[str]] = {}  # what was emitted one step ago, two, …

    def build(self) -> Model:
        """The model, checked by onnx."""
        order = schedule(self.program)
        encoded = [self._encode(population) for population in self.program.sources]
        for population in order:
            self._remember(population)
        for population in order:
            self._advance(population)
        self._carry_past()
        recorded = {variable: self._record(variable) for variable in self.outputs}
        body = helper.make_graph(
            self.step.nodes,
            "step",
            [*(carried.before for carried in self.carried), *self.arriving.values()],
            [*(carried.after for carried in self.carried), *recorded.values()],
            doc_string="One logical step of all populations.",
        )
        ends = [f"{carried.before.name}.last" for carried in self.carried]
        results = self.once.add_several(
            "Scan",
            [*(carried.start for carried in self.carried), *encoded],
            [*ends, *(f"{name}.steps" for name in self.outputs.values())],
            "steps",
            body=body,
            num_scan_inputs=len(encoded),
        )
        for variable, steps in zip(self.outputs, results[len(ends) :], strict=True):
            perm = _swapped(self.program.by_name[variable[0]])
            self.once.add_named("Transpose", [steps], [self.outputs[variable]], perm=perm)
        return Model(self._model(recorded), self.outputs)

    def _encode(self, population: Population) -> str:
        """Bring an input into the numbers of the Program, [steps, samples, *shape]."""
        name, neuron = population.name, population.neuron
        assert isinstance(neuron, Source)
        value = name
        if self.program.arithmetic == "integer":
            scale = self.once.constant(f"{name}.scale", neuron.scale, np.float64)
            value = self.once.add("Mul", [value, scale], f"{name}.scaled")
            value = self.once.add("Round", [value], f"{name}.rounded")
            value = self.once.add("Cast", [value], f"{name}.integers", to=TensorProto.INT64)
        arriving = self.names.fresh(f"{name}.now")
        self.arriving[name] = _info(arriving, self.number, "samples", *population.shape)
        self.values[name, None] = arriving
        return self.once.add("Transpose", [value], f"{name}.steps", perm=_swapped(population))

    def _remember(self, population: Population) -> None:
        """Let the Scan carry as much of what a population emits as others will want."""
        outgoing = [p for p in self.program.projections if p.source == population.name]
        furthest = max((self.program.lag(p) for p in outgoing), default=0)
        self.past[population.name] = [
            self.names.fresh(f"{population.name}.before{lag}") for lag in range(1, furthest + 1)
        ]

    def _advance(self, population: Population) -> None:
        """Add one step of a population."""
        if population.name in self.arriving:
            return
        ports = {port: self._sum(population, port) for port in population.neuron.ports}
        before = {
            variable: self.names.fresh(f"{population.name}.{variable}.before")
            for variable in population.neuron.state
        }
        result = update(self.step, population, ports, before)
        self.values[population.name, None] = result.output
        for variable, value in result.tested.items():
            self.values[population.name, variable] = value
        initial = {"v": population.neuron.parameters().get("initial", 0)}
        for variable, value in result.after.items():
            start = self.once.constant(
                f"{population.name}.{variable}.initial", initial.get(variable, 0)
            )
            self._carry(population, before[variable], value, start)

    def _sum(self, population: Population, port: str) -> str:
        """What arrives at a port in this step: the sum over its projections."""
        total = ""
        for projection in self.program.into(population.name):
            if projection.port != port:
                continue
            source, lag = self.program.by_name[projection.source], self.program.lag(projection)
            arrived = deliver(
                self.step,
                projection,
                source,
                population,
                self.bounds.exact_type(projection),
                self.past[source.name][lag - 1] if lag else self.values[source.name, None],
            )
            name = f"{population.name}.{port}"
            total = self.step.add("Add", [total, arrived], name) if total else arrived
        return total or self._filled(self.once.constant("zero", 0), population)

    def _carry_past(self) -> None:
        for name, past in self.past.items():
            population = self.program.by_name[name]
            spiking = population.neuron.spiking
            for value, before in zip((self.values[name, None], *past), past, strict=False):
                start = self.once.constant("silence", 0, np.bool_ if spiking else self.number)
                self._carry(population, before, value, start)

    def _carry(self, population: Population, before: str, after: str, start: str) -> None:
        """Let the Scan carry a value to the next step."""
        # A value may be an output of the body once only, and an input of it never.
        after = self.step.add("Identity", [after], f"{before}.next")
        dtype = self.constants.dtype(start)
        self.carried.append(
            _Carried(
                self._filled(start, population),
                _info(before, dtype, "samples", *population.shape),
                _info(after, dtype, "samples", *population.shape),
            )
        )

    def _filled(self, constant: str, population: Population) -> str:
        """A constant in front of a step, for all neurons of all samples."""
        once, key = self.once, (constant, population.shape)
        if key not in self.filled:
            extents = once.constant(f"shape {population.shape}", population.shape, np.int64)
            shape = once.add("Concat", [self.samples, extents], f"{population.name}.shape", axis=0)
            self.filled[key] = once.add("Expand", [constant, shape], f"{population.name}.start")
        return self.filled[key]

    def _record(self, variable: Variable) -> ValueInfoProto:
        """Let the Scan give out a variable of every step."""
        population = self.program.by_name[variable[0]]
        wanted = f"{self.outputs[variable]}.recorded"
        if variable[1] is None and population.neuron.spiking:
            value = self.step.add("Cast", [self.values[variable]], wanted, to=TensorProto.UINT8)
            return _info(value, np.uint8, "samples", *population.shape)
        value = self.step.add("Identity", [self.values[variable]], wanted)
        return _info(value, self.number, "samples", *population.shape)

    def _model(self, recorded: dict[Variable, ValueInfoProto]) -> ModelProto:
        if self.constants.size > LARGEST:
            raise UnsupportedError(
                f"the weights of this Program take {self.constants.size / 2**30:.1f} GiB, and one "
                "ONNX file holds less than 2 GiB",
                "Use another target; `twin` has no such limit.",
            )
        program, name = self.program, str(self.program.metadata.get("name", "network"))
        inputs = [_info(p.name, np.float64, "samples", "steps", *p.shape) for p in program.sources]
        outputs = []
        for variable, info in recorded.items():
            tensor = info.type.tensor_type
            shape = program.by_name[variable[0]].shape
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            outputs.append(_info(self.outputs[variable], dtype, "samples", "steps", *shape))
        graph = helper.make_graph(
            self.once.nodes, name, inputs, outputs, initializer=self.constants.tensors()
        )
        model = helper.make_model(
            graph,
            functions=functions_of(self.step.nodes),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
            ir_version=IR_VERSION,
            producer_name="eideploy",
            producer_version=__version__,
        )
        helper.set_model_props(model, _metadata(program))
        checker.check_model(model, full_check=True)
        return model


def _metadata(program: Program) -> dict[str, str]:
    """What a file says about its Program, each value as JSON."""
    ranges = {
        p.name: [float(np.min(p.neuron.minimum)), float(np.max(p.neuron.maximum))]
        for p in program.sources
        if isinstance(p.neuron, Source)
    }
    values = {
        "arithmetic": program.arithmetic,
        "dt": program.dt,
        "outputs": program.outputs,
        "ranges": ranges,
    }
    return {key: json.dumps(value) for key, value in values.items()}


def _swapped(population: Population) -> list[int]:
    """[samples, steps, *shape] to [steps, samples, *shape], or back."""
    return [1, 0, *range(2, 2 + len(population.shape))]


def _info(name: str, dtype: DTypeLike, *shape: int | str) -> ValueInfoProto:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, element, shape)


def write(path: str | os.PathLike[str], program: Program) -> None:
    """Write the model of a Program, with its outputs as those of the model. See `Onnx.write`."""
    model = build(program, Record(program.outputs, state=False))
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.proto.SerializeToString())
