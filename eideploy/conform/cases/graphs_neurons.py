"""Neurons of NIR, as graphs: what a target makes of their time constants, leaks and resets."""

from __future__ import annotations

from collections.abc import Iterator

import nir

from eideploy.conform.case import Case
from eideploy.conform.cases.build_graphs import (
    DT,
    cuba,
    end,
    entry,
    full,
    graph,
    integrate,
    lif,
    linear,
    shown,
    soft_cuba,
    soft_if,
    soft_lif,
    train,
)

PULSES = [1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1]
SPARSE = [1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0]
BOTH = train(PULSES, SPARSE)


def cases() -> Iterator[Case]:
    """Hard resets, currents, soft resets, and neurons that do not spike."""
    yield from _membranes()
    yield from _currents()
    yield from _soft()
    yield from _graded()


def _membranes() -> Iterator[Case]:
    yield _driven(
        "lif-leak",
        "A LIF keeps 1 − dt/τ of its potential in each step.",
        lif(3, tau=[2, 4, 8], threshold=[1.3125, 1.8125, 2.3125]),
    )
    yield _driven(
        "lif-resistance",
        "R multiplies the input and not the leak.",
        lif(3, tau=4, r=[2, 4, 6], threshold=[0.9375, 1.8125, 2.6875]),
    )
    yield _driven(
        "lif-rests-at-its-leak",
        "A LIF starts every sample at v_leak and decays toward it, from above and from below.",
        lif(3, tau=4, leak=[0.5, -0.5, 1], threshold=[1.65625, 1.125, 2.59375]),
    )
    yield _driven(
        "lif-fires-at-rest",
        "A LIF whose v_leak is above its threshold fires without input, in its own rhythm.",
        lif(2, tau=[2, 4], leak=2, threshold=[1.25, 1.0625], reset=0),
        silent=True,
    )
    yield _driven(
        "lif-reset-to-a-value",
        "A spike sets a LIF to its v_reset, which may be below 0.",
        lif(3, tau=4, threshold=1.125, reset=[0, 0.5, -0.5]),
    )
    yield _driven(
        "lif-test-strict",
        "A LIF whose potential is exactly at its threshold does not spike.",
        lif(2, tau=1, threshold=[1, 0.984375]),
    )
    yield _driven(
        "lif-forgets-within-a-step",
        "With τ of one step a LIF keeps nothing.",
        lif(2, tau=1, threshold=[0.875, 1.125]),
    )
    yield _driven(
        "if-adds-up",
        "An IF adds dt·R·x in each step and never leaks.",
        integrate(3, r=[1, 0.5, 2], threshold=[2.5, 1.25, 3]),
    )
    yield _driven(
        "if-test-strict",
        "An IF whose potential is exactly at its threshold does not spike.",
        integrate(2, threshold=[2, 3]),
    )
    yield _driven(
        "if-reset-to-a-value",
        "A spike sets an IF to its v_reset, and it goes on from there.",
        integrate(3, threshold=2.5, reset=[0, 1, -1]),
    )
    yield shown(
        "graph-neurons/if-without-a-step",
        "A graph without time constants needs no dt: an IF adds R·x in each step.",
        graph(
            {
                "in": entry(1),
                "weights": linear([[1], [1]]),
                "out": nir.IF(full(2, [1, 2]), full(2, [2.5, 5]), full(2, 0)),
                "end": end(2),
            },
            dt=None,
        ),
        BOTH,
    )
    yield shown(
        "graph-neurons/step-given-from-outside",
        "Where the graph does not say dt, the one that is given to the compiler counts.",
        graph(
            {
                "in": entry(1),
                "weights": linear([[1], [1]]),
                "out": lif(2, tau=[4, 16], r=8, threshold=[5.5, 1.3125]),
                "end": end(2),
            },
            dt=None,
        ),
        BOTH,
        dt=2 * DT,
    )
    yield _driven(
        "threshold-without-memory",
        "A Threshold compares the input of this step alone, and the test is strict.",
        nir.Threshold(full(3, [0.875, 1, 1.125])),
    )
    yield _driven(
        "threshold-below-zero",
        "A Threshold below 0 is exceeded by silence.",
        nir.Threshold(full(2, [-0.25, 0.25])),
    )


