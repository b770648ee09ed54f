"""The system status, and its buttons that run a failed job again."""

import os
import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.test import Client
from django.utils import timezone
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from accounts.services import erase_account
from archive.nightly import make_nightly_backup
from articles.models import Site
from comments.tasks import mail_confirmation
from config.hosts import parse_networks
from config.models import MailDay, MailFailure
from config.owner import problems, system_status
from config.scheduler.jobs import JOBS, Job
from config.scheduler.runner import LOCK_NAMESPACE, is_due, run_if_due
from config.system_checks import check_proxy_bypass, check_secret_key_mode, check_web_login
from core import VERSION, stored_jobs
from core.backup_folder import (
    BackupFailure,
    LastBackup,
    record_backup,
    record_failure,
)
from core.data_folder import PROJECT
from core.database.locks import try_lock
from moderation.models import JobRun
from tests.config.owner.helpers import failed_job, quiet
from tests.conftest import use_store
from tests.factories import GuestFactory, UserFactory, confirm_email
from tests.helpers.data_folder import data_path
from tests.helpers.jobs import run_jobs
from tests.helpers.servers.smtp import Inbox

URL, JOB = "/owner/status/", "/owner/jobs/"


def page(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_only_administrators_have_access(db: None) -> None:
    assert Client().get(URL).status_code == 302
    # There is no redirect to the log-in for a page that can't be opened.
    assert Client().get(JOB).status_code == 405
    assert "Not saved: you are logged out" in Client().post(JOB, {"all": "1"}).text
    for role in (MODERATOR, EDITOR):
        client = Client()
        client.force_login(UserFactory.create(roles=(role,)))
        assert client.get(URL).status_code == 403
        assert client.post(JOB, {"all": "1"}).status_code == 403


def test_versions_database_and_disk_are_shown(ada_client: Client) -> None:
    text = page(ada_client)
    assert f"Soundoff {VERSION} · Python 3." in text
    assert "PostgreSQL 1" in text
    assert "MB, “" in text
    assert f"free on the disk of {os.environ['SOUNDOFF_HOME']}." in text


def test_the_last_backup_and_its_age_are_shown(ada_client: Client) -> None:
    data_path("backups/last.json").unlink(missing_ok=True)
    assert "Never. Make a backup each day" in page(ada_client)
    file = data_path("backups/one.backup")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x" * 2048)
    made = {"size": 2048, "sha256": "", "seconds": 1.0, "counts": {}}
    record_backup(LastBackup(file=file, at=timezone.now(), **made))
    text = page(ada_client)
    assert f"2.0 KB in {file}" in text.replace("\xa0", " ")
    assert "Make a backup each day" not in text
    file.unlink()
    assert "The file is no longer there" in page(ada_client)
    record_backup(LastBackup(file=file, at=timezone.now() - timedelta(days=8), **made))
    assert "Make a backup each day" in page(ada_client)
    data_path("backups/last.json").unlink()


def test_the_nightly_backup_is_switched_on_and_shown(
    ada_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.HOME = tmp_path
    assert "<dd> Off. <a" in page(ada_client)
    fields = ada_client.get("/owner/settings/").context["form"].initial
    assert f"in {data_path('backups/nightly')} on this machine" in page(ada_client, "/owner/settings/")
    values = {name: value for name, value in fields.items() if value not in (None, False)}
    refused = ada_client.post("/owner/settings/", {**values, "backs_up_nightly": "on", "backups_kept": "0"})
    assert list(refused.context["form"].errors) == ["backups_kept"]
    ada_client.post("/owner/settings/", {**values, "backs_up_nightly": "on", "backups_kept": "3"})
    assert (
        f"On: the last 3 are kept in {data_path('backups/nightly')}. The first one is made within minutes"
        in page(ada_client)
    )

    with time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC), tick=False):
        make_nightly_backup()
    text = page(ada_client)
    assert "1 backup, " in text
    assert f"in {data_path('backups/nightly')}/soundoff-2026-11-26.zip" in text
    assert "Copy them, and erasures.jsonl" in text
    record_failure(BackupFailure(timezone.now(), "The disk of /srv is full: the backup was not made."))
    text = page(ada_client)
    assert "failed: The disk of /srv is full: the backup was not made. </strong> The next attempt" in text
    Site.objects.update(backs_up_nightly=False)
    assert "Off. 1 backup, " in page(ada_client)


