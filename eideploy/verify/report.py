"""What a verification says: limits, hops, results per population, the verdict. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eideploy.errors import InputError

Relation = Literal["exact", "bounded"]
"""`exact`: not one differing bin is allowed. `bounded`: a measured gap with a stated limit."""

Status = Literal["pass", "fail", "skipped"]

Number = int | float


@dataclass(frozen=True)
class Limits:
    """What a bounded hop may lose.

    Args:
        accuracy_drop: largest loss of accuracy in percentage points, 0…100.
        agreement: smallest share of equal spike bins in percent, 0…100, in every population.

    Raises:
        InputError: a limit is out of range.
    """

    accuracy_drop: float = 0.5
    agreement: float = 98.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 100:
                raise InputError(f"limit {name} is {value}; expected a percentage from 0 to 100")


@dataclass(frozen=True)
class Accuracy:
    """Share of correctly classified samples in percent on both sides; None without labels."""

    before: float | None = None
    after: float | None = None


@dataclass(frozen=True)
class Divergence:
    """The first bin in which two sides differ: the earliest step, there the first sample.

    Args:
        sample: index of the sample.
        step: logical step within the sample.
        neuron: index in the flattened population (C order).
        before: value on the first side; None if it is not finite.
        after: value on the second side; None if it is not finite.
        margin: v − θ of the first side in that bin; None if either is unknown.
        variable: `output`, or the name of a state variable.
    """

    sample: int
    step: int
    neuron: int
    before: Number | None
    after: Number | None
    margin: Number | None
    variable: str = "output"


@dataclass(frozen=True)
class PopulationResult:
    """How one population compares over all samples, steps and neurons.

    Args:
        name: of the population.
        neurons: number of neurons.
        compared_bins: outputs compared; 0 where a bounded hop asks no equality (graded values).
        mismatched_bins: outputs that differ and that no tie explains.
        spikes_before: number of spikes on the first side; 0 for graded values.
        spikes_after: the same on the second side.
        first_divergence: of what was compared: the output and, where the hop asks for it, state.
        status: of this population alone.
        spiking: whether the output is spikes; else it is graded values.
        silent: it spikes, but never did on either side: that nothing differs proves little.
        state_mismatches: state values that differ.
        agreement: equal bins in percent, ties or not; None for graded values.
        distance: what agreement does not say, in [0, 1] for most. Spikes: Σ|Δcount| / Σcount over
            neurons and samples, 0 if spikes only moved in time. Graded: sine of the angle between
            both sides, 0 if they are proportional. None on an exact hop.
        ties: bins with |v − θ| < 1e-9·max(1, |θ|) on either side, whether they differ or not.
        attributed_bins: outputs that differ and that are, or are downstream of, a tie.
        latency: hardware steps by which the second side is late.
    """

    name: str
    neurons: int
    compared_bins: int
    mismatched_bins: int
    spikes_before: int
    spikes_after: int
    first_divergence: Divergence | None
    status: Status = "pass"
    spiking: bool = True
    silent: bool = False
    state_mismatches: int = 0
    agreement: float | None = None
    distance: float | None = None
    ties: int = 0
    attributed_bins: int = 0
    latency: int = 0


@dataclass(frozen=True)
class Hop:
    """One link of the chain of evidence, between two artifacts that should agree.

    Args:
        name: `before→after`.
        relation: exact or bounded.
        status: whether the relation holds; `skipped` if it could not be looked at.
        seconds: time of the comparison.
        accuracy: on both sides.
        state_mismatches: state values that differ, over all populations.
        populations: results in order of depth.
        before: name of the first artifact.
        after: name of the second artifact.
        state: whether state was compared too.
        run_seconds: time it took to run the second artifact.
        agreement: lowest over the spiking populations, in percent; None if there are none.
        limits: of a bounded hop.
        culprit: population in which the two sides part first, on an exact hop that fails.
        not_compared: populations that only one side has, and that the relation does not need.
        reasons: why it failed or was skipped, a sentence each.
    """

    name: str
    relation: Relation
    status: Status
    seconds: float
    accuracy: Accuracy
    state_mismatches: int
    populations: tuple[PopulationResult, ...]
    before: str
    after: str
    state: bool = False
    run_seconds: float = 0.0
    agreement: float | None = None
    limits: Limits | None = None
    culprit: str | None = None
    not_compared: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def compared_bins(self) -> int:
        """Outputs compared, over all populations."""
        return sum(population.compared_bins for population in self.populations)

    @property
    def mismatched_bins(self) -> int:
        """Outputs that differ without a tie to explain it, over all populations."""
        return sum(population.mismatched_bins for population in self.populations)

    @property
    def attributed_bins(self) -> int:
        """Outputs whose difference a tie explains, over all populations."""
        return sum(population.attributed_bins for population in self.populations)

    @property
    def ties(self) -> int:
        """Ties, over all populations."""
        return sum(population.ties for population in self.populations)

    @property
    def suspect(self) -> PopulationResult | None:
        """The population to look at: the culprit, or the first that fails, or the first that parts.

        On a bounded hop that holds it is where the two sides part first.
        """
        by_name = {population.name: population for population in self.populations}
        if self.culprit:
            return by_name[self.culprit]
        parted = [p for p in self.populations if p.first_divergence]
        return next((p for p in parted if p.status == "fail"), parted[0] if parted else None)


@dataclass(frozen=True)
class Report:
    """The verdict of a ladder and the hops it rests on.

    Args:
        model: name of what was verified.
        target: name of the target.
        samples: number of samples shown.
        steps: logical steps of each.
        verdict: `pass` if at least one hop holds and none fails; `skipped` if none could be judged.
        hops: in order, from training to the target.
        version: of eideploy.
    """

    model: str
    target: str
    samples: int
    steps: int
    verdict: Status
    hops: tuple[Hop, ...]
    version: str

    @property
    def silent(self) -> tuple[str, ...]:
        """Populations that never spiked in any hop that looked at them."""
        results = [population for hop in self.hops for population in hop.populations]
        names = dict.fromkeys(p.name for p in results if p.spiking)
        return tuple(n for n in names if all(p.silent for p in results if p.name == n))
