"""Running the model of a Program with onnxruntime."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import onnxruntime

from eideploy.errors import MissingComponentError, TargetError
from eideploy.program import Conv2d, Program, Recording, Stimulus, Trace, encode
from eideploy.simulate.record import Progress, Record
from eideploy.targets import Availability
from eideploy_targets.onnx.model import build
from eideploy_targets.onnx.step import Variable

_PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cpu": ("CPUExecutionProvider", {}),
    # TF32 would round the factors of products in float32.
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
}

_ONLY_ERRORS = 3


def available(device: str) -> Availability:
    """Whether onnxruntime was built for a device."""
    provider, _ = _PROVIDERS[device]
    if provider in onnxruntime.get_available_providers():
        return Availability(True)
    return Availability(
        False,
        f"onnxruntime {onnxruntime.__version__} has no {provider}",
        "In place of onnxruntime: pip install onnxruntime-gpu",
    )


def run(
    program: Program,
    stimulus: Stimulus,
    record: Record,
    progress: Progress | None,
    *,
    device: str,
    memory: int,
) -> Trace:
    """See `Onnx.run`."""
    encode(program, stimulus)  # says what is wrong with a stimulus
    chosen = record.chosen(program)
    if not chosen:
        return Trace({})
    session, outputs = _session(program, record, device)
    chunk = max(1, memory // _footprint(program, record, stimulus.steps))
    parts = []
    for start in range(0, stimulus.samples, chunk):
        shown = stimulus.take(slice(start, start + chunk))
        values = {name: array.astype(np.float64) for name, array in shown.values.items()}
        try:
            results = session.run(list(outputs.values()), values)
        except Exception as error:
            raise TargetError(f"onnxruntime failed: {error}") from error
        found = dict(zip(outputs, results, strict=True))
        parts.append(
            Trace(
                {
                    p.name: Recording(
                        found[p.name, None],
                        {v: found[p.name, v] for v in p.neuron.state if record.state},
                        p.offset,
                    )
                    for p in chosen
                }
            )
        )
        if progress:
            progress(start + shown.samples, stimulus.samples)
    return Trace.concatenate(parts)


@lru_cache(maxsize=1)  # whoever streams samples runs one Program many times
def _session(program: Program, record: Record, device: str) -> tuple[Any, dict[Variable, str]]:
    model = build(program, record)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = _ONLY_ERRORS
    provider = _PROVIDERS[device]
    fallback = [provider] if device == "cpu" else [provider, _PROVIDERS["cpu"]]
    try:
        session = onnxruntime.InferenceSession(
            model.proto.SerializeToString(), options, providers=fallback
        )
    except Exception as error:
        raise TargetError(f"onnxruntime cannot load the model: {error}") from error
    if session.get_providers()[0] != provider[0]:
        raise MissingComponentError(
            f"onnxruntime could not start {provider[0]}, and would compute on the CPU",
            "Its own message says what of CUDA is missing: a driver, a library, or a device.",
        )
    return session, model.outputs


def _footprint(program: Program, record: Record, steps: int) -> int:
    """Bytes that one sample takes, about: what is recorded of it, and the work of one step."""
    chosen = record.chosen(program)
    states = sum(p.size * len(p.neuron.state) for p in chosen) if record.state else 0
    spikes = sum(p.size for p in chosen if p.neuron.spiking)
    graded = sum(p.size for p in (*program.sources, *chosen) if not p.neuron.spiking)
    patches = [
        p.operator.weight[0].size
        * p.operator.groups
        * program.by_name[p.target].size
        // p.operator.weight.shape[0]
        for p in program.projections
        if isinstance(p.operator, Conv2d)
    ]
    work = 16 * max(patches, default=0) + 64 * sum(p.size for p in program.populations)
    # Recordings are there twice: as they come out of the steps, and sample by sample.
    return 2 * steps * (spikes + 8 * graded + 8 * states) + work
