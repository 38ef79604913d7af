"""The twin's loop: chunks of samples, logical steps, populations in topological order."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from eideploy.errors import InputError, MissingComponentError
from eideploy.program import Population, Program, Recording, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy.simulate.twin.neurons import Neurons, Tensors
from eideploy.simulate.twin.schedule import schedule
from eideploy.simulate.twin.synapses import Synapses, connect, exact_products

_DEVICE_REMEDY = "Use `cpu`, or `cuda` with a build of torch and a driver for it."


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record | None = None,
    progress: Progress | None = None,
    *,
    device: str | None = None,
    batch: int = 64,
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
        batch: samples per chunk; memory grows with it.

    Raises:
        InputError: `batch` is not positive, or there is no such device.
        StimulusError: the stimulus does not fit the inputs.
        UnsupportedError: the Program has no logical time (a lag below 0, a reset phase other than
            0, a loop within one step), or an integer sum may reach 2⁵³.
        MissingComponentError: torch cannot compute on the device.
    """
    if batch < 1:
        raise InputError(f"batch is {batch}; at least one sample is needed in a chunk")
    place = _device(device or "cpu")
    order = schedule(program)
    values = encode(program, stimulus)
    record = record or Record()
    network = _Network(program, order, place, connect(program, values, place), record)
    parts = []
    with torch.inference_mode(), exact_products():
        for start in range(0, stimulus.samples, batch):
            chunk = {
                name: torch.from_numpy(array[start : start + batch]).to(place)
                for name, array in values.items()
            }
            parts.append(network.run(chunk))
            if progress:
                progress(min(start + batch, stimulus.samples), stimulus.samples)
    return Trace.concatenate(parts)


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
        device: torch.device,
        synapses: dict[str, list[Synapses]],
        record: Record,
    ) -> None:
        dtype = torch.float64 if program.arithmetic == "float" else torch.int64
        self.order = order
        self.synapses = synapses
        self.neurons = {p.name: Neurons(p, dtype, device) for p in order}
        self.memory = 1 + max((program.lag(p) for p in program.projections), default=0)
        self.chosen = record.chosen(program)
        self.keep_state = record.state

    def run(self, inputs: Tensors) -> Trace:
        """Run samples [B, T, *shape] from their first to their last step."""
        samples, steps = next(iter(inputs.values())).shape[:2]
        state = {name: neurons.initial(samples) for name, neurons in self.neurons.items()}
        tapes = {population.name: _Tape(population, self.keep_state) for population in self.chosen}
        past: deque[Tensors] = deque(maxlen=self.memory)  # past[k]: emitted k steps ago
        for t in range(steps):
            now: Tensors = {}
            past.appendleft(now)
            for population in self.order:
                name = population.name
                tested: Tensors = {}
                if name in inputs:
                    now[name] = inputs[name][:, t]
                else:
                    ports = self._receive(name, samples, past)
                    now[name], tested, state[name] = self.neurons[name].step(ports, state[name])
                if name in tapes:
                    tapes[name].put(now[name], tested)
        return Trace({name: tape.recording() for name, tape in tapes.items()})

    def _receive(self, name: str, samples: int, past: deque[Tensors]) -> Tensors:
        """What arrives at each port of a population in the step past[0]."""
        neurons = self.neurons[name]
        ports = {port: neurons.zeros(samples) for port in neurons.model.ports}
        for synapses in self.synapses[name]:
            if synapses.lag < len(past):
                arrived = synapses(past[synapses.lag][synapses.source])
                ports[synapses.port] += arrived.reshape(ports[synapses.port].shape)
        return ports


class _Tape:
    """What one population did, step by step, kept on the device until the chunk is done."""

    def __init__(self, population: Population, state: bool) -> None:
        self.population = population
        self.output: list[Tensor] = []
        self.state: dict[str, list[Tensor]] = {
            name: [] for name in population.neuron.state if state
        }

    def put(self, output: Tensor, tested: Tensors) -> None:
        """Keep one step."""
        self.output.append(output.to(torch.uint8) if self.population.neuron.spiking else output)
        for name, steps in self.state.items():
            steps.append(tested[name])

    def recording(self) -> Recording:
        """All steps, as NumPy arrays [B, T, *shape]."""
        return Recording(
            torch.stack(self.output, dim=1).cpu().numpy(),
            {name: torch.stack(steps, dim=1).cpu().numpy() for name, steps in self.state.items()},
            self.population.offset,
        )
