"""The reference executor: the definition of what a Program means, in plain NumPy.

Time is hardware time. All samples are streamed back to back: sample k occupies a period of
P = T·stride + gap hardware steps, and population p is in logical step t of sample k at hardware
step h = k·P + t·stride + offset(p). In that step it first receives what its projections deliver,
that is what the sources emitted `delay` ≥ 1 hardware steps ago, then integrates, tests and resets.
Outside its T logical steps, and between two of them, a population holds its state and emits
nothing.

The shortest correct code wins here over the fastest.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike

from eideploy.errors import InputError
from eideploy.program import (
    Array,
    Conv2d,
    Dense,
    EINeuron,
    EINeuronFixed,
    Identity,
    Integrator,
    IntegratorFixed,
    LIFNeuron,
    LIFNeuronFixed,
    Neuron,
    Operator,
    Population,
    Program,
    Projection,
    Recording,
    Relay,
    Stimulus,
    Trace,
    encode,
    planar,
)
from eideploy.program.neuron import CURRENT_SHIFT, DECAY_BITS, GAIN_BITS, STATE_MAX
from eideploy.simulate.record import Progress, Record

State = dict[str, Array]


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Execute a Program, one sample after the other.

    Args:
        program: all delays ≥ 1, that is after `align`.
        stimulus: values [sample, step, *shape] for every input.
        record: what to keep; by default everything.
        progress: called after each sample.

    Raises:
        InputError: a delay is 0, or a reset phase lies beyond the sample.
        StimulusError: the stimulus does not fit the inputs.
    """
    if any(projection.delay < 1 for projection in program.projections):
        raise InputError("the Program has projections without delay: it was not aligned")
    values = encode(program, stimulus)
    samples, steps = stimulus.samples, stimulus.steps
    if any((population.reset_phase or 0) >= steps for population in program.populations):
        raise InputError(f"a reset phase lies beyond the {steps} steps of a sample")
    period = steps * program.stride + program.gap
    chosen = (record or Record()).chosen(program)
    keep_state = (record or Record()).state
    dtype = np.float64 if program.arithmetic == "float" else np.int64

    state = {population.name: start(population, dtype) for population in program.populations}
    silence = {p.name: np.zeros(p.shape, dtype) for p in program.populations}
    memory = 1 + max((projection.delay for projection in program.projections), default=0)
    emitted = [silence] * memory
    kept = {p.name: _Recorder(p, samples, steps, dtype, keep_state) for p in chosen}

    for step in range(samples * period + program.latency):
        now = dict(silence)
        for population in program.populations:
            sample, within = divmod(step - population.offset, period)
            t, between = divmod(within, program.stride)
            if between or not (0 <= sample < samples and t < steps):
                continue
            name = population.name
            tested: State = {}
            if t == population.reset_phase:
                state[name] = start(population, dtype)
            if name in values:
                now[name] = values[name][sample, t]
            else:
                ports = dict.fromkeys(population.neuron.ports, silence[name])
                for projection in program.into(name):
                    past = emitted[(step - projection.delay) % memory][projection.source]
                    arrived = deliver(projection, past).reshape(population.shape)
                    ports[projection.port] = ports[projection.port] + arrived
                now[name], tested, state[name] = advance(population.neuron, ports, state[name])
            if name in kept:
                kept[name].put(sample, t, now[name], tested)
        emitted[step % memory] = now
        done = (step + 1 - program.latency) // period
        if progress and done > 0 and (step + 1 - program.latency) % period == 0:
            progress(done, samples)
    return Trace({name: recorder.finish() for name, recorder in kept.items()})


def start(population: Population, dtype: DTypeLike) -> State:
    """State before the first step: everything 0, but v at `initial` where the model has one."""
    neuron = population.neuron
    names = (*neuron.state, *neuron.counters)
    state: State = {name: np.zeros(population.shape, dtype) for name in names}
    if "v" in state:
        state["v"] = state["v"] + neuron.parameters().get("initial", np.zeros((), dtype))
    return state


def deliver(projection: Projection, emitted: Array) -> Array:
    """What a projection delivers for what its source emitted."""
    total = apply(projection.operator, emitted)
    if projection.exponent > 0:
        total = total << projection.exponent
    elif projection.exponent < 0:
        total = total >> -projection.exponent
    return total


