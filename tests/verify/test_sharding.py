"""The report is the same, bit for bit, whoever looks at which samples and how often it is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from errands import Counted, noted
from hypothesis import given
from hypothesis import strategies as st

from eideploy.errors import EideployError, TargetError, UnsupportedError
from eideploy.jobs import Crew, Plan
from eideploy.program import Program, Stimulus, save_program, save_stimulus
from eideploy.simulate import reference
from eideploy.verify import Limits, Verification, to_document, verify
from eideploy.verify.climb import climb
from eideploy.verify.ladder import CHUNK_BYTES
from eideploy.verify.part import Part
from eideploy.verify.rungs import Rung, Side
from eideploy.verify.shards import _cut
from eideploy.verify.writing import decode, encode

SAMPLES = 10


@pytest.fixture(scope="module")
def shown(network: Any) -> Stimulus:
    """Ten samples whose labels are their numbers: a target can note which it was shown."""
    return Stimulus(network.stimulus.values, np.arange(SAMPLES))


@pytest.fixture(scope="module")
def programs(network: Any) -> tuple[Program, Program]:
    """A float Program of ten classes, and one of which the second layer is wrong."""
    readout = network.floating.by_name["readout"]
    (into,) = network.floating.into("readout")
    weight = np.resize(into.operator.weight, (SAMPLES, into.operator.weight.shape[1]))
    right = replace(
        network.floating,
        populations=(*network.floating.populations[:-1], replace(readout, shape=(SAMPLES,))),
        projections=(
            *network.floating.projections[:-1],
            replace(into, operator=replace(into.operator, weight=weight)),
        ),
    )
    lif2 = right.by_name["lif2"]
    wrong = replace(lif2, neuron=replace(lif2.neuron, threshold=np.array(1.02)))
    return right, right.replace_population(wrong)


@pytest.fixture
def run(
    programs: tuple[Program, Program], shown: Stimulus, tmp_path: Path
) -> Callable[..., Verification]:
    """Verifies the right Program, by default against the wrong one."""
    right, wrong = programs

    def verified(**changes: Any) -> Verification:
        arguments = {
            "model": "small",
            "stimulus": shown,
            "target": Counted(str(tmp_path)),
            "float_program": right,
            "program": right,
            "deployed": wrong,
            "trained": reference.run(wrong, shown),
            "frozen": reference.run(right, shown),
            "limits": Limits(20, 95),
            "chunk_bytes": 1,
        }
        return verify(**{**arguments, **changes})

    return verified


def untimed(value: Any) -> Any:
    """A JSON document without times."""
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if "seconds" not in k}
    return [untimed(item) for item in value] if isinstance(value, list) else value


def document(verification: Verification) -> Any:
    """All that a verification says, but for times."""
    specimens = {**verification.specimens, "overview": (verification.overview or (0, None))[1]}
    return untimed(to_document(verification.report)), {
        name: specimen and (specimen.sample, specimen.parting, arrays(specimen))
        for name, specimen in specimens.items()
    }


def arrays(specimen: Any) -> list[Any]:
    return [
        (side.name, name, recording.offset, array.dtype, array.tolist())
        for side in (specimen.before, specimen.after)
        for name, recording in side.trace.recordings.items()
        for array in (recording.output, *recording.state.values())
    ]


def test_the_report_is_the_same_whoever_looks(run: Any, cluster: str, tmp_path: Path) -> None:
    whole = run(chunk_bytes=CHUNK_BYTES)
    assert whole.report.verdict == "fail"
    assert {hop.status for hop in whole.report.hops} == {"pass", "fail"}
    alone, divided = run(), run(plan=Plan(Crew(scheduler=cluster)))
    assert document(alone) == document(divided) == document(whole)
    assert noted(tmp_path) == {f"begun {sample}": 3 for sample in range(SAMPLES)}


def test_progress_is_told_of_all_parts(run: Any, cluster: str) -> None:
    calls: list[tuple[str, int, int]] = []
    run(plan=Plan(Crew(scheduler=cluster)), progress=lambda *call: calls.append(call))
    behind = [done for _, done, _ in calls]
    assert (behind[0], behind[-1], behind) == (0, SAMPLES, sorted(set(behind)))
    assert {(name, of) for name, _, of in calls} == {("samples", SAMPLES)}


def test_processes_that_die_change_nothing(run: Any, cluster: str, tmp_path: Path) -> None:
    whole = run()
    mortal = Counted(make(tmp_path / "mortal"), {1: 1, 6: 1})
    divided = run(target=mortal, plan=Plan(Crew(scheduler=cluster)))
    assert document(divided) == document(whole)
    begun = noted(Path(mortal.folder))
    assert set(begun) == {f"begun {sample}" for sample in range(SAMPLES)}
    assert min(begun["begun 1"], begun["begun 6"]) >= 2


@pytest.mark.slow
def test_processes_of_this_machine_do_it_too(run: Any, tmp_path: Path) -> None:
    """With a part that always kills who looks at it, all else is done and the part is named."""
    whole = run()
    mortal = Counted(make(tmp_path / "mortal"), {3: 1, 8: 1})
    assert document(run(target=mortal, plan=Plan(Crew(workers=2)))) == document(whole)
    deadly = Counted(make(tmp_path / "deadly"), {4: 99})
    with pytest.raises(TargetError, match="samples 4 to 4 could not be done"):
        run(target=deadly, plan=Plan(Crew(workers=2, retries=0)))
    assert set(noted(Path(deadly.folder))) == {f"begun {n}" for n in range(SAMPLES)}


def test_samples_that_depend_on_one_another_stay_together(
    run: Any, programs: tuple[Program, Program], cluster: str, tmp_path: Path
) -> None:
    carried = replace(programs[0].by_name["lif1"], reset_phase=None)
    deployed = programs[0].replace_population(carried)
    said: list[str] = []
    divided = run(deployed=deployed, plan=Plan(Crew(scheduler=cluster), tell=said.append))
    assert document(divided) == document(run(deployed=deployed))
    assert len(said) == 1
    assert "depend on one another" in said[0]


def test_what_a_target_says_comes_back(run: Any, cluster: str, tmp_path: Path) -> None:
    def complain(stimulus: Stimulus) -> Any:
        raise TargetError("the chip is hot", "Let it cool down.")

    with pytest.raises(TargetError, match="the chip is hot") as caught:
        run(frozen=complain, plan=Plan(Crew(scheduler=cluster)))
    assert caught.value.remedy == "Let it cool down."


class StoppedError(EideployError):
    """Ends a run in the middle."""


def interrupt(run: Any, cache: Path, after: int, **changes: Any) -> None:
    """A run that is left when so many parts are done, before the target runs the next."""

    def progress(name: str, behind: int, of: int) -> None:
        if (name, behind) == ("counted", after):
            raise StoppedError("stopped")

    with pytest.raises(StoppedError):
        run(plan=Plan(cache=cache), progress=progress, **changes)


@pytest.mark.parametrize("chunk_bytes", [1, CHUNK_BYTES])
def test_a_run_that_was_interrupted_goes_on(run: Any, tmp_path: Path, chunk_bytes: int) -> None:
    whole = document(run(target=Counted(make(tmp_path / "whole"))))
    said: list[str] = []
    target = Counted(make(tmp_path / "runs"))
    interrupt(run, tmp_path, 4, target=target)
    plan = Plan(cache=tmp_path, resume=True, tell=said.append)
    # Whether it goes on in parts of the same size does not matter, or in what time.
    target = replace(target, timeout=1000.0)
    resumed = run(target=target, plan=plan, chunk_bytes=chunk_bytes)
    assert document(resumed) == whole
    assert noted(Path(target.folder)) == {f"begun {sample}": 1 for sample in range(SAMPLES)}
    assert said == ["resuming: 4 done before"]
    assert not list((tmp_path / "journal").iterdir())


def test_it_goes_on_with_others(run: Any, cluster: str, tmp_path: Path) -> None:
    target = Counted(make(tmp_path / "runs"))
    interrupt(run, tmp_path, 5, target=target)
    plan = Plan(Crew(scheduler=cluster), tmp_path, resume=True)
    resumed = document(run(target=target, plan=plan))
    assert noted(Path(target.folder)) == {f"begun {sample}": 1 for sample in range(SAMPLES)}
    assert resumed == document(run(target=target))


def test_a_damaged_part_is_done_again(run: Any, tmp_path: Path) -> None:
    target = Counted(make(tmp_path / "runs"))
    interrupt(run, tmp_path, 4, target=target)
    files = sorted((tmp_path / "journal").rglob("*.done"))
    assert len(files) == 4
    files[2].write_bytes(files[2].read_bytes()[:-1])
    resumed = run(target=target, plan=Plan(cache=tmp_path, resume=True))
    assert noted(Path(target.folder))["begun 2"] == 2
    assert document(resumed) == document(run(target=target))


def test_what_was_found_of_something_else_is_not_used(
    run: Any, programs: tuple[Program, Program], shown: Stimulus, tmp_path: Path
) -> None:
    other = Stimulus({"input": 1 - shown.values["input"]}, shown.labels)
    lif1 = programs[0].by_name["lif1"]
    slower = replace(lif1, neuron=replace(lif1.neuron, voltage_decay=np.array(0.499)))
    changes: dict[str, dict[str, Any]] = {
        "deployed": {"deployed": programs[0]},
        "program": {"float_program": programs[0].replace_population(slower)},
        "stimulus": {"stimulus": other},
        "recorded": {"trained": None},
        "labels": {"stimulus": replace(shown, labels=shown.labels[::-1])},
    }
    for change in changes.values():
        said: list[str] = []
        interrupt(run, tmp_path, 4)
        plan = Plan(cache=tmp_path, resume=True, tell=said.append)
        assert document(run(plan=plan, **change)) == document(run(**change))
        assert "nothing to resume" in said[0]
    # Limits are not part of what is found.
    said = []
    run(plan=Plan(cache=tmp_path, resume=True, tell=said.append), limits=Limits(0, 100))
    assert said == ["resuming: 4 done before"]


def make(folder: Path) -> str:
    folder.mkdir()
    return str(folder)


KILLED = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from errands import Counted
from eideploy.jobs import Plan
from eideploy.program import load_program, load_stimulus
from eideploy.verify import to_document, verify
folder = Path(sys.argv[2])
program = load_program(folder / "program.npz")
found = verify(
    model="small",
    stimulus=load_stimulus(folder / "stimulus.npz"),
    target=Counted(str(folder / "runs"), {6: 1}),
    float_program=program,
    program=program,
    chunk_bytes=1,
    plan=Plan(cache=folder, resume=True),
)
print(json.dumps(to_document(found.report)))
"""


