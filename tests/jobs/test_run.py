"""Tasks that are done in this process."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from errands import Square, noted, square
from hypothesis import given
from hypothesis import strategies as st

from eideploy.errors import EideployWarning, InputError
from eideploy.jobs import Crew, Journal, in_order, run, run_tasks
from eideploy.jobs.cluster import Lost


def journal(folder: Path) -> Journal[int]:
    return Journal(folder, lambda number: str(number).encode(), int)


def test_every_task_is_done_once_and_at_once(tmp_path: Path) -> None:
    tasks = run_tasks(Square(tmp_path), range(5))
    assert next(tasks) == (0, 0)
    assert noted(tmp_path) == {"begun 0": 1}
    assert list(tasks) == [(task, task * task) for task in range(1, 5)]
    assert noted(tmp_path) == {f"begun {task}": 1 for task in range(5)}


def test_what_is_in_the_journal_is_not_done_again(tmp_path: Path) -> None:
    notes, work = journal(tmp_path / "journal"), tmp_path / "work"
    work.mkdir()
    for task in (1, 3):
        notes.write(str(task), task * task)
    found = dict(run_tasks(Square(work), range(5), journal=notes))
    assert found == {task: task * task for task in range(5)}
    assert noted(work) == {f"begun {task}": 1 for task in (0, 2, 4)}
    assert notes.names() == ["0", "1", "2", "3", "4"]


def test_a_result_is_written_down_before_it_is_handed_out(tmp_path: Path) -> None:
    notes = journal(tmp_path)
    for index, result in run_tasks(square, range(3), journal=notes, name="task {}".format):
        assert notes.read(f"task {index}") == result


def test_a_damaged_file_is_done_again(tmp_path: Path) -> None:
    notes, work = journal(tmp_path / "journal"), tmp_path / "work"
    work.mkdir()
    list(run_tasks(square, range(3), journal=notes))
    (tmp_path / "journal" / "1.done").write_bytes(b"\0" * 40)
    assert sorted(run_tasks(Square(work), range(3), journal=notes)) == [(0, 0), (1, 1), (2, 4)]
    assert noted(work) == {"begun 1": 1}
    assert notes.read("1") == 1


def test_a_journal_that_cannot_be_written_does_not_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("no folder")
    tasks = run_tasks(square, range(3), journal=journal(tmp_path / "full"))
    with pytest.warns(EideployWarning, match="cannot be resumed") as warned:
        assert dict(tasks) == {0: 0, 1: 1, 2: 4}
    assert len(warned) == 1


@given(st.permutations(range(6)))
def test_results_come_in_order_as_soon_as_they_can(order: list[int]) -> None:
    fed: list[int] = []

    def results():  # type: ignore[no-untyped-def]
        for index in order:
            fed.append(index)
            yield index, index * index

    for index, result in enumerate(in_order(results())):
        assert result == index * index
        # It was held back until all before it were there, and no longer.
        assert fed[-1] == max(range(index + 1), key=order.index)
    assert index == 5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"workers": 0}, "cannot be 0 workers"),
        ({"workers": 2, "scheduler": "tcp://h:1"}, "cannot both"),
        ({"retries": -1}, "-1 times"),
    ],
)
def test_a_crew_that_cannot_be_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Crew(**fields)  # type: ignore[arg-type]


def test_what_is_lost_is_handed_out_but_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spread(client: object, work: object, tasks: object, wanted: list[int]):  # type: ignore[no-untyped-def]
        yield 1, Lost("it died")
        yield 0, 0

    monkeypatch.setattr(run, "hire", lambda crew: nullcontext())
    monkeypatch.setattr(run, "spread", spread)
    notes = journal(tmp_path)
    tasks = run_tasks(square, range(2), crew=Crew(workers=1), journal=notes, lost=lambda *_: -1)
    assert list(tasks) == [(1, -1), (0, 0)]
    assert notes.names() == ["0"]


def test_no_worker_is_hired_who_would_have_nothing_to_do(monkeypatch) -> None:
    asked: list[Crew] = []

    def hire(crew: Crew) -> object:
        asked.append(crew)
        return nullcontext()

    monkeypatch.setattr(run, "hire", hire)
    monkeypatch.setattr(run, "spread", lambda client, work, tasks, wanted: ((i, 0) for i in wanted))
    assert len(list(run_tasks(square, range(3), crew=Crew(workers=100_000)))) == 3
    assert asked == [Crew(workers=3)]
