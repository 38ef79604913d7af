"""The twin's loop: chunks of samples, logical steps, populations in topological order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import get_args

import numpy as np
import torch

from eideploy.errors import InputError, MissingComponentError
from eideploy.program import Population, Program, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy.simulate.twin.bounds import Bounds
from eideploy.simulate.twin.division import Division
from eideploy.simulate.twin.memory import samples_within
from eideploy.simulate.twin.neurons import Neurons
from eideploy.simulate.twin.schedule import schedule
from eideploy.simulate.twin.step import Tensors
from eideploy.simulate.twin.synapses import connect, exact_products
from eideploy.simulate.twin.tape import Tape

_DEVICE_REMEDY = "Use `cpu`, or `cuda` with a build of torch and a driver for it."


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record | None = None,
    progress: Progress | None = None,
    *,
    device: str | None = None,
    batch: int | None = None,
    division: Division = "exact",
) -> Trace:
    """Execute a Program on many samples at once.

    A projection of lag k delivers what its source emitted k logical steps ago, and nothing in the
    first k steps of a sample. Delays themselves play no role, so a feed-forward Program need not
    be aligned.

    Args:
        program: float64, or integers, which come out bit-exact.
        stimulus: values [sample, step, *shape] for every input.
        record: what to keep; by default everything.
        progress: called after each chunk of samples.
        device: name of a torch device, such as `cuda`; CPU by default.
        batch: samples per chunk; by default as many as keep memory beside the trace small.
        division: how the integer E-I neuron divides; both ways give the same.

    Raises:
        InputError: `batch` is not positive, or there is no such device or division.
        StimulusError: the stimulus does not fit the inputs.
        UnsupportedError: the Program has no logical time (a lag below 0 or between two steps, a
            reset phase other than 0, a loop within one step), or an integer sum may reach 2⁵³.
        MissingComponentError: torch cannot compute on the device.
    """
    if batch is not None and batch < 1:
        raise InputError(f"batch is {batch}; at least one sample is needed in a chunk")
    if division not in get_args(Division):
        raise InputError(f"division is {division!r}", f"Use one of: {get_args(Division)}.")
    place = _device(device or "cpu")
    order = schedule(program)
    record = record or Record()
    chunks = _chunks(stimulus.samples, batch or samples_within(program, stimulus))
    bounds = Bounds(program, _largest(program, stimulus, chunks), stimulus.steps)
    network = _Network(program, order, bounds, place, division)
    tapes = {
        population.name: Tape(population, program, stimulus, record.state)
        for population in record.chosen(program)
    }
    with torch.inference_mode(), exact_products():
        for chunk in chunks:
            values = encode(program, stimulus.take(chunk))
            inputs = {name: torch.from_numpy(array).to(place) for name, array in values.items()}
            for tape in tapes.values():
                tape.begin(chunk, place)
            network.run(inputs, tapes)
            for tape in tapes.values():
                tape.end(chunk)
            if progress:
                progress(chunk.stop, stimulus.samples)
    return Trace({name: tape.recording() for name, tape in tapes.items()})


def has_cuda() -> bool:
    """Whether the twin can run on CUDA here."""
    try:
        _device("cuda")
    except MissingComponentError:
        return False
    return True


def _chunks(samples: int, size: int) -> list[slice]:
    starts = range(0, samples, size)
    return [slice(start, min(start + size, samples)) for start in starts]


def _largest(program: Program, stimulus: Stimulus, chunks: list[slice]) -> dict[str, float]:
    """Largest magnitude of every input. What does not fit the inputs is refused here, at once."""
    largest = {population.name: 0.0 for population in program.sources}
    for chunk in chunks:
        for name, values in encode(program, stimulus.take(chunk)).items():
            largest[name] = max(largest[name], float(np.abs(values).max()))
    return largest


def _device(name: str) -> torch.device:
    """The device of that name, if it computes in float64."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is not the name of a torch device", _DEVICE_REMEDY) from error
    try:
        torch.zeros((), dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise MissingComponentError(
            f"torch cannot compute on {name!r}: {str(error).splitlines()[0]}", _DEVICE_REMEDY
        ) from error
    return device


class _Network:
    """A Program on a device, ready to run one chunk of samples after the other."""

    def __init__(
        self,
        program: Program,
        order: tuple[Population, ...],
        bounds: Bounds,
        device: torch.device,
        division: Division,
    ) -> None:
        inputs = {population.name for population in program.sources}
        self.order = tuple(population.name for population in order)
        self.synapses = {p.name: connect(program, p, bounds, device) for p in order}
        self.neurons = {
            p.name: Neurons(p, bounds.neuron_type(p), device, division)
            for p in order
            if p.name not in inputs
        }
        self.memory = 1 + max((program.lag(p) for p in program.projections), default=0)

    def run(self, inputs: Tensors, tapes: Mapping[str, Tape]) -> None:
        """Run samples [B, T, *shape] from their first to their last step."""
        samples, steps = next(iter(inputs.values())).shape[:2]
        state = {name: neurons.initial(samples) for name, neurons in self.neurons.items()}
        past: deque[Tensors] = deque(maxlen=self.memory)  # past[k]: emitted k steps ago
        for t in range(steps):
            now: Tensors = {}
            past.appendleft(now)
            for name in self.order:
                tested: Tensors = {}
                if name in inputs:
                    now[name] = inputs[name][:, t]
                else:
                    ports = self._receive(name, samples, past)
                    now[name], tested, state[name] = self.neurons[name].step(ports, state[name])
                if name in tapes:
                    tapes[name].put(t, now[name], tested)

    def _receive(self, name: str, samples: int, past: deque[Tensors]) -> Tensors:
        """What arrives at each port of a population in the step past[0]."""
        neurons = self.neurons[name]
        ports: Tensors = {}
        for synapses in self.synapses[name]:
            if synapses.lag >= len(past):
                continue
            for port, arrived in synapses(past[synapses.lag][synapses.source], neurons.dtype):
                arrived = arrived.reshape(samples, *neurons.shape)
                ports[port] = ports[port] + arrived if port in ports else arrived
        return {p: ports[p] if p in ports else neurons.zeros(samples) for p in neurons.ports}
