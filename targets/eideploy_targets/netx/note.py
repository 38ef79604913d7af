"""What eideploy keeps beside the layers of a file, so that a Program comes back as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from eideploy.errors import InputError
from eideploy.program import Population, Program, Projection, Source
from eideploy.program.program import Sign
from eideploy_targets.netx.layers import Network, Shape


@dataclass(frozen=True, eq=False)
class Note:
    """Names, shapes and the like, which netx has no place for and passes over.

    Args:
        names: of the source and of the population of each layer.
        shapes: of the same; a dense layer of a file is always flat.
        source: what is shown; None where the file is of another tool.
        readout: `Relay` or `IntegratorFixed`, an output that is read; None where it spikes.
        shift: low bits that such an output drops.
        signs: of the projections in the order in which they are read; None where they follow from
            the weights.
        dt: of the Program.
        metadata: of the Program.
    """

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    source: Source | None = None
    readout: str | None = None
    shift: int = 0
    signs: tuple[Sign, ...] | None = None
    dt: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(network: Network) -> Note:
        """What stands beside the layers, or what is natural where nothing does.

        Raises:
            InputError: it was written for other layers.
        """
        layers = network.layers
        natural = (network.input_shape, *(layer.shape for layer in layers))
        if not network.note:
            return Note(("input", *(layer.name for layer in layers)), natural)
        try:
            note = Note.load(network.note)
            fits = len(note.names) == len(natural) and [math.prod(s) for s in note.shapes] == [
                math.prod(s) for s in natural
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"what eideploy noted is damaged ({error})") from error
        if not fits:
            raise InputError(
                f"what eideploy noted is about {note.names} of shapes {note.shapes}, the layers "
                f"have {natural}",
                "The layers were changed since; delete the dataset /layer/0/eideploy.",
            )
        return note

    def signed(self, projections: list[Projection]) -> list[Projection]:
        """The same projections with the signs that they had."""
        signs = self.signs or ()
        if len(signs) != len(projections) or not set(signs) <= set(get_args(Sign)):
            raise InputError(
                f"what eideploy noted has signs {signs}, the layers have other synapses"
            )
        return [replace(p, sign=sign) for p, sign in zip(projections, signs, strict=True)]

    @staticmethod
    def about(program: Program, populations: list[Population]) -> Note:
        """The note for a Program that becomes a file."""
        source, output = populations[0].neuron, populations[-1].neuron
        assert isinstance(source, Source)
        return Note(
            tuple(population.name for population in populations),
            tuple(population.shape for population in populations),
            source,
            None if output.spiking else type(output).__name__,
            int(output.parameters().get("shift", np.array(0)).flat[0]),
            tuple(p.sign for population in populations for p in _in_order(program, population)),
            program.dt,
            dict(program.metadata),
        )

    def values(self) -> dict[str, Any]:
        """As plain values for JSON."""
        assert self.source is not None
        return {
            "names": self.names,
            "shapes": self.shapes,
            "source": {key: value.tolist() for key, value in self.source.parameters().items()},
            "readout": self.readout,
            "shift": self.shift,
            "signs": self.signs,
            "dt": self.dt,
            "metadata": self.metadata,
        }

    @staticmethod
    def load(values: dict[str, Any]) -> Note:
        """Undo `values`; raises what a wrong type or a missing key raises."""
        source = {name: np.array(values["source"][name]) for name in vars(Source())}
        readout, dt = values["readout"], values["dt"]
        if readout not in (None, "Relay", "IntegratorFixed"):
            raise ValueError(f"an output cannot be {readout!r}")
        return Note(
            tuple(map(str, values["names"])),
            tuple(tuple(map(int, shape)) for shape in values["shapes"]),
            Source(**source),
            readout,
            int(values["shift"]),
            tuple(values["signs"]),
            None if dt is None else float(dt),
            dict(values["metadata"]),
        )


def _in_order(program: Program, population: Population) -> list[Projection]:
    """Projections into a population as they are read: from before it, then its own, by delay."""
    into = [p for p in program.into(population.name) if np.any(p.operator.weight)]
    return sorted(into, key=lambda p: (p.source == population.name, p.delay))