def apply(operator: Operator, x: Array) -> Array:
    """Apply the weights of an operator to the output of its source."""
    match operator:
        case Dense(weight):
            return weight @ x.ravel()
        case Identity(weight):
            return weight * x.ravel()
        case Conv2d(weight, stride, padding, dilation, groups):
            (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
            kh, kw = ((k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True))
            padded = np.pad(x.reshape(planar(x.shape)), ((0, 0), (ph, ph), (pw, pw)))
            patches = sliding_window_view(padded, (len(x), kh, kw))[0]
            patches = patches[::sh, ::sw, :, ::dh, ::dw]  # [h, w, c, kernel_h, kernel_w]
            patches = patches.transpose(2, 3, 4, 0, 1)
            parts = zip(np.split(weight, groups), np.split(patches, groups), strict=True)
            return np.concatenate([_product(w, p) for w, p in parts])
    raise InputError(f"the reference has no operator {type(operator).__name__}")


def advance(neuron: Neuron, ports: State, state: State) -> tuple[Array, State, State]:
    """One step of a population: (output, state as tested, state after reset)."""
    match neuron:
        case Relay():
            x = ports["input"] + neuron.bias
            return round_shift(x, neuron.shift) if np.any(neuron.shift) else x, {}, {}
        case LIFNeuron():
            u, v = _leaky(neuron, ports["input"], state)
            fired = _fire(v, neuron.threshold, neuron.reset, neuron.reset_to, u=u)
            return _held(neuron, fired, state)
        case Integrator():
            u, v = _leaky(neuron, ports["input"], state)
            return v, {"u": u, "v": v}, {"u": u, "v": v}
        case EINeuron():
            current = neuron.gain * ports["balanced"] / np.maximum(ports["shunt"], neuron.floor)
            v = (1 - neuron.voltage_decay) * state["v"] + current + neuron.bias
            return _fire(v, neuron.threshold, neuron.reset, neuron.reset_to)
        case LIFNeuronFixed():
            u, v = _leaky_fixed(neuron, ports["input"], state)
            threshold = neuron.threshold << CURRENT_SHIFT
            amount = threshold if neuron.reset == "subtract" else neuron.reset_to
            return _held(neuron, _fire(v, threshold, neuron.reset, amount, u=u), state)
        case IntegratorFixed():
            u, v = _leaky_fixed(neuron, ports["input"], state)
            return round_shift(v, neuron.shift), {"u": u, "v": v}, {"u": u, "v": v}
        case EINeuronFixed():
            q = quotient(ports["balanced"], ports["shunt"], neuron)
            v = toward_zero(state["v"] * (4096 - neuron.voltage_decay), DECAY_BITS)
            v = v + toward_zero(q * neuron.gain, GAIN_BITS) + neuron.bias
            amount = neuron.threshold if neuron.reset == "subtract" else neuron.reset_to
            return _fire(v, neuron.threshold, neuron.reset, amount)
    raise InputError(f"the reference has no neuron model {type(neuron).__name__}")


def _product(weight: Array, patches: Array) -> Array:
    """Σ weight·patch over the last three axes of `weight` and the first three of `patches`.

    Integers are summed in float64, in which a product of matrices is fast, if no partial sum can
    reach 2⁵³: then each of them is exact.
    """
    if weight.dtype.kind == "i":
        reach = np.abs(weight).sum(axis=(1, 2, 3)).max() * float(np.abs(patches).max())
        if reach < 2**53:
            return _product(weight.astype(float), patches.astype(float)).astype(np.int64)
    return np.tensordot(weight, patches, 3)


def _leaky(neuron: LIFNeuron | Integrator, x: Array, state: State) -> tuple[Array, Array]:
    u = (1 - neuron.current_decay) * state["u"] + neuron.gain * x + neuron.current_bias
    return u, (1 - neuron.voltage_decay) * state["v"] + u + neuron.bias


def _leaky_fixed(
    neuron: LIFNeuronFixed | IntegratorFixed, x: Array, state: State
) -> tuple[Array, Array]:
    u = toward_zero(state["u"] * (4096 - (neuron.current_decay + 1)), DECAY_BITS)
    u = wrap(u + ((x + neuron.current_bias) << CURRENT_SHIFT))
    v = toward_zero(state["v"] * (4096 - neuron.voltage_decay), DECAY_BITS)
    v = v + u + (neuron.bias_mantissa << neuron.bias_exponent)
    return u, np.clip(v, -STATE_MAX, STATE_MAX)


def quotient(balanced: Array, shunt: Array, neuron: EINeuronFixed) -> Array:
    """sgn(B)·⌊|B|·2^shift / max(S, floor)⌋, saturated to the declared width."""
    largest = (1 << (neuron.quotient_bits - 1)) - 1
    whole = (np.abs(balanced) << neuron.quotient_shift) // np.maximum(shunt, neuron.floor)
    return np.sign(balanced) * np.minimum(whole, largest)


def toward_zero(x: Array, bits: int) -> Array:
    """x / 2^bits, rounded toward zero."""
    return np.sign(x) * (np.abs(x) >> bits)


def round_shift(x: Array, bits: Array) -> Array:
    """x / 2^bits, rounded to the nearest integer, halves up."""
    return (x + ((1 << bits) >> 1)) >> bits


def wrap(u: Array) -> Array:
    """Lava's wrap of the current to 24 bits: once, and with +2²³ left as it is."""
    limit = STATE_MAX + 1
    return np.where(u > limit, u - 2 * limit, np.where(u <= -limit, u + 2 * limit, u))


def _fire(
    v: Array, threshold: Array, reset: str, reset_to: Array, **currents: Array
) -> tuple[Array, State, State]:
    spikes = v > threshold
    after = np.where(spikes, v - reset_to if reset == "subtract" else reset_to, v)
    return spikes.astype(v.dtype), {**currents, "v": v}, {**currents, "v": after}


def _held(
    neuron: LIFNeuron | LIFNeuronFixed, fired: tuple[Array, State, State], before: State
) -> tuple[Array, State, State]:
    """What `_fire` gave, but with v as it was, and no spike, in the steps after a spike."""
    output, tested, after = fired
    held = before["remaining"] > 0
    output = np.where(held, 0, output)
    remaining = np.where(output, neuron.refractory, np.maximum(before["remaining"] - 1, 0))
    tested = tested | {"v": np.where(held, before["v"], tested["v"])}
    after = after | {"v": np.where(held, before["v"], after["v"]), "remaining": remaining}
    return output, tested, after


class _Recorder:
    """Collects what one population emitted and how its state was tested."""

    def __init__(
        self, population: Population, samples: int, steps: int, dtype: DTypeLike, state: bool
    ) -> None:
        shape = (samples, steps, *population.shape)
        self.offset = population.offset
        self.output: Array = np.zeros(shape, np.uint8 if population.neuron.spiking else dtype)
        names = population.neuron.state if state else ()
        self.state: State = {name: np.zeros(shape, dtype) for name in names}

    def put(self, sample: int, t: int, output: Array, tested: State) -> None:
        self.output[sample, t] = output
        for name, values in self.state.items():
            values[sample, t] = tested[name]

    def finish(self) -> Recording:
        return Recording(self.output, self.state, self.offset)
