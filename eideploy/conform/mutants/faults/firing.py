"""The test, the reset and the refractory period."""

from __future__ import annotations

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import of_neuron_0, parameter
from eideploy.conform.mutants.mutant import Mutant

_FIRES = "return fire(v, threshold, neuron.reset, amount, u=u)"
_ALIGNED = "threshold = tensor(_ALIGNMENT * neuron.threshold)"
_AFTER = 'v - amount if reset == "subtract" else amount'
_STATES = 'currents | {"v": v}, currents | {"v": after}'


def _reset(after: str) -> tuple[Edit, ...]:
    """Another value of v after a spike, for both kinds of reset."""
    return (Edit("step", _AFTER, after),)


THRESHOLD = (
    Mutant(
        "mutant-threshold-reached",
        "threshold",
        "A neuron spikes where v ≥ θ, and not only where v > θ.",
        (Edit("step", "spikes = v > threshold", "spikes = v >= threshold"),),
    ),
    Mutant(
        "mutant-threshold-exceeded-by-two",
        "threshold",
        "A neuron spikes where v − 1 > θ: the test comes after a subtraction that is off by one.",
        (Edit("step", "spikes = v > threshold", "spikes = v - 1 > threshold"),),
    ),
    Mutant(
        "mutant-threshold-not-aligned",
        "threshold",
        "The threshold of a LIF is not shifted left by 6 like its input.",
        (Edit("fixed", _ALIGNED, "threshold = tensor(neuron.threshold)"),),
    ),
    Mutant(
        "mutant-threshold-16-bits",
        "threshold",
        "The threshold has 16 bits, so that the 17th is lost.",
        (Edit("fixed", _ALIGNED, "threshold = tensor(_ALIGNMENT * (neuron.threshold % 2**16))"),),
    ),
    Mutant(
        "mutant-threshold-of-neuron-0",
        "threshold",
        "The threshold is read once for a population: all its neurons have that of the first.",
        change=of_neuron_0("threshold"),
    ),
    Mutant(
        "mutant-threshold-on-magnitude",
        "threshold",
        "The test takes the magnitude of v: a neuron far below 0 spikes too.",
        (Edit("step", "spikes = v > threshold", "spikes = v.abs() > threshold"),),
    ),
    Mutant(
        "mutant-tested-before-integration",
        "threshold",
        "A LIF is tested before the input of the step has reached v: it spikes one step late.",
        (
            Edit(
                "fixed",
                _FIRES,
                'z = state["v"] > threshold; '
                "return z.float(), "
                '{"u": u, "v": v}, {"u": u, "v": torch.where(z, tensor(neuron.reset_to), v)}',
            ),
        ),
    ),
    Mutant(
        "mutant-state-shown-after-reset",
        "threshold",
        "The state that is recorded is that after the reset, not that which was tested.",
        (Edit("step", _STATES, 'currents | {"v": after}, currents | {"v": after}'),),
    ),
)

