"""What the report shows of the traces: one sample, two artifacts, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eideploy.program import Array, Recording
from eideploy.verify import plots
from eideploy.verify.artifact import Artifact
from eideploy.verify.judge import judge
from eideploy.verify.ladder import Verification
from eideploy.verify.plots import Curve
from eideploy.verify.report import Divergence, Hop, PopulationResult
from eideploy.verify.specimen import Specimen

NEURONS = 160
"""Most neurons in one raster; more could not be told apart."""

STEPS = 240
"""Most steps in one raster."""

AROUND = 24
"""Steps before and after the divergence that the membrane potential is shown for."""


@dataclass(frozen=True)
class Raster:
    """Spikes of one population on both sides; the pictures are data URIs."""

    population: str
    shown: str
    differing: int
    before: str
    after: str


@dataclass(frozen=True)
class Membrane:
    """One variable of one neuron around the step in which two sides part; a data URI."""

    population: PopulationResult
    variable: str
    picture: str


@dataclass(frozen=True)
class Exhibit:
    """One sample on both sides of a hop.

    Args:
        hop: the comparison that is shown.
        sample: index of the sample.
        parted: whether it is the one in which the two sides first differ.
        rasters: of the spiking populations, in order of depth.
        membrane: of the neuron in which the two sides part first.
    """

    hop: Hop
    sample: int
    parted: bool
    rasters: tuple[Raster, ...]
    membrane: Membrane | None


def exhibits(verification: Verification) -> tuple[Exhibit, ...]:
    """Every hop that fails; if none does, the first artifact against the last."""
    specimens = verification.specimens
    shown = [
        (hop, specimens[hop.name])
        for hop in verification.report.hops
        if hop.status == "fail" and hop.name in specimens
    ]
    if not shown and verification.overview is not None:
        shown = [verification.overview]
    return tuple(_exhibit(*each) for each in shown if each[0].populations)


def _exhibit(hop: Hop, specimen: Specimen) -> Exhibit:
    before, after = specimen.before, specimen.after
    suspect = hop.suspect
    if suspect and suspect.first_divergence and suspect.first_divergence.sample != specimen.sample:
        # Another population parts before it, in this sample. Where does it part here, if it does?
        here = judge(specimen.measure(hop.relation))
        same = next(p for p in here.populations if p.name == suspect.name)
        suspect = same if same.first_divergence else here.suspect
    first = suspect.first_divergence if suspect else None
    return Exhibit(
        hop,
        specimen.sample,
        first is not None,
        tuple(_raster(p.name, before, after) for p in hop.populations if p.spiking),
        _membrane(suspect, first, hop, before, after) if suspect and first else None,
    )


def _raster(name: str, before: Artifact, after: Artifact) -> Raster:
    own, other = (
        side.trace[name].output[0].reshape(side.trace[name].output.shape[1], -1) != 0
        for side in (before, after)
    )
    different = own != other
    step = int(different.any(axis=1).argmax())
    steps = _window(step, own.shape[0], STEPS)
    neurons = _window(int(different[step].argmax()), own.shape[1], NEURONS)
    own, other = own[steps, neurons], other[steps, neurons]

    def draw(own: Array, other: Array, before: bool) -> str:
        return plots.raster(
            own, other, first_neuron=neurons.start, first_step=steps.start, before=before
        )

    return Raster(
        name,
        f"{_shown('neuron', neurons, different.shape[1])}, "
        f"{_shown('step', steps, different.shape[0])}",
        int(np.count_nonzero(different)),
        draw(own, other, True),
        draw(other, own, False),
    )


def _shown(what: str, part: slice, total: int) -> str:
    """Which of them are shown: `steps 4–7 of 20`, or `neuron 0 of 1`."""
    if part.stop - part.start == 1:
        return f"{what} {part.start} of {total:,}"
    return f"{what}s {part.start}–{part.stop - 1} of {total:,}"


def _membrane(
    suspect: PopulationResult, first: Divergence, hop: Hop, before: Artifact, after: Artifact
) -> Membrane:
    """The potential if both sides have it where they part, else what diverged."""
    variable = first.variable
    if all(_has_potential(side.trace[suspect.name], first) for side in (before, after)):
        variable = "v"
    steps = slice(max(0, first.step - AROUND), first.step + AROUND + 1)
    curves = [_curve(side, suspect, variable, first, steps) for side in (before, after)]
    thetas = [curve.threshold for curve in curves if curve.threshold is not None]
    if hop.relation == "bounded" and len(thetas) == 2 and min(thetas) > 0:
        # The two sides may count v in different units; θ is the unit that they share.
        curves = [Curve(c.values / theta, 1.0) for c, theta in zip(curves, thetas, strict=True)]
        variable = "v / θ"
    picture = plots.membrane(*curves, first_step=steps.start, divergence=first.step, label=variable)
    return Membrane(suspect, variable, picture)


def _has_potential(recording: Recording, first: Divergence) -> bool:
    """Whether v was recorded there; of what was recorded elsewhere there may be only some of it."""
    v = recording.state.get("v")
    return v is not None and bool(np.isfinite(v[0, first.step].flat[first.neuron]))


def _curve(
    side: Artifact, population: PopulationResult, variable: str, first: Divergence, steps: slice
) -> Curve:
    """A variable of the neuron that diverged, with θ if it is the potential."""
    recording = side.trace[population.name]
    array = recording.output if variable == "output" else recording.state[variable]
    values = array[0, steps].reshape(-1, population.neurons)[:, first.neuron]
    threshold = side.thresholds.get(population.name)
    if variable != "v" or threshold is None:
        return Curve(values.astype(np.float64), None)
    theta = np.broadcast_to(threshold, recording.output.shape[2:]).flat[first.neuron]
    return Curve(values.astype(np.float64), float(theta))


def _window(around: int, extent: int, size: int) -> slice:
    """A slice of at most `size` out of `extent` that holds `around`."""
    start = min(max(0, around - size // 2), max(0, extent - size))
    return slice(start, min(start + size, extent))
