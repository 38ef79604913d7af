"""The twin: a Program in torch, many samples at once, on CPU or GPU, in logical time.

It shares no arithmetic with the reference, against which it is held: integers bit for bit.
"""

from eideploy.simulate.twin.executor import has_cuda, run

__all__ = ["has_cuda", "run"]
