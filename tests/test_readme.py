"""What the README shows can be typed as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from eideploy.cli.app import VERBS, run
from eideploy.graph import EIConv2d, read

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_network_of_ones_own_can_be_built_and_verified(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    graph = read("mine.nir")
    assert isinstance(graph.nodes["ei2"], EIConv2d)
    np.save("x.npy", np.random.default_rng(0).random((3, 4, 1, 8, 8)))
    assert run(["verify", "mine.nir", "-t", "reference", "-s", "x.npy"]) in (0, 1)
    assert "quantized→reference" in capsys.readouterr().out


def test_every_command_line_names_verbs_and_options_that_exist(capsys):
    verbs = {name for group in VERBS.values() for name in group}
    lines = re.findall(r"^\$ eideploy (.*?)(?:\s+#.*)?$", README, flags=re.M)
    assert len(lines) >= 6
    for line in lines:
        verb, *rest = shlex.split(line)
        assert verb in verbs
        assert run([verb, "--help"]) == 0
        known = capsys.readouterr().out
        for word in rest:
            if word.startswith("--"):
                assert word in known, f"{verb} has no option {word}"


@pytest.mark.parametrize("verb", [name for group in VERBS.values() for name in group])
def test_every_verb_explains_itself(verb, capsys):
    assert run([verb, "-h"]) == 0
    assert "Usage" in capsys.readouterr().out
