"""Program, Stimulus and Trace: what runs, what is shown to it, what comes out.

Plain NumPy records without behaviour; what they mean is executed by `eideploy.simulate.reference`.
"""

from eideploy.program.arrays import Array
from eideploy.program.fixed import EINeuronFixed, IntegratorFixed, LIFNeuronFixed
from eideploy.program.floating import EINeuron, Integrator, LIFNeuron
from eideploy.program.graded import Relay, Source
from eideploy.program.neuron import Neuron
from eideploy.program.operators import Conv2d, Dense, Identity, Operator, planar
from eideploy.program.program import Population, Program, Projection
from eideploy.program.stimulus import Stimulus, encode
from eideploy.program.storage import (
    load_program,
    load_stimulus,
    load_trace,
    save_program,
    save_stimulus,
    save_trace,
)
from eideploy.program.trace import Recording, Trace

__all__ = [
    "Array",
    "Conv2d",
    "Dense",
    "EINeuron",
    "EINeuronFixed",
    "Identity",
    "Integrator",
    "IntegratorFixed",
    "LIFNeuron",
    "LIFNeuronFixed",
    "Neuron",
    "Operator",
    "Population",
    "Program",
    "Projection",
    "Recording",
    "Relay",
    "Source",
    "Stimulus",
    "Trace",
    "encode",
    "load_program",
    "load_stimulus",
    "load_trace",
    "planar",
    "save_program",
    "save_stimulus",
    "save_trace",
]
