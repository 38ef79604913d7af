"""Networks that were trained by the paper's own code: from their checkpoints to runs.

checkpoint → tensors by name → circuits → model and recipe → run; a file each.
"""

from eideploy.train.importing.run import Imported, import_checkpoint

__all__ = ["Imported", "import_checkpoint"]
