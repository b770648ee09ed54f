"""Metrics that are read when they are asked for: from the database, the disk and the record of backups."""

import logging
import shutil
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config.models import MailDay
from config.owner.jobs import count_jobs
from config.owner.system_status import read_replicas
from config.scheduler.runner import last_active_at
from config.server.running_servers import running_servers
from core import VERSION
from core.backup_folder import last_backup
from core.database.sql import execute
from core.fallback_pages import DATABASE_ERRORS
from moderation.models import Case

STATEMENT_TIMEOUT_MS = 2_000  # after which a statement ends with an error

log = logging.getLogger(__name__)


class MachineMetrics(Collector):
    """The version, the disk of the data folder and the last backup, also while its record can't be read."""

    backup_at = 0.0  # seconds since 1970, as this process has last read it

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("soundoff_info", "The version of the program.", labels=["version"])
        info.add_metric([VERSION], 1)
        yield info
        disk = shutil.disk_usage(settings.HOME)
        yield _gauge("soundoff_disk_size_bytes", "Size of the disk with the data folder.", disk.total)
        yield _gauge("soundoff_disk_free_bytes", "Free space on the disk with the data folder.", disk.free)
        if backup := last_backup():
            MachineMetrics.backup_at = backup.at.timestamp()
        if self.backup_at:
            text = "Time of the last complete backup."
            yield _gauge("soundoff_backup_timestamp_seconds", text, self.backup_at)


class DatabaseMetrics(Collector):
    """The metrics from the database. If it does not answer, only soundoff_database_up is returned."""

    def collect(self) -> Iterator[Metric]:
        text = "Whether the database answers (1 or 0)."
        try:
            seconds = _measure_response_time()
        except (DatabaseError, *DATABASE_ERRORS):
            yield _gauge("soundoff_database_up", text, 0)
            return
        yield _gauge("soundoff_database_up", text, 1)
        yield _gauge("soundoff_database_stamp_seconds", "Seconds to read the version of the site.", seconds)
        try:
            yield from _read_metrics()
        except (DatabaseError, *DATABASE_ERRORS) as error:
            log.warning("The metrics of the database can't be read: %s", error)


class ReplicaMetrics(Collector):
    """The metrics of each read replica, as this process knows it. They need the primary's position."""

    def collect(self) -> Iterator[Metric]:
        try:
            replicas = read_replicas()
        except (DatabaseError, *DATABASE_ERRORS):
            return
        left_out = GaugeMetricFamily(
            "soundoff_replica_left_out",
            "Whether a read replica is not used because it failed (1 or 0).",
            labels=["replica"],
        )
        lag = GaugeMetricFamily(
            "soundoff_replica_lag_bytes",
            "Bytes of the primary's log that a read replica has not replayed.",
            labels=["replica"],
        )
        for replica in replicas:
            left_out.add_metric([replica.name], bool(replica.error))
            if replica.lag is not None:
                lag.add_metric([replica.name], replica.lag)
        yield left_out
        yield lag


def _measure_response_time() -> float:
    """Return the seconds that the database takes for the version of the site. Raises DatabaseError."""
    connection.ensure_connection()
    began = time.perf_counter()
    execute("SELECT version FROM articles_site WHERE id = 1")
    return time.perf_counter() - began


def _read_metrics() -> list[Metric]:
    """Return the metrics from the database. Raises DatabaseError."""
    now = timezone.now()
    with transaction.atomic():
        execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
        pending = Case.objects.open().filter(is_pending=True)
        cases = pending.aggregate(n=Count("pk"), oldest=Min("opened_at"))
        jobs = count_jobs(now)
        mails = MailDay.objects.aggregate(sent=Sum("sent"), failed=Sum("failed"))
        servers = len(running_servers())
        scheduler = last_active_at()
    by_state = GaugeMetricFamily("soundoff_jobs", "Background jobs by their state.", labels=["state"])
    for state in ("ready", "running", "failed"):
        by_state.add_metric([state], getattr(jobs, state))
    by_result = CounterMetricFamily("soundoff_mails", "Mails that were sent or failed.", labels=["result"])
    for result in ("sent", "failed"):
        by_result.add_metric([result], mails[result] or 0)
    metrics = [
        _gauge("soundoff_comments_waiting", "Comments that wait for a decision.", cases["n"]),
        _gauge(
            "soundoff_comments_waiting_oldest_seconds",
            "Seconds that the oldest of them has waited, 0 if there is none.",
            (now - (cases["oldest"] or now)).total_seconds(),
        ),
        by_state,
        _gauge(
            "soundoff_jobs_oldest_seconds",
            "Seconds that the oldest job that is due has waited, 0 if there is none.",
            (now - (jobs.waiting_since or now)).total_seconds(),
        ),
        by_result,
        _gauge("soundoff_running_servers", "Servers that have renewed their rows.", servers),
    ]
    if scheduler:
        text = "Time at which the scheduler started its last job, or now while a job runs."
        metrics.append(_gauge("soundoff_scheduler_timestamp_seconds", text, scheduler.timestamp()))
    return metrics


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