RESET = (
    Mutant(
        "mutant-reset-before-test",
        "reset",
        "A neuron is reset before it is tested, and so never spikes.",
        (Edit("step", "spikes.to(torch.float32)", "(after > threshold).to(torch.float32)"),),
    ),
    Mutant(
        "mutant-reset-by-subtraction",
        "reset",
        "The threshold is subtracted where v has to be set to a value.",
        _reset('v - (amount if reset == "subtract" else threshold)'),
    ),
    Mutant(
        "mutant-reset-to-zero-for-subtraction",
        "reset",
        "v is set to 0 where the threshold has to be subtracted.",
        _reset('torch.zeros_like(v) if reset == "subtract" else amount'),
    ),
    Mutant(
        "mutant-reset-value-ignored",
        "reset",
        "v is set to 0 at a reset, whatever the value that was asked for.",
        _reset('v - amount if reset == "subtract" else torch.zeros_like(v)'),
    ),
    Mutant(
        "mutant-reset-value-aligned",
        "reset",
        "The value that a LIF is reset to is shifted left by 6 like its threshold.",
        change=parameter("reset_to", lambda value: (value << 6).clip(1 - 2**23, 2**23 - 1)),
    ),
    Mutant(
        "mutant-reset-value-of-neuron-0",
        "reset",
        "The reset value is read once for a population: all its neurons have that of the first.",
        change=of_neuron_0("reset_to"),
    ),
    Mutant(
        "mutant-reset-of-current",
        "reset",
        "A spike sets u to 0 as well as v.",
        (
            Edit(
                "step",
                _STATES,
                'currents | {"v": v}, {k: x * ~spikes for k, x in currents.items()} | {"v": after}',
            ),
        ),
    ),
    Mutant(
        "mutant-reset-subtracts-twice",
        "reset",
        "The threshold is subtracted as often as it fits, not once for each spike.",
        _reset('v - amount * ((v - 1) // amount.clamp(min=1)) if reset == "subtract" else amount'),
    ),
    Mutant(
        "mutant-reset-subtracts-unaligned",
        "reset",
        "The soft reset subtracts the threshold of a LIF without its shift by 6.",
        (
            Edit(
                "fixed",
                'amount = threshold if neuron.reset == "subtract" else tensor(neuron.reset_to)\n\n'
                "    def advance(ports: Tensors, state: Tensors) -> Step:\n"
                "        u, v =",
                'soft = neuron.reset == "subtract"\n'
                "    amount = tensor(neuron.threshold if soft else neuron.reset_to)\n\n"
                "    def advance(ports: Tensors, state: Tensors) -> Step:\n"
                "        u, v =",
            ),
        ),
    ),
    Mutant(
        "mutant-reset-late",
        "reset",
        "v is reset in the step after a spike, where that wipes out what has arrived by then.",
        (
            Edit(
                "fixed",
                _FIRES,
                'v = torch.where(state.get("fired", 0 * v) > 0, '
                'v - amount if neuron.reset == "subtract" else amount, v)\n'
                "        spikes = (v > threshold).to(torch.float32)\n"
                '        return spikes, {"u": u, "v": v}, {"u": u, "v": v, "fired": spikes}',
            ),
        ),
    ),
    Mutant(
        "mutant-never-reset",
        "reset",
        "A spike leaves v as it is.",
        _reset("v"),
    ),
)

REFRACTORY = (
    Mutant(
        "mutant-refractory-ignored",
        "refractory",
        "There is no refractory period.",
        change=parameter("refractory", lambda period: 0 * period),
    ),
    Mutant(
        "mutant-refractory-one-short",
        "refractory",
        "The step of the spike is counted as the first of the refractory period.",
        change=parameter("refractory", lambda period: (period - 1).clip(0)),
    ),
    Mutant(
        "mutant-refractory-one-long",
        "refractory",
        "The counter of the refractory period is tested before it is decremented.",
        change=parameter("refractory", lambda period: (period + (period > 0)).clip(0, 63)),
    ),
    Mutant(
        "mutant-refractory-still-integrates",
        "refractory",
        "In the refractory period a neuron emits nothing, but v goes on integrating.",
        (Edit("step", 'torch.where(free, x["v"], state["v"])', 'x["v"]'),),
    ),
    Mutant(
        "mutant-refractory-holds-current",
        "refractory",
        "In the refractory period u is held as well as v.",
        (
            Edit(
                "step",
                '{"v": torch.where(free, x["v"], state["v"])}',
                "{k: torch.where(free, x[k], state[k]) for k in x}",
            ),
        ),
    ),
    Mutant(
        "mutant-refractory-5-bits",
        "refractory",
        "The counter of the refractory period has 5 bits.",
        change=parameter("refractory", lambda period: period % 32),
    ),
    Mutant(
        "mutant-refractory-of-neuron-0",
        "refractory",
        "The refractory period is read once for a population: all have that of the first neuron.",
        change=of_neuron_0("refractory"),
    ),
    Mutant(
        "mutant-refractory-survives-reset",
        "refractory",
        "A refractory period goes on in the next sample.",
        (
            Edit("executor", "batch or samples_within(program, stimulus)", "1"),
            Edit(
                "executor",
                "        past: deque",
                "        for name in state:\n"
                '            if "remaining" in vars(self).get("left", {}).get(name, {}):\n'
                '                state[name]["remaining"] = self.left[name]["remaining"]\n'
                "        self.left = state\n"
                "        past: deque",
            ),
        ),
    ),
)

MUTANTS = (*THRESHOLD, *RESET, *REFRACTORY)
