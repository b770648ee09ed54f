"""Databases and backups of earlier versions."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations import RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.models import Article
from comments.integrity import check
from comments.models import Comment, Reason, State, Transition
from comments.services.states import delete_comment
from comments.services.text_changes import erase_comments
from config.management.commands import serve
from config.owner.system_status import JOB_NAMES
from core import erasure_log
from core.data_folder import StartupError
from core.database.migration_state import later_migrations, unapplied_migrations
from moderation.actions.decisions import decide, undo
from moderation.models import Action
from tests.archive.upgrade.conftest import Upgrade, database, tables
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.data_folder import data_path
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = pytest.mark.django_db(transaction=True)


def fail(*_values: object) -> None:
    raise OSError("No space left on device.")


def test_a_backup_of_an_earlier_version_is_upgraded(
    home: Path, later: Callable[[], None], settings: Any, monkeypatch: pytest.MonkeyPatch, migrated: str
) -> None:
    settings.COMMENT_POLICY = "moderation.policy.ModerationPolicy"
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
    broken = import_module("tests.archive.upgrade.later.0990_next").Migration
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
    assert make_comment(story, "It goes on.").search_text.author_name


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


def database_object_names() -> set[tuple[str, str]]:
    """Return (table, name) for constraints, triggers, indexes, sequences and permissions."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        return set(cursor.fetchall())


def test_a_backup_from_before_the_squashed_migrations_is_restored(
    upgrade: Upgrade, later: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    names_of_today = database_object_names()
    with database("soundoff_blank", "template1"):
        call_command("restore", str(BEFORE_SQUASH))
        assert "Restored as of" in capsys.readouterr().out
        assert unapplied_migrations() == later_migrations() == []
        assert check() == {}
        assert database_object_names() == names_of_today
        assert Counter(Comment.objects.values_list("state", flat=True)) == {
            "published": 35,
            "rejected": 2,
            "spam": 1,
            "pending": 1,
        }
        assert undo(action=Action.objects.latest("pk"), actor=User.objects.get(email="moderator@example.org"))
        later()
        assert "Migrations applied: 1" in upgrade()


def test_an_upgrade_names_the_decisions_that_undos_restored(settings: Any) -> None:
    settings.COMMENT_POLICY = "moderation.policy.ModerationPolicy"
    story, ada = make_article(), UserFactory.create(roles=("Administrator",))
    ids = [make_comment(story, f"Word {n}.").pk for n in range(3)]
    for n, (to, reason) in enumerate([(State.SPAM, Reason.SPAM), (State.REJECTED, Reason.INSULT)]):
        action = decide(ids=ids, to=to, reason=reason, actor=ada).action
        for only in (ids, ids[n:], ids[1:]):
            assert action
            action = undo(action=action, actor=ada, only=only).action
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
