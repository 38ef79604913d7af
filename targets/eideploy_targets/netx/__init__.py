"""Networks of lava-dl: the target `netx`, and Programs from and to its HDF5 files.

Importing this needs no Lava; it is imported when a Program is run.
"""

from eideploy_targets.netx.target import Netx

__all__ = ["Netx"]
