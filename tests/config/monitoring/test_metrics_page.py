"""/metrics: who may read it, and what it prints."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import User
from comments.models import State
from comments.tasks import count_recommendations
from config.models import MailDay, RunningServer
from config.monitoring.database_metrics import DatabaseMetrics, MachineMetrics
from config.page_cache.application import PageCacheApp
from core.backup_folder import LastBackup, record_backup
from core.monitoring.metrics import REGISTRY
from moderation.models import Case, JobRun
from tests.config.monitoring.helpers import TOKEN, samples
from tests.conftest import use_store
from tests.factories import make_article, make_comment
from tests.helpers.postgres.database import captured_statements
from tests.helpers.wsgi_requests import send_request


@pytest.fixture(autouse=True)
def no_known_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MachineMetrics, "backup_at", 0.0)


@pytest.fixture
def token(settings: Settings) -> dict[str, str]:
    """Return the header of somebody who may read the page."""
    settings.METRICS_TOKEN = TOKEN
    return {"Authorization": f"Bearer {TOKEN}"}


def read(client: Client, token: dict[str, str]) -> str:
    return client.get("/metrics", headers=token).content.decode()


@pytest.mark.django_db
def test_there_is_no_such_page_without_a_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("sent", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"])
def test_metrics_need_the_token(client: Client, token: dict[str, str], sent: str | None) -> None:
    answer = client.get("/metrics", headers={} if sent is None else {"Authorization": sent})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"soundoff" not in answer.content


@pytest.mark.django_db
def test_it_is_text_that_no_cache_stores(client: Client, token: dict[str, str]) -> None:
    answer = client.get("/metrics", headers=token)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/metrics", headers=token).status_code == 405
    assert client.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


@pytest.mark.django_db
def test_it_answers_by_any_host_and_without_https(
    client: Client, token: dict[str, str], settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/metrics", headers={**token, "Host": "192.0.2.7:8000"}).status_code == 200


@pytest.mark.django_db
@time_machine.travel(datetime(2026, 11, 28, 8, tzinfo=UTC), tick=False)
def test_the_numbers_of_the_site_are_shown(client: Client, token: dict[str, str]) -> None:
    now = timezone.now()
    story = make_article()
    for hours, is_pending in ((30, True), (2, True), (50, False)):
        values = {"is_pending": is_pending, "opened_at": now - timedelta(hours=hours)}
        Case.objects.filter(comment=make_comment(story, body=f"Words of {hours}.")).update(**values)
    count_recommendations.enqueue()
    MailDay.objects.create(day=now.date(), sent=5, failed=2)
    MailDay.objects.create(day=now.date() - timedelta(days=90), sent=4)
    JobRun.objects.create(name="A job", started_at=now - timedelta(minutes=1))
    for name, age in (("a", timedelta(0)), ("b", timedelta(seconds=20)), ("c", timedelta(hours=1))):
        RunningServer.objects.create(name=name, host=name, roles="web", started_at=now, seen_at=now - age)
    found = samples(read(client, token))
    expected = {
        "soundoff_database_up": 1,
        "soundoff_comments_waiting": 2,
        "soundoff_comments_waiting_oldest_seconds": 30 * 3600,
        "soundoff_jobs{ready}": 1,
        "soundoff_jobs{running}": 0,
        "soundoff_jobs{failed}": 0,
        "soundoff_jobs_oldest_seconds": 0,
        "soundoff_mails_total{sent}": 9,
        "soundoff_mails_total{failed}": 2,
        "soundoff_running_servers": 2,
        "soundoff_scheduler_timestamp_seconds": now.timestamp() - 60,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 0 < found["soundoff_database_stamp_seconds"] < 60
    assert 0 < found["soundoff_disk_free_bytes"] < found["soundoff_disk_size_bytes"]


@pytest.mark.django_db
def test_the_time_of_the_last_backup_is_shown(
    client: Client, token: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    settings.HOME = tmp_path
    assert "soundoff_backup_timestamp_seconds" not in samples(read(client, token))
    at = datetime(2026, 11, 26, 1, 2, tzinfo=UTC)
    record_backup(LastBackup(tmp_path / "site.zip", at, 5, "ab" * 32, 0.5, {}))
    assert samples(read(client, token))["soundoff_backup_timestamp_seconds"] == at.timestamp()
    use_store(settings, "s3://k:s@127.0.0.1:9/gone")
    assert samples(read(client, token))["soundoff_backup_timestamp_seconds"] == at.timestamp()


@pytest.mark.django_db
def test_a_new_site_has_no_age_of_anything(client: Client, token: dict[str, str]) -> None:
    found = samples(read(client, token))
    assert found["soundoff_comments_waiting_oldest_seconds"] == 0
    assert found["soundoff_jobs_oldest_seconds"] == 0
    assert "soundoff_scheduler_timestamp_seconds" not in found


@pytest.mark.django_db
def test_it_costs_a_few_statements() -> None:
    with captured_statements() as statements:
        list(DatabaseMetrics().collect())
    assert len([one for one in statements if "SAVEPOINT" not in one]) == 8, statements


def test_without_a_database_the_rest_is_printed(
    token: dict[str, str],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        answer = client.get("/metrics", headers=token)
    assert answer.status_code == 200
    found = samples(answer.content.decode())
    assert found["soundoff_database_up"] == 0
    assert "soundoff_disk_free_bytes" in found
    assert "soundoff_comments_waiting" not in found


def test_the_page_cache_lets_it_through_without_a_database(
    site: PageCacheApp, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    site.stamp_reader.close()
    reply = send_request(site, "/metrics", **token)
    assert reply.status == 200
    assert samples(reply.text)["soundoff_database_up"] == 0
    monkeypatch.undo()
    connection.close()


def verdicts() -> dict[str, float]:
    return {
        verdict: REGISTRY.get_sample_value("soundoff_comments_posted_total", {"verdict": verdict}) or 0
        for verdict in ("publish", "hold", "spam")
    }


@pytest.mark.django_db
def test_comments_are_counted_by_their_verdict(ada: User) -> None:
    story, before = make_article(), verdicts()
    assert make_comment(story, author=ada).state == State.PUBLISHED
    assert make_comment(story).state == State.PENDING  # the first of a guest
    with pytest.raises(ValidationError):
        make_comment(story, body="")
    after = verdicts()
    assert {name: after[name] - before[name] for name in after} == {"publish": 1, "hold": 1, "spam": 0}
