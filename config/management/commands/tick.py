"""Run the scheduled jobs that are due (config/scheduler/jobs.py): once, or for as long as the site runs."""

import logging
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.db import OperationalError, connection
from django.utils import timezone

from config.scheduler.jobs import JOBS
from config.scheduler.runner import JobOutcome, is_due, run_due_jobs
from core.commands import LongRunningCommand
from core.memory.release import release_freed_memory
from moderation.models import JobRun

ROUND_SECONDS = 60  # seconds between two rounds

log = logging.getLogger(__name__)


class Command(LongRunningCommand):
    help = (
        "Run each job that is due and not running in another process. `bin/serve` does this by itself; "
        "without it, run this command once a minute."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--list", action="store_true", help="print when each job last ran; run none")
        mode.add_argument("--forever", action="store_true", help="keep running, with a round every minute")

    def handle(self, *, list: bool, forever: bool, **options: Any) -> None:
        if list:
            self.print_schedule()
            return
        if not forever:
            self.run_round()
            return
        while True:
            try:
                self.run_round()
            except OperationalError:
                log.exception("The database did not answer. The scheduled jobs run in the next round.")
            connection.close()  # it would be idle until the next round, and might break
            release_freed_memory()
            time.sleep(ROUND_SECONDS)

    def run_round(self) -> None:
        """Run the jobs that are due, and print the outcome of each."""
        for ran in run_due_jobs():
            self.print(f"{ran.name}: {describe(ran)} ({ran.seconds:.1f} s)")

    def print_schedule(self) -> None:
        """Print when each job last ran."""
        runs = JobRun.objects.in_bulk()
        now = timezone.now()
        for job in JOBS:
            last = runs.get(job.name)
            line = f"{job.name}: {describe_interval(job.every)}, "
            line += f"last {last.started_at:%Y-%m-%d %H:%M} UTC" if last else "has never run"
            if last and last.error:
                line += f", failed ({last.error})"
            elif last and last.finished_at is None:
                line += ", running or interrupted"
            self.stdout.write(line + (", due" if is_due(job, now) else ""))


def describe_interval(every: timedelta) -> str:
    """Return the frequency of a job: every minute, every 5 minutes, every hour, every 7 days."""
    minutes = -(-every.total_seconds() // 60)  # rounded up, since the scheduler runs once a minute
    units = [("day", 24 * 60), ("hour", 60), ("minute", 1)]
    unit, length = next((unit, length) for unit, length in units if minutes % length == 0)
    count = int(minutes // length)
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def describe(ran: JobOutcome) -> str:
    """Return the outcome of a run in words. True, False and None say nothing to a person."""
    if ran.error:
        return f"failed: {ran.error}"
    return "done" if ran.result is None or isinstance(ran.result, bool) else f"done: {ran.result}"
