"""Sheets: graphs of ONNX in the making, which share the names of values and the constants."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from onnx import NodeProto, TensorProto, helper, numpy_helper

from eideploy.program import Array
from eideploy_targets.onnx.functions import DOMAIN, is_function


class Names:
    """Gives each value of a model a name of its own, as close as can be to the one wanted."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def fresh(self, wanted: str) -> str:
        """`wanted`, or it with a number behind it if that is taken."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}#{number}"
        self._taken.add(name)
        return name


class Constants:
    """The constants of a model, which all its graphs can use; equal ones are kept once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._values: dict[str, Array] = {}

    def add(self, wanted: str, values: Array) -> str:
        """The name of the constant with these values."""
        content = hashlib.blake2b(np.ascontiguousarray(values).data).digest()
        key = (values.dtype.str, values.shape, content)
        if key not in self._known:
            self._known[key] = self._names.fresh(wanted)
            self._values[self._known[key]] = values
        return self._known[key]

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of the constant `name`."""
        return self._values[name].dtype

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(values.nbytes for values in self._values.values())

    def tensors(self) -> list[TensorProto]:
        """All of them, as a model has them."""
        return [numpy_helper.from_array(values, name) for name, values in self._values.items()]


@dataclass
class Sheet:
    """The nodes of one graph, in the order in which they are computed.

    Args:
        names: names of the values of the model.
        constants: of the model.
        number: type of the numbers of the Program, float64 or int64.
    """

    names: Names
    constants: Constants
    number: np.dtype[Any]
    nodes: list[NodeProto] = field(default_factory=list)
    _titles: Names = field(default_factory=Names)

    def constant(self, wanted: str, values: Any, dtype: DTypeLike = None) -> str:
        """A constant in the numbers of the Program, unless another type is asked for."""
        return self.constants.add(wanted, np.asarray(values).astype(dtype or self.number))

    def add(
        self, kind: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any
    ) -> str:
        """Add a node with one output, and give back the name of that output."""
        return self.add_several(kind, inputs, (output,), name, **attributes)[0]

    def add_several(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        name: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node, and give back the names that its outputs got."""
        results = [self.names.fresh(output) for output in outputs]
        self.add_named(kind, inputs, results, name, **attributes)
        return results

    def add_named(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        name: str = "",
        **attributes: Any,
    ) -> None:
        """Add a node: a standard operator, or one of our functions.

        Args:
            kind: name of the operator or function.
            inputs: names of values.
            outputs: names of the outputs, that no other value has.
            name: name of the node; by default that of its first output.
            attributes: of the node, and `doc_string`.
        """
        domain = DOMAIN if is_function(kind) else None
        name = self._titles.fresh(name or outputs[0])
        self.nodes.append(
            helper.make_node(kind, inputs, outputs, name=name, domain=domain, **attributes)
        )
