"""From named tensors to E-I circuits: what belongs together, complete and of the right shape.

The paper's code makes a circuit of two modules. The first, a convolution or a linear layer, has
W_EE and W_IE; the second, called its norm, has W_EI, g_I, g_E and b. Which belong together is told
by their names where they are numbered (`layers.2` and `layers.3`, `conv1` and `norm1`), by being
the only ones left beside each other (`fc` and `final_ei_norm`), or by following one another in the
file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from eideploy.cells.dale import NON_NEGATIVE
from eideploy.errors import InputError
from eideploy.train.importing.checkpoint import Checkpoint

# Endings of tensor names in the paper's code, which renamed the gains once, and their names here.
_NAMES = {
    "weight_ee": "weight_ee",
    "conv_ee.weight": "weight_ee",
    "weight_ie": "weight_ie",
    "conv_ie.weight": "weight_ie",
    "weight_ei": "weight_ei",
    "gain_i": "gain_i",
    "alpha": "gain_i",
    "gain_e": "gain_e",
    "gain": "gain_e",
    "bias": "bias",
}
_DRIVE = ("weight_ee", "weight_ie")
_NORM = ("weight_ei", "gain_i", "gain_e", "bias")

Signature = tuple[tuple[int, ...], int]
"""Shape of W_EE, and number of inhibitory neurons."""


@dataclass(frozen=True, eq=False)
class Circuit:
    """The parameters of one E-I circuit.

    Attributes:
        name: of the module that has W_EE in the file.
        parameters: by their names and in their shapes in `eideploy.cells.EICircuit`, float32.
    """

    name: str
    parameters: Mapping[str, Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of W_EE: [E, features], or [E, channels, height, width]."""
        return tuple(self.parameters["weight_ee"].shape)

    @property
    def signature(self) -> Signature:
        """What a circuit of a network must have to take these parameters."""
        return self.shape, len(self.parameters["weight_ie"])

    @property
    def dense(self) -> bool:
        """Whether it is no convolution."""
        return len(self.shape) == 2


def find_circuits(checkpoint: Checkpoint) -> tuple[Circuit, ...]:
    """All circuits of a checkpoint, in the order of their names (2 before 10).

    Raises:
        InputError: a tensor is missing, left over, of wrong shape, not finite, or negative where
            Dale's law forbids it, or the order of circuits of like shape is not certain; names it.
    """
    modules, strangers = _modules(checkpoint)
    drives = sorted((m for m in modules if _has(modules[m], _DRIVE)), key=natural)
    norms = sorted((m for m in modules if _has(modules[m], _NORM[:-1])), key=natural)
    strangers += [n for m in modules if m not in {*drives, *norms} for n in modules[m].values()]
    if strangers:
        raise InputError(
            f"{checkpoint.path}: {_some(strangers)} belong to no E-I circuit",
            "Save the E-I network alone, in which a circuit has "
            f"{', '.join(NON_NEGATIVE)} and bias.",
        )
    partners = _pair(drives, norms, list(modules) if checkpoint.ordered else [])
    if alone := [m for m in (*drives, *norms) if m not in {*partners, *partners.values()}]:
        missing = _NORM if alone[0] in drives else _DRIVE
        raise InputError(
            f"{checkpoint.path}: the other half of {_some(alone)} is missing: no module that "
            f"belongs to it has {', '.join(missing)}",
            "The file is incomplete, or its modules are named so that it cannot be told which "
            "belong together: number them alike, as in conv1 and norm1.",
        )
    circuits = tuple(
        _circuit(checkpoint, drive, modules[drive] | modules[partners[drive]]) for drive in drives
    )
    _check_order(checkpoint, circuits, list(modules))
    return circuits


def natural(name: str) -> list[str | int]:
    """A key that sorts numbers in names by their value."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _modules(checkpoint: Checkpoint) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Names of E-I tensors by module and parameter, and names of all other tensors."""
    modules: dict[str, dict[str, str]] = defaultdict(dict)
    strangers = []
    for name in checkpoint.tensors:
        ending = next((e for e in _NAMES if f".{name}".endswith(f".{e}")), None)
        module = name.removesuffix(ending or "").rstrip(".")
        if ending is None or _NAMES[ending] in modules[module]:
            strangers.append(name)
        else:
            modules[module][_NAMES[ending]] = name
    return {module: names for module, names in modules.items() if names}, strangers


