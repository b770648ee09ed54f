"""Upgrades of an earlier version's database, each in a database of the test's own."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations import RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models import Index
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

import archive.upgrade
from accounts.models import User
from archive.backup.container import BackupError, open_backup
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.models import Article
from comments.integrity import check
from comments.models import Comment, Reason, State, Transition
from comments.services.states import delete_comment
from comments.services.text_changes import erase_comments
from config.management.commands import serve
from config.owner.system_status import JOB_NAMES
from core import backup_folder, erasure_log
from core.data_folder import StartupError
from core.database import concurrent_indexes
from core.database.concurrent_indexes import AddIndexConcurrently
from core.database.migration_state import later_migrations, unapplied_migrations
from moderation.actions.decisions import decide, undo
from moderation.models import Batch
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.data_folder import data_path
from tests.helpers.postgres.tampering import triggers_disabled
from tests.helpers.waiting import wait_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)

Upgrade = Callable[..., str]


@contextmanager
def database(name: str, template: str) -> Iterator[None]:
    """Create a database as a copy of `template` and use it within the block."""
    was = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = was
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def migrated(transactional_db: None) -> Iterator[str]:
    """Use a copy of the test database, and return the name of the test database, which stays empty."""
    migrated = connection.settings_dict["NAME"]
    with database("soundoff_upgraded", migrated):
        yield migrated


@pytest.fixture
def later(settings: Any) -> Callable[[], None]:
    """Return a function that turns the program into a later version with one more migration."""

    def install() -> None:
        settings.MIGRATION_MODULES = {"archive": "tests.archive.later"}

    return install


@pytest.fixture
def upgrade(capsys: pytest.CaptureFixture[str]) -> Upgrade:
    def run(**options: Any) -> str:
        call_command("upgrade", **options)
        return capsys.readouterr().out

    return run


def made() -> list[Path]:
    return sorted(data_path("backups").glob("upgrade-*.zip"))


def tables() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def test_no_migration_is_pending(upgrade: Upgrade) -> None:
    make_article()
    assert upgrade() == "The database is up to date.\n"
    assert made() == []


def test_a_migration_gives_way_to_a_program_that_uses_its_table(
    later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise pages would wait behind it, for instance until a backup is complete."""
    later()
    monkeypatch.setattr(archive.upgrade, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(archive.upgrade, "RETRY_PAUSE_SECONDS", 0)
    other = connection.copy()
    output = []

    def report(line: str) -> None:
        output.append(line)
        other.rollback()

    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE django_migrations IN SHARE MODE")  # others may read it
        archive.upgrade.upgrade(report=report)
    finally:
        other.close()
    assert output == [
        "Another program uses the database. Trying again in 0 s …",
        "The database is up to date. Migrations applied: 1.",
    ]
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("1min",), "that of the tests"


def test_an_empty_site_needs_no_backup(upgrade: Upgrade, later: Callable[[], None]) -> None:
    later()
    assert "Migrations applied: 1" in upgrade()
    assert made() == []


def test_a_backup_comes_first(upgrade: Upgrade, later: Callable[[], None]) -> None:
    make_comment(make_article(), "A word.")
    later()
    assert unapplied_migrations() == ["archive.0990_next"]
    output = upgrade()
    (file,) = made()
    assert str(file) in output
    assert file.stat().st_mode & 0o777 == 0o600
    last = backup_folder.last_backup()
    assert last
    assert last.file == file
    with open_backup(file) as reader:
        assert reader.manifest.counts["comments"] == 1
        assert "0990_next" not in reader.manifest.migrations["archive"]
    assert unapplied_migrations() == []
    assert "archive_next" in tables()


def test_the_last_three_are_kept(upgrade: Upgrade, later: Callable[[], None]) -> None:
    make_article()
    data_path("backups").mkdir()
    other = data_path("backups/by-hand.zip")
    for name in (
        "upgrade-20250101T000000Z.zip",
        "upgrade-20250102T000000Z.zip",
        "upgrade-20250103T000000Z.zip",
    ):
        (data_path("backups") / name).touch()
    other.touch()
    later()
    upgrade()
    assert [path.name for path in made()][:2] == [
        "upgrade-20250102T000000Z.zip",
        "upgrade-20250103T000000Z.zip",
    ]
    assert len(made()) == 3
    assert other.exists()


def test_a_failed_migration_is_rolled_back(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    later()
    migration = import_module("tests.archive.later.0990_next").Migration
    with monkeypatch.context() as patch:
        broken = [RunSQL("CREATE TABLE archive_half ()"), RunSQL("SELECT 1 / 0")]
        patch.setattr(migration, "operations", broken)
        with pytest.raises(CommandError) as failed:
            upgrade()
    (file,) = made()
    for part in (
        "The migration archive.0990_next failed and was rolled back: division by zero.",
        "0 of 1 migrations were applied",
        "run manage.py upgrade to continue",
        f"restore {file} into an empty database or a new data folder",
    ):
        assert part in str(failed.value)
    assert "archive_half" not in tables()
    assert unapplied_migrations() == ["archive.0990_next"], "upon which serve does not start"
    assert "Migrations applied: 1" in upgrade()


def test_an_index_that_was_not_completed_is_named_and_built_by_the_next_upgrade(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    later()
    index = AddIndexConcurrently("import", Index(fields=["at"], name="import_later"))
    migration = import_module("tests.archive.later.0990_next").Migration
    monkeypatch.setattr(migration, "operations", [index])
    monkeypatch.setattr(migration, "atomic", False)
    monkeypatch.setattr(concurrent_indexes, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(archive.upgrade, "RETRY_PAUSE_SECONDS", 0)
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE archive_import IN ROW EXCLUSIVE MODE")
        with monkeypatch.context() as patch:
            patch.setattr(archive.upgrade, "MAX_RETRY_SECONDS", 0)
            with pytest.raises(CommandError, match="failed, and its index may be incomplete"):
                upgrade()
        output = []

        def report(line: str) -> None:
            output.append(line)
            if line.startswith("Another program"):
                other.rollback()

        archive.upgrade.upgrade(report=report, without_backup=True)
    assert output[0].startswith("Building indexes while the site goes on.")
    assert output[1:] == [
        "Another program uses the database. Trying again in 0 s …",
        "The database is up to date. Migrations applied: 1.",
    ]


def test_ctrl_c_ends_the_wait_for_an_index(
    later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    later()
    index = AddIndexConcurrently("import", Index(fields=["at"], name="import_later"))
    migration = import_module("tests.archive.later.0990_next").Migration
    monkeypatch.setattr(migration, "operations", [index])
    monkeypatch.setattr(migration, "atomic", False)

    def interrupt() -> None:
        wait_for_a_lock()
        connection.close()
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of a test run ignore it
    with closing(connection.copy()) as other, ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, handler)
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE archive_import IN ROW EXCLUSIVE MODE")
        interrupting = Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(BackupError, match="canceling statement due to user request"):
            archive.upgrade.upgrade(report=lambda line: None, without_backup=True)
        interrupting.join()
    assert unapplied_migrations() == ["archive.0990_next"]


def test_without_a_backup_nothing_is_upgraded(
    upgrade: Upgrade, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    later()
    full = type("Usage", (), {"free": 10})
    with monkeypatch.context() as patch:
        patch.setattr("archive.backup.write.shutil.disk_usage", lambda path: full)
        with pytest.raises(CommandError, match=r"Nothing was upgraded.*it may take .* MB.*--without-backup"):
            upgrade()
        assert unapplied_migrations() == ["archive.0990_next"]
        assert "Migrations applied: 1" in upgrade(without_backup=True)
    assert made() == []


def test_an_earlier_version_refuses_a_later_database(
    upgrade: Upgrade, later: Callable[[], None], settings: Any
) -> None:
    make_article()
    later()
    upgrade()
    settings.MIGRATION_MODULES = {}
    assert later_migrations() == ["archive.0990_next"]
    with pytest.raises(
        CommandError, match=r"upgraded by a later version of Soundoff .archive.0990_next.*the backup"
    ):
        upgrade()


def test_concurrent_upgrades_run_one_after_the_other(upgrade: Upgrade, later: Callable[[], None]) -> None:
    later()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 0)", [0x50DB])
    try:
        with pytest.raises(CommandError, match="Another upgrade"):
            upgrade()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [0x50DB])
    finally:
        other.close()
    assert "Migrations applied: 1" in upgrade()


def fail(*_values: object) -> None:
    raise OSError("No space left on device.")


def test_a_backup_of_an_earlier_version_is_upgraded(
    home: Path, later: Callable[[], None], settings: Any, monkeypatch: pytest.MonkeyPatch, migrated: str
) -> None:
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    story, file = make_article(), home / "site.zip"
    gone, stays = make_comment(story, "Buy casino."), make_comment(story, "A word about the boat.")
    backup(file)
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    erase_comments(ids=[gone.pk], at=timezone.now())
    assert [one.id for one in erasure_log.read(erasure_log.path())] == [gone.pk]
    later()
    with database("soundoff_blank", migrated):
        done = restore(file)
        assert done.replayed.comments == 1
        assert "archive_next" in tables()
        assert unapplied_migrations() == later_migrations() == []
        assert Article.objects.get().title == story.title
        assert dict(Comment.objects.values_list("pk", "body")) == {gone.pk: "", stays.pk: stays.body}
        assert check() == {}
        make_comment(story, "It goes on.")
    with database("soundoff_blank", migrated), monkeypatch.context() as patch:
        patch.setattr("archive.backup.restore._replay_and_requeue", fail)
        with pytest.raises(CommandError, match=r"permanently deleted after it may be there again: No space"):
            call_command("restore", str(file))
        with pytest.raises(CommandError, match=r"The restore of .* is not finished"):
            call_command("upgrade")
        for is_alone in (True, False):
            with pytest.raises(CommandError, match=r"The restore of .* is not finished"):
                serve.Command().migrate(is_alone=is_alone)
    broken = import_module("tests.archive.later.0990_next").Migration
    with database("soundoff_blank", migrated), monkeypatch.context() as patch:
        patch.setattr(broken, "operations", [RunSQL("SELECT 1 / 0")])
        with pytest.raises(CommandError, match=r"The whole backup was restored, but .*: division by zero"):
            call_command("restore", str(file))
        assert unapplied_migrations(), "upon which serve does not start"
        patch.undo()
        with pytest.raises(CommandError, match=r"The restore of .* is not finished"):
            call_command("upgrade")
    with database("soundoff_blank", migrated):
        call_command("migrate", verbosity=0)
        with pytest.raises(CommandError, match=r"made by an earlier version, before archive.0990_next"):
            call_command("restore", str(file))
        assert not Article.objects.exists()


# The last migrations before those that add constraints.
UNGUARDED = [("moderation", "0003_data"), ("comments", "0003_data"), ("accounts", "0002_data")]


def test_rows_that_break_a_newer_constraint_do_not_stop_an_upgrade(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The upgrade or check_integrity names such rows, and valid rows stay unchanged."""
    story, ada = make_article(), UserFactory.create(roles=("Administrator",))
    sound, own_parent, silent, late = (make_comment(story, f"Word {n}.") for n in range(4))
    MigrationExecutor(connection).migrate(UNGUARDED)
    with connection.cursor() as cursor:
        for statement, comment in (
            ("UPDATE comments_comment SET parent_id = id WHERE id = %s", own_parent),
            ("UPDATE comments_comment SET state = 'spam' WHERE id = %s", silent),
            ("UPDATE comments_comment SET created_at = now() + interval '1 day' WHERE id = %s", late),
        ):
            cursor.execute(statement, [comment.pk])
    capsys.readouterr()
    call_command("migrate", verbosity=0)
    assert "A comment hangs from itself: manage.py check_integrity names it" in capsys.readouterr().out
    found = check()
    assert (found["parent"], found["state"], found["comment_time"]) == (
        [own_parent.pk],
        [silent.pk],
        [late.pk],
    )
    assert own_parent.pk in found["tree"]
    assert not {"name", "role", "tree_number"} & set(found)
    assert ada.role_changes.get().is_granted
    delete_comment(comment=sound, user=None, guest=sound.guest)
    assert make_comment(story, "It goes on.").text.author_name


@pytest.mark.parametrize(
    "name",
    [
        "comments.migrations.0019_task_names",
        "moderation.migrations.0029_task_names",
        "archive.migrations.0003_task_names",
    ],
)
def test_jobs_that_wait_during_the_upgrade_find_their_renamed_functions(name: str) -> None:
    migration = import_module(name)
    for path in migration.TASKS:
        values = {"args": [], "kwargs": {}}
        DBTaskResult.objects.create(task_path=path, args_kwargs=values, backend_name="default")
    migration.rename_tasks(apps, None)
    jobs = DBTaskResult.objects.all()
    assert sorted(job.task.module_path for job in jobs) == sorted(migration.TASKS.values())
    assert {job.task_path.rpartition(".")[2] for job in jobs} <= JOB_NAMES.keys()


# Made by the last version whose migrations are the parts of today's squashed ones.
BEFORE_SQUASH = Path(__file__).with_name("before_squash.zip")

NAMES = """
SELECT conrelid::regclass::text, conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public'
UNION SELECT 'sequences', sequencename FROM pg_sequences
UNION SELECT app_label || '_' || model, codename
  FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
  WHERE app_label IN ('accounts', 'archive', 'articles', 'comments', 'moderation')"""


def names() -> set[tuple[str, str]]:
    """Return (table, name) for constraints, triggers, indexes, sequences and permissions."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        return set(cursor.fetchall())


def test_a_backup_from_before_the_squashed_migrations_is_restored(
    upgrade: Upgrade, later: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    names_of_today = names()
    with database("soundoff_blank", "template1"):
        call_command("restore", str(BEFORE_SQUASH))
        assert "Restored as of" in capsys.readouterr().out
        assert unapplied_migrations() == later_migrations() == []
        assert check() == {}
        assert names() == names_of_today
        assert Counter(Comment.objects.values_list("state", flat=True)) == {
            "published": 35,
            "rejected": 2,
            "spam": 1,
            "pending": 1,
        }
        assert undo(batch=Batch.objects.latest("pk"), actor=User.objects.get(email="moderator@example.org"))
        later()
        assert "Migrations applied: 1" in upgrade()


def test_an_upgrade_names_the_decisions_that_undos_restored(settings: Any) -> None:
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    story, ada = make_article(), UserFactory.create(roles=("Administrator",))
    ids = [make_comment(story, f"Word {n}.").pk for n in range(3)]
    for n, (to, reason) in enumerate([(State.SPAM, Reason.SPAM), (State.REJECTED, Reason.INSULT)]):
        batch = decide(ids=ids, to=to, reason=reason, actor=ada).batch
        for only in (ids, ids[n:], ids[1:]):
            assert batch
            batch = undo(batch=batch, actor=ada, only=only).batch
    rows = Transition.objects.order_by("pk")
    before = list(rows.values())
    assert sum(row["restores_id"] is not None for row in before) == 15
    with triggers_disabled("transition_append_only"):
        rows.update(restores=None)
    migration = import_module("moderation.migrations.0028_restored_transitions")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(migration.FILL)
    assert list(rows.values()) == before
    with pytest.raises(DatabaseError, match="append-only"):
        rows.update(restores=None)


def record_replaced_migrations() -> None:
    """Record the migrations as the last version before the squashed ones did."""
    with connection.cursor() as cursor:
        for (app, name), migration in MigrationLoader(None).disk_migrations.items():
            if migration.replaces:
                cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, name])
                cursor.executemany(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())",
                    migration.replaces,
                )


def test_a_database_from_before_the_squashed_migrations_is_up_to_date(
    upgrade: Upgrade, migrated: str
) -> None:
    record_replaced_migrations()
    assert upgrade() == "The database is up to date.\n"
    assert unapplied_migrations() == later_migrations() == []
    file = data_path("site.zip")
    backup(file)
    with database("soundoff_blank", migrated):
        call_command("restore", str(file))


def test_a_database_of_a_still_earlier_version_is_refused() -> None:
    record_replaced_migrations()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'articles' AND name LIKE '0020%'")
    with pytest.raises(StartupError, match=r"Upgrade it with version 0.6 of Soundoff first"):
        call_command("upgrade")


def test_restoring_needs_the_owner(home: Path) -> None:
    """The web login may read all tables, so it can make a backup, but it owns none and cannot restore."""
    file = home / "site.zip"
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO soundoff_web")
        cursor.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO soundoff_web")
    connection.close()
    owner = connection.settings_dict["USER"]
    connection.settings_dict["USER"] = "soundoff_web"
    try:
        backup(file)
        with pytest.raises(CommandError, match=r"Nothing was restored.*DATABASE_OWNER_URL"):
            call_command("restore", str(file))
    finally:
        connection.close()
        connection.settings_dict["USER"] = owner
    restore(file)
