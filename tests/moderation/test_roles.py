"""With a login of its own for migrations, the pages' login can add to the three logs and change nothing in
them, by whatever statement; and it can do all of the desk's ordinary work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from config import postgres

PROJECT = Path(__file__).parents[2]
LOGS = ("comments_transition", "moderation_finding", "moderation_sealreading")

# Everything that the desk does to comments, people and itself, and at last that nothing was damaged by it.
ORDINARY_WORK = """
from uuid import uuid4
from django.core.management import call_command
from django.utils import timezone
from accounts.models import ADMINISTRATOR, Guest, User
from articles.services import save_article
from articles.models import Article
from comments.models import Comment, Reason, State
from comments.edits import edit_comment
from comments.services import delete_comment, post_comment
from moderation import emptying, evidence, seals, services
from moderation.models import Case, Finding, Seal, SealReading

ada = User.objects.create_user(name="Ada", email="ada@example.org", roles=[ADMINISTRATOR])
article = save_article(
    article=Article(title="The slip", slug="slip", body="A story.", published_at=timezone.now())
)


def say(body, **more):
    guest = Guest.objects.create(name="Zoe", email=f"{uuid4()}@example.org")
    return post_comment(article=article, body=body, nonce=uuid4(), guest=guest, **more)


words = "It is a word about the boat that is in the harbour, number"
held = [say(f"{words} {n}.") for n in range(8)]
assert Finding.objects.exists() and Case.objects.open().count() == 8
ids = [comment.pk for comment in held]
act = services.decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada)
services.undo(batch=services.undo(batch=act.batch, actor=ada).batch, actor=ada)
reply = say("An answer.", parent=Comment.objects.get(pk=ids[0]))
edited, deleted = Comment.objects.get(pk=ids[1]), Comment.objects.get(pk=ids[2])
edit_comment(comment=edited, body="Another word.", user=None, guest=edited.guest)
delete_comment(comment=deleted, user=None, guest=deleted.guest)
services.move(comment=Comment.objects.get(pk=ids[3]), parent=Comment.objects.get(pk=ids[0]), actor=ada)
seals.seal(ids=ids[4:6], why=Seal.Why.COURT, actor=ada, held=True)
first, second = Seal.objects.order_by("pk")
SealReading.objects.create(seal=first, by=ada, is_export=True)
assert evidence.pack(seal=first, by=ada)
seals.lift(seal=first, actor=ada)
seals.hold(seal=second, is_held=False, actor=ada)
seals.erase(seal=second, actor=ada)
services.decide(ids=ids[6:], to=State.SPAM, reason=Reason.SPAM, actor=ada)
group = emptying.freeze(states=[State.SPAM], days=0, actor=ada)
assert emptying.empty(group=group, actor=ada).erased == 2
call_command("tick")
call_command("check_integrity")
print("all done")
"""


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """A migrated server, by login."""
    with postgres.temporary() as owner:
        urls = {"owner": owner, "web": owner.replace("soundoff_owner", "soundoff_web")}
        run(urls, "migrate", "-v", "0")
        yield urls


def run(urls: dict[str, str], *command: str) -> str:
    environment = {
        **os.environ,
        "DATABASE_URL": urls["web"],
        "DATABASE_OWNER_URL": urls["owner"],
        "DATABASE_WEB_USER": "",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env={key: value for key, value in environment.items() if value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def worked(urls: dict[str, str]) -> str:
    """What the ordinary work printed; after it there are lines in each log."""
    return run(urls, "shell", "-v", "0", "-c", ORDINARY_WORK)


def assert_one(url: str, statement: str, question: str) -> None:
    attempt(url, statement)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone() == (1,)
    connection.close()


def attempt(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def test_the_desk_works_under_the_login_of_the_pages(worked):
    assert worked.endswith("all done\n")


# What changes rows. {t}: a log, {c}: a column of it.
CHANGES = {
    "UPDATE": "UPDATE {t} SET at = now()",
    "DELETE": "DELETE FROM {t}",
    "TRUNCATE": "TRUNCATE {t} CASCADE",
    "TRUNCATE what it hangs from": "TRUNCATE comments_comment, moderation_seal CASCADE",
    "ON CONFLICT DO UPDATE": (
        "INSERT INTO {t} SELECT * FROM {t} LIMIT 1 ON CONFLICT (id) DO UPDATE SET at = now()"
    ),
    "MERGE and update": "MERGE INTO {t} USING {t} s ON {t}.id = s.id WHEN MATCHED THEN UPDATE SET at = now()",
    "MERGE and delete": "MERGE INTO {t} USING {t} s ON {t}.id = s.id WHEN MATCHED THEN DELETE",
    "SELECT FOR UPDATE": "SELECT * FROM {t} FOR UPDATE",
}
# What would let one.
WAYS = {
    "ALTER TABLE": "ALTER TABLE {t} ALTER at DROP NOT NULL",
    "DISABLE TRIGGER": "ALTER TABLE {t} DISABLE TRIGGER ALL",
    "DISABLE TRIGGER USER": "ALTER TABLE {t} DISABLE TRIGGER USER",
    "CREATE TRIGGER": (
        "CREATE TRIGGER other BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION append_only()"
    ),
    "DROP TRIGGER": "DROP TRIGGER {name}_append_only ON {t}",
    "CREATE RULE": "CREATE RULE other AS ON INSERT TO {t} DO INSTEAD NOTHING",
    "replace the function": (
        "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    ),
    "OWNER TO": "ALTER TABLE {t} OWNER TO soundoff_web",
    "DROP": "DROP TABLE {t}",
    "DROP CASCADE": "DROP TABLE {t} CASCADE",
    "session_replication_role": "SET session_replication_role = replica; DELETE FROM {t}",
    "SET ROLE": "SET ROLE soundoff_owner; DELETE FROM {t}",
    "SET SESSION AUTHORIZATION": "SET SESSION AUTHORIZATION soundoff_owner",
    "GRANT": "GRANT UPDATE, DELETE ON {t} TO soundoff_web; DELETE FROM {t}",
    "GRANT the role": "GRANT soundoff_owner TO soundoff_web",
    "a function of the owner's rights": "ALTER FUNCTION append_only() SECURITY DEFINER",
}


@pytest.mark.parametrize("table", LOGS)
@pytest.mark.parametrize("way", [*CHANGES, *WAYS])
def test_the_pages_login_can_change_no_log(urls, worked, table, way):
    name = table.rpartition("_")[2]
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], (CHANGES | WAYS)[way].format(t=table, name=name))


@pytest.mark.parametrize("table", LOGS)
@pytest.mark.parametrize("way", [name for name in CHANGES if name != "SELECT FOR UPDATE"])
def test_where_one_login_does_both_the_triggers_refuse(urls, worked, table, way):
    """As the owner, whom no privilege holds back."""
    with pytest.raises(errors.RaiseException, match="append-only"):
        attempt(urls["owner"], CHANGES[way].format(t=table))


def test_what_the_log_tells_of_can_not_be_deleted(urls, worked):
    for table in ("comments_comment", "accounts_user", "moderation_seal", "comments_discussion"):
        with pytest.raises(errors.ForeignKeyViolation):
            attempt(urls["web"], f"DELETE FROM {table}")


def test_the_pages_login_has_the_comments_counted_and_nothing_else(urls, worked):
    counted = "SELECT count(*) FROM pg_class WHERE relname = 'comments_comment' AND reltuples >= 0"
    assert_one(urls["web"], "SELECT comments_analyze()", counted)
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], "ALTER FUNCTION comments_analyze() RENAME TO another")
    attempt(urls["web"], "CREATE TEMPORARY TABLE comments_comment (id int); SELECT comments_analyze()")


def test_a_line_is_numbered_and_hashed_by_the_database(urls, worked):
    """Whoever adds one can't choose its place in the chain, nor write over one that is there."""
    forged = (
        "INSERT INTO comments_transition (kind, discussion_id, comment_id, revision, from_state, to_state, "
        "from_reason, reason, seq, hash) SELECT kind, discussion_id, comment_id, revision, from_state, "
        "to_state, from_reason, reason, 1, 'forged'::bytea FROM comments_transition ORDER BY id LIMIT 1"
    )
    attempt(urls["web"], forged)
    connection = psycopg2.connect(urls["web"])
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq = (SELECT max(seq) FROM comments_transition), hash <> 'forged'::bytea "
            "FROM comments_transition ORDER BY id DESC LIMIT 1"
        )
        assert cursor.fetchone() == (True, True)
    connection.close()
    with pytest.raises(errors.UniqueViolation):
        attempt(urls["web"], "INSERT INTO comments_transition SELECT * FROM comments_transition LIMIT 1")
