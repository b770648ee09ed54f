"""Run the jobs of moderation/scheduled_jobs.py that are due: once, or for as long as the site runs."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from moderation.models import JobRun
from moderation.scheduled_jobs import JOBS, is_due, tick

ROUND_SECONDS = 60  # seconds between two rounds


class Command(BaseCommand):
    help = (
        "Run each job that is due and that no other process is running. `bin/serve` does so by itself; "
        "without it, call this once a minute."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="say when each job last ran, and run none")
        what.add_argument("--forever", action="store_true", help="go on, a round a minute")

    def handle(self, *, list: bool, forever: bool, **options: Any) -> None:
        if list:
            self.say_when()
            return
        while True:
            for ran in tick():
                what = f"failed: {ran.error}" if ran.error else f"done: {ran.result}"
                self.stdout.write(f"{ran.name}: {what} ({ran.seconds:.1f} s)")
                self.stdout.flush()
            if not forever:
                return
            connection.close()  # it would stand idle, or break, until the next round
            time.sleep(ROUND_SECONDS)

    def say_when(self) -> None:
        runs = JobRun.objects.in_bulk()
        now = timezone.now()
        for job in JOBS:
            last = runs.get(job.name)
            line = f"{job.name}: every {job.every}, "
            line += f"last {last.started_at:%Y-%m-%d %H:%M} UTC" if last else "never ran"
            if last and last.error:
                line += f", failed ({last.error})"
            elif last and last.finished_at is None:
                line += ", running or cut short"
            self.stdout.write(line + (", due" if is_due(job, now) else ""))
