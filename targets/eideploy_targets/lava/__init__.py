"""Targets on Lava's runtime: `lava-float` and `lava-fixed`.

Importing this needs no Lava; it is imported when a Program is run.
"""

from eideploy_targets.lava.target import LavaFixed, LavaFloat

__all__ = ["LavaFixed", "LavaFloat"]
