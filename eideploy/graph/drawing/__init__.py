"""A graph as a picture: where its nodes go (`layout`), and what they look like (`svg`).

Drawn here and not by `nirviz`, which needs the program `dot` of Graphviz, beside Python, and shows
the type of a node but neither its name nor shapes and time constants.
"""

from eideploy.graph.drawing.svg import draw

__all__ = ["draw"]
