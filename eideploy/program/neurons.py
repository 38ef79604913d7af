"""All neuron models by name: what a Program file may contain."""

from __future__ import annotations

from eideploy.program.fixed import EINeuronFixed, IntegratorFixed, LIFNeuronFixed
from eideploy.program.floating import EINeuron, Integrator, LIFNeuron
from eideploy.program.graded import Relay, Source
from eideploy.program.neuron import Neuron

NEURONS: dict[str, type[Neuron]] = {
    model.__name__: model
    for model in (
        Source,
        Relay,
        LIFNeuron,
        Integrator,
        EINeuron,
        LIFNeuronFixed,
        IntegratorFixed,
        EINeuronFixed,
    )
}