def test_nightly_backups_in_a_bucket_are_shown(ada_client: Client, bucket: str, settings: Any) -> None:
    Site.objects.update(backs_up_nightly=True)
    with time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC), tick=False):
        make_nightly_backup()
    folder = f"s3://{bucket.rpartition('/')[2]}/backups/nightly"
    text = page(ada_client)
    assert f"in {folder}/soundoff-2026-11-26.zip" in text
    assert "The file is no longer there" not in text
    assert f"are kept in {folder}. 1 backup, " in text
    assert "They are in the same store as the images. Copy them" in text
    assert f"after 03:00, in {folder}. Copy" in page(ada_client, "/owner/settings/")
    use_store(settings, "s3://k:s@127.0.0.1:9/gone")
    text = page(ada_client)
    assert "The files of the site can’t be read: the store of the files does not work" in text
    assert "Unknown, as the files of the site can’t be read." in text


def test_a_failed_mail_and_its_job_are_shown_and_retried(ada_client: Client, inbox: Inbox) -> None:
    job = failed_job(inbox)
    text = page(ada_client)
    assert "0 sent, 1 failed." in text
    assert "rejects this recipient: 550 5.1.1 &lt;…@…&gt; is unknown here" in text
    assert "Mail a link that confirms an e-mail</strong>" in text
    assert "SMTPRecipientsRefused" in text
    assert "jim@example.org" not in text

    ada_client.post(JOB, {"retry": str(job.pk)})
    job.refresh_from_db()
    assert job.status == TaskResultStatus.READY
    assert system_status.read_system_status().jobs.ready == 1
    inbox.refused = {}
    run_jobs()
    job.refresh_from_db()
    assert job.status == TaskResultStatus.SUCCESSFUL
    assert [mail["To"] for mail in inbox.mails] == ["jim@example.org"]
    text = page(ada_client)
    assert "1 sent, 1 failed." in text
    assert "Failed jobs" not in text


def test_running_jobs_are_counted_only_if_there_are_any(ada_client: Client) -> None:
    guest = GuestFactory.create(email="jim@example.org")
    waiting, running = mail_confirmation.enqueue(guest.pk), mail_confirmation.enqueue(guest.pk)
    assert "<dt>Waiting</dt> <dd> 2 </dd>" in page(ada_client)
    DBTaskResult.objects.filter(pk=running.id).update(status=TaskResultStatus.RUNNING)
    assert "<dt>Waiting</dt> <dd> 1, and 1 running </dd>" in page(ada_client)
    DBTaskResult.objects.filter(pk=waiting.id).update(enqueued_at=timezone.now() - timedelta(hours=2))
    assert "1, and 1 running <br> The oldest has been waiting since" in page(ada_client)


def test_each_job_has_a_label() -> None:
    ours = [config for config in apps.get_app_configs() if Path(config.path).parent == PROJECT]
    names = [found.name for app in ours for found in walk_packages([app.path], f"{app.label}.")]
    modules = [import_module(name) for name in names if ".migrations" not in name]
    tasks = [found for module in modules for found in vars(module).values() if isinstance(found, Task)]
    assert {task.func.__name__ for task in tasks} == set(system_status.JOB_NAMES)


def test_a_second_retry_does_nothing(ada_client: Client, inbox: Inbox) -> None:
    job = failed_job(inbox)
    ada_client.post(JOB, {"retry": str(job.pk)})
    response = ada_client.post(JOB, {"retry": str(job.pk)}, follow=True)
    assert "somebody was faster" in response.content.decode()
    run_jobs()
    assert DBTaskResult.objects.failed().count() == 1


