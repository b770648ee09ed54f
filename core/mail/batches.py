"""Sending mails to many people: jobs that claim a few rows at a time, so their memory does not grow."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

PEOPLE_AT_ONCE = 200  # whose mails are sent over one connection
MAX_SECONDS = 20.0  # of one job; then it enqueues itself, so that other mails do not wait for all of these
SENDING_TIME = timedelta(minutes=30)  # after which an interrupted job's mails are sent by another one
FIRST_RETRY = timedelta(minutes=5)  # after a failure; each further time twice as long
MAX_FAILURES = 9  # attempts, over two days

Row = TypeVar("Row")


def enqueue_once(task: Any) -> bool:
    """Enqueue a task without arguments unless it is waiting. Returns whether it was enqueued.

    One that is running does not count: what is due by now may be later than what it has claimed.
    """
    jobs = DBTaskResult.objects.filter(task_path=task.module_path, status=TaskResultStatus.READY)
    if jobs.exists():
        return False
    task.enqueue()
    return True


def send_batches(task: Any, claim: Callable[[datetime], list[Row]], send: Callable[[list[Row]], int]) -> int:
    """Claim rows and send their mails until there are none or MAX_SECONDS have passed; then enqueue the task.

    `claim` gets the time. Returns the number of mails that were sent.
    """
    start, sent = time.monotonic(), 0
    while rows := claim(timezone.now()):
        sent += send(rows)
        if time.monotonic() - start > MAX_SECONDS:
            task.enqueue()
            break
    return sent


def retry_delay(failures: int) -> timedelta:
    """Return the time that a mail waits after so many failures."""
    return FIRST_RETRY * (1 << failures - 1)
