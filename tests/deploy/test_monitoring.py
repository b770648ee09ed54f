"""The files for Prometheus and Grafana in deploy/: each metric that they name is one that /metrics prints."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.db import connection
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoDbBlocker, Settings

from config.monitoring import requests
from core.backup_folder import LastBackup, record_backup
from core.data_folder import PROJECT
from core.database import replicas
from moderation.models import JobRun
from tests.helpers.postgres.standby import Standby, make_url, running_standby

DASHBOARD = PROJECT / "deploy" / "grafana.json"
ALERTS = PROJECT / "deploy" / "alerts.yml"
METRIC = re.compile(r"\bsoundoff_\w+")
MATCHER = re.compile(r"(soundoff_\w+)\{([^}]*)\}")
LABEL = re.compile(r'(\w+)(=~?)"([^"]*)"')
TOKEN = "a token that is long enough"

Samples = dict[str, list[dict[str, str]]]


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def standby(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Standby]:
    url = make_url(*(connection.settings_dict[key] for key in ("HOST", "USER", "NAME")))
    with django_db_blocker.unblock(), running_standby(url) as running:
        yield running


@pytest.fixture
def printed(
    client: Client, settings: Settings, tmp_path: Path, db: None, standby: Standby
) -> Iterator[Samples]:
    """Return the labels of all samples, by the names of the metrics, of a site that has everything."""
    settings.METRICS_TOKEN = TOKEN
    settings.DATABASE_REPLICA_URLS = [standby.url]
    replicas.replicas.cache_clear()
    [replica] = replicas.replicas()
    settings.HOME = tmp_path
    now = timezone.now()
    record_backup(LastBackup(tmp_path / "site.zip", now, 5, "ab" * 32, 0.5, {}))
    JobRun.objects.create(name="A job", started_at=now - timedelta(minutes=1))
    for answer in ("cached", "made", "personal", "static", "check", "copy", "unavailable", "error"):
        requests.count_response(answer, "2", "story", 0.1)
    page = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    found: Samples = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    yield found
    replica._connection().close()
    replicas.replicas.cache_clear()


def test_the_files_name_only_metrics_and_labels_that_exist(printed: Samples) -> None:
    expressions = dashboard_expressions() + [str(rule["expr"]) for rule in rules()]
    named = {name for expression in expressions for name in METRIC.findall(expression)}
    assert named <= printed.keys(), named - printed.keys()
    for expression in expressions:
        for name, inner in MATCHER.findall(expression):
            for label, operator, value in LABEL.findall(inner):
                if label == "job":  # Prometheus adds it
                    continue
                values = {labels[label] for labels in printed[name]}
                wanted = value.split("|") if operator == "=~" else [value]
                assert values >= set(wanted), expression


def test_each_metric_is_shown_or_alerts(printed: Samples) -> None:
    text = " ".join(dashboard_expressions() + [str(rule["expr"]) for rule in rules()])
    used = {*METRIC.findall(text)}
    unused = {name for name in printed if re.sub("_(sum|count)$", "_bucket", name) not in used}
    assert unused == set()


def test_the_alerts_name_pages_commands_and_units_that_exist() -> None:
    text = " ".join(" ".join(rule["annotations"].values()) for rule in rules())
    pages = re.findall(r"(?<=[ (])/[\w/]+", text)
    assert all(resolve(page) for page in pages)
    commands = re.findall(r"`manage\.py (\w+)", text)
    assert set(commands) <= get_commands().keys()
    units = re.findall(r"`systemctl status ([\w-]+)", text)
    assert all((PROJECT / "deploy" / "systemd" / f"{unit}.service").exists() for unit in units)
    assert pages
    assert commands
    assert units


def test_the_alerts_expect_the_documented_job() -> None:
    expressions = " ".join(str(rule["expr"]) for rule in rules())
    documented = re.findall(r"job_name: (\w+)", (PROJECT / "docs" / "operate.md").read_text())
    assert set(re.findall(r'job="(\w+)"', expressions)) == set(documented)


def test_the_documentation_lists_every_metric(printed: Samples) -> None:
    text = (PROJECT / "docs" / "operate.md").read_text()
    documented = set(METRIC.findall(text.partition("## Metrics")[2].partition("\n## ")[0]))
    assert documented == {re.sub("_(sum|count|bucket)$", "", name) for name in printed}
