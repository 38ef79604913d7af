"""A bundle is written whole or not at all, and in memory that does not grow with the samples."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eideploy.bundle import Form, Subject, load_bundle, record
from eideploy.bundle.seal import open_manifest
from eideploy.errors import InputError, OutputError, StimulusError, TargetError
from eideploy.program import Stimulus, Trace
from eideploy.simulate import reference


def test_what_was_recorded_is_read(bundle: Path, subject: Subject) -> None:
    loaded = load_bundle(bundle)
    assert loaded.manifest.model == "dense"
    assert loaded.manifest.weight_bits == 6
    assert loaded.limits == subject.limits
    assert np.array_equal(loaded.stimulus.values["input"], subject.stimulus.values["input"])
    assert np.array_equal(loaded.stimulus.labels, subject.stimulus.labels)
    assert list(loaded.graph.nodes) == list(subject.graph.nodes)
    assert set(loaded.traces) == {"trained", "frozen", "program"}


def test_a_folder_is_as_readable_as_any_other(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert bundle.stat().st_mode == (tmp_path / "other").stat().st_mode


def broken(stimulus: Stimulus, progress: Callable[[int, int], None]) -> Trace:
    raise TargetError("it broke")


def test_nothing_is_left_of_what_broke(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="it broke"):
        record(tmp_path / "net", subject, {"program": Form(broken, "")}, environment={})
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused_before_anything_runs(
    subject: Subject, tmp_path: Path
) -> None:
    wrong = replace(subject, stimulus=Stimulus({"input": np.full((3, 6, 12), 7.0)}))
    with pytest.raises(StimulusError, match="ranges over"):
        record(tmp_path / "net", wrong, {"program": Form(broken, "")}, environment={})
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_only_when_asked(record_to: Any, bundle: Path) -> None:
    digest = open_manifest(bundle).digest
    with pytest.raises(OutputError, match="exists"):
        record_to(bundle)
    assert open_manifest(bundle).digest == digest
    record_to(bundle, overwrite=True, all_state=True)
    assert open_manifest(bundle).digest != digest
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_a_bundle_stays_if_another_cannot_take_its_place(subject: Subject, bundle: Path) -> None:
    digest = open_manifest(bundle).digest
    with pytest.raises(TargetError):
        record(bundle, subject, {"program": Form(broken, "")}, environment={}, overwrite=True)
    assert open_manifest(bundle).digest == digest
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


@pytest.mark.parametrize("place", ["folder", "file", "link", "altered"])
def test_nothing_but_an_intact_bundle_is_overwritten(
    place: str, record_to: Any, bundle: Path, tmp_path: Path
) -> None:
    target = tmp_path / "taken"
    if place == "folder":
        target.mkdir()
        (target / "manifest.json").write_text("of something else")
    elif place == "file":
        target.write_text("mine")
    elif place == "link":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target = bundle
        (bundle / "note.txt").write_text("mine")
    before = sorted(p.name for p in tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="is not overwritten"):
        record_to(target, overwrite=True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_nothing_is_written_into_a_bundle(record_to: Any, bundle: Path) -> None:
    digest = open_manifest(bundle).digest
    for place in (bundle / "net", bundle / "traces" / "net"):
        with pytest.raises(OutputError, match="lies in the bundle"):
            record_to(place)
    assert open_manifest(bundle).digest == digest


def test_a_place_that_cannot_be_written(record_to: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        record_to(tmp_path / "file" / "net")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


CTRL_C = """
import signal, sys
from pathlib import Path
from eideploy.bundle import Form, Subject, disk, load_bundle, record

# A shell starts what runs in the background with this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
loaded = load_bundle(Path(sys.argv[1]))
subject = Subject("dense", loaded.graph, loaded.program, loaded.stimulus)
forms = {"program": Form(lambda stimulus, progress: loaded.traces["program"].read(), "here")}
write, calls = disk.Disk.write, 0

def pressed_in_a_call(self, content):
    global calls
    calls += 1
    if calls == chosen:
        signal.raise_signal(signal.SIGINT)
    return write(self, content)

