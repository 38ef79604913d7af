"""Traces as NIRData: the HDF5 layout of `nir.read_data`, written and read some samples at a time.

A population is a node of that name. Its observables are `spikes` (bool) or `output` (graded
values), and its state by name, each [sample, step, neuron] on the grid of dt. Unless all state is
kept there is only the membrane potential `v` of spiking populations, and of that only what a hop of
floats asks for: the values close to the threshold, where two right implementations may disagree.
The others are NaN and take no space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from eideploy.bundle.disk import Disk, uninterrupted
from eideploy.bundle.manifest import altered
from eideploy.errors import InputError
from eideploy.program import Array, Population, Program, Recording, Stimulus, Trace
from eideploy.verify.artifact import threshold

SPIKES, OUTPUT = "spikes", "output"

NEAR = 1e-6
"""Potentials within this times max(1, |θ|) of θ are kept: a thousand times the width of a tie."""

_CHUNK = 2**18
"""Most values in a chunk of HDF5."""


@contextmanager
def write_trace(
    path: Path, program: Program, stimulus: Stimulus, *, all_state: bool
) -> Iterator[Callable[[int, Trace], None]]:
    """Make a file for a trace; yield what adds to it: (number of the first sample, what they did).

    Args:
        path: where to.
        program: whose populations the trace names.
        stimulus: all that will be shown.
        all_state: keep all state, not only the potentials near the threshold.

    Raises:
        OSError: the file cannot be written.
    """
    extents = stimulus.samples, stimulus.steps
    with Disk(path) as disk:
        with ExitStack() as opened:
            with uninterrupted():
                file = opened.enter_context(_new_file(disk))
                file.attrs["__type__"] = "NIRGraphData"
                nodes = file.create_group("nodes", track_order=True)

            @uninterrupted()  # all of it: what is no longer used is written too
            def add(start: int, trace: Trace) -> None:
                for name, recording in trace.recordings.items():
                    population = program.by_name[name]
                    node = _node(nodes, name, recording.offset)
                    for key, values in _kept(population, recording, all_state).items():
                        flat = values.reshape(*values.shape[:2], -1)
                        data = _dataset(node, key, flat, extents, program.dt or 1.0)
                        if flat.dtype.kind != "f" or not np.isnan(flat).all():
                            data[start : start + len(flat)] = flat
                disk.check()

            yield add
        disk.check()


@contextmanager
def _new_file(disk: Disk) -> Iterator[h5py.File]:
    """An HDF5 file, which is closed whatever happens meanwhile."""
    file = h5py.File(disk, "w")
    try:
        yield file
    finally:
        with uninterrupted():
            file.close()


def _kept(population: Population, recording: Recording, all_state: bool) -> dict[str, Array]:
    """Observables of a population by name."""
    spiking, state = population.neuron.spiking, recording.state
    kept = {SPIKES: recording.output.astype(bool)} if spiking else {OUTPUT: recording.output}
    if all_state:
        return {**kept, **state}
    if spiking and "v" in state:
        v, theta = state["v"], threshold(population)
        near = np.abs(v - theta) < NEAR * np.maximum(1, np.abs(theta))
        kept["v"] = np.where(near, v, np.nan)
    return kept


def _node(nodes: h5py.Group, name: str, offset: int) -> h5py.Group:
    if name not in nodes:
        node = nodes.create_group(name)
        node.attrs["__type__"] = "NIRNodeData"
        node.attrs["offset"] = offset
        node.create_group("observables")
    return nodes[name]


def _dataset(
    node: h5py.Group, key: str, flat: Array, extents: tuple[int, int], dt: float
) -> h5py.Dataset:
    """Where the values of an observable go, of all samples; NaN where nothing is written."""
    observables = node["observables"]
    if key not in observables:
        group = observables.create_group(key)
        group.attrs["__type__"] = "TimeGriddedData"
        group.attrs["dt"] = dt
        shape = (*extents, flat.shape[2])
        group.create_dataset(
            "data",
            shape=shape,
            dtype=flat.dtype,
            chunks=_chunk(*shape),
            compression="gzip",
            shuffle=True,
            fillvalue=np.nan if flat.dtype.kind == "f" else None,
        )
    return observables[key]["data"]


def _chunk(samples: int, steps: int, neurons: int) -> tuple[int, int, int]:
    """A chunk of at most `_CHUNK` values: whole samples if they fit, else some steps of one."""
    n = min(neurons, _CHUNK)
    t = min(steps, max(1, _CHUNK // n))
    return min(samples, max(1, _CHUNK // (n * t))), t, n


class Layout(NamedTuple):
    """What a population emits in a step.

    Args:
        shape: of the population.
        spiking: whether it emits spikes; else graded values.
    """

    shape: tuple[int, ...]
    spiking: bool


def layouts(program: Program) -> dict[str, Layout]:
    """The layout of every population by its name."""
    return {p.name: Layout(p.shape, p.neuron.spiking) for p in program.populations}


@dataclass(frozen=True, eq=False)
class RecordedTrace:
    """A trace on disk, or that of some samples of it, which is read when it is asked for.

    Args:
        path: of the file.
        sha256: of the file, which tells traces of the same name apart.
        layouts: of the populations that it may name.
        shape: number of samples in the file, and steps of each.
        part: those samples that are meant; all of them if None.
    """

    path: Path
    sha256: str
    layouts: Mapping[str, Layout]
    shape: tuple[int, int]
    part: slice | None = None

    @property
    def samples(self) -> int:
        """Number of samples that are meant."""
        return len(self._range)

    @property
    def digest(self) -> str:
        """Of what is in it, wherever it lies."""
        return f"{self.sha256} {self._range}"

    @property
    def _range(self) -> range:
        return range(self.shape[0])[self.part or slice(None)]

    def take(self, samples: slice) -> RecordedTrace:
        """The same of some of the samples; nothing is read."""
        chosen = self._range[samples]
        return replace(self, part=slice(chosen.start, chosen.stop))

    def read(self) -> Trace:
        """What they did.

        Raises:
            InputError: the file is not there, is damaged, or does not hold what it should.
        """
        if not self.path.is_file():
            raise InputError(
                f"{self.path} is not there",
                "Workers on other machines have to find a bundle under the same path.",
            )
        try:
            with h5py.File(self.path, "r") as file:
                nodes = _group(file, "nodes")
                return Trace({name: self._recording(nodes, name) for name in nodes})
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            # h5py raises each of these on some kind of damage.
            raise altered(str(self.path), f"cannot be read as a trace ({error})") from error

    def _recording(self, nodes: h5py.Group, name: str) -> Recording:
        layout = self.layouts[name]
        observables = _group(_group(nodes, name), "observables")
        arrays = {key: self._array(observables, key, layout) for key in observables}
        output = arrays.pop(SPIKES if layout.spiking else OUTPUT)
        if layout.spiking:
            output = output.astype(np.uint8)
        return Recording(output, arrays, int(nodes[name].attrs["offset"]))

    def _array(self, observables: h5py.Group, key: str, layout: Layout) -> Array:
        """Some samples of an observable; memory is taken for them alone."""
        group = _group(observables, key)
        if not isinstance(group.get("data", getlink=True), h5py.HardLink):
            raise ValueError(f"the data of {key!r} are missing or a link")
        data = group["data"]
        shape = (*self.shape, math.prod(layout.shape))
        if data.shape != shape or data.dtype.kind != ("b" if key == SPIKES else "f"):
            raise ValueError(f"{data.name} has shape {data.shape} and dtype {data.dtype}")
        if data.is_virtual or data.external or math.prod(data.chunks or shape) > _CHUNK:
            raise ValueError(f"{data.name} is not stored in small chunks of its own")
        values: Array = data[self._range.start : self._range.stop]
        return values.reshape(*values.shape[:2], *layout.shape)


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} is missing or a link")
    group = parent[name]
    if not isinstance(group, h5py.Group):
        raise ValueError(f"{name!r} is no group")
    return group
