"""Independent tasks, each done exactly once: here, on processes of this machine, or on a cluster.

What is done is written down as it is done, so that a run that was interrupted can go on.
"""

from eideploy.jobs.journal import Journal
from eideploy.jobs.run import Crew, run_tasks

__all__ = ["Crew", "Journal", "run_tasks"]
