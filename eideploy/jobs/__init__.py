"""Independent tasks, each done exactly once: here, on processes of this machine, or on a cluster.

What is done is written down as it is done, so that a run that was interrupted can go on.
"""

from eideploy.jobs.crew import Crew
from eideploy.jobs.digest import digest
from eideploy.jobs.journal import Journal, cache_folder, keep_journal
from eideploy.jobs.run import run_tasks

__all__ = [
    "Crew",
    "Journal",
    "cache_folder",
    "digest",
    "keep_journal",
    "run_tasks",
]
