"""What one population did, as NumPy arrays that are filled chunk by chunk."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eideploy.program import Array, Population, Program, Recording, Stimulus
from eideploy.simulate.twin.step import Tensors


class Tape:
    """Arrays for all samples of a run, and a buffer on the device for one chunk of them."""

    def __init__(
        self, population: Population, program: Program, stimulus: Stimulus, state: bool
    ) -> None:
        shape = (stimulus.samples, stimulus.steps, *population.shape)
        dtype = np.float64 if program.arithmetic == "float" else np.int64
        self._output: Array = np.empty(shape, np.uint8 if population.neuron.spiking else dtype)
        names = population.neuron.state if state else ()
        self._state: dict[str, Array] = {name: np.empty(shape, dtype) for name in names}
        self._buffers: dict[str, Tensor] = {}
        self.name, self.offset = population.name, population.offset

    def begin(self, chunk: slice, device: torch.device) -> None:
        """Make room for some of the samples: on the CPU in the arrays themselves."""
        views = {"": self._output[chunk]} | {k: v[chunk] for k, v in self._state.items()}
        here = {name: torch.from_numpy(view) for name, view in views.items()}
        if device.type != "cpu":
            here = {name: torch.empty_like(view, device=device) for name, view in here.items()}
        self._buffers = here

    def put(self, step: int, output: Tensor, tested: Tensors) -> None:
        """Keep one step of them."""
        for name, buffer in self._buffers.items():
            buffer[:, step] = tested[name] if name else output

    def end(self, chunk: slice) -> None:
        """Bring them into the arrays."""
        for name, buffer in self._buffers.items():
            if buffer.device.type != "cpu":
                (self._state[name] if name else self._output)[chunk] = buffer.cpu().numpy()
        self._buffers = {}

    def recording(self) -> Recording:
        """All samples, [sample, step, *shape]."""
        return Recording(self._output, self._state, self.offset)
