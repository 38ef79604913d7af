"""What is written down is found again, by whom it belongs to, and only if it is whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from eideploy.errors import OutputError
from eideploy.jobs import Journal, Plan, cache_folder
from eideploy.jobs import journal as journals
from eideploy.jobs.journal import FORGOTTEN_SECONDS, keep_journal

PARTS = ["samples 0 to 9", "decay/half", "ä…:*?", "../up"]


def journal(folder: Path) -> Journal[str]:
    return Journal(folder, str.encode, bytes.decode)


def kept(cache: Path, key: str = "k", resume: bool = False):  # type: ignore[no-untyped-def]
    return keep_journal(cache, key, str.encode, bytes.decode, resume=resume)


def interrupted(cache: Path, *names: str, key: str = "k") -> None:
    """A run that is interrupted when these tasks are done."""
    with suppress(KeyboardInterrupt), kept(cache, key) as notes:
        for name in names:
            notes.write(name, name)
        raise KeyboardInterrupt


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_results_are_found_by_the_names_of_their_tasks(tmp_path: Path) -> None:
    notes = journal(tmp_path / "run")
    assert (notes.names(), notes.read(PARTS[0])) == ([], None)
    for name in PARTS:
        notes.write(name, f"result of {name}")
    assert notes.names() == sorted(PARTS)
    assert [notes.read(name) for name in PARTS] == [f"result of {name}" for name in PARTS]
    assert {path.parent for path in tmp_path.rglob("*.done")} == {tmp_path / "run"}


@pytest.mark.parametrize("length", [0, 10, 31, 32, 40, -1])
def test_a_file_that_is_cut_is_as_none(tmp_path: Path, length: int) -> None:
    notes = journal(tmp_path)
    notes.write("a", "a result of some length")
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:length])
    assert notes.read("a") is None


def test_a_file_of_which_any_byte_changed_is_as_none(tmp_path: Path) -> None:
    notes = journal(tmp_path)
    notes.write("a", "result")
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert notes.read("a") is None
    file.write_bytes(content)
    assert notes.read("a") == "result"


def test_a_run_that_ends_leaves_nothing(tmp_path: Path) -> None:
    with kept(tmp_path) as notes:
        notes.write("a", "1")
        assert len(files(tmp_path)) == 2
    assert not list((tmp_path / "journal").iterdir())


def test_a_run_that_is_interrupted_is_resumed(tmp_path: Path) -> None:
    interrupted(tmp_path, "a", "b")
    with suppress(ValueError), kept(tmp_path, resume=True) as notes:
        assert notes.names() == ["a", "b"]
        notes.write("c", "c")
        raise ValueError
    with kept(tmp_path, resume=True) as notes:
        assert [notes.read(name) for name in notes.names()] == ["a", "b", "c"]
    assert files(tmp_path) == []


def test_without_resume_a_run_starts_anew_and_the_old_one_is_forgotten(tmp_path: Path) -> None:
    interrupted(tmp_path, "a")
    with kept(tmp_path) as notes:
        assert notes.names() == []
    with kept(tmp_path, resume=True) as notes:
        assert notes.names() == []


def test_a_run_of_something_else_is_not_resumed(tmp_path: Path) -> None:
    interrupted(tmp_path, "a", key="this")
    with kept(tmp_path, "that", resume=True) as notes:
        assert notes.names() == []
    with kept(tmp_path, "this", resume=True) as notes:
        assert notes.names() == ["a"]


def test_a_run_that_had_done_nothing_leaves_nothing(tmp_path: Path) -> None:
    interrupted(tmp_path)
    assert files(tmp_path) == []


ANOTHER = """
import sys
from pathlib import Path
from eideploy.jobs.journal import keep_journal
with keep_journal(Path(sys.argv[1]), "k", str.encode, bytes.decode) as notes:
    notes.write("a", "of another run")
    print("here", flush=True)
    sys.stdin.read()
    assert notes.read("a") == "of another run"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks of this kind")