def _currents() -> Iterator[Case]:
    yield _driven(
        "cuba-current-decays",
        "The current of a CubaLIF keeps 1 − dt/τ_syn in each step, and drives v in the same step.",
        cuba(3, tau_syn=[2, 4, 8], w_in=[2, 4, 8], threshold=[1.59375, 3.03125, 3.0625]),
    )
    yield _driven(
        "cuba-weight-of-the-input",
        "w_in multiplies the input, R the current: their product is what a lone pulse shows.",
        cuba(3, w_in=[1, 2, 4], r=[4, 2, 1], threshold=1.59375),
    )
    yield _driven(
        "cuba-rests-at-its-leak",
        "A CubaLIF starts at v_leak with no current.",
        cuba(2, tau_mem=4, leak=[0.5, -0.5], threshold=[1.53125, 1.03125]),
    )
    yield _driven(
        "cuba-reset-keeps-the-current",
        "A spike of a CubaLIF resets its potential and not its current.",
        cuba(2, tau_syn=4, w_in=8, threshold=[2.375, 2.28125], reset=[0, -1]),
    )


def _soft() -> Iterator[Case]:
    yield _driven(
        "soft-lif",
        "A soft reset subtracts the threshold and keeps the rest, which leaks on.",
        soft_lif(3, tau=[2, 4, 8], threshold=[1.375, 1.59375, 1.3125]),
    )
    yield _driven(
        "soft-if",
        "Without leak a soft reset loses nothing: spikes count what came in, in units of θ.",
        soft_if(3, threshold=[0.8125, 1.375, 0.4375]),
    )
    yield _driven(
        "soft-cuba",
        "A soft reset of a CubaLIF subtracts from v and leaves the current.",
        soft_cuba(2, tau_syn=4, w_in=4, threshold=[1.46875, 1.09375]),
    )
    yield _driven(
        "soft-reset-once-in-a-step",
        "A potential many times above its threshold spikes once in each step until it is below.",
        soft_if(2, threshold=[0.6875, 1.375]),
        weight=4,
    )
    nodes = {
        "in": entry(1),
        "weights": linear([[2], [1.75]]),
        "soft": soft_lif(2, tau=[4, 8], threshold=[1.0625, 2.03125]),
        "hard": lif(2, tau=[4, 8], threshold=[1.0625, 2.03125]),
        "after": linear([[1, 0], [0, 1]]),
        "out": lif(2, tau=4, threshold=[1.21875, 1.1875]),
        "end": end(2),
    }
    yield shown(
        "graph-neurons/soft-beside-hard",
        "Each node has the reset that it says, in one graph with both.",
        graph(
            nodes,
            ("in", "weights"),
            ("weights", "soft"),
            ("weights", "hard"),
            ("soft", "after"),
            ("hard", "after"),
            ("after", "out"),
            ("out", "end"),
        ),
        BOTH,
    )


def _graded() -> Iterator[Case]:
    one_tau = full(2, [2, 4]) * DT
    yield _read(
        "li-emits-its-potential",
        "An LI emits its potential of this step, never resets, and rests at v_leak.",
        nir.LI(one_tau, full(2, [2, 4]), full(2, [0, 0.5])),
        [0.71875, 0.78125],
    )
    yield _read(
        "cuba-li-emits-its-potential",
        "A CubaLI filters twice and emits its potential.",
        nir.CubaLI(one_tau, one_tau, full(2, [1, 2]), full(2, [0, -0.25]), full(2, [2, 4])),
        [0.84375, 0.84375],
    )
    yield _read(
        "i-emits-its-sum",
        "An I emits the sum of all that came in.",
        nir.I(full(2, [0.5, 0.375]) / DT),
        [0.90625, 1.1875],
    )


def _driven(
    name: str, claim: str, node: nir.NIRNode, *, weight: float = 1, silent: bool = False
) -> Case:
    """Neurons with parameters of their own that all see the same pulses."""
    n = int(node.input_type["input"][0])
    nodes = {"in": entry(1), "weights": linear([[weight]] * n), "out": node, "end": end(n)}
    values = BOTH * 0 if silent else BOTH
    return shown(f"graph-neurons/{name}", claim, graph(nodes), values)


def _read(name: str, claim: str, node: nir.NIRNode, threshold: list[float]) -> Case:
    """Neurons that do not spike, an Output of theirs, and neurons that read them."""
    nodes = {
        "in": entry(1),
        "weights": linear([[1], [1]]),
        "graded": node,
        "seen": end(2),
        "reads": linear([[1, -0.25], [-0.25, 0.75]]),
        "out": lif(2, tau=2, threshold=threshold),
        "end": end(2),
    }
    edges = (
        ("in", "weights"),
        ("weights", "graded"),
        ("graded", "seen"),
        ("graded", "reads"),
        ("reads", "out"),
        ("out", "end"),
    )
    return shown(f"graph-neurons/{name}", claim, graph(nodes, *edges), BOTH)
