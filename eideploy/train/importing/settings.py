"""What a recipe says of a network that was trained by the paper's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eideploy.errors import UnsupportedError

DATASETS = {
    "MNIST": "mnist",
    "CIFAR10": "cifar10",
    "CIFAR100": "cifar100",
    "TinyImageNet200": "tinyimagenet",
    "CIFAR10DVS": "cifar10dvs",
    "DVSGesture": "dvsgesture",
}
"""Data sets by their names in the paper's code."""

PAPER: dict[str, Any] = {
    "neuron": {"tau": 2.0, "threshold": 1.0, "reset": "subtract", "alpha": 4.0},
    "training": {"epochs": 300, "batch_size": 128, "clip_gradient": None},
    "optimizer": {
        "name": "sgd",
        "lr": 1e-3,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "gain_lr_factor": 1.0,
        "first_step": "paper",
    },
    "schedule": {"name": "cosine", "warmup_epochs": 10, "warmup_lr": 1e-7},
}
"""Sections of a recipe with the settings of the paper."""

_KEYS = {
    "epochs": ("training", "epochs"),
    "batch_size": ("training", "batch_size"),
    "learning_rate": ("optimizer", "lr"),
    "momentum": ("optimizer", "momentum"),
    "weight_decay": ("optimizer", "weight_decay"),
    "warmup_epochs": ("schedule", "warmup_epochs"),
    "init_learning_rate": ("schedule", "warmup_lr"),
}


def sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """Neuron and training of a recipe: those of the paper, changed to what the settings say.

    The neuron of the paper's code fires where v ≥ θ, and the one here where v > θ: they differ in a
    step in which v is exactly θ. How it was trained is kept as a record.

    Args:
        config: settings as the paper's code keeps them in a checkpoint; may be empty.

    Raises:
        UnsupportedError: the neuron is one that `eideploy.cells.LIF` cannot be.
    """
    made = {name: dict(section) for name, section in PAPER.items()}
    for theirs, (section, ours) in _KEYS.items():
        if theirs in config:
            made[section][ours] = config[theirs]
    neuron = config.get("neuron")
    if isinstance(neuron, dict):
        made["neuron"] |= _neuron(neuron)
    return made


def _neuron(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings of a LIF of spikingjelly say; it resets to a value, or to none softly."""
    if config.get("decay_input", False):
        raise UnsupportedError(
            "the network's neurons divide their input by tau (decay_input: true)",
            "Only v ← v − v/τ + I can be imported.",
        )
    v_reset = config.get("v_reset")
    if v_reset not in (None, 0):
        raise UnsupportedError(
            f"the network's neurons are reset to {v_reset!r}",
            "Only a reset to 0 (v_reset: 0) or by subtraction (v_reset: null) can be imported.",
        )
    neuron = {"reset": "subtract" if v_reset is None else "zero"}
    names = {"tau": "tau", "v_threshold": "threshold"}
    return neuron | {ours: config[theirs] for theirs, ours in names.items() if theirs in config}
