"""What NumPy files hold: arrays by name, and recordings of events in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from eideploy.errors import StimulusError
from eideploy.program import Array
from eideploy.program.events import FIELDS, Events
from eideploy.program.storage import UNREADABLE

Arrays = dict[str, Array]

ALONE = ""
"""Name of the array of a .npy file, which has none."""


def load_arrays(path: Path) -> Arrays:
    """The arrays of a .npz file by name, or that of a .npy file as `ALONE`."""
    try:
        # NumPy leaves a file open that it cannot read, unless it is opened for it.
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {ALONE: loaded}
            with loaded:
                return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError as error:
        raise StimulusError(f"{path} does not exist") from error
    except UNREADABLE as error:
        raise StimulusError(
            f"{path} is not a NumPy file of plain numbers, or it is damaged ({error})",
            "Save it with numpy.save or numpy.savez; pickled objects are never loaded, so save "
            "recordings of different lengths as separate arrays.",
        ) from error


def recordings_of(path: Path, arrays: Arrays) -> list[Events]:
    """The recordings that a file holds, one a sample; none if it holds other arrays.

    They come as structured arrays, one a recording, or as one array for each field; either may
    hold several recordings one after the other, if `start` says where each begins.
    """
    start = arrays.get("start")
    rest = {name: array for name, array in arrays.items() if name != "start"}
    structured = [array for array in rest.values() if {"t", "x"} <= set(array.dtype.names or ())]
    if structured and len(structured) == len(rest):
        recordings = [_fields(path, {f: a[f] for f in a.dtype.names or ()}) for a in structured]
        if start is None:
            return recordings
        if len(recordings) > 1:
            raise StimulusError(f"{path} holds {len(recordings)} recordings beside one `start`")
        return _cut(path, recordings[0], start)
    if {"t", "x"} <= rest.keys() and rest["t"].ndim == 1:
        events = _fields(path, rest)
        return [events] if start is None else _cut(path, events, start)
    return []


def _fields(path: Path, fields: Arrays) -> Events:
    """Those arrays that events have, checked to be one number for each event."""
    if unknown := fields.keys() - set(FIELDS):
        raise StimulusError(
            f"{path} holds events with a field {sorted(unknown)[0]!r}, expected {list(FIELDS)}",
            "Leave it out, or give classes as `labels` or with --labels.",
        )
    for name, values in fields.items():
        if values.ndim != 1 or len(values) != len(fields["t"]):
            raise StimulusError(
                f"{path}: field {name} of the events has shape {list(values.shape)}, "
                f"t has {list(fields['t'].shape)}; expected one number for each event"
            )
        if values.dtype.kind not in ("biuf" if name == "t" else "biu"):
            raise StimulusError(
                f"{path}: field {name} of the events has dtype {values.dtype}, "
                f"expected {'numbers' if name == 't' else 'integers'}"
            )
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise StimulusError(f"{path}: field {name} of the events has values that are NaN")
    return fields


def _cut(path: Path, events: Events, start: Array) -> list[Events]:
    """Recording i is `start[i]:start[i + 1]`; the last border may be left out."""
    total = len(events["t"])
    if start.ndim != 1 or start.dtype.kind not in "iu" or not len(start):
        raise StimulusError(
            f"{path}: `start` has shape {list(start.shape)} and dtype {start.dtype}, "
            "expected the index of the first event of each recording"
        )
    borders = start.astype(np.int64).tolist()
    borders += [total] if borders[-1] != total else []
    if borders != sorted(borders) or borders[0] != 0:
        raise StimulusError(
            f"{path}: `start` does not rise from 0 to the number of events, {total:,}"
        )
    return [{f: values[a:b] for f, values in events.items()} for a, b in pairwise(borders)]
