"""Networks of the size of the paper's, as they are right after E-I Init: nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from eideploy.compile import CompileOptions, integer_pipeline, run_passes
from eideploy.graph.export import export
from eideploy.program import Program, Stimulus
from eideploy.train import load_recipe, override
from eideploy.train.calibration import freeze_network
from eideploy.train.initialize import initialize_
from eideploy.train.network import build_network, dataset_of

LEVELS = 255
"""Brightness of a pixel is a multiple of 1 / this."""


def deep_subject(
    recipe: str,
    samples: int,
    changes: Sequence[str] = (),
    mapping: Literal["fused", "explicit"] = "fused",
) -> tuple[Program, Stimulus]:
    """An integer Program by a recipe, and random images of soft contours for as many steps.

    Args:
        recipe: name of one that is shipped; its data need not be there.
        samples: number of images.
        changes: in the recipe, as on the command line.
        mapping: how circuits become populations.
    """
    settings = override(load_recipe(recipe), list(changes))
    spec = dataset_of(settings)
    channels, height, width = spec.shape
    coarse = np.random.default_rng(0).integers(
        0, LEVELS + 1, (max(samples, 8), channels, height // 4, width // 4)
    )
    images = coarse.repeat(4, axis=2).repeat(4, axis=3)[:, None] / LEVELS
    values = np.repeat(images.astype(np.float32), settings.steps, axis=1)
    network = build_network(settings)
    initialize_(network, settings, torch.from_numpy(values).transpose(0, 1))
    network.eval()
    freeze_network(network, values)
    graph = export(network, input_shape=spec.shape, dt=settings.dt, high=1.0, levels=LEVELS)
    program = run_passes(integer_pipeline(CompileOptions(mapping=mapping)), graph)
    (source,) = program.sources
    return program, Stimulus({source.name: values[:samples]})
