"""The registry of scheduled jobs, which `manage.py tick` runs (moderation/job_runner.py).

config, moderation and archive register the lists of their `scheduled_jobs.py` in `ready()`. A job may be
stopped at any moment and run again from its start, so its writes must be repeatable.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple


class Job(NamedTuple):
    """A job with its interval. `run` takes no arguments, and its result is printed."""

    name: str  # shown in translation; at most 60 characters, the key of its last run in the database
    every: timedelta
    run: Callable[[], object]
    # Until a failed or interrupted run is repeated; by default job_runner.RETRY.
    retry: timedelta | None = None


# They run in this order, which is that of INSTALLED_APPS; a long job delays those after it.
JOBS: list[Job] = []


def register_jobs(jobs: Iterable[Job]) -> None:
    """Add the jobs of an app at the end of the list."""
    JOBS.extend(jobs)
