"""A Program as one ONNX model: a Scan over the steps of many samples.

    inputs    the values of each input population, float64 [samples, steps, *shape], in the units of
              the training data: an integer model scales and rounds them itself
    outputs   what populations emitted, [samples, steps, *shape]: spikes as uint8, graded values as
              float64 or int64; and state as tested, where it was asked for
    metadata  name, arithmetic, dt [s], outputs and the range of each input, as JSON

The Scan carries the state: one call shows whole samples, there is nothing that the caller could
feed back wrongly, and its body is the network as a viewer should show it. (A model of one step with
state as inputs and outputs would suit a caller that never stops; a Program has samples.) Neither
the number of samples nor that of steps is in the model.

Time is logical: delays that only align the layers of a chip play no role.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper

from eideploy import __version__
from eideploy.errors import UnsupportedError
from eideploy.files import atomic_write
from eideploy.program import Population, Program, Source
from eideploy.simulate.record import Record
from eideploy_targets.onnx.functions import DOMAIN, OPSET, functions_of
from eideploy_targets.onnx.schedule import schedule
from eideploy_targets.onnx.sheet import Constants, Names, Sheet
from eideploy_targets.onnx.step import Step, Variable

IR_VERSION = 8
"""Version of the file format: the first that knows functions of a model's own."""

LARGEST = 2**31 - 2**20
"""Bytes of constants that a model may have: a message of protobuf ends at 2 GiB."""


@dataclass(frozen=True, eq=False)
class Model:
    """An ONNX model and where its outputs come from.

    Args:
        proto: the model.
        outputs: name of the output of each variable that is recorded.
    """

    proto: ModelProto
    outputs: dict[Variable, str]


def build(program: Program, record: Record, name: str = "network") -> Model:
    """Make the model of a Program, and let onnx check it.

    Args:
        program: with a logical time, see `schedule`.
        record: what becomes an output of the model.
        name: of the model.

    Raises:
        UnsupportedError: the Program has no logical time, holds what ONNX models have not, or is
            too large for one file.
    """
    return _Builder(program, record).build(name)


def write(path: str | os.PathLike[str], program: Program) -> None:
    """Write the model of a Program, with the outputs of the Program. See `Onnx.write`."""
    model = build(program, Record(program.outputs, state=False), Path(path).stem)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.proto.SerializeToString())


class _Builder:
    """What is done once, around the steps."""

    def __init__(self, program: Program, record: Record) -> None:
        self.program = program
        self.order = schedule(program)
        names = Names()
        for population in program.sources:
            names.fresh(population.name)  # that of the input
        self.outputs: dict[Variable, str] = {}
        for population in record.chosen(program):
            self.outputs[population.name, None] = names.fresh(population.name)
            for variable in population.neuron.state if record.state else ():
                wanted = f"{population.name}.{variable}"
                self.outputs[population.name, variable] = names.fresh(wanted)
        number = np.dtype(np.int64 if program.arithmetic == "integer" else np.float64)
        self.constants = Constants(names)
        self.sheet = Sheet(names, self.constants, number)
        first = program.sources[0].name
        self.samples = self.sheet.add("Shape", [first], "samples", start=0, end=1)
        self.filled: dict[tuple[str, tuple[int, ...]], str] = {}

    def build(self, name: str) -> Model:
        shown = [self._encode(population) for population in self.program.sources]
        sheet = Sheet(self.sheet.names, self.constants, self.sheet.number)
        step = Step(self.program, self.order, sheet, self._fill)
        body = step.graph({key: f"{output}.of a step" for key, output in self.outputs.items()})
        last = [f"{carried.before.name}.last" for carried in step.carried]
        results = self.sheet.add_several(
            "Scan",
            [*(carried.start for carried in step.carried), *shown],
            [*last, *(f"{output}.of all steps" for output in self.outputs.values())],
            "steps",
            body=body,
            num_scan_inputs=len(shown),
        )
        for (key, output), steps in zip(self.outputs.items(), results[len(last) :], strict=True):
            perm = _swapped(self.program.by_name[key[0]])
            self.sheet.add_named("Transpose", [steps], [output], perm=perm)
        return Model(self._model(name, sheet), self.outputs)

    def _encode(self, population: Population) -> str:
        """An input in the numbers of the Program, [steps, samples, *shape]."""
        value, neuron = population.name, population.neuron
        assert isinstance(neuron, Source)
        if self.program.arithmetic == "integer":
            scale = self.sheet.constant(f"{population.name}.scale", neuron.scale, np.float64)
            value = self.sheet.add("Mul", [value, scale], f"{population.name}.scaled")
            value = self.sheet.add("Round", [value], f"{population.name}.rounded")
            value = self.sheet.add("Cast", [value], f"{value}.int64", to=TensorProto.INT64)
        perm = _swapped(population)
        return self.sheet.add("Transpose", [value], f"{population.name}.steps", perm=perm)

    def _fill(self, constant: str, population: Population) -> str:
        """A constant for all neurons of a population in all samples."""
        key = (constant, population.shape)
        if key not in self.filled:
            extents = self.sheet.constant(f"{population.name}.shape", population.shape, np.int64)
            shape = self.sheet.add("Concat", [self.samples, extents], f"{extents} of all", axis=0)
            name = f"{population.name}.{constant}"
            self.filled[key] = self.sheet.add("Expand", [constant, shape], name)
        return self.filled[key]

    def _model(self, name: str, step: Sheet) -> ModelProto:
        if self.constants.size > LARGEST:
            raise UnsupportedError(
                f"the weights of this Program take {self.constants.size / 2**30:.1f} GiB, and an "
                "ONNX file holds less than 2 GiB",
                "Target `twin` has no such limit.",
            )
        sources = self.program.sources
        graph = helper.make_graph(
            self.sheet.nodes,
            name,
            [_info(p.name, TensorProto.DOUBLE, p) for p in sources],
            [self._output(key, output) for key, output in self.outputs.items()],
            initializer=self.constants.tensors(),
        )
        model = helper.make_model(
            graph,
            functions=functions_of(step.nodes),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
            ir_version=IR_VERSION,
            producer_name="eideploy",
            producer_version=__version__,
        )
        helper.set_model_props(model, _metadata(name, self.program))
        checker.check_model(model, full_check=True)
        return model

    def _output(self, key: Variable, name: str) -> ValueInfoProto:
        population = self.program.by_name[key[0]]
        if key[1] is None and population.neuron.spiking:
            return _info(name, TensorProto.UINT8, population)
        return _info(name, helper.np_dtype_to_tensor_dtype(self.sheet.number), population)


def _metadata(name: str, program: Program) -> dict[str, str]:
    """What a model says about its Program, each value as JSON."""
    ranges = {
        population.name: [float(np.min(neuron.minimum)), float(np.max(neuron.maximum))]
        for population in program.sources
        if isinstance(neuron := population.neuron, Source)
    }
    values = {
        "name": name,
        "arithmetic": program.arithmetic,
        "dt": program.dt,
        "outputs": program.outputs,
        "ranges": ranges,
    }
    return {key: json.dumps(value) for key, value in values.items()}


def _swapped(population: Population) -> list[int]:
    """[samples, steps, *shape] to [steps, samples, *shape], or back."""
    return [1, 0, *range(2, 2 + len(population.shape))]


def _info(name: str, element: int, population: Population) -> ValueInfoProto:
    """A value of all neurons in all steps of all samples."""
    return helper.make_tensor_value_info(name, element, ("samples", "steps", *population.shape))