def test_all_jobs_are_retried_or_one_is_deleted(ada_client: Client, inbox: Inbox) -> None:
    jobs = [failed_job(inbox) for _ in range(3)]
    ada_client.post(JOB, {"discard": str(jobs[0].pk)})
    assert not DBTaskResult.objects.filter(pk=jobs[0].pk).exists()
    ada_client.post(JOB, {"all": "1"})
    states = DBTaskResult.objects.filter(pk__in=[job.pk for job in jobs]).values_list("status", flat=True)
    assert list(states) == [TaskResultStatus.READY] * 2


@pytest.mark.parametrize("sent", [{}, {"retry": "x"}, {"retry": "9" * 32}, {"run_now": "no such"}])
def test_unknown_jobs_are_no_error(ada_client: Client, sent: dict[str, str]) -> None:
    assert ada_client.post(JOB, sent).status_code == 302


def test_a_missing_job_worker_is_shown(ada_client: Client) -> None:
    result = quiet.enqueue()
    assert "The job worker does not seem to run" not in page(ada_client)
    long_ago = timezone.now() - timedelta(minutes=11)
    DBTaskResult.objects.filter(pk=result.id).update(enqueued_at=long_ago)
    assert "The job worker does not seem to run" in page(ada_client)
    run_jobs()
    quiet.using(run_after=timezone.now() + timedelta(days=1)).enqueue()
    DBTaskResult.objects.update(enqueued_at=long_ago)
    assert "The job worker does not seem to run" not in page(ada_client)  # that one has time


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_is_not_missing_while_a_long_job_runs(ada_client: Client) -> None:
    job = JobRun.objects.create(name="long", started_at=timezone.now() - timedelta(hours=1))
    missing = "The scheduler does not seem to run"
    assert missing in page(ada_client)
    with try_lock(LOCK_NAMESPACE, "long"):
        assert missing not in page(ada_client)
        job.started_at -= timedelta(hours=5)  # it hangs
        job.save()
        assert missing in page(ada_client)


def test_failed_and_interrupted_scheduled_jobs_are_shown(ada_client: Client) -> None:
    assert "Has never run." in page(ada_client)

    def fails() -> None:
        raise RuntimeError

    job = Job("Erase old spam", timedelta(days=1), fails)
    run_if_due(job)
    text = page(ada_client)
    assert "Failed: RuntimeError. The next attempt is automatic." in text
    assert not is_due(job, timezone.now())
    ada_client.post(JOB, {"run_now": "Erase old spam"})
    assert is_due(job, timezone.now())
    JobRun.objects.create(name="Train the spam filter", started_at=timezone.now() - timedelta(minutes=11))
    assert "run manage.py tick once a minute" in page(ada_client)


def test_names_of_scheduled_jobs_can_be_stored() -> None:
    assert max(len(job.name) for job in JOBS) <= JobRun._meta.get_field("name").max_length


def test_finished_jobs_are_deleted_after_a_week(ada_client: Client, inbox: Inbox) -> None:
    quiet.enqueue()
    run_jobs()
    failed = failed_job(inbox)
    assert stored_jobs.delete_finished() == 0
    DBTaskResult.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert stored_jobs.delete_finished() == 1
    assert DBTaskResult.objects.failed().get() == failed
    DBTaskResult.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert stored_jobs.delete_finished() == 1  # its arguments may be an e-mail


def problems_of(client: Client) -> str:
    text = page(client)
    return text[text.index('id="check"') : text.index('id="program"')]


def test_mails_of_a_week_are_counted(ada_client: Client) -> None:
    today = timezone.now().date()
    MailDay.objects.create(day=today, sent=2, failed=1)
    MailDay.objects.create(day=today - timedelta(days=6), sent=1_000)
    MailDay.objects.create(day=today - timedelta(days=7), sent=5)
    MailFailure.objects.create(subject="News", count=3, error="No <b>")
    text = page(ada_client)
    assert "1,002 sent, 1 failed." in text
    assert "News and others, 3 in total" in text
    assert "No &lt;b&gt;" in text


