"""Options that several verbs share."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class MappingChoice(str, Enum):
    """How E-I circuits become populations."""

    fused = "fused"
    explicit = "explicit"


class PoolChoice(str, Enum):
    """What becomes of pools."""

    fold = "fold"
    relay = "relay"


class GranularityChoice(str, Enum):
    """For what a scale of integer weights stands."""

    projection = "projection"
    channel = "channel"


class Form(str, Enum):
    """What the graph of a trained run is made of."""

    ei = "ei"
    folded = "folded"


class ResetChoice(str, Enum):
    """What spikes do to the membrane potential, where a graph cannot say it."""

    subtract = "subtract"


class TimeUnit(str, Enum):
    """Unit of the times of events."""

    s = "s"
    ms = "ms"
    us = "us"
    ns = "ns"


def _read_from(folder: Path | None) -> None:
    """Take effect as soon as it is parsed: verbs load data in many places."""
    if folder is not None:
        from eideploy.train.data import use_data_folder

        use_data_folder(folder)


Model = Annotated[
    Path,
    typer.Argument(
        help="A run directory of `eideploy train`, a bundle of `eideploy record`, or a .nir file.",
        metavar="MODEL",
    ),
]
Target = Annotated[str, typer.Option("--target", "-t", help="See `eideploy targets`.")]
Mapping = Annotated[
    MappingChoice, typer.Option("--mapping", "-m", help="How E-I circuits become populations.")
]
WeightBits = Annotated[
    int | None, typer.Option("--weight-bits", min=2, max=8, help="Width of integer weights.")
]
Pool = Annotated[
    PoolChoice,
    typer.Option(
        "--pool",
        help="fold: part of the kernels behind them; relay: populations of their own, with fewer "
        "weights and one step more.",
    ),
]
ChipChoice = Annotated[
    str | None,
    typer.Option(
        "--chip",
        help="On what an integer Program has to fit: loihi2 (default), loihi1, or a .yaml file "
        "that describes a chip.",
    ),
]
Calibration = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration",
        help="Which weights set the scale of integers: max, percentile (the 99.9th; larger ones "
        "saturate) or error (least mean square). For one population: lif1=error. Repeatable.",
        metavar="[POPULATION=]METHOD",
    ),
]
Granularity = Annotated[
    GranularityChoice,
    typer.Option(
        "--granularity",
        help="projection: one scale for all weights of a projection; channel: one for each neuron "
        "or channel, which undoes it by a gain or a threshold of its own.",
    ),
]
Dt = Annotated[
    float | None, typer.Option("--dt", help="Step in seconds; without it, what the graph says.")
]
StimulusFile = Annotated[
    Path | None,
    typer.Option(
        "--stimulus",
        "-s",
        help="What to show, .npy or .npz: an array \\[sample, step, …] per input (and `labels`), "
        "or events with the fields t, x, y, p and --bin. Default for a run: the data it was tested "
        "on.",
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="Classes of the samples, .npy or .npz, where --stimulus has no `labels`: the accuracy "
        "is shown.",
    ),
]
Bin = Annotated[
    str | None,
    typer.Option(
        "--bin",
        help="Cut recordings of events into so many equal steps (20), or steps so wide (1ms).",
        metavar="N|WIDTH",
    ),
]
Unit = Annotated[TimeUnit, typer.Option("--time-unit", help="Of the times t of events.")]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, help="Show values without an axis of time for so many steps."),
]
Reset = Annotated[
    ResetChoice | None,
    typer.Option(
        "--reset",
        help="Of a .nir file that cannot say it: a spike subtracts the threshold (soft reset).",
    ),
]
GraphForm = Annotated[
    Form,
    typer.Option(
        "--form",
        help="Of a run: ei, the circuits as they are (NIR with the E-I dialect); folded, plain NIR "
        "in which each divisive gain is its calibrated mean.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        callback=_read_from,
        help="Folder of data sets; default EIDEPLOY_DATA, or `data` here.",
    ),
]
Samples = Annotated[
    int | None, typer.Option("--samples", "-n", min=1, help="Use only the first samples.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", help="Give up on the target after so many seconds.")
]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        help="How Lava runs: runtime, a system process for each of its processes; inprocess, the "
        "same models in this one; auto, by size.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="Where the target computes, if it has a choice: cpu, cuda."),
]
QuantizationReport = Annotated[
    bool,
    typer.Option(
        "--report", help="Show bits, scales, errors and head-room of integers, layer by layer."
    ),
]
Digest = Annotated[
    str | None,
    typer.Option(
        "--digest",
        help="Of a bundle: the SHA-256 that `eideploy record` printed; any other one is refused.",
        metavar="SHA256",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Divide the work among so many processes of this machine; the report is the same.",
        metavar="N",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Divide the work among the workers of this Dask cluster: tcp://HOST:PORT.",
        metavar="ADDRESS",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on where the same run was interrupted, with any number of workers."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a run that is already there.")
]
