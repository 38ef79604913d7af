"""A pickle module for `torch.load` that makes tensors and containers, and nothing else.

Checkpoints of whole trainings keep the state of NumPy's random generator, at which torch's own
`weights_only` loading gives up. Here what belongs to NumPy becomes an object that does nothing;
any other name a file asks for is refused before it is looked up, so that nothing is called.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import IO, Any

import torch
from torch import _utils

_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
    ("torch._utils", "_rebuild_tensor_v2"): _utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _utils._rebuild_parameter,
}


class Refused(pickle.UnpicklingError):
    """A file asks for more than tensors."""


class Skipped:
    """Stands in for what is not read: takes any arguments and any state, and does nothing."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class Unpickler(pickle.Unpickler):
    """An unpickler that knows a handful of names."""

    def find_class(self, module: str, name: str) -> Any:
        """What `name` stands for.

        Raises:
            Refused: it is none of the names that are allowed.
        """
        # The bytes inside an array go through _codecs in pickles of protocol 2.
        if module.split(".")[0] == "numpy" or (module, name) == ("_codecs", "encode"):
            return Skipped
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise Refused(f"reading it would run {module}.{name}") from None


def load(file: IO[bytes], **options: Any) -> Any:
    """As `pickle.load`; torch calls it for files of its old format."""
    return Unpickler(file, **options).load()
