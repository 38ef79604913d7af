"""Reading a checkpoint: the tensors of one network, and the settings it was trained with."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from eideploy.errors import InputError
from eideploy.train.folder import ABOUT, WEIGHTS
from eideploy.train.importing import tensors_only

SAFETENSORS, CONFIG = ".safetensors", "config.json"

_DEPTH = 3  # of dictionaries in which a state dict is looked for
_MARKS = ("weight_ee", "conv_ee.weight")  # every E-I network has one of these


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds of a network.

    Attributes:
        path: the file.
        tensors: by name, in the order of the file.
        ordered: whether that order is the one in which the modules were made; safetensors files
            are sorted by name instead.
        config: settings of the training, where the file or its folder has them.
        sha256: of the file.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    ordered: bool
    config: Mapping[str, Any]
    sha256: str


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a file that `torch.save` wrote, or a safetensors file with `config.json` beside it.

    The state dict may be the whole file or an entry of a dictionary, as `model_state_dict` is in
    the checkpoints of the paper's code; of these, `config` is read too. Nothing in the file is ever
    run: torch's `weights_only` loading reads it, or `tensors_only` does.

    Raises:
        InputError: the file is missing, damaged or no checkpoint, asks for more than tensors, or
            holds no E-I network, or more than one.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    if (folder / ABOUT).exists() and path in (folder, folder / WEIGHTS):
        raise InputError(
            f"{path} is of a run of eideploy, which needs no import",
            f"Use the run as it is: eideploy verify {folder}",
        )
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"checkpoint {path} cannot be read: {error.strerror or error}",
            "Give the file that torch.save wrote, or a .safetensors file.",
        ) from error
    ordered = path.suffix != SAFETENSORS
    content = _load(path) if ordered else _load_safetensors(path)
    config = _config_in(content) if ordered else _config_beside(path)
    return Checkpoint(path, _network(content, path), ordered, config, sha256)


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        pass  # perhaps for no more than a random generator
    except Exception as error:
        raise _damaged(path, error) from error
    try:
        # Not unrestricted: `weights_only` admits no pickle module, and this one admits less.
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=tensors_only)
    except tensors_only.Refused as error:
        raise InputError(
            f"checkpoint {path} is refused: {error}",
            "If you trust the file, load it where it was made and save the tensors alone: "
            "torch.save(model.state_dict(), FILE).",
        ) from error
    except Exception as error:
        raise _damaged(path, error) from error


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return InputError(
        f"{path} is no checkpoint, or it is damaged: {reason}",
        "Give the file that torch.save wrote, or a .safetensors file.",
    )


def _config_beside(path: Path) -> Mapping[str, Any]:
    file = path.with_name(CONFIG)
    if not file.exists():
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} beside the checkpoint cannot be read: {error}",
            "Correct it, or move the checkpoint away from it.",
        ) from error
    return config if isinstance(config, dict) else {}


def _config_in(content: Any) -> Mapping[str, Any]:
    """The settings in a checkpoint, as far as they are plain values."""
    config = content.get("config") if isinstance(content, dict) else None
    return {k: v for k, v in config.items() if _is_plain(v)} if isinstance(config, dict) else {}


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _network(content: Any, path: Path) -> Mapping[str, Tensor]:
    """The one state dict of an E-I network in `content`."""
    found = dict(_state_dicts(content, ""))
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise InputError(
            f"{path} holds {len(found)} E-I networks: {', '.join(found)}",
            "Save the one that you mean alone.",
        )
    names = _names(content)
    if any(".bn." in name or name.endswith("running_mean") for name in names):
        what = "a network with BatchNorm, which has no E-I circuits"
    elif names:
        what = f"no E-I network: no tensor is named …{_MARKS[0]} or …{_MARKS[1]}, but {names[0]} is"
    else:
        what = "no tensors by name"
    raise InputError(
        f"{path} holds {what}", "Give a checkpoint of an E-I network of the paper's code."
    )


def _state_dicts(value: Any, place: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if not isinstance(value, dict) or depth > _DEPTH:
        return
    tensors = {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, Tensor)}
    if any(name.endswith(_MARKS) for name in tensors):
        yield place or "the file itself", tensors
    for key, inner in value.items():
        yield from _state_dicts(inner, f"{place}.{key}".lstrip("."), depth + 1)


def _names(value: Any, depth: int = 0) -> list[str]:
    """Names of all tensors in nested dictionaries."""
    if not isinstance(value, dict) or depth > _DEPTH:
        return []
    here = [k for k, v in value.items() if isinstance(k, str) and isinstance(v, Tensor)]
    return here + [name for inner in value.values() for name in _names(inner, depth + 1)]
