"""What goes on beside training: a bar, a history, curves for TensorBoard."""

from eideploy.train.callbacks.history import History
from eideploy.train.callbacks.monitor import Monitor
from eideploy.train.callbacks.progress import TrainingProgress, stage

__all__ = ["History", "Monitor", "TrainingProgress", "stage"]
