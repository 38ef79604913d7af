"""What is counted when two artifacts are compared: numbers that add up over parts of the samples.

Nothing is judged here. A hop over all samples is the sum of hops over some of them, whichever way
they were parted and in whatever order they come; only `judge` says whether it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from eideploy.errors import InputError
from eideploy.verify.report import Divergence, Relation

Shape = tuple[int, ...]


@dataclass(frozen=True)
class PopulationMeasurement:
    """What was counted of one population that both sides have.

    Args:
        name: of the population.
        shapes: [sample, step, *shape] of the outputs of both sides.
        comparable: whether they agree; if not, nothing below was counted.
        spiking: whether the output is spikes; else it is graded values.
        offsets: latency on both sides, in hardware steps.
        finite: whether all graded values of a side are.
        compared: outputs that were compared.
        differing: outputs that differ and that no tie explains.
        excused: outputs that differ and that are, or are downstream of, a tie.
        spikes: number of spikes on both sides.
        moved: Σ|Δcount| of spikes, over neurons and samples.
        products: a·a, b·b and a·b of the graded values of both sides, summed without rounding,
            because floats would depend on the order. Values that are not finite are left out.
        first: the first difference: the earliest step, there the first sample.
        ties: bins with |v − θ| < 1e-9·max(1, |θ|) on either side.
        state_differing: state values that differ.
        state_missing: state variables that only one side has.
    """

    name: str
    shapes: tuple[Shape, Shape]
    comparable: bool
    spiking: bool
    offsets: tuple[int, int]
    finite: tuple[bool, bool] = (True, True)
    compared: int = 0
    differing: int = 0
    excused: int = 0
    spikes: tuple[int, int] = (0, 0)
    moved: int = 0
    products: tuple[Fraction, Fraction, Fraction] = (Fraction(), Fraction(), Fraction())
    first: Divergence | None = None
    ties: int = 0
    state_differing: int = 0
    state_missing: tuple[str, ...] = ()

    def __add__(self, other: PopulationMeasurement) -> PopulationMeasurement:
        """The same of the samples of both."""
        aa, bb, ab = (a + b for a, b in zip(self.products, other.products, strict=True))
        odd = self if not self.comparable else other  # whose shapes say what does not fit
        return replace(
            self,
            shapes=(
                (self.shapes[0][0] + other.shapes[0][0], *odd.shapes[0][1:]),
                (self.shapes[1][0] + other.shapes[1][0], *odd.shapes[1][1:]),
            ),
            comparable=self.comparable and other.comparable,
            finite=(self.finite[0] and other.finite[0], self.finite[1] and other.finite[1]),
            compared=self.compared + other.compared,
            differing=self.differing + other.differing,
            excused=self.excused + other.excused,
            spikes=(self.spikes[0] + other.spikes[0], self.spikes[1] + other.spikes[1]),
            moved=self.moved + other.moved,
            products=(aa, bb, ab),
            first=earlier(self.first, other.first),
            ties=self.ties + other.ties,
            state_differing=self.state_differing + other.state_differing,
            state_missing=_union(self.state_missing, other.state_missing),
        )


@dataclass(frozen=True)
class Measurement:
    """What was counted of two artifacts on some of the samples.

    Args:
        before: name of the first artifact.
        after: name of the second artifact.
        relation: what has to hold between them.
        state: whether state was compared too.
        samples: number of samples.
        correct: samples that each side classifies rightly; None without labels or class scores.
        populations: in order of depth.
        not_compared: populations that only one side has.
        missing: what could not be compared though it should have been, a sentence each.
        seconds: time of the comparison.
        run_seconds: time it took to run the second artifact.
    """

    before: str
    after: str
    relation: Relation
    state: bool
    samples: int
    correct: tuple[int | None, int | None]
    populations: tuple[PopulationMeasurement, ...]
    not_compared: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    seconds: float = 0.0
    run_seconds: float = 0.0

    def __add__(self, other: Measurement) -> Measurement:
        """The same of the samples of both.

        Raises:
            InputError: they are not of the same two artifacts.
        """
        if _identity(self) != _identity(other):
            raise InputError(
                f"cannot add up {self.before}→{self.after} and {other.before}→{other.after}: they "
                "are comparisons of different things"
            )
        return replace(
            self,
            samples=self.samples + other.samples,
            correct=(
                _sum(self.correct[0], other.correct[0]),
                _sum(self.correct[1], other.correct[1]),
            ),
            populations=tuple(
                one + two for one, two in zip(self.populations, other.populations, strict=True)
            ),
            missing=_union(self.missing, other.missing),
            seconds=self.seconds + other.seconds,
            run_seconds=self.run_seconds + other.run_seconds,
        )

    @property
    def parting(self) -> tuple[int, int, int] | None:
        """Where the two sides part first: step, depth of the population, sample."""
        return min(
            (
                (population.first.step, depth, population.first.sample)
                for depth, population in enumerate(self.populations)
                if population.first
            ),
            default=None,
        )


def merge(parts: Iterable[Measurement]) -> Measurement:
    """The measurement of all samples from those of parts of them, at least one.

    Raises:
        InputError: they are not of the same two artifacts.
    """
    return reduce(Measurement.__add__, parts)


def earlier(one: Divergence | None, other: Divergence | None) -> Divergence | None:
    """The one that comes first: step, then sample, then neuron; the first named if equal."""
    found = [divergence for divergence in (one, other) if divergence]
    return min(found, key=lambda d: (d.step, d.sample, d.neuron), default=None)


def _identity(part: Measurement) -> tuple[object, ...]:
    names = tuple((p.name, p.spiking, p.offsets) for p in part.populations)
    return part.before, part.after, part.relation, part.state, names, part.not_compared


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
