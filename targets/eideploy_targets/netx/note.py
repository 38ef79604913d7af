"""What eideploy keeps beside the layers of a file, so that a Program comes back as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eideploy.errors import InputError
from eideploy.program import Population, Program, Source
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
        dt: of the Program.
        metadata: of the Program.
    """

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    source: Source | None = None
    readout: str | None = None
    shift: int = 0
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
            int(output.parameters().get("shift", 0)),
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
            None if dt is None else float(dt),
            dict(values["metadata"]),
        )