def test_a_run_that_is_killed_goes_on(
    run: Any, programs: tuple[Program, Program], shown: Stimulus, tmp_path: Path
) -> None:
    make(tmp_path / "runs")
    save_program(tmp_path / "program.npz", programs[0])
    save_stimulus(tmp_path / "stimulus.npz", shown)
    support = str(Path(__file__).resolve().parents[1] / "support")

    command = [sys.executable, "-c", KILLED, support, str(tmp_path)]
    killed = subprocess.run(command, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    once = {f"begun {sample}": 1 for sample in range(SAMPLES)}
    assert noted(tmp_path / "runs") == {f"begun {sample}": 1 for sample in range(7)}

    again = subprocess.run(command, check=True, timeout=300, capture_output=True, text=True)
    assert noted(tmp_path / "runs") == {**once, "begun 6": 2}
    whole = run(deployed=None, trained=None, frozen=None)
    assert untimed(json.loads(again.stdout)) == untimed(to_document(whole.report))


@given(st.integers(1, 40), st.integers(1, 45), st.sets(st.integers(0, 40)))
def test_what_is_done_and_what_is_left_cover_all_samples(
    samples: int, size: int, edges: set[int]
) -> None:
    inside = sorted(edge for edge in edges if edge <= samples)
    done = list(zip(inside[::2], inside[1::2], strict=False))
    parts = [(part.start, part.stop) for part in _cut(samples, size, done)]
    assert [n for part in parts for n in range(*part)] == list(range(samples))
    assert set(done) <= set(parts)
    assert all(stop - start <= size for start, stop in set(parts) - set(done))


def test_what_is_written_down_is_read_as_it_was(
    programs: tuple[Program, Program], shown: Stimulus
) -> None:
    right, wrong = programs
    sides = {
        "right": Side("right", right, reference.run),
        "wrong": Side("wrong", wrong, reference.run),
        "none": Side("none", right, refuse, optional=True),
    }
    rungs = (
        Rung("right", "wrong", "exact", state=True, floating=True),
        Rung("right", "wrong", "bounded"),
        Rung("right", "right", "exact"),
        Rung("right", "none", "exact"),
    )
    for part in (Part(0, shown), Part(0, shown).take(slice(3, 7))):
        found = climb(sides, rungs, {"gone": "it is gone"}, part)
        read = decode(encode(found))
        assert read.refused == found.refused == {"gone": "it is gone", "none": "cannot"}
        assert (read.measured, read.seconds) == (found.measured, found.seconds)
        assert found.measured[rungs[1]].populations[-1].products[0].denominator > 1
        assert list(read.specimens) == list(found.specimens)
        for rung, specimen in found.specimens.items():
            other = read.specimens[rung]
            assert (other.sample, other.parting) == (specimen.sample, specimen.parting)
            assert arrays(other) == arrays(specimen)
            for one, two in ((other.before, specimen.before), (other.after, specimen.after)):
                assert (one.outputs, one.wires, one.seconds) == (
                    two.outputs,
                    two.wires,
                    two.seconds,
                )
                assert {k: v.tolist() for k, v in one.thresholds.items()} == {
                    k: v.tolist() for k, v in two.thresholds.items()
                }


def refuse(*arguments: Any) -> Any:
    raise UnsupportedError("cannot")
