"""A backend that runs jobs at once, for the fixture `jobs_run_at_once`."""

from django_tasks.backends.immediate import ImmediateBackend


class ImmediateJobs(ImmediateBackend):
    """A backend that runs every job at once. Jobs for later then find nothing to do."""

    supports_defer = True
