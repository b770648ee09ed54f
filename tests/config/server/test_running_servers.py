"""The rows of running servers: what is registered, refused, and continued after a server is lost."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from config.models import CacheEntry, RunningServer
from config.owner import problems
from config.scheduler.jobs import delete_expired_cache_entries
from config.server import running_servers, shared_folder
from config.server.running_servers import LOST_AFTER, ContradictionError

pytestmark = pytest.mark.django_db

ROLES = ("worker", "scheduler")


@pytest.fixture
def register(tmp_path: Path) -> Any:
    """Return a function that registers a server with the data folder of this test, or with another one."""

    def run(name: str, folder: str = "home") -> RunningServer:
        home = tmp_path / folder
        home.mkdir(exist_ok=True)
        running_servers.register(name, home=home, roles=ROLES)
        return RunningServer.objects.get(pk=name)

    return run


def stop_renewing(name: str) -> None:
    """Let the row of a server be older than that of all others by more than LOST_AFTER."""
    late = timezone.now() - LOST_AFTER - timedelta(minutes=1)
    assert RunningServer.objects.filter(pk=name).update(seen_at=late)


def running_job(*workers: str, status: str = TaskResultStatus.RUNNING) -> DBTaskResult:
    """Create a job that these workers took over, one after the other."""
    return DBTaskResult.objects.create(
        task_path="tests.none",
        args_kwargs={"args": [], "kwargs": {}},
        status=status,
        worker_ids=list(workers),
    )


def names() -> list[str]:
    return sorted(server.name for server in running_servers.running_servers())


def test_a_server_is_listed_while_it_renews_its_row(register, tmp_path):
    first = register("serve-a")
    assert (first.roles, first.role_labels) == ("worker scheduler", "job worker, scheduler")
    register("serve-b")
    stop_renewing("serve-a")
    assert names() == ["serve-b"]
    running_servers.renew("serve-a", home=tmp_path, roles=ROLES)
    assert names() == ["serve-a", "serve-b"]
    running_servers.unregister("serve-a", home=tmp_path)
    assert names() == ["serve-b"]


def test_no_server_is_lost_after_the_database_was_away_for_all(register):
    register("serve-a")
    register("serve-b")
    for name in ("serve-a", "serve-b"):
        stop_renewing(name)
    assert names() == ["serve-a", "serve-b"]


def test_a_server_that_was_cut_off_comes_back(register, tmp_path):
    register("serve-a")
    register("serve-b")
    stop_renewing("serve-a")
    assert running_servers.requeue_lost_jobs() == 1
    running_servers.renew("serve-a", home=tmp_path / "home", roles=ROLES)
    assert names() == ["serve-a", "serve-b"]
    job = running_job("serve-a")
    assert running_servers.requeue_lost_jobs() == 0
    assert DBTaskResult.objects.get(pk=job.pk).status == TaskResultStatus.RUNNING


def test_a_site_starts_elsewhere_after_its_only_server_was_killed(register, settings):
    register("serve-a")
    stop_renewing("serve-a")
    settings.SECRET_KEY = "another key"
    register("serve-b", "another")


def test_the_name_is_the_same_at_each_start_and_another_for_other_roles(tmp_path):
    name = running_servers.server_name(tmp_path, ROLES)
    assert name == running_servers.server_name(tmp_path, ROLES[::-1])
    assert name != running_servers.server_name(tmp_path, ["web"])
    (tmp_path / "other").mkdir()
    assert name != running_servers.server_name(tmp_path / "other", ROLES)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("SECRET_KEY", "another key", "Set the same SECRET_KEY on all machines."),
        ("SITE_URL", "https://other.example", "Set the same SITE_URL on all machines."),
    ],
)
def test_a_server_with_another_setting_is_refused(register, settings, setting, value, sentence):
    register("serve-a")
    setattr(settings, setting, value)
    with pytest.raises(ContradictionError, match=sentence):
        register("serve-b")
    assert names() == ["serve-a"]
    register("serve-a")  # its own change
    register("serve-b")


@pytest.fixture
def renew(tmp_path):
    """Return a function that renews a server as it does every 20 seconds."""
    return lambda name: running_servers.renew(name, home=tmp_path / "home", roles=ROLES)


def test_a_server_with_a_copy_of_the_data_folder_is_refused(register, renew, settings, tmp_path):
    register("serve-a")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    for _ in range(shared_folder.KEPT_MARKS):
        renew("serve-a")
    with pytest.raises(ContradictionError, match=r"in another data folder. That one or .*copy is a copy"):
        register("serve-b", "copy")
    with pytest.raises(ContradictionError, match="is a copy"):
        register("serve-a", "copy")  # on a copy of the whole machine
    assert names() == ["serve-a"]
    register("serve-b")
    settings.FILES_URL = "s3://bucket"  # then nothing that is shared is in the folder
    for name in names():
        running_servers.unregister(name, home=tmp_path / "home")
    register("serve-a")
    register("serve-c", "copy")
    assert not (tmp_path / "copy" / "servers" / "serve-c").exists()


@pytest.mark.parametrize("change", ["renew", "unregister"])
def test_a_server_that_changes_meanwhile_is_accepted(register, renew, monkeypatch, tmp_path, change):
    register("serve-a")
    read = shared_folder.read_marks

    def read_late(home, server):
        monkeypatch.setattr(shared_folder, "read_marks", read)
        if change == "renew":
            renew("serve-a")
        else:
            running_servers.unregister("serve-a", home=tmp_path / "home")
        return read(home, server)

    monkeypatch.setattr(shared_folder, "read_marks", read_late)
    register("serve-b")
    assert "serve-b" in names()


def test_a_server_of_the_version_before_has_no_mark(register, tmp_path):
    of_the_version_before = register("serve-a")
    del of_the_version_before.settings[running_servers.FOLDER_MARK]
    of_the_version_before.save()
    shutil.copytree(tmp_path / "home", tmp_path / "copy", ignore=shutil.ignore_patterns("servers"))
    register("serve-b", "copy")


@pytest.mark.parametrize("what", ["renew_mark", "folder_id"])
def test_a_server_goes_on_without_its_data_folder(register, renew, monkeypatch, what):
    server = register("serve-a")

    def fail(*arguments):
        raise OSError

    monkeypatch.setattr(shared_folder, what, fail)
    renew("serve-a")
    seen_at = server.seen_at
    server.refresh_from_db()
    assert server.seen_at > seen_at
    monkeypatch.undo()
    register("serve-b")


def test_servers_with_another_mail_server_are_named(register, monkeypatch):
    register("serve-a")
    of_the_version_before = register("serve-b")
    assert running_servers.differing_settings() == []
    del of_the_version_before.settings["EMAIL_URL"]
    of_the_version_before.save()
    assert running_servers.differing_settings() == []
    monkeypatch.setenv("EMAIL_URL", "submission://mail.example.org")
    register("serve-c")
    assert running_servers.differing_settings() == ["EMAIL_URL"]
    found = [problem.message for problem in problems.find_problems("")]
    assert "The servers of this site have different values of EMAIL_URL." in found


def test_a_server_that_misses_renewals_is_silent(register):
    server = register("serve-a")
    assert not server.is_silent
    server.seen_at -= timedelta(minutes=2)
    assert server.is_silent


def test_servers_share_one_data_folder_or_one_store(register, settings):
    register("serve-a")
    with pytest.raises(ContradictionError, match="Set the same FILES_URL"):
        register("serve-b", "another")
    stop_renewing("serve-a")
    RunningServer.objects.create(
        name="serve-c", host="c", roles="web", started_at=timezone.now(), seen_at=timezone.now()
    )
    with pytest.raises(ContradictionError, match="c runs this site"):
        register("serve-b", "another")
    RunningServer.objects.filter(pk="serve-c").delete()
    RunningServer.objects.filter(pk="serve-a").delete()
    settings.FILES_URL = "s3://key:secret@store.example/bucket"
    register("serve-b", "another")
    register("serve-a")


def test_jobs_of_a_lost_server_are_queued_again(register):
    register("serve-lost")
    register("serve-here")
    stop_renewing("serve-lost")
    lost, unknown = running_job("serve-lost"), running_job("serve-forgotten")
    here, foreign = running_job("serve-here"), running_job("started by hand")
    done = running_job("serve-lost", status=TaskResultStatus.SUCCESSFUL)
    assert running_servers.requeue_lost_jobs() == 2
    status = DBTaskResult.objects.in_bulk()
    assert [status[job.pk].status for job in (lost, unknown, here, foreign, done)] == [
        *[TaskResultStatus.READY] * 2,
        *[TaskResultStatus.RUNNING] * 2,
        TaskResultStatus.SUCCESSFUL,
    ]
    assert list(RunningServer.objects.values_list("pk", flat=True)) == ["serve-here"]
    assert running_servers.requeue_lost_jobs() == 0


def test_a_server_queues_its_own_unfinished_jobs_again():
    ours, others = running_job("another", "ours"), running_job("ours", "another")
    done = running_job("ours", status=TaskResultStatus.SUCCESSFUL)
    running_servers.requeue_jobs_of("ours")
    status = DBTaskResult.objects.in_bulk()
    assert [status[job.pk].status for job in (ours, others, done)] == [
        TaskResultStatus.READY,
        TaskResultStatus.RUNNING,
        TaskResultStatus.SUCCESSFUL,
    ]


def test_the_cache_is_in_the_database_and_what_has_expired_is_deleted():
    cache.set("kept", [1.5, 2.5], timeout=60)
    cache.set("expired", "192.0.2.1", timeout=60)
    CacheEntry.objects.filter(cache_key__endswith="expired").update(expires=timezone.now())
    assert delete_expired_cache_entries() == 1
    assert cache.get("kept") == [1.5, 2.5]
    assert CacheEntry.objects.count() == 1
