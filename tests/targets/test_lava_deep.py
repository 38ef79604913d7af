"""Networks of the paper's size on Lava's models, in one process: every bin and every state."""

from __future__ import annotations

import numpy as np
import pytest
from deep_subject import deep_subject
from eideploy_targets.lava import LavaFixed

from eideploy.simulate import reference
from eideploy.simulate.record import Record

pytestmark = [pytest.mark.lava, pytest.mark.slow]
pytest.importorskip("lava")


@pytest.mark.parametrize("mapping", ["fused", "explicit"])
@pytest.mark.parametrize("recipe", ["cifar10_vgg16", "cifar10_resnet18"])
def test_two_images_are_exact(recipe: str, mapping: str) -> None:
    program, stimulus = deep_subject(recipe, samples=2, mapping=mapping)
    target = LavaFixed()
    assert target.executor_for(program) == "inprocess"
    trace = target.run(program, stimulus, Record())
    for name, expected in reference.run(program, stimulus).recordings.items():
        recording = trace[name]
        assert np.array_equal(recording.output, expected.output), name
        for key, values in expected.state.items():
            assert np.array_equal(recording.state[key], values), (name, key)
        if program.by_name[name].neuron.spiking:
            assert 0.02 < recording.output.mean() < 0.6, name
