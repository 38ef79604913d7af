"""How long each pipeline takes from a graph to a Program."""

from __future__ import annotations

from functools import partial

import nir
from measure import Row, Table, seconds

from eideploy.compile import CompileOptions, float_pipeline, integer_pipeline, run_passes

PIPELINES = {
    "float, fused": (float_pipeline, "fused"),
    "float, explicit": (float_pipeline, "explicit"),
    "integer, fused": (integer_pipeline, "fused"),
    "integer, explicit": (integer_pipeline, "explicit"),
}


def compilation(graph: nir.NIRGraph) -> Table:
    """The first pipeline is run once before, for what is only loaded once."""
    rows = []
    for name, (pipeline, mapping) in PIPELINES.items():
        compile_graph = partial(run_passes, pipeline(CompileOptions(mapping=mapping)), graph)
        compile_graph()
        rows.append(Row(name, 1000 * seconds(compile_graph, repeats=5)))
    return Table("compilation", "Compile time", "ms", "float, fused", tuple(rows))
