"""The time that a target has is for all parts of the samples together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from eideploy.errors import TargetError
from eideploy.program import Trace
from eideploy.simulate.record import Record
from eideploy.verify import allowance
from eideploy.verify.allowance import in_all


@dataclass(frozen=True)
class Slow:
    """Takes three seconds by a clock of its own, and notes how long it might have taken."""

    clock: list[float]
    allowed: list[float] = field(default_factory=list)
    timeout: float | None = 10.0
    name: str = "slow"

    def run(self, *arguments: Any) -> Trace:
        assert self.timeout is not None
        self.allowed.append(self.timeout)
        self.clock[0] += min(3.0, self.timeout)
        if self.timeout < 3.0:
            raise TargetError(f"did not finish within {self.timeout:g} s")
        return Trace({})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(allowance, "perf_counter", lambda: now[0])
    return now


def test_what_is_left_is_handed_on(network: Any, clock: list[float]) -> None:
    slow = Slow(clock)
    execute = in_all(slow)  # type: ignore[arg-type]
    arguments = network.integer, network.stimulus, Record(), None
    for _ in range(3):
        execute(*arguments)
    with pytest.raises(TargetError, match=r"'slow' did not finish all samples within 10 s"):
        execute(*arguments)
    with pytest.raises(TargetError, match=r"within 10 s"):
        execute(*arguments)
    assert slow.allowed == [10.0, 7.0, 4.0, 1.0], "a fifth run was not tried"


def test_other_failures_are_told_as_they_are(network: Any, clock: list[float]) -> None:
    @dataclass(frozen=True)
    class Broken(Slow):
        def run(self, *arguments: Any) -> Trace:
            clock[0] += 1
            raise TargetError("a worker died")

    execute = in_all(Broken(clock))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(TargetError, match="a worker died"):
            execute(network.integer, network.stimulus, Record(), None)


def test_a_target_without_a_limit_runs_as_it_is(rewritten: Any, clock: list[float]) -> None:
    assert in_all(rewritten()).left is None
    assert in_all(Slow(clock, timeout=None)).left is None  # type: ignore[arg-type]
