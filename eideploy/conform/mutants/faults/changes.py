"""Mistakes in bringing a Program to a backend, in few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eideploy.conform.mutants.mutant import Change
from eideploy.program import Array, Neuron, Operator, Population, Program, Projection


def each_population(change: Callable[[Population], Population]) -> Change:
    """The same Program with every population changed."""

    def changed(program: Program) -> Program:
        return replace(program, populations=tuple(change(p) for p in program.populations))

    return changed


def each_projection(change: Callable[[Program, Projection], Projection]) -> Change:
    """The same Program with every projection changed, which is told of the whole."""

    def changed(program: Program) -> Program:
        return replace(program, projections=tuple(change(program, p) for p in program.projections))

    return changed


def each_operator(change: Callable[[Program, Projection], Operator]) -> Change:
    """The same Program with other operators in its projections."""
    return each_projection(lambda program, p: replace(p, operator=change(program, p)))


def each_weight(change: Callable[[Array], Array]) -> Change:
    """The same Program with the weights of every projection changed, of whatever sign."""

    def changed(program: Program, projection: Projection) -> Projection:
        operator = projection.operator
        operator = replace(operator, weight=change(operator.weight))
        return replace(projection, operator=operator, sign="mixed")

    return each_projection(changed)


def parameter(name: str, change: Callable[[Array], Array], of: type[Neuron] = Neuron) -> Change:
    """The same Program with a parameter changed, of all neurons that have it or of one model."""

    def changed(population: Population) -> Population:
        neuron = population.neuron
        if not isinstance(neuron, of) or name not in neuron.parameters():
            return population
        values = {name: change(neuron.parameters()[name])}
        return replace(population, neuron=replace(neuron, **values))

    return each_population(changed)


def of_neuron_0(*names: str) -> Change:
    """The same Program with the parameters of the first neuron for its whole population."""

    def changed(program: Program) -> Program:
        for name in names:
            program = parameter(name, lambda values: np.asarray(values.flat[0]))(program)
        return program

    return changed
