"""What `compile`, `run` and `verify` share: the options of a compilation, as they were given."""

from __future__ import annotations

from eideploy.cli.inputs import Model
from eideploy.cli.options import MappingChoice, PoolChoice
from eideploy.compile import CompileOptions


def compile_options(
    model: Model,
    *,
    mapping: MappingChoice = MappingChoice.fused,
    weight_bits: int | None = None,
    pool: PoolChoice = PoolChoice.fold,
    dt: float | None = None,
) -> CompileOptions:
    """The options for a model; what was not given is as its recipe says, or the default.

    Args:
        model: that is to be compiled.
        mapping: of E-I circuits.
        weight_bits: width of integer weights.
        pool: what becomes of pools.
        dt: step in seconds.
    """
    trained = model.run.recipe.quantize.weight_bits if model.run else 8
    return CompileOptions(
        mapping=mapping.value, weight_bits=weight_bits or trained, pool=pool.value, dt=dt
    )
