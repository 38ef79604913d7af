"""From a trained network in torch to a NIR graph: the one part of `eideploy.graph` with torch."""

from eideploy.graph.export.folded import calibrate_shunt_means
from eideploy.graph.export.naming import node_names
from eideploy.graph.export.network import Form, export

__all__ = ["Form", "calibrate_shunt_means", "export", "node_names"]
