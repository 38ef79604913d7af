"""Recordings and traces."""

from __future__ import annotations

import numpy as np
import pytest

from eideploy.errors import InputError
from eideploy.program import Recording, Trace


def trace(start: int, samples: int) -> Trace:
    output = np.arange(start, start + samples * 6).reshape(samples, 2, 3)
    return Trace({"p": Recording(output, {"v": output * 10}, offset=4)})


def test_state_has_the_shape_of_the_output() -> None:
    with pytest.raises(InputError, match=r"state 'v' has shape \(1, 2\), the output \(1, 3\)"):
        Recording(np.zeros((1, 3)), {"v": np.zeros((1, 2))})


def test_concatenation_joins_samples() -> None:
    whole = Trace.concatenate([trace(0, 1), trace(6, 2)])
    assert np.array_equal(whole["p"].output, trace(0, 3)["p"].output)
    assert np.array_equal(whole["p"].state["v"], trace(0, 3)["p"].state["v"])
    assert whole["p"].offset == 4


def test_some_samples_are_views() -> None:
    whole = Trace.concatenate([trace(0, 1), trace(6, 2)])
    some = whole.take(slice(1, 3))
    assert some["p"].output.tolist() == trace(6, 2)["p"].output.tolist()
    assert some["p"].state["v"].tolist() == trace(6, 2)["p"].state["v"].tolist()
    assert some["p"].offset == 4
    assert some["p"].output.base is whole["p"].output
