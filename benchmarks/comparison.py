"""How much of the time of `verify` goes into comparing, beside running."""

from __future__ import annotations

from measure import Row, Table

from eideploy.program import Program, Stimulus
from eideploy.targets import load_target
from eideploy.verify import verify

AT_MOST = 0.1


def comparison(float_program: Program, program: Program, stimulus: Stimulus) -> Table:
    """The whole ladder to lava-fixed, or to the twin where there is no Lava."""
    target = load_target("lava-fixed")
    if not target.available().ok:
        target = load_target("twin")
    verification = verify(
        model="benchmark",
        stimulus=stimulus,
        target=target,
        float_program=float_program,
        program=program,
    )
    hops = verification.report.hops
    running = sum(verification.seconds.values())
    comparing = sum(hop.seconds for hop in hops)
    return Table(
        "comparison",
        f"Where the time of verify goes, {len(hops)} hops to {target.name}",
        "seconds",
        "running",
        (
            Row("running", running),
            Row("comparing", comparing, f"at most {AT_MOST:g} of running is aimed at"),
        ),
    )
