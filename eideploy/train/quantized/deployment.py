"""What a network under training would be deployed as, compiled afresh whenever it has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import nir
from norse.torch import SequentialState

from eideploy.compile import CompileOptions
from eideploy.compile.passes import Pass, run_passes
from eideploy.errors import UnsupportedError
from eideploy.graph.export import export
from eideploy.program import Array, Program
from eideploy.targets import Target
from eideploy.train.network import dataset_of
from eideploy.train.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Deployed:
    """A network as it was compiled.

    Attributes:
        floating: the Program right before its quantization, float64.
        program: the one that is deployed, in integers.
    """

    floating: Program
    program: Program


@dataclass(frozen=True, eq=False)
class Deployment:
    """How networks of one recipe are deployed on one target.

    Attributes:
        recipe: of the network.
        passes: of the target, one of which is `quantize`.
        shunt_means: constant divisors by node name, for the folded form; None keeps the circuits.
    """

    recipe: Recipe
    passes: tuple[Pass, ...]
    shunt_means: Mapping[str, Array] | None = None

    @staticmethod
    def on(target: Target, recipe: Recipe, shunt_means: Mapping[str, Array] | None) -> Deployment:
        """As the section `quantize` of a recipe says.

        Raises:
            UnsupportedError: what the target is given is not made by quantization.
        """
        aware = recipe.quantize.training
        assert aware is not None  # a recipe for fine-tuning has one
        options = CompileOptions(
            mapping=aware.mapping, weight_bits=recipe.quantize.weight_bits, pool=aware.pool
        )
        passes = target.pipeline(options)
        if "quantize" not in [step.name for step in passes]:
            raise UnsupportedError(
                f"target {target.name!r} takes a Program of {target.arithmetic} arithmetic that is "
                "not quantized, so there is nothing to train through",
                "Give a target in integers, such as lava-fixed; `eideploy targets` lists them.",
            )
        return Deployment(recipe, passes, shunt_means)

    def __call__(self, network: SequentialState) -> Deployed:
        """Export and compile a network as it is now.

        Raises:
            EideployError: what export and the passes raise, such as `QuantizationError` where all
                weights of a projection became 0.
        """
        return compile_in_two(self.passes, self.graph(network))

    def graph(self, network: SequentialState) -> nir.NIRGraph:
        """The graph that `eideploy.train.to_graph` makes of the run, once there is one."""
        data = dataset_of(self.recipe)
        return export(
            network,
            input_shape=data.shape,
            dt=self.recipe.dt,
            form="ei" if self.shunt_means is None else "folded",
            shunt_means=self.shunt_means,
            high=data.high,
            levels=data.levels,
            metadata={"model": self.recipe.name, "steps": self.recipe.steps},
        )


def compile_in_two(passes: tuple[Pass, ...], graph: nir.NIRGraph) -> Deployed:
    """Run a pipeline and keep what goes into its pass `quantize`.

    Raises:
        EideployError: what the passes raise.
    """
    at = [step.name for step in passes].index("quantize")
    floating = run_passes(passes[:at], graph)
    facts = frozenset[str]().union(*(step.ensures for step in passes[:at]))
    return Deployed(floating, run_passes((_Resumed(floating, facts), *passes[at:]), graph))


@dataclass(frozen=True)
class _Resumed:
    """In place of passes that have run already: hands out what they made."""

    program: Program
    ensures: frozenset[str]

    name: ClassVar[str] = "resumed"
    requires: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, graph: nir.NIRGraph) -> Program:
        """The Program, whatever the graph."""
        return self.program
