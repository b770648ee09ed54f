"""Jobs in tests: a backend that runs them at once (fixture `jobs_run_at_once`), and the job worker."""

from django.core.management import call_command
from django_tasks.backends.immediate import ImmediateBackend


class ImmediateJobs(ImmediateBackend):
    """A backend that runs every job at once. Jobs for later then find nothing to do."""

    supports_defer = True


def run_jobs() -> None:
    """Run the job worker until no job is left."""
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0, reload=False)
