"""What `compile`, `run` and `verify` share: the options of a compilation, as they were given."""

from __future__ import annotations

from pathlib import Path

import typer

from eideploy.cli.inputs import Model
from eideploy.cli.options import GranularityChoice, MappingChoice, PoolChoice
from eideploy.compile import Calibration, CompileOptions
from eideploy.compile.chip import Chip
from eideploy.compile.fit import Fit
from eideploy.errors import InputError
from eideploy.targets import Target, load_chip

OF_INTEGERS = ("weight_bits", "calibration", "granularity")
OF_COMPILING = (*OF_INTEGERS, "mapping", "form", "pool", "dt", "chip", "reset")


def compile_options(
    model: Model,
    *,
    mapping: MappingChoice = MappingChoice.fused,
    weight_bits: int | None = None,
    pool: PoolChoice = PoolChoice.fold,
    dt: float | None = None,
    chip: str | None = None,
    calibration: list[str] | None = None,
    granularity: GranularityChoice = GranularityChoice.channel,
) -> CompileOptions:
    """The options for a model; what was not given is as its recipe says, or the default.

    Args:
        model: that is to be compiled.
        mapping: of E-I circuits.
        weight_bits: width of integer weights.
        pool: what becomes of pools.
        dt: step in seconds.
        chip: name of a chip, or a file that describes one.
        calibration: methods, as `Calibration.parse` reads them.
        granularity: for what one scale of weights stands.

    Raises:
        InputError: there is no such chip, or no such method.
    """
    return CompileOptions(
        mapping=mapping.value,
        weight_bits=weight_bits or model.weight_bits,
        pool=pool.value,
        dt=dt,
        chip=load_chip(chip) if chip else None,
        calibration=Calibration.parse(calibration or ()),
        granularity=granularity.value,
    )


def chip_of(target: Target, options: CompileOptions) -> Chip | None:
    """The chip on which a target places Programs; None where it computes in floating point.

    Raises:
        InputError: a chip was asked for all the same.
    """
    chips = [step.chip for step in target.pipeline(options) if isinstance(step, Fit)]
    if options.chip and not chips:
        raise InputError(
            f"target {target.name!r} takes Programs that are not placed on a chip",
            "Leave out --chip, or choose a target that runs integers.",
        )
    return chips[0] if chips else None


def refuse_compiling(context: typer.Context, path: Path) -> None:
    """Raise `InputError` if an option is given that a compiled Program can no longer follow."""
    if given := _given(context, OF_COMPILING):
        raise InputError(
            f"{path} is compiled: {given} cannot change it any more",
            "Give such options to `eideploy compile`.",
        )


def refuse_integers(context: typer.Context, target: Target) -> None:
    """Raise `InputError` if an option about integers is given for a target of floats."""
    given = _given(context, OF_INTEGERS)
    if given and target.arithmetic == "float":
        raise InputError(
            f"target {target.name!r} computes in floating point; {given} would change nothing",
            "Leave it out, or choose a target that runs integers.",
        )


def _given(context: typer.Context, names: tuple[str, ...]) -> str:
    """Those of the options that were given on the command line, as they are written there."""
    found = [name for name in names if _is_given(context, name)]
    return ", ".join(f"--{name.replace('_', '-')}" for name in found)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
