"""A backend that runs jobs at once, for the fixture `jobs_run_at_once`."""

from django_tasks.backends.immediate import ImmediateBackend


class ImmediateJobs(ImmediateBackend):
    """Run every job at once, including those for later, which then find nothing to do."""

    supports_defer = True
