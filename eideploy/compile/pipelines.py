"""The pipelines that the shipped targets use."""

from __future__ import annotations

from eideploy.compile.align import Align
from eideploy.compile.close import Close
from eideploy.compile.discretize import Check, Discretize
from eideploy.compile.equalize import Equalize
from eideploy.compile.fit import Fit
from eideploy.compile.fold import Fold
from eideploy.compile.inline import Inline
from eideploy.compile.merge import Merge
from eideploy.compile.overflow import Prove
from eideploy.compile.passes import CompileOptions, Pass
from eideploy.compile.populate import Populate
from eideploy.compile.quantize import Quantize


def float_pipeline(options: CompileOptions) -> tuple[Pass, ...]:
    """Graph → aligned float64 Program."""
    return (
        Inline(),
        Check(options.dt),
        Discretize(options.dt),
        Merge(),
        Close(),
        Populate(options.mapping),
        Fold(options.pool),
        Align(),
    )


def integer_pipeline(options: CompileOptions) -> tuple[Pass, ...]:
    """Graph → aligned integer Program, proven not to overflow, and to fit where a chip is given."""
    channels = options.granularity == "channel"
    equalize = (Equalize(options.calibration, options.weight_bits),) if channels else ()
    fit = () if options.chip is None else (Fit(options.chip),)
    return (
        *float_pipeline(options),
        *equalize,
        Quantize(options.weight_bits, options.calibration),
        Prove(),
        *fit,
    )
