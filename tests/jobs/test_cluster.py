"""Tasks that are done by other processes: each once, whatever becomes of the processes."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from errands import Heavy, Square, complain, noted, square

from eideploy.errors import InputError, MissingComponentError, StimulusError, TargetError
from eideploy.jobs import Crew, Journal, errand, run_tasks
from eideploy.jobs import cluster as clusters
from eideploy.jobs import crew as crews


@pytest.fixture
def crew(cluster: str) -> Crew:
    return Crew(scheduler=cluster)


def test_every_task_is_done_by_another_process(crew: Crew, tmp_path: Path) -> None:
    assert crew.hands() == 2
    work = Heavy(tmp_path)
    found = list(run_tasks(work, range(30), crew=crew))
    assert sorted(index for index, _ in found) == list(range(30))
    processes = {process for _, process in found}
    assert os.getpid() not in processes
    # The work went to each process once, not along with each task.
    assert noted(tmp_path) == {f"arrived {process}": 1 for process in processes}


def test_a_new_run_brings_its_own_work(crew: Crew) -> None:
    for offset in (1, 2):

        def add(task: int, offset: int = offset) -> int:
            return task + offset

        assert sorted(run_tasks(add, range(3), crew=crew)) == [(n, n + offset) for n in range(3)]


def test_a_run_finds_nothing_of_the_same_run_before(crew: Crew) -> None:
    class Counting:
        done = 0

        def __call__(self, task: int) -> int:
            self.done += 1
            return self.done

    work = Counting()
    for _ in range(2):
        assert 1 in dict(run_tasks(work, range(8), crew=crew)).values()


def test_only_a_few_tasks_are_sent_at_a_time(crew: Crew) -> None:
    sent = []

    class Large:
        def __init__(self, number: int) -> None:
            self.number = number

        def __reduce__(self) -> tuple[Any, ...]:
            sent.append(self.number)
            return int, (self.number,)

    done = 0
    for _ in run_tasks(square, [Large(n) for n in range(40)], crew=crew):  # type: ignore[arg-type]
        done += 1
        assert len(set(sent)) - done <= 2 * clusters.WAITING_PER_HAND
    assert (done, len(set(sent))) == (40, 40)


def test_what_a_task_raises_comes_back_as_it_is(crew: Crew) -> None:
    with pytest.raises(StimulusError) as caught:
        list(run_tasks(complain, range(8), crew=crew))
    assert caught.value.what == "sample 3 is damaged"
    assert caught.value.remedy == "Record it again."
    assert sorted(run_tasks(square, range(3), crew=crew)) == [(0, 0), (1, 1), (2, 4)]


@pytest.mark.slow
def test_processes_that_die_are_replaced_and_nothing_is_lost(crew: Crew, tmp_path: Path) -> None:
    """Each of three processes is killed in the middle of a task."""
    deaths = {2: 1, 7: 1, 11: 1}
    found = list(run_tasks(Square(tmp_path, deaths), range(16), crew=crew))
    assert sorted(found) == [(n, n * n) for n in range(16)]
    begun = noted(tmp_path)
    assert all(begun[f"begun {task}"] > count for task, count in deaths.items())


@pytest.mark.slow
def test_a_task_that_always_kills_its_process_is_lost_alone(crew: Crew, tmp_path: Path) -> None:
    journal = Journal[int](tmp_path / "journal", lambda n: str(n).encode(), int)
    work = Square(tmp_path, {3: 99})
    tasks = run_tasks(work, range(8), crew=crew, journal=journal, name="task {}".format)
    done: dict[int, int] = {}
    with pytest.raises(TargetError, match=r"task 3 could not be done: the processes .* died"):
        _collect(tasks, done)
    assert done == {n: n * n for n in range(8) if n != 3}
    assert journal.names() == [f"task {n}" for n in sorted(done)]


def _collect(tasks: Iterator[tuple[int, int]], done: dict[int, int]) -> None:
    for index, result in tasks:
        assert index not in done, "counted twice"
        done[index] = result


@pytest.mark.slow
def test_what_is_lost_can_be_a_result(crew: Crew, tmp_path: Path) -> None:
    work = Square(tmp_path, {0: 99, 5: 99})
    said: list[str] = []

    def lost(task: int, why: str) -> int:
        said.append(why)
        return -task

    found = list(run_tasks(work, range(6), crew=crew, lost=lost))
    assert sorted(found) == [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16), (5, -5)]
    assert len(said) == 2


def test_leaving_calls_off_the_rest(crew: Crew, tmp_path: Path) -> None:
    tasks = run_tasks(Square(tmp_path), range(1000), crew=crew)
    next(tasks)
    tasks.close()
    assert sorted(run_tasks(square, range(3), crew=crew)) == [(0, 0), (1, 1), (2, 4)]
    assert len(noted(tmp_path)) < 100


def test_workers_of_other_versions_are_refused(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"eideploy": "99.0", "Python": "3.9"}
    monkeypatch.setattr(clusters, "versions", lambda: here)
    with pytest.raises(
        InputError, match=r"eideploy .* instead of 99\.0, Python .* instead of 3\.9"
    ):
        list(run_tasks(square, range(3), crew=crew))


def test_what_workers_lack_is_said(crew: Crew, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "only_here.py").write_text("def work(task):\n    return task\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    with pytest.raises(InputError, match=r"cannot import what it is sent: .*only_here"):
        list(run_tasks(only_here.work, range(3), crew=crew))


def test_what_cannot_be_sent_is_said(crew: Crew) -> None:
    lock = threading.Lock()
    with pytest.raises(InputError, match="cannot be sent"):
        list(run_tasks(lambda task: lock.locked(), range(3), crew=crew))


def test_a_scheduler_that_is_not_there_is_said_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crews, "CONNECT_SECONDS", 1)
    started = time.monotonic()
    with pytest.raises(MissingComponentError, match=r"no Dask scheduler .*tcp://127\.0\.0\.1:9"):
        list(run_tasks(square, range(3), crew=Crew(scheduler="tcp://127.0.0.1:9")))
    assert time.monotonic() - started < 60
    with pytest.raises(MissingComponentError):
        Crew(scheduler="tcp://127.0.0.1:9").hands()


@pytest.mark.parametrize("address", ["", "localhost", "host:port", "tcpx://:::1"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(InputError, match="is not the address of a scheduler"):
        list(run_tasks(square, range(3), crew=Crew(scheduler=address)))


def test_an_address_that_needs_certificates_is_refused_without() -> None:
    with pytest.raises(InputError, match="no certificates") as caught:
        list(run_tasks(square, range(3), crew=Crew(scheduler="tls://127.0.0.1:9")))
    assert "distributed.comm.tls" in caught.value.remedy


def test_a_cluster_without_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(clusters, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(clusters, "DESERTED_SECONDS", 0.3)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(TargetError, match="has had no workers"),
    ):
        list(run_tasks(square, range(3), crew=Crew(scheduler=empty.scheduler_address)))


def test_exceptions_lose_nothing_when_they_travel() -> None:
    error = pickle.loads(pickle.dumps(StimulusError("what", "remedy")))
    assert (type(error), error.what, error.remedy) == (StimulusError, "what", "remedy")
    assert errand.pack(error)
