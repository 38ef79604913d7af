"""E-I circuits and the LIF they drive: pure functions and thin `torch.nn.Module`s on Norse.

Modules follow Norse's conventions and go into a `norse.torch.SequentialState`.
"""

from eideploy.cells.circuit import Stabilizer
from eideploy.cells.conv import EIConv2d
from eideploy.cells.dale import non_negative_parameters, project_
from eideploy.cells.he_init import he_init_network_
from eideploy.cells.init import InputStatistics, ei_init_, ei_init_network_, input_statistics
from eideploy.cells.layer import EICircuit
from eideploy.cells.lif import LIF, LIFCell, Reset, lif_parameters, lif_step
from eideploy.cells.linear import EILinear
from eideploy.cells.pool import AvgPool2d
from eideploy.cells.residual import ResidualBlock

__all__ = [
    "LIF",
    "AvgPool2d",
    "EICircuit",
    "EIConv2d",
    "EILinear",
    "InputStatistics",
    "LIFCell",
    "Reset",
    "ResidualBlock",
    "Stabilizer",
    "ei_init_",
    "ei_init_network_",
    "he_init_network_",
    "input_statistics",
    "lif_parameters",
    "lif_step",
    "non_negative_parameters",
    "project_",
]
