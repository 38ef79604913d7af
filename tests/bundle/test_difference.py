"""Programs that differ in the last bit of one number are told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eideploy.bundle import Subject, difference
from eideploy.compile import CompileOptions, float_pipeline, run_passes
from eideploy.program import Dense, Program


def nudged(program: Program) -> Program:
    old = program.projections[1]
    weight = old.operator.weight.copy()
    weight.flat[7] = np.nextafter(weight.flat[7], 2)
    return program.replace_projection(old, replace(old, operator=Dense(weight)))


def later(program: Program) -> Program:
    old = program.projections[0]
    return program.replace_projection(old, replace(old, delay=old.delay + 1))


def higher(program: Program) -> Program:
    old = program.by_name["lif2"]
    neuron = replace(old.neuron, threshold=old.neuron.threshold + 1)
    return program.replace_population(replace(old, neuron=neuron))


def test_equal_programs_do_not_differ(subject: Subject) -> None:
    again = run_passes(float_pipeline(CompileOptions()), subject.graph)
    assert again is not subject.program
    assert difference(subject.program, again) is None
    assert difference(subject.program, replace(again, metadata={"note": "other"})) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (nudged, "operator weight differs in 1 of 240 numbers, at most by"),
        (later, "delay is 1 in one, 2 in the other"),
        (higher, "populations lif2 neuron threshold differs in 1 of 1 numbers, at most by 1"),
        (lambda p: replace(p, stride=2), "stride is 1 in one, 2 in the other"),
        (lambda p: replace(p, dt=None), "dt is a float in one, a NoneType in the other"),
        (
            lambda p: replace(p, projections=p.projections[:-1]),
            "projections: 5 in one, 4 in the other",
        ),
    ],
)
def test_the_first_difference_is_named(
    change: Callable[[Program], Any], words: str, subject: Subject
) -> None:
    found = difference(subject.program, change(subject.program))
    assert found is not None
    assert words in found


def test_another_network_differs(subject: Subject, dense_graph: Callable[..., Any]) -> None:
    other = run_passes(float_pipeline(CompileOptions()), dense_graph(sizes=(12, 8, 16, 5)))
    found = difference(subject.program, other)
    assert found is not None
    assert found.startswith("populations lif1 shape")