def test_problems_are_shown_with_their_fixes(ada_client: Client) -> None:
    text = problems_of(ada_client)
    assert "Only this machine can reach the site" in text
    assert "served without HTTPS" in text
    assert "SITE_URL=https://" in text
    assert "No mail server is set" in text
    assert "The e-mail of 1 administrator is not confirmed" in text
    # The run's own database has one login for all.
    assert "could rewrite the audit log" in text
    # Django's own words about what follows from that are left out.
    assert "SECURE_SSL_REDIRECT" not in text
    assert "SECURE_HSTS" not in text


def test_problems_disappear_when_they_are_fixed(ada_client: Client, inbox: Inbox, settings: Any) -> None:
    settings.HTTPS = settings.BEHIND_PROXY = True
    settings.SITE_URL = "https://example.org"
    user = UserFactory.create(name="Eve", email="eve@example.org", roles=(ADMINISTRATOR,))
    for person in (user, type(user).objects.get(name="Ada")):
        confirm_email(person)
    text = problems_of(ada_client)
    for gone in ("HTTPS", "mail server", "is not confirmed", "Only this machine"):
        assert gone not in text
    erase_account(user=user)
    assert "is not confirmed" not in problems_of(ada_client)


def test_active_sample_accounts_are_a_problem(ada_client: Client) -> None:
    assert "sample data" not in problems_of(ada_client)
    UserFactory.create(email="moderator@example.org")
    assert "Accounts of the sample data can log in: moderator@example.org" in problems_of(ada_client)


def test_a_key_that_others_can_read(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    settings.HOME = tmp_path
    assert check_secret_key_mode() == []
    key = tmp_path / "secret_key"
    key.write_text("x")
    for mode, verb in [(0o600, None), (0o640, "read"), (0o606, "change")]:
        key.chmod(mode)
        text = [one.msg for one in check_secret_key_mode()]
        assert [verb in one for one in text if verb] == ([True] if verb else []), oct(mode)
        assert bool(text) == bool(verb)


def test_a_port_behind_the_proxy_that_others_reach(settings: Any) -> None:
    settings.HOST = "0.0.0.0"
    for everybody in ["0.0.0.0/0 ::/0", "0.0.0.0/1 128.0.0.0/1"]:
        settings.PROXIES = parse_networks(everybody)
        assert [one.id for one in check_proxy_bypass()] == ["config.W002"]
    settings.PROXIES = parse_networks("10.0.0.5")
    assert check_proxy_bypass() == []
    settings.PROXIES = parse_networks("0.0.0.0/0")
    settings.HOST = "127.0.0.1"
    assert check_proxy_bypass() == []


@pytest.mark.parametrize(
    ("proxies", "row"),
    [
        ("", None),
        ("10.0.1.0/24, 10.0.0.5", "10.0.1.0/24, 10.0.0.5"),
        ("0.0.0.0/0 ::/0", "any address that reaches the site"),
    ],
)
def test_the_page_names_the_trusted_proxies(
    settings: Any, ada_client: Client, proxies: str, row: str | None
) -> None:
    settings.PROXIES = parse_networks(proxies)
    assert re.findall("<dt>Trusted proxies</dt> <dd>(.*?)</dd>", page(ada_client)) == ([row] if row else [])


def test_a_web_login_that_owns_tables_is_a_problem(db: None) -> None:
    assert [one.id for one in check_web_login(databases=["default"])] == ["config.W003"]
    assert check_web_login(databases=None) == []


@pytest.mark.django_db
def test_each_problem_has_this_projects_own_instructions(settings: Any) -> None:
    settings.SECRET_KEY, settings.DEBUG = "short", True
    found = {problem.message: problem.fix for problem in problems.find_problems("")}
    text = " ".join([*found, *found.values()])
    assert "SECRET_KEY is too easy to guess" in text
    assert "Leave DEBUG out and restart the site." in text
    assert "django-insecure" not in text
    assert "Search the web" not in text
    assert all(found.values())
