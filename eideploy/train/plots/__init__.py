"""What training did, as pictures on one HTML page."""

from eideploy.train.plots.page import write_training_report

__all__ = ["write_training_report"]
