"""The suite under pytest: the same cases with the same outcome, and no trouble for anybody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fake_targets import announce, moody

from eideploy.conform import conform
from eideploy.conform.cases import suite
from eideploy.conform.known import parse_known
from eideploy.conform.selection import select

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def outside(tmp_path: Path):
    """Run pytest elsewhere, where the fake targets are installed."""
    announce(tmp_path)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(tmp_path), str(SUPPORT)])
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run


def test_outcomes_are_those_of_the_command_line(outside, tmp_path: Path):
    known = tmp_path / "known.yaml"
    known.write_text("- {case: 'decay/*', reason: This chip does not decay.}\n", encoding="utf-8")
    topics = ("threshold", "decay", "fan", "graded")
    done = outside(
        *("--pyargs", "eideploy.conform", "--eideploy-target", "fake-moody"),
        *("--eideploy-known", known, "--junit-xml", "junit.xml", "-q"),
        *("-k", " or ".join(f"[{topic}/" for topic in topics)),
    )
    assert done.returncode == 1, done.stdout
    seen = {}
    for case in ElementTree.parse(tmp_path / "junit.xml").getroot().iter("testcase"):
        name = case.get("name").removeprefix("test_case[").removesuffix("]")
        found = next(iter(case), None)
        seen[name] = ("passed", "") if found is None else (found.tag, found.get("message"))

    cases = select(suite(), [f"{topic}/*" for topic in topics])
    expected = conform(moody(), cases, known=parse_known(known.read_text(encoding="utf-8"), "y"))
    assert {"pass", "fail", "known", "unsupported", "error"} == {
        result.status for result in expected.results
    }
    assert list(seen) == [result.case for result in expected.results]
    for result in expected.results:
        outcome, message = seen[result.case]
        # For pytest what breaks in a test has failed: errors are those of fixtures.
        wanted = {"pass": "passed", "fail": "failure", "error": "failure"}
        assert outcome == wanted.get(result.status, "skipped"), result.case
        assert result.status == "pass" or result.reason.split(";")[0][:60] in message


def test_without_a_target_there_is_a_hint(outside):
    done = outside("--pyargs", "eideploy.conform", "-rs")
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
    assert "give --eideploy-target NAME" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--eideploy-target", "fake-rigth"], "Did you mean 'fake-right'?"),
        (["--eideploy-target", "fake-absent"], "the chip is not plugged in"),
        (["--eideploy-known", "known.yaml"], "without --eideploy-target"),
    ],
)
def test_a_wrong_option_is_an_error_of_usage(outside, arguments, complaint):
    done = outside("--pyargs", "eideploy.conform", *arguments)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_other_projects_do_not_notice_it(outside, tmp_path: Path):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n"
        "def test_light():\n"
        "    heavy = {'numpy', 'nir', 'torch', 'eideploy.conform', 'eideploy.targets'}\n"
        "    assert not heavy & {*sys.modules}\n"
        "    assert 'eideploy.pytest_plugin' in sys.modules\n",
        encoding="utf-8",
    )
    done = outside("-W", "error", "--strict-markers", "--strict-config")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
