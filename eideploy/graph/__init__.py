"""NIR graphs with the E-I dialect: nodes, files, checks and descriptions.

Exporting a trained network is in `eideploy.graph.export`, which alone needs torch.
"""

from eideploy.graph.check import Finding, check, graph_dt
from eideploy.graph.describe import GraphDescription, NodeDescription, TimeConstant, describe
from eideploy.graph.dialect import EIConv2d, EILinear
from eideploy.graph.io import read, write
from eideploy.graph.repair import GraphWarning
from eideploy.graph.soft_reset import (
    SoftResetCubaLIF,
    SoftResetIF,
    SoftResetLIF,
    reset_kind,
    subtract_on_reset,
)

__all__ = [
    "EIConv2d",
    "EILinear",
    "Finding",
    "GraphDescription",
    "GraphWarning",
    "NodeDescription",
    "SoftResetCubaLIF",
    "SoftResetIF",
    "SoftResetLIF",
    "TimeConstant",
    "check",
    "describe",
    "graph_dt",
    "read",
    "reset_kind",
    "subtract_on_reset",
    "write",
]