def _has(parameters: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return any(name in parameters for name in names)


def _pair(drives: list[str], norms: list[str], order: list[str]) -> dict[str, str]:
    """The norm that belongs to each drive, where that is certain; `order` is that of the file."""
    pairs: dict[str, str] = {}

    def pair(drive: str, candidates: list[str]) -> None:
        if len(candidates) == 1:
            pairs[drive] = candidates[0]

    def left(modules: list[str]) -> list[str]:
        return [m for m in modules if m not in {*pairs, *pairs.values()}]

    for drive in drives:
        pair(drive, [drive] if drive in norms else [n for n in norms if _numbered(drive, n)])
    for drive in left(drives):
        beside = [d for d in left(drives) if _parent(d) == _parent(drive)]
        if beside == [drive]:
            pair(drive, [n for n in left(norms) if _parent(n) == _parent(drive)])
    for drive in left(drives):
        after = order[order.index(drive) + 1 :][:1] if order else []
        pair(drive, [n for n in after if n in left(norms)])
    return pairs


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _numbered(drive: str, norm: str) -> bool:
    """Whether numbers say that two modules belong together: 2 and 3, or conv1 and norm1."""
    (stem, number), (other_stem, other) = (
        re.fullmatch(r"(.*?)(\d*)", module.rpartition(".")[2]).groups()  # type: ignore[union-attr]
        for module in (drive, norm)
    )
    if _parent(drive) != _parent(norm) or not number or not other:
        return False
    return int(other) == int(number) + 1 if not stem + other_stem else number == other


def _circuit(checkpoint: Checkpoint, name: str, names: Mapping[str, str]) -> Circuit:
    where = f"{checkpoint.path}: "
    tensors = {parameter: checkpoint.tensors[name] for parameter, name in names.items()}
    if missing := [parameter for parameter in (*_DRIVE, *_NORM) if parameter not in tensors]:
        raise InputError(
            f"{where}{', '.join(missing)} of the circuit {name} is missing",
            "The file is incomplete, or of another network.",
        )
    n_e, *fan_in = tensors["weight_ee"].shape or (0,)
    n_i = len(tensors["weight_ie"]) if tensors["weight_ie"].dim() else 0
    expected = {
        "weight_ee": (n_e, *fan_in),
        "weight_ie": (n_i, *fan_in),
        "weight_ei": (n_e, n_i),
        "gain_i": (n_i,),
        "gain_e": (n_e,),
        "bias": (n_e,),
    }
    parameters = {}
    for parameter, shape in expected.items():
        tensor, full_name = tensors[parameter], names[parameter]
        # The paper's code gives gains and biases axes of length 1.
        actual = tensor.shape if parameter.startswith("weight") else (tensor.numel(),)
        if tuple(actual) != shape or len(fan_in) not in (1, 3) or 0 in shape:
            raise InputError(
                f"{where}{full_name} has shape {list(tensor.shape)}, expected {list(shape)} "
                f"beside weights {list(tensors['weight_ee'].shape)} from E to E and "
                f"{list(tensors['weight_ie'].shape)} from E to I",
                "The file is damaged, or of another network.",
            )
        parameters[parameter] = _values(tensor, f"{where}{full_name}", parameter).reshape(shape)
    return Circuit(name, parameters)


def _values(tensor: Tensor, where: str, parameter: str) -> Tensor:
    values = tensor.detach().to(torch.float32)
    if not tensor.is_floating_point():
        raise InputError(
            f"{where} holds {tensor.dtype}, expected floating point numbers",
            "Quantized networks cannot be imported; give the one that was trained.",
        )
    if not bool(values.isfinite().all()):
        raise InputError(
            f"{where} holds numbers that are not finite",
            "The training that wrote it went wrong; give an earlier checkpoint.",
        )
    if parameter in NON_NEGATIVE and bool((values < 0).any()):
        raise InputError(
            f"{where} has {int((values < 0).sum())} negative values, down to {values.min():g}, "
            "which Dale's law forbids",
            "If the network clamps them where it uses them, clamp them at 0 and save it again.",
        )
    return values.contiguous()


def _check_order(checkpoint: Checkpoint, circuits: tuple[Circuit, ...], order: list[str]) -> None:
    """Circuits of one shape are told apart by order; it must not rest on how words are spelt.

    Where the file has kept the order of the modules, that of the names must not contradict it;
    where it has not, names may differ in numbers only.
    """
    alike: dict[Signature, list[str]] = defaultdict(list)
    for circuit in circuits:
        alike[circuit.signature].append(circuit.name)
    for names in alike.values():
        if checkpoint.ordered:
            certain = sorted(names, key=order.index) == names
        else:
            certain = len({re.sub(r"\d+", "#", name) for name in names}) == 1
        if not certain:
            raise InputError(
                f"{checkpoint.path}: {', '.join(names)} have one shape, and which comes first is "
                "ambiguous",
                "Name the modules so that they sort in the order in which they are run, and save "
                "the state dict by torch.save.",
            )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