@pytest.mark.parametrize("resume", [False, True])
def test_two_runs_of_the_same_do_not_disturb_each_other(tmp_path: Path, resume: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        with kept(tmp_path, resume=resume) as notes:
            assert notes.names() == []
            notes.write("b", "of this run")
        other.communicate(timeout=300)
    assert other.returncode == 0
    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks of this kind")
def test_what_a_killed_run_has_done_is_resumed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        other.kill()
    with kept(tmp_path, resume=True) as notes:
        assert notes.read("a") == "of another run"


def test_what_nobody_went_on_with_is_forgotten_after_a_while(tmp_path: Path) -> None:
    for key in ("old", "new"):
        interrupted(tmp_path, "a", key=key)
    (folder,) = (tmp_path / "journal" / "old").iterdir()
    then = time.time() - FORGOTTEN_SECONDS - 60
    os.utime(folder, (then, then))
    with kept(tmp_path, "another"):
        assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == ["another", "new"]


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file")
    with pytest.raises(OutputError, match="cannot write") as caught, kept(tmp_path):
        pass
    assert "EIDEPLOY_CACHE" in caught.value.remedy


def test_a_run_that_tidies_up_may_take_away_a_folder_that_was_just_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, taken = journals._lock, []

    def lock(folder: Path) -> IO[bytes] | None:
        if len(taken) == 3:
            return real(folder)
        taken.append(folder)
        folder.rmdir()
        folder.parent.rmdir()
        return None

    monkeypatch.setattr(journals, "_lock", lock)
    with kept(tmp_path) as notes:
        notes.write("a", "1")
        assert notes.folder not in taken
        assert notes.names() == ["a"]


def test_a_folder_that_cannot_be_locked_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "_lock", lambda folder: None)
    with pytest.raises(OutputError, match="cannot be locked"), kept(tmp_path):
        pass


def test_the_folder_is_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EIDEPLOY_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/h")
    assert cache_folder() == Path("/h/.cache/eideploy")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folder() == Path("/x/eideploy")
    monkeypatch.setenv("EIDEPLOY_CACHE", "/own")
    assert cache_folder() == Path("/own")


def test_a_plan_says_what_it_resumes(tmp_path: Path) -> None:
    said: list[str] = []

    def run(subject: object, *, resume: bool, fails: bool) -> None:
        plan = Plan(cache=tmp_path, resume=resume, tell=said.append)
        with plan.journal(subject, str.encode, bytes.decode) as notes:
            if notes is not None:
                notes.write("a", "1")
            if fails:
                raise KeyboardInterrupt

    run("x", resume=True, fails=False)
    with pytest.raises(KeyboardInterrupt):
        run("x", resume=False, fails=True)
    run("y", resume=True, fails=False)
    run("x", resume=True, fails=False)
    run(object(), resume=True, fails=False)
    run(object(), resume=False, fails=False)
    assert [text.split(":")[0] for text in said] == [
        "nothing to resume",
        "nothing to resume",
        "resuming",
        "nothing to resume",
    ]
    assert "not all is known" in said[-1]


def test_a_plan_does_without_a_journal_that_cannot_be_written_unless_it_is_to_resume(
    tmp_path: Path,
) -> None:
    (tmp_path / "journal").write_text("a file")
    said: list[str] = []
    with Plan(cache=tmp_path, tell=said.append).journal("x", str.encode, bytes.decode) as notes:
        assert notes is None
    (text,) = said
    assert text.startswith("this run cannot be resumed if it is interrupted: cannot write")
    with (
        pytest.raises(OutputError, match="cannot write"),
        Plan(cache=tmp_path, resume=True).journal("x", str.encode, bytes.decode),
    ):
        pass


def test_what_is_raised_within_the_block_of_a_plan_is_not_taken_for_its_own(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(OutputError, match="the disk is full"),
        Plan(cache=tmp_path).journal("x", str.encode, bytes.decode),
    ):
        raise OutputError("the disk is full")
