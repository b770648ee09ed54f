"""Scheduled jobs: a due job runs once, whether or not the job before it failed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import psycopg2
import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from config.management.commands.tick import describe_interval
from config.scheduler.jobs import Job
from config.scheduler.runner import LOCK_NAMESPACE, run_due_jobs, run_if_due
from moderation.models import JobRun

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_jobs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that runs the due ones of the given jobs, and returns name and result of each."""

    def run(*jobs: Job) -> list[str]:
        monkeypatch.setattr("config.scheduler.runner.JOBS", jobs)
        return [f"{outcome.name} {outcome.error or outcome.result}" for outcome in run_due_jobs()]

    return run


def fail() -> None:
    raise RuntimeError


def test_due_job_runs_and_a_failure_does_not_stop_others(run_jobs):
    bad, good = Job("bad", HOUR, fail), Job("good", HOUR, lambda: 7)
    with time_machine.travel(NOON, tick=False) as clock:
        assert run_jobs(bad, good) == ["bad RuntimeError", "good 7"]
        assert run_jobs(bad, good) == []
        clock.shift(timedelta(minutes=5))
        assert run_jobs(bad, good) == ["bad RuntimeError"]
        clock.shift(timedelta(minutes=54))
        assert run_jobs(good) == []
        clock.shift(timedelta(minutes=1))
        assert run_jobs(good) == ["good 7"]


def test_interrupted_run_is_repeated(run_jobs):
    job = Job("long", timedelta(days=1), lambda: "done")
    with time_machine.travel(NOON, tick=False) as clock:
        JobRun.objects.create(name="long", started_at=NOON)
        assert run_jobs(job) == []
        clock.shift(timedelta(minutes=5))
        assert run_jobs(job) == ["long done"]


def test_job_runs_in_one_process_at_a_time(run_jobs):
    values = connection.get_connection_params()
    other = psycopg2.connect(**{k: v for k, v in values.items() if k in {"dbname", "user", "host", "port"}})
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext('alone'))", [LOCK_NAMESPACE])
        job = Job("alone", HOUR, lambda: 1)
        assert run_jobs(job, Job("beside", HOUR, lambda: 2)) == ["beside 2"]
        cursor.execute("SELECT pg_advisory_unlock(%s, hashtext('alone'))", [LOCK_NAMESPACE])
        assert run_jobs(job) == ["alone 1"]
    other.close()


@pytest.mark.django_db(transaction=True)
def test_job_that_loses_the_database_does_not_stop_others(run_jobs):
    def lose() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert run_jobs(Job("bad", HOUR, lose), Job("good", HOUR, lambda: 7)) == [
        "bad OperationalError",
        "good 7",
    ]
    assert JobRun.objects.get(pk="bad").error == "OperationalError"


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_goes_on_when_the_database_is_back(monkeypatch, tmp_path, caplog):
    import config.management.commands.tick as command

    host, rounds = connection.settings_dict["HOST"], []

    def sleep(seconds):
        rounds.append(JobRun.objects.exists() if connection.settings_dict["HOST"] == host else None)
        if len(rounds) == 2:
            raise KeyboardInterrupt
        connection.settings_dict["HOST"] = host

    monkeypatch.setattr("config.scheduler.runner.JOBS", [Job("good", HOUR, lambda: 7)])
    monkeypatch.setattr(command.time, "sleep", sleep)
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        call_command("tick", "--forever", stdout=StringIO())
    assert rounds == [None, True]
    assert "The scheduled jobs run in the next round." in caplog.text


def test_list_shows_the_last_run_of_each_job(monkeypatch):
    import config.management.commands.tick as command

    monkeypatch.setattr(command, "JOBS", [Job("a", HOUR, fail), Job("b", HOUR, lambda: 1)])
    with time_machine.travel(NOON, tick=False):
        run_if_due(command.JOBS[0])
        out = StringIO()
        call_command("tick", "--list", stdout=out)
    assert out.getvalue().splitlines() == [
        "a: every hour, last 2026-03-02 12:00 UTC, failed (RuntimeError)",
        "b: every hour, has never run, due",
    ]


@pytest.mark.parametrize(
    ("every", "text"),
    [
        (timedelta(seconds=50), "every minute"),  # the interval of the scheduler's rounds
        (timedelta(minutes=5), "every 5 minutes"),
        (timedelta(minutes=90), "every 90 minutes"),
        (HOUR, "every hour"),
        (6 * HOUR, "every 6 hours"),
        (24 * HOUR, "every day"),
        (timedelta(days=7), "every 7 days"),
    ],
)
def test_intervals_are_in_words(every, text):
    assert describe_interval(every) == text


def test_intervals_do_not_depend_on_the_time_between_two_rounds(monkeypatch):
    monkeypatch.setattr("config.management.commands.tick.ROUND_SECONDS", 30)
    assert describe_interval(timedelta(minutes=5)) == "every 5 minutes"


def test_the_outcome_of_a_run_is_printed_in_words(monkeypatch):
    import config.scheduler.runner

    jobs = [Job("counts", HOUR, lambda: 3), Job("starts", HOUR, lambda: False), Job("bad", HOUR, fail)]
    monkeypatch.setattr(config.scheduler.runner, "JOBS", jobs)
    out = StringIO()
    call_command("tick", stdout=out)
    lines = [line.rpartition(" (")[0] for line in out.getvalue().splitlines()]
    assert lines == ["counts: done: 3", "starts: done", "bad: failed: RuntimeError"]
