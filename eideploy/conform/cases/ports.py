"""What a network is shown and what it gives: several inputs and outputs, ports, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.cases.build import circuit, lif, matrix, source
from eideploy.conform.cases.wiring import instant, layer, network, one_to_one, shown, spikes
from eideploy.program import Conv2d, Dense, Program, Projection, Relay, Stimulus


def cases() -> Iterator[Case]:
    """Inputs, outputs, ports of a neuron, and how a Program is written."""
    yield from _inputs()
    yield from _outputs()
    yield from _ports()
    yield from _written()


def _case(name: str, claim: str, program: Program, stimulus: Stimulus) -> Case:
    return Case(f"ports/{name}", claim, program, stimulus)


def _drawn(name: str, shapes: Mapping[str, Sequence[int]]) -> Stimulus:
    """Spikes of several inputs, each drawn for itself."""
    return Stimulus(
        {key: spikes(f"ports/{name}/{key}", 2, 8, *shape) for key, shape in shapes.items()}
    )


def _inputs() -> Iterator[Case]:
    yield _case(
        "two-inputs",
        "Two inputs reach the same neurons, each by its own synapses.",
        network(
            source(2, name="a"),
            source(3, name="b"),
            layer("out", instant([1, 5]), 2),
            Projection("a", "out", matrix([[2, -4], [6, 2]]), delay=1),
            Projection("b", "out", matrix([[4, 2, -2], [-6, 8, 2]]), delay=1),
        ),
        _drawn("two-inputs", {"a": [2], "b": [3]}),
    )
    program = network(
        source(2, name="b"),
        source(2, name="a"),
        layer("out", instant(2), 2),
        Projection("b", "out", one_to_one(2, 4), delay=1),
        Projection("a", "out", one_to_one(-2, 6), delay=1),
    )
    yield _case(
        "inputs-by-name",
        "Inputs of one shape are told apart by their names, in whichever order they are listed.",
        program,
        _drawn("inputs-by-name", {"a": [2], "b": [2]}),
    )
    yield _case(
        "shapes-of-their-own",
        "Inputs of different shapes, an image, a line and a row, meet in one population.",
        network(
            source(1, 3, 3, name="image"),
            source(2, 2, name="line"),
            source(5, name="row"),
            layer("out", instant(6), 2, 2, 2),
            Projection("image", "out", Conv2d(2 * np.arange(-2, 6).reshape(2, 1, 2, 2)), delay=1),
            Projection("line", "out", Dense(2 * (np.arange(32).reshape(8, 4) % 7 - 3)), delay=1),
            Projection("row", "out", Dense(2 * (np.arange(40).reshape(8, 5) % 9 - 3)), delay=1),
        ),
        _drawn("shapes-of-their-own", {"image": [1, 3, 3], "line": [2, 2], "row": [5]}),
    )
    yield _case(
        "at-different-depths",
        "An input may reach a layer behind the first, and acts there in the same logical step.",
        network(
            source(2, name="early"),
            source(2, name="deep"),
            layer("a", instant(1), 2),
            layer("b", instant(1), 2, offset=2),
            layer("out", instant(3), 2, offset=3),
            Projection("early", "a", one_to_one(), delay=1),
            Projection("a", "b", matrix([[2, 2], [-2, 2]]), delay=1),
            Projection("b", "out", one_to_one(), delay=1),
            Projection("deep", "out", one_to_one(2, 4), delay=3),
        ),
        _drawn("at-different-depths", {"early": [2], "deep": [2]}),
    )
    yield _case(
        "unused-input",
        "An input that reaches nothing changes nothing, and is shown all the same.",
        network(
            source(2),
            source(3, name="unused"),
            layer("out", instant(1), 2),
            Projection("in", "out", matrix([[4, -2], [2, 2]]), delay=1),
        ),
        Stimulus(
            {**_drawn("unused-input", {"unused": [3]}).values, **_drawn("used", {"in": [2]}).values}
        ),
    )
    yield _case(
        "seen-twice",
        "An input that reaches a population by two kinds of synapses counts by both.",
        network(
            source(4),
            layer("out", instant([1, 3, 5, 7]), 4),
            Projection("in", "out", one_to_one(2, 4, 6, 8), delay=1),
            Projection("in", "out", Dense(2 * (np.arange(16).reshape(4, 4) % 5 - 2)), delay=1),
        ),
        _drawn("seen-twice", {"in": [4]}),
    )
    yield _case(
        "graded-beside-binary",
        "Of two inputs, one shows spikes and the other graded values, each in its own range.",
        network(
            source(2, name="spikes"),
            source(2, name="values", minimum=0, maximum=255),
            layer("out", instant(200), 2),
            Projection("spikes", "out", one_to_one(254), delay=1),
            Projection("values", "out", one_to_one(2, -2), delay=1),
        ),
        Stimulus(
            {
                "spikes": np.array([[[1, 0], [0, 1], [1, 1], [0, 0], [1, 1]]]),
                "values": np.array([[[255, 27], [101, 26], [0, 255], [100, 128], [1, 28]]]),
            }
        ),
    )


def _outputs() -> Iterator[Case]:
    parts = (
        source(3),
        layer("a", instant(1), 3),
        layer("b", instant([3, 5]), 2, offset=2),
        Projection("in", "a", matrix([[2, -2, 2], [4, 2, -4], [0, 2, 2]]), delay=1),
        Projection("a", "b", matrix([[2, 4, -2], [4, -2, 6]]), delay=1),
    )
    stimulus = _drawn("outputs", {"in": [3]})
    yield _case(
        "feeds-on",
        "An output that others live on gives its own spikes, in its own logical time.",
        network(*parts, outputs=["a"]),
        stimulus,
    )
    yield _case(
        "outputs-of-different-depth",
        "Outputs of different depth are both given in logical time, from step 0.",
        network(*parts, outputs=["b", "a"]),
        stimulus,
    )
    yield _case(
        "straight-through",
        "An output that only an input feeds, beside a deep one.",
        network(
            *parts,
            layer("straight", instant(), 3),
            Projection("in", "straight", one_to_one(), delay=1),
            outputs=["straight", "b"],
        ),
        stimulus,
    )
    yield _case(
        "two-networks",
        "Two networks that share nothing run side by side.",
        network(
            *parts,
            source(2, name="other"),
            layer("apart", lif(threshold=[3, 8]), 2),
            Projection("other", "apart", one_to_one(4), delay=1),
            outputs=["apart", "b"],
        ),
        Stimulus({**stimulus.values, **_drawn("two-networks", {"other": [2]}).values}),
    )
    yield _case(
        "graded-beside-spikes",
        "One output gives graded values, the other spikes.",
        network(
            *parts,
            layer("sum", Relay(bias=3), 2, offset=2),
            Projection("a", "sum", matrix([[-2, 6, 4], [8, -4, -6]]), delay=1),
            outputs=["sum", "b"],
        ),
        stimulus,
    )


def _ports() -> Iterator[Case]:
    for name, ports, claim in (
        ("balance-and-shunt", ("balanced", "shunt"), "One input is divided, the other divides."),
        ("shunt-and-balance", ("shunt", "balanced"), "The same inputs, exchanged."),
    ):
        yield _case(
            name,
            claim,
            network(
                source(2, name="a"),
                source(2, name="b"),
                layer("out", circuit(voltage_decay=1024, threshold=5000), 2),
                Projection("a", "out", one_to_one(6, 10), ports[0], delay=1),
                Projection("b", "out", matrix([[4, 2], [6, 8]]), ports[1], delay=1),
            ),
            _drawn("balance-and-shunt", {"a": [2], "b": [2]}),
        )
    yield _case(
        "both-ports-of-one",
        "The same input may reach both ports, by synapses of its own for each.",
        network(
            source(4),
            layer("out", circuit(threshold=2000), 2),
            Projection("in", "out", matrix([[2, -4, 6, 2], [-2, 8, 2, 4]]), "balanced", delay=1),
            Projection(
                "in", "out", matrix([[1, 3, 0, 2], [5, 0, 1, 1]]), "shunt", 1, sign="excitatory"
            ),
        ),
        _drawn("both-ports-of-one", {"in": [4]}),
    )
    yield _case(
        "a-port-without-input",
        "Where nothing reaches the port that divides, the floor does.",
        network(
            source(2),
            layer("out", circuit(floor=3, threshold=3000), 2),
            Projection("in", "out", one_to_one(4, 10), "balanced", delay=1),
        ),
        _drawn("a-port-without-input", {"in": [2]}),
    )


def _written() -> Iterator[Case]:
    layers = (
        source(2, name="x"),
        layer("y", instant(1), 2),
        layer("z", instant(3), 2, offset=2),
        Projection("x", "y", matrix([[2, -2], [4, 2]]), delay=1),
        Projection("y", "z", matrix([[2, 4], [6, -6]]), delay=1),
    )
    stimulus = _drawn("written", {"x": [2]})
    yield _case(
        "listed-backward",
        "Populations and projections may be listed in any order.",
        network(*layers[::-1], outputs=["z"]),
        stimulus,
    )
    names = {"x": "in.put 1/é", "y": "layer-1.λ", "z": "0"}
    renamed = [
        replace(part, source=names[part.source], target=names[part.target])
        if isinstance(part, Projection)
        else replace(part, name=names[part.name])
        for part in layers
    ]
    yield _case(
        "names",
        "Names may hold dots, slashes, spaces, letters of any script, or be a number.",
        network(*renamed, outputs=[names["z"]]),
        shown(stimulus.values["x"], names["x"]),
    )
    similar = {"x": "p", "y": "p.input", "z": "p→p"}
    yield _case(
        "similar-names",
        "Names that begin alike, or look like those of projections, are told apart.",
        network(
            *(
                replace(part, source=similar[part.source], target=similar[part.target])
                if isinstance(part, Projection)
                else replace(part, name=similar[part.name])
                for part in layers
            ),
            outputs=[similar["z"], similar["y"]],
        ),
        shown(stimulus.values["x"], similar["x"]),
    )
    yield _case(
        "parameters-along-axes",
        "Neurons of an image may share parameters along its channels, rows or columns.",
        network(
            source(2, 3, 3),
            layer("out", _by_axes(), 2, 3, 3),
            Projection("in", "out", one_to_one(4), delay=1),
        ),
        _drawn("parameters-along-axes", {"in": [2, 3, 3]}),
    )


def _by_axes() -> Any:
    return lif(
        voltage_decay=np.array([[[0]], [[1024]]]),
        bias_mantissa=np.array([[[0], [40], [90]]]),
        threshold=np.array([[[5, 9, 14]]]),
    )
