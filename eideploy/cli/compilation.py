"""What `compile`, `run` and `verify` share: the options of a compilation, as they were given."""

from __future__ import annotations

from eideploy.cli.inputs import Model
from eideploy.cli.options import GranularityChoice, MappingChoice, PoolChoice
from eideploy.compile import Calibration, CompileOptions
from eideploy.compile.chip import Chip
from eideploy.compile.fit import Fit
from eideploy.errors import InputError
from eideploy.targets import Target, load_chip


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
    trained = model.run.recipe.quantize.weight_bits if model.run else 8
    return CompileOptions(
        mapping=mapping.value,
        weight_bits=weight_bits or trained,
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
