"""Recordings of real chips as cases: what is expected was not computed but measured.

They are found in a folder that holds `loihi1/dense_250_25_1.npz` and
`loihi2/lif_lava_loihi_fixed.csv`. What a chip shows is not quite what it computes, and what it
does not show cannot be expected:

- In the step of a spike both chips show 128 as voltage, whatever it was.
- The voltages of Loihi 1 begin in step 1.

In these steps, and in no others, the voltage that the oracle computes is expected instead.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from eideploy.conform.case import Case
from eideploy.conform.expected import expected
from eideploy.errors import InputError
from eideploy.program import (
    Array,
    Dense,
    LIFNeuronFixed,
    Population,
    Program,
    Projection,
    Recording,
    Source,
    Stimulus,
    Trace,
)

SHOWN_IN_A_SPIKE = 128
"""What both chips show as voltage in the step of a spike (measured)."""

LOIHI_1 = Path("loihi1", "dense_250_25_1.npz")
LOIHI_2 = Path("loihi2", "lif_lava_loihi_fixed.csv")

CHIPS = "integer"
"""The arithmetic of both chips."""

PROBED = 24
"""The hidden neuron of the network on Loihi 1 whose voltage was recorded."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a chip did, as a case.

    Args:
        name: of the case.
        claim: of the case.
        case: None where there is no recording to make it from.
        trace: what the chip did; None where there is no case.
        reason: why there is no case.
    """

    name: str
    claim: str
    case: Case | None = None
    trace: Trace | None = None
    reason: str = ""


def recorded(folder: Path | None) -> list[Recorded]:
    """All recordings as cases, with or without the files that hold them.

    Args:
        folder: that the files are in; None if there is none.

    Raises:
        InputError: there is no such folder, or a file cannot be read or contradicts itself.
    """
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"there is no folder {folder} of recordings", "Leave it out to skip their cases."
        )
    return [*_loihi_1(folder), *_loihi_2(folder)]


def _loihi_1(folder: Path | None) -> list[Recorded]:
    """A network of three layers, whose axons delay by a step on the way to the last one.

    Offsets are 0, so that logical steps are those of the chip. A single voltage of the hidden layer
    was recorded: its neuron has a twin in a population of its own.
    """
    spikes = Recorded(
        "silicon/loihi-1-spikes",
        "Two layers of LIF neurons spike in each of 500 steps as they did on a Loihi 1 chip.",
    )
    voltages = Recorded(
        "silicon/loihi-1-voltages",
        "A hidden neuron and the last one have the voltages that a Loihi 1 chip showed, but in the "
        "steps of spikes, in which it shows 128 in place of the voltage, and in step 0.",
    )
    path, missing = _found(folder, LOIHI_1)
    if path is None:
        return [_skipped(spikes, missing), _skipped(voltages, missing)]
    chip = _arrays(path)
    neuron = LIFNeuronFixed(chip["du_total"] - 1, chip["dv"], 0, 0, chip["vth_mant"])
    hidden, last = (chip[name].astype(np.int64) for name in ("w1", "w2"))
    program = Program(
        (
            Population("in", (hidden.shape[1],), Source()),
            Population("hidden", (hidden.shape[0],), neuron),
            Population("probed", (1,), neuron),
            Population("out", (1,), neuron),
        ),
        (
            Projection("in", "hidden", Dense(hidden), delay=1),
            Projection("in", "probed", Dense(hidden[PROBED : PROBED + 1]), delay=1),
            Projection("hidden", "out", Dense(last), delay=int(chip["axonal_delay"])),
        ),
        "integer",
        ("out",),
    )
    stimulus = Stimulus({"in": chip["spikes_in"][None]})
    shown = {
        "probed": (chip["hidden_spikes"][:, PROBED], chip["hidden_voltage_24"]),
        "out": (chip["out_spikes"][:, 0], chip["out_voltage"]),
    }
    return [
        _case(
            spikes,
            program,
            stimulus,
            Trace({name: _spikes(chip[f"{name}_spikes"]) for name in ("hidden", "out")}),
        ),
        _case(voltages, program, stimulus, _voltages(voltages.name, program, stimulus, shown)),
    ]


def _loihi_2(folder: Path | None) -> list[Recorded]:
    """One neuron behind a synapse of weight 10, in steps of the chip.

    The file has input, voltage and spike in each of its lines. The parameters follow from the graph
    that was put on the chip (τ = 2.5 ms, R = 1, θ = 0.1), its step of 0.1 ms and the first spike:
    dt/τ = 0.04 is the register ⌊0.04·4096⌋ = 163, and an input brings v to 640 = 10·2⁶, so that θ
    is 0.1/0.04·640 = 25·2⁶.
    """
    spikes = Recorded(
        "silicon/loihi-2-spikes",
        "A LIF neuron spikes in each of 1000 steps as it did on a Loihi 2 chip.",
    )
    voltages = Recorded(
        "silicon/loihi-2-voltages",
        "A LIF neuron has the voltages that a Loihi 2 chip showed, but in the steps of its four "
        "spikes, in which the chip shows 128 in place of the voltage.",
    )
    path, missing = _found(folder, LOIHI_2)
    if path is None:
        return [_skipped(spikes, missing), _skipped(voltages, missing)]
    inputs, voltage, spiked = _columns(path)
    neuron = LIFNeuronFixed(
        current_decay=4095, voltage_decay=163, bias_mantissa=0, bias_exponent=0, threshold=25
    )
    program = Program(
        (Population("in", (1,), Source()), Population("out", (1,), neuron)),
        (Projection("in", "out", Dense(np.array([[10]])), delay=1),),
        "integer",
        ("out",),
    )
    stimulus = Stimulus({"in": inputs[None, :, None]})
    trace = _voltages(voltages.name, program, stimulus, {"out": (spiked, voltage)})
    return [
        _case(spikes, program, stimulus, Trace({"out": _spikes(spiked[:, None])})),
        _case(voltages, program, stimulus, trace),
    ]


def _voltages(
    name: str, program: Program, stimulus: Stimulus, shown: dict[str, tuple[Array, Array]]
) -> Trace:
    """Spikes and voltages of single neurons, with the oracle's voltage where a chip shows none.

    Args:
        name: of the case, for messages.
        program: with a population of one neuron for each of `shown`.
        stimulus: what was shown to it.
        shown: by population the spikes [step], and the voltages of as many of the last steps as
            there are.
    """
    oracle = expected(
        Case(name, "The oracle fills in what a chip does not show.", program, stimulus)
    )
    recordings = {}
    for population, (spikes, voltages) in shown.items():
        first = len(spikes) - len(voltages)
        in_a_spike = spikes[first:] > 0
        if not np.all(voltages[in_a_spike] == SHOWN_IN_A_SPIKE):
            raise InputError(
                f"{name}: a voltage of {population!r} in the step of a spike is not "
                f"{SHOWN_IN_A_SPIKE}, which is what the chip shows there",
                "Take the recording as it was published.",
            )
        v = oracle[population].state["v"].copy()
        v[0, first:, 0] = np.where(in_a_spike, v[0, first:, 0], voltages)
        recordings[population] = Recording(_spikes(spikes[:, None]).output, {"v": v})
    return Trace(recordings)


def _spikes(spikes: Array) -> Recording:
    """Spikes [step, neuron] of the one sample there is."""
    return Recording(spikes[None].astype(np.uint8))


def _case(about: Recorded, program: Program, stimulus: Stimulus, trace: Trace) -> Recorded:
    case = Case(about.name, about.claim, program, stimulus)
    return Recorded(about.name, about.claim, case, trace)


def _skipped(about: Recorded, reason: str) -> Recorded:
    return Recorded(about.name, about.claim, reason=reason)


def _found(folder: Path | None, name: Path) -> tuple[Path | None, str]:
    """Where a file is, or why it is not there."""
    if folder is None:
        return None, "no folder of recordings was given"
    path = folder / name
    return (path, "") if path.is_file() else (None, f"there is no {name} in {folder}")


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zlib.error, BadZipFile) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _columns(path: Path) -> Array:
    try:
        return np.loadtxt(path, delimiter=",", ndmin=2).astype(np.int64).T
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