disk.Disk.write = pressed_in_a_call
for chosen in range(1, 8):
    calls = 0
    try:
        record(Path(sys.argv[2]), subject, forms, environment={}, all_state=True)
        print(chosen, "was ignored")
    except KeyboardInterrupt:
        print(chosen, "ended it")
"""


def test_ctrl_c_ends_it_wherever_it_is_pressed(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    command = [sys.executable, "-c", CTRL_C, str(bundle), str(folder / "net")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{chosen} ended it" for chosen in range(1, 8)]
    assert list(folder.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from eideploy.bundle import Form, Subject, load_bundle, record
from eideploy.errors import OutputError

loaded = load_bundle(Path(sys.argv[1]))
subject = Subject("dense", loaded.graph, loaded.program, loaded.stimulus)
forms = {"program": Form(lambda stimulus, progress: loaded.traces["program"].read(), "here")}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in map(int, sys.argv[3:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        record(Path(sys.argv[2]), subject, forms, environment={}, all_state=True)
    except OutputError as error:
        print(error.what)
"""


def test_a_full_disk_is_an_error_like_any_other(
    subject: Subject, frames: Callable[..., Any], tmp_path: Path
) -> None:
    """A limit on the size of files stands in for the disk: the graph meets it, then a trace."""
    many = Stimulus({"input": frames((12,), samples=200)})
    forms = {"program": Form(lambda stimulus, _: reference.run(subject.program, stimulus), "")}
    whole = replace(subject, stimulus=many)
    manifest = record(tmp_path / "whole", whole, forms, environment={}, all_state=True)
    sizes = sorted((seal.bytes, name) for name, seal in manifest.files.items())
    assert [name for _, name in sizes[-2:]] == ["graph.nir", "traces/program.h5"]
    limits = [str(size - 1) for size, _ in sizes[-2:]]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / "whole", tmp_path / "new" / "net", *limits],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (line for line in done.stdout.splitlines() if line)
    assert re.fullmatch(r"cannot write .*graph\.nir: File too large", first)
    assert second == f"cannot write {tmp_path / 'new' / 'net'}: File too large"
    assert list((tmp_path / "new").iterdir()) == []


def test_only_some_samples_are_looked_at_at_a_time(subject: Subject, tmp_path: Path) -> None:
    many = Stimulus({"input": np.tile(subject.stimulus.values["input"], (20, 1, 1))})
    seen: list[int] = []
    told: list[tuple[str, int, int]] = []

    def show(stimulus: Stimulus, progress: Callable[[int, int], None]) -> Trace:
        seen.append(stimulus.samples)
        return reference.run(subject.program, stimulus, progress=progress)

    record(
        tmp_path / "net",
        replace(subject, stimulus=many),
        {"frozen": Form(show, "")},
        environment={},
        part_bytes=50_000,
        progress=lambda *stage: told.append(stage),
    )
    assert sum(seen) == 120
    assert max(seen) < 20
    assert told[0] == ("frozen", 0, 120)
    assert told[-1] == ("frozen", 120, 120)
    trace = load_bundle(tmp_path / "net").traces["frozen"].read()
    expected = reference.run(subject.program, many)
    for name in expected.recordings:
        assert np.array_equal(trace[name].output, expected[name].output)


def test_samples_that_depend_on_one_another_are_shown_at_once(
    subject: Subject, tmp_path: Path
) -> None:
    carried = replace(subject.program.by_name["lif1"], reset_phase=None)
    program = subject.program.replace_population(carried)
    seen = []

    def show(stimulus: Stimulus, progress: Callable[[int, int], None]) -> Trace:
        seen.append(stimulus.samples)
        return reference.run(program, stimulus)

    record(
        tmp_path / "net",
        replace(subject, program=program),
        {"program": Form(show, "")},
        environment={},
        part_bytes=1,
    )
    assert seen == [6]


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no manifest\.json, so it is no bundle"):
        load_bundle(tmp_path)
    with pytest.raises(InputError, match="cannot read"):
        load_bundle(tmp_path / "nowhere")
