"""Independent tasks, each done exactly once: here, on processes of this machine, or on a cluster.

What is done is written down as it is done, so that a run that was interrupted can go on.
"""

from eideploy.jobs.crew import Crew
from eideploy.jobs.digest import digest
from eideploy.jobs.journal import Journal, cache_folder
from eideploy.jobs.order import in_order
from eideploy.jobs.plan import Plan
from eideploy.jobs.run import run_tasks
from eideploy.jobs.source import source

__all__ = [
    "Crew",
    "Journal",
    "Plan",
    "cache_folder",
    "digest",
    "in_order",
    "run_tasks",
    "source",
]
