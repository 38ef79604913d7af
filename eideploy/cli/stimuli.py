"""What is shown to a network: arrays or events from a NumPy file, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np

from eideploy.cli.arrays import ALONE, Arrays, load_arrays, recordings_of
from eideploy.cli.console import remark
from eideploy.cli.options import TimeUnit
from eideploy.errors import StimulusError
from eideploy.program import Array, Program, Source, Stimulus, load_stimulus
from eideploy.program.events import Bins, Events, bin_events

LABELS = ("labels", "label")
"""Names under which a .npz may hold the classes of its samples."""


@dataclass(frozen=True)
class Port:
    """An input of a network.

    Args:
        shape: of one sample in one step.
        maximum: the largest value that it takes.
    """

    shape: tuple[int, ...]
    maximum: float


def ports_of(network: nir.NIRGraph | Program) -> dict[str, Port]:
    """The inputs of a graph or a Program by their names."""
    if isinstance(network, Program):
        return {
            p.name: Port(p.shape, float(p.neuron.maximum))
            for p in network.sources
            if isinstance(p.neuron, Source)
        }
    return {
        name: Port(tuple(node.input_type["input"].tolist()) or (1,), _maximum(node))
        for name, node in network.nodes.items()
        if isinstance(node, nir.Input)
    }


def _maximum(node: nir.Input) -> float:
    high = np.asarray(node.metadata.get("high", 1.0))
    # What is no number is refused where the graph is compiled, with the name of the node.
    return float(high) if high.size == 1 and high.dtype.kind in "fiu" else 1.0


@dataclass(frozen=True)
class Shown:
    """How the user says what to show.

    Args:
        path: .npy or .npz with arrays, events, or a stored Stimulus; None if there is none.
        labels: file with the classes of the samples, where `path` does not hold them.
        bins: how events are cut into steps.
        steps: for how many steps each sample stays, where arrays have no axis of time.
        samples: at most so many of them, the first.
    """

    path: Path | None = None
    labels: Path | None = None
    bins: Bins | None = None
    steps: int | None = None
    samples: int | None = None

    @staticmethod
    def asked(
        path: Path | None,
        labels: Path | None,
        bins: str | None,
        time_unit: TimeUnit,
        steps: int | None,
        samples: int | None,
    ) -> Shown:
        """From the options of a verb."""
        cut = None if bins is None else Bins.parse(bins, time_unit.value)
        return Shown(path, labels, cut, steps, samples)

    def refuse_options(self) -> None:
        """Raise a StimulusError if there is an option that is about a file, and there is none."""
        given = {"--labels": self.labels, "--bin": self.bins, "--steps": self.steps}
        for option, value in given.items():
            if value is not None:
                raise StimulusError(
                    f"{option} is about the file of --stimulus, which is not given",
                    f"Give --stimulus FILE, or leave out {option} and use the data of the run.",
                )

    def read(self, ports: Mapping[str, Port]) -> Stimulus:
        """The stimulus for a network with these inputs.

        Raises:
            StimulusError: a file is unreadable or pickled, or what it holds does not fit; names the
                file, and what is expected.
        """
        if self.path is None:
            raise StimulusError("there is nothing to show", "Give --stimulus FILE.")
        arrays = load_arrays(self.path)
        if "header" in arrays:
            stored = load_stimulus(self.path)
            values, labels = dict(stored.values), stored.labels
            events: list[Events] = []
        else:
            labels = _pop_labels(arrays, ports)
            events = recordings_of(self.path, arrays)
            values = {} if events else arrays
        labels = labels if self.labels is None else read_labels(self.labels)
        if events:
            self._check_labels(labels, len(events))
            stimulus = self._of_events(events[: self.samples], labels, ports)
        else:
            stimulus = Stimulus(self._of_arrays(values, ports), labels)
        return stimulus if self.samples is None else stimulus.take(slice(self.samples))

    def _of_events(
        self, recordings: list[Events], labels: Array | None, ports: Mapping[str, Port]
    ) -> Stimulus:
        if self.bins is None:
            raise StimulusError(
                f"{self.path} holds events, which have to be cut into steps",
                "Give --bin 20 for so many equal steps, or --bin 1ms for steps of such a width.",
            )
        if self.steps is not None:
            raise StimulusError(
                f"{self.path} holds events; --steps is for values without an axis of time",
                f"Give --bin {self.steps} for so many steps.",
            )
        if len(ports) != 1:
            raise StimulusError(
                f"{self.path} holds events, the network has inputs {sorted(ports)}",
                "Events are shown to networks with one input; bin them first for others.",
            )
        ((name, port),) = ports.items()
        most = int(port.maximum)
        if most < 1:
            raise StimulusError(
                f"input {name!r} takes values up to {port.maximum:g}, less than one event",
                "Scale the data, and show them as an array.",
            )
        try:
            binned = bin_events(recordings, port.shape, self.bins, most)
        except StimulusError as error:
            raise StimulusError(f"{self.path}: {error.what}", error.remedy) from error
        count, steps = binned.values.shape[:2]
        counted = "one spike" if most == 1 else f"{most}"
        share = 100 * binned.full / max(binned.active, 1)
        remark(
            f"{self.path}: {count:,} recording{'s' if count != 1 else ''} in {steps:,} steps; more "
            f"events than {most} in a step count as {counted} ({share:.2g} % of what is active)"
        )
        return Stimulus({name: binned.values}, None if labels is None else labels[:count])

    def _of_arrays(self, arrays: Arrays, ports: Mapping[str, Port]) -> Arrays:
        if self.bins is not None:
            raise StimulusError(
                f"{self.path} holds arrays, not events; --bin is for events",
                "Leave out --bin, or save events with the fields t, x, and y and p if they have "
                "them.",
            )
        if len(arrays) == len(ports) == 1:
            # Whatever it is called, it can mean one thing only.
            arrays = dict(zip(ports, arrays.values(), strict=True))
        if ALONE in arrays:
            raise StimulusError(
                f"{self.path} holds one array, the network has inputs {sorted(ports)}",
                "Save a .npz with one array per input.",
            )
        if set(arrays) != set(ports):
            raise StimulusError(
                f"{self.path} holds arrays {sorted(arrays)}, the network has inputs "
                f"{sorted(ports)}",
                "Name the arrays as the inputs; classes are `labels`, or in a file of --labels.",
            )
        return {name: self._in_time(name, array, ports[name]) for name, array in arrays.items()}

    def _in_time(self, name: str, array: Array, port: Port) -> Array:
        """The array with an axis of samples and one of time."""
        shape, found = port.shape, array.shape
        place = f"{self.path}: the array for {name!r} has shape {list(found)}"
        wanted = f"the network takes [sample, step, {', '.join(map(str, shape))}]"
        if array.dtype.names:
            raise StimulusError(
                f"{self.path}: {name!r} has fields {list(array.dtype.names)}, which are not those "
                "of events",
                "Events have the fields t and x, and y and p if they have them.",
            )
        if found[2:] == shape and array.ndim == 2 + len(shape):
            if self.steps is not None:
                raise StimulusError(
                    f"{place}, with {found[1]} steps; --steps is for values without an axis of "
                    "time",
                    "Leave out --steps.",
                )
            return array
        static = array if found[1:] == shape else array[None] if found == shape else None
        if static is None or not static.size:
            raise StimulusError(
                f"{place}; {wanted}",
                "Check the order of the axes, and whether the data are for this network.",
            )
        if self.steps is not None:
            return np.repeat(static[:, None], self.steps, axis=1)
        if found == shape:
            raise StimulusError(
                f"{place}; {wanted}: the axes of samples and steps are missing",
                "Give --steps N to show it for N steps.",
            )
        raise StimulusError(
            f"{place}; {wanted}: one axis is missing",
            f"If these are {found[0]} samples that do not change, give --steps N to show each for "
            f"N steps; if they are {found[0]} steps of one sample, save array[None].",
        )

    def _check_labels(self, labels: Array | None, samples: int) -> None:
        if labels is not None and labels.shape != (samples,):
            raise StimulusError(
                f"{self.labels or self.path}: labels have shape {list(labels.shape)}, and "
                f"{self.path} holds {samples:,} recordings"
            )


def read_labels(path: Path) -> Array:
    """The classes of samples: the array of a .npy, or `labels`, `label` or the only one of a .npz.

    Raises:
        StimulusError: unreadable or pickled, or it is not clear which array is meant.
    """
    arrays = load_arrays(path)
    for name in LABELS:
        if name in arrays:
            return arrays[name]
    if len(arrays) != 1:
        raise StimulusError(
            f"{path} holds arrays {sorted(arrays)}, none of them called `labels`",
            "Name the array of classes `labels`, or save it alone.",
        )
    return next(iter(arrays.values()))


def _pop_labels(arrays: Arrays, ports: Mapping[str, Port]) -> Array | None:
    """Take the classes out of what a file holds, unless an input has their name."""
    for name in LABELS:
        if name in arrays and name not in ports:
            return arrays.pop(name)
    return None
