"""The Stimulus: what is shown to a network, in the units it was trained in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eideploy.errors import StimulusError
from eideploy.program.arrays import Array
from eideploy.program.graded import Source
from eideploy.program.program import Population, Program


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Values for every input population, and what they show.

    Args:
        values: for each input population an array [sample, step, *shape] of real numbers.
        labels: class of each sample [sample], or None.

    Raises:
        StimulusError: no values, not numbers, not finite, or samples and steps disagree.
    """

    values: Mapping[str, Array]
    labels: Array | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise StimulusError("a stimulus needs values for at least one input population")
        extents = set()
        for name, values in self.values.items():
            if values.dtype.kind not in "biuf":
                raise StimulusError(
                    f"stimulus for {name!r} has dtype {values.dtype}; real numbers are expected"
                )
            if values.ndim < 3 or values.size == 0:
                raise StimulusError(
                    f"stimulus for {name!r} has shape {values.shape}; expected "
                    "[sample, step, *shape of the population], none of them 0",
                    "In a .npz, each array but `labels` is shown to the input of that name.",
                )
            if not np.all(np.isfinite(values)):
                raise StimulusError(
                    f"stimulus for {name!r}: {int(np.sum(~np.isfinite(values)))} values are "
                    "NaN or infinite"
                )
            extents.add(values.shape[:2])
        if len(extents) != 1:
            raise StimulusError(f"inputs disagree on [sample, step]: {sorted(extents)}")
        if self.labels is not None and (
            self.labels.shape != (self.samples,) or self.labels.dtype.kind not in "iu"
        ):
            raise StimulusError(
                f"labels have shape {self.labels.shape} and dtype {self.labels.dtype}; "
                f"expected {self.samples} integers"
            )

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(next(iter(self.values.values())).shape[0])

    @property
    def steps(self) -> int:
        """Number of time steps of every sample."""
        return int(next(iter(self.values.values())).shape[1])

    def take(self, samples: slice) -> Stimulus:
        """Some of the samples."""
        return Stimulus(
            {name: values[samples] for name, values in self.values.items()},
            None if self.labels is None else self.labels[samples],
        )


def encode(program: Program, stimulus: Stimulus) -> dict[str, Array]:
    """Bring a stimulus into the numbers of a Program: x as float64, or rint(x·scale) as int64.

    Returns:
        For each input population [sample, step, *shape].

    Raises:
        StimulusError: an input is missing or unknown, or has the wrong shape or range, or a label
            is no class.
    """
    expected = {population.name for population in program.sources}
    if set(stimulus.values) != expected:
        raise StimulusError(
            f"the network has inputs {sorted(expected)}, the stimulus has {sorted(stimulus.values)}"
        )
    _check_labels(program, stimulus.labels)
    return {
        population.name: _encode_one(program, population, stimulus.values[population.name])
        for population in program.sources
    }


def _check_labels(program: Program, labels: Array | None) -> None:
    """A label is the index of a neuron of the first output."""
    if labels is None or not program.outputs:
        return
    classes = program.by_name[program.outputs[0]].size
    if labels.min() < 0 or labels.max() >= classes:
        raise StimulusError(
            f"labels range over [{labels.min()}, {labels.max()}]; "
            f"output {program.outputs[0]!r} has classes 0…{classes - 1}",
            "Number the classes as in training, or leave the labels out.",
        )


def _encode_one(program: Program, population: Population, values: Array) -> Array:
    neuron = population.neuron
    assert isinstance(neuron, Source)
    if values.shape[2:] != population.shape:
        raise StimulusError(
            f"stimulus for {population.name!r} has shape [sample, step, *{values.shape[2:]}]; "
            f"the network expects [sample, step, *{population.shape}]"
        )
    low, high = float(values.min()), float(values.max())
    if low < neuron.minimum or high > neuron.maximum:
        raise StimulusError(
            f"stimulus for {population.name!r} ranges over [{low:g}, {high:g}]; the network takes "
            f"[{float(neuron.minimum):g}, {float(neuron.maximum):g}]",
            "Scale the data as in training, or write the range into the graph: `low` and `high` in "
            "the metadata of the Input node.",
        )
    if program.arithmetic == "float":
        return values.astype(np.float64)
    return np.rint(values.astype(np.float64) * neuron.scale).astype(np.int64)
