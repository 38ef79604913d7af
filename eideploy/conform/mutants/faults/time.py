"""Delays, loops, and where a sample begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eideploy.conform.mutants.edit import Edit
from eideploy.conform.mutants.faults.changes import each_operator, each_projection
from eideploy.conform.mutants.mutant import Change, Mutant
from eideploy.program import Operator, Program, Projection

_SHOWN = "inputs[name][:, t]"
_FRESH = "state = {name: neurons.initial(samples) for name, neurons in self.neurons.items()}"
_PAST = "past: deque[Tensors] = deque(maxlen=self.memory)"

_ONE_BY_ONE = Edit("executor", "batch or samples_within(program, stimulus)", "1")
"""Samples in the order of hardware time, so that one can leave something to the next."""


def _lag(change: Callable[[int], int]) -> Change:
    """Other lags; none below 0."""

    def changed(program: Program, projection: Projection) -> Projection:
        lag = program.lag(projection)
        later = max(change(lag), 0) - lag
        return replace(projection, delay=projection.delay + later * program.stride)

    return each_projection(changed)


def _delay_capped(program: Program, projection: Projection) -> Projection:
    early = projection.delay - 31
    if early <= 0 or program.stride > 1:
        return projection
    return replace(projection, delay=projection.delay - min(early, program.lag(projection)))


def _one_late(program: Program, projection: Projection) -> Projection:
    """Of several projections into a population the last is late."""
    into = program.into(projection.target)
    late = len(into) > 1 and projection is into[-1]
    return replace(projection, delay=projection.delay + late * program.stride)


def _without_loops(program: Program, projection: Projection) -> Operator:
    operator = projection.operator
    return replace(operator, weight=(program.lag(projection) == 0) * operator.weight)


def _shown(otherwise: str) -> tuple[Edit, ...]:
    """Other inputs in a step."""
    return (Edit("executor", _SHOWN, otherwise),)


def _left_over(kept: str) -> tuple[Edit, ...]:
    """State before a sample, made of `fresh` and of `left`, that after the sample before."""
    return (
        _ONE_BY_ONE,
        Edit(
            "executor",
            _FRESH,
            f"{_FRESH.replace('state', 'fresh', 1)}\n"
            '        left = vars(self).get("left", fresh)\n'
            f"        state = self.left = {{n: {{{kept}}} for n in fresh}}",
        ),
    )


_FIRST = (
    "k: torch.where(torch.arange(x.numel()).view(x.shape) == 0, left[n].get(k, x), x) "
    "for k, x in fresh[n].items()"
)

DELAYS = (
    Mutant(
        "mutant-delay-one-long",
        "delays",
        "Everything arrives one step late.",
        change=_lag(lambda lag: lag + 1),
    ),
    Mutant(
        "mutant-delay-one-long-on-one-path",
        "delays",
        "Where several paths meet, one of them arrives one step late.",
        change=each_projection(_one_late),
    ),
    Mutant(
        "mutant-delay-one-short",
        "delays",
        "What should wait for several steps waits for one less.",
        change=_lag(lambda lag: lag - (lag > 1)),
    ),
    Mutant(
        "mutant-delay-at-most-one",
        "delays",
        "What should wait for several steps waits for one.",
        change=_lag(lambda lag: min(lag, 1)),
    ),
    Mutant(
        "mutant-delay-at-most-31",
        "delays",
        "The register of delays has 5 bits, and longer delays are capped.",
        change=each_projection(_delay_capped),
    ),
    Mutant(
        "mutant-delay-5-bits",
        "delays",
        "The register of delays has 5 bits, and longer delays lose their sixth.",
        change=_lag(lambda lag: lag % 32),
    ),
    Mutant(
        "mutant-delay-line-one-short",
        "delays",
        "The line that holds delayed spikes is one step too short for the longest delay.",
        (
            Edit(
                "executor",
                "1 + max((program.lag(p) for p in program.projections), default=0)",
                "max(1, *(program.lag(p) for p in program.projections), 1)",
            ),
        ),
    ),
    Mutant(
        "mutant-delay-line-one-value",
        "delays",
        "What waits for several steps is held in one place, which the next step overwrites.",
        (Edit("executor", "synapses(past[synapses.lag]", "synapses(past[min(synapses.lag, 1)]"),),
    ),
)

LOOPS = (
    Mutant(
        "mutant-loop-ignored",
        "loops",
        "Projections that close a loop are not loaded.",
        change=each_operator(_without_loops),
    ),
    Mutant(
        "mutant-loop-within-the-step",
        "loops",
        "A projection that closes a loop acts on what comes later in the same step.",
        (
            Edit(
                "executor",
                "synapses(past[synapses.lag][synapses.source], ",
                "synapses(past[synapses.lag - (synapses.lag > 0 and synapses.source "
                "in past[synapses.lag - 1])][synapses.source], ",
            ),
        ),
    ),
    Mutant(
        "mutant-loop-one-late",
        "loops",
        "A projection that closes a loop acts one step late.",
        change=_lag(lambda lag: lag + (lag > 0)),
    ),
)

SAMPLES = (
    Mutant(
        "mutant-spikes-leak-into-next-sample",
        "carry",
        "What is on its way when a sample ends arrives in the next one.",
        (
            _ONE_BY_ONE,
            Edit(
                "executor",
                f"{_PAST}  # past[k]: emitted k steps ago",
                'past = vars(self).setdefault("past", deque(maxlen=self.memory))',
            ),
        ),
    ),
    Mutant(
        "mutant-state-never-reset",
        "carry",
        "A sample starts with the state that the one before has left.",
        _left_over("**left[n]"),
    ),
    Mutant(
        "mutant-voltage-never-reset",
        "carry",
        "At the start of a sample u is reset, and v is forgotten.",
        _left_over('**fresh[n], **{k: x for k, x in left[n].items() if k == "v"}'),
    ),
    Mutant(
        "mutant-current-never-reset",
        "carry",
        "At the start of a sample v is reset, and u is forgotten.",
        _left_over('**fresh[n], **{k: x for k, x in left[n].items() if k == "u"}'),
    ),
    Mutant(
        "mutant-first-neuron-never-reset",
        "carry",
        "The loop that resets neurons starts at the second.",
        _left_over(_FIRST),
    ),
    Mutant(
        "mutant-reset-one-step-late",
        "carry",
        "State is reset after the first step of a sample, not before it.",
        (
            *_left_over("**left[n]"),
            Edit(
                "executor",
                "            now: Tensors = {}\n",
                "            now: Tensors = {}\n            if t == 1: state.update(fresh)\n",
            ),
        ),
    ),
    Mutant(
        "mutant-state-not-carried",
        "carry",
        "State is reset at the start of every sample, whatever the Program says.",
        (
            Edit(
                "schedule",
                "if population.neuron.state and population.reset_phase != 0:",
                "if False:",
            ),
        ),
    ),
    Mutant(
        "mutant-every-sample-the-first",
        "carry",
        "Every sample is shown the values of the first.",
        _shown("inputs[name][:1, t].expand(samples, *inputs[name].shape[2:])"),
    ),
)

STEPS = (
    Mutant(
        "mutant-first-step-lost",
        "activity",
        "The first step of a stimulus is not shown.",
        _shown(f"{_SHOWN} * (t > 0)"),
    ),
    Mutant(
        "mutant-last-step-lost",
        "activity",
        "The last step of a stimulus is not shown.",
        _shown(f"{_SHOWN} * (t < steps - 1)"),
    ),
    Mutant(
        "mutant-stimulus-one-late",
        "activity",
        "The stimulus is shown one step late.",
        _shown("inputs[name][:, t - 1] * (t > 0)"),
    ),
    Mutant(
        "mutant-step-counter-15-bits",
        "long",
        "Steps are counted in 15 bits, and after 2¹⁵ of them nothing is shown any more.",
        _shown(f"{_SHOWN} * (t < 2**15)"),
    ),
    Mutant(
        "mutant-step-counter-16-bits",
        "long",
        "Steps are counted in 16 bits, and after 2¹⁶ of them the stimulus starts again.",
        _shown("inputs[name][:, t % 2**16]"),
    ),
)

MUTANTS = (*DELAYS, *LOOPS, *SAMPLES, *STEPS)
