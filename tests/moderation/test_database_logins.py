"""With separate logins for migrations and for pages, the pages' login can do all ordinary work and append
to the logs, but can neither change the logs nor write invalid rows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from config.server import postgres
from tests.plugin import EMPTY_SITE

PROJECT = Path(__file__).parents[2]
LOGS = (
    "comments_transition",
    "moderation_finding",
    "moderation_restrictedtextreading",
    "accounts_rolechange",
)

# Everything that moderators do to comments, people and itself, and at last that nothing was damaged by it.
ORDINARY_WORK = """
from pathlib import Path
from uuid import uuid4
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, Guest, User
from archive.backup.write import backup
from articles.services import save_article
from articles.models import Article
from comments.services.imports import ImportedComment, import_comments
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from comments.policy import Submission
from comments.services.states import delete_comment
from comments.services.discussions import ensure_discussion
from comments.services.posting import post_comment
from moderation.actions import decisions
from moderation.erasure import evidence, purge, restrictions
from moderation.models import Case, Finding, Restriction, RestrictedTextReading

ada = User.objects.create_user(name="Ada", email="ada@example.org", roles=[ADMINISTRATOR])
article = save_article(
    article=Article(title="The slip", slug="slip", body="A story.", published_at=timezone.now())
)


def say(body, **more):
    guest = Guest.objects.create(name="Zoe", email=f"{uuid4()}@example.org")
    discussion = ensure_discussion(article)
    submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=body, **more)
    return post_comment(submission, nonce=uuid4())


words = "It is a word about the boat that is in the harbour, number"
held = [say(f"{words} {n}.") for n in range(8)]
assert Finding.objects.exists() and Case.objects.open().count() == 8
ids = [comment.pk for comment in held]
act = decisions.decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada)
decisions.undo(batch=decisions.undo(batch=act.batch, actor=ada).batch, actor=ada)
reply = say("An answer.", parent=Comment.objects.get(pk=ids[0]))
edited, deleted = Comment.objects.get(pk=ids[1]), Comment.objects.get(pk=ids[2])
edit_comment(comment=edited, body="Another word.", user=None, guest=edited.guest)
delete_comment(comment=deleted, user=None, guest=deleted.guest)
decisions.move(comment=Comment.objects.get(pk=ids[3]), parent=Comment.objects.get(pk=ids[0]), actor=ada)
restrictions.restrict(ids=ids[4:6], why=Restriction.Why.COURT, actor=ada, is_legal_hold=True)
first, second = Restriction.objects.order_by("pk")
assert evidence.build_evidence_file(restriction=first, by=ada)
restrictions.lift(restriction=first, actor=ada)
assert RestrictedTextReading.objects.filter(restriction=first, by=ada).count() == 2
ada.set_roles([MODERATOR, EDITOR], actor=ada)
ada.set_roles([ADMINISTRATOR], actor=ada)
restrictions.set_legal_hold(restriction=second, is_legal_hold=False, actor=ada)
restrictions.purge_text(restriction=second, actor=ada)
decisions.decide(ids=ids[6:], to=State.SPAM, reason=Reason.SPAM, actor=ada)
group = purge.make_list(states=[State.SPAM], days=0, actor=ada)
assert purge.purge_list(group=group, actor=ada).purged == 2
again = [say(f"{words} {n}, which stays sealed or waits.") for n in (9, 10)]
restrictions.restrict(ids=[again[0].pk], why=Restriction.Why.PERSONAL, actor=ada)
other = save_article(
    article=Article(title="The pier", slug="pier", body="A story.", published_at=timezone.now())
)
import_comments(
    article=save_article(article=Article(title="Brought in", slug="brought", body="A.", source_key="page-1")),
    comments=[
        ImportedComment("a", "Ann", "One.", timezone.now()),
        ImportedComment("b", "Bo", "Two.", timezone.now(), 0),
    ],
    actor=None,
    batch=uuid4(),
)
backup(Path(settings.HOME) / "site.zip")
assert RestrictedTextReading.objects.get(restriction=None).is_export
call_command("tick")
call_command("check_integrity")
print("all done")
"""


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the URLs of a migrated server by login, and its data folder."""
    with postgres.temporary_server(Path(os.environ[EMPTY_SITE], "postgres")) as owner:
        urls = {"owner": owner, "web": owner.replace("soundoff_owner", "soundoff_web")}
        urls["home"] = str(tmp_path_factory.mktemp("home"))
        yield urls


def run(urls: dict[str, str], *command: str) -> str:
    environment = {
        **os.environ,
        "SOUNDOFF_HOME": urls["home"],
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
    """Return the output of the ordinary work, after which each log has rows."""
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


def test_moderation_works_under_the_login_of_the_pages(worked):
    assert worked.endswith("all done\n")


# What changes rows. {t}: a log, {c}: a column of it.
CHANGES = {
    "UPDATE": "UPDATE {t} SET at = now()",
    "DELETE": "DELETE FROM {t}",
    "TRUNCATE": "TRUNCATE {t} CASCADE",
    "TRUNCATE what it hangs from": "TRUNCATE comments_comment, moderation_restriction CASCADE",
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
def test_with_a_single_login_the_triggers_refuse(urls, worked, table, way):
    """The single login owns the tables, so no privilege restricts it."""
    with pytest.raises(errors.RaiseException, match="append-only"):
        attempt(urls["owner"], CHANGES[way].format(t=table))


def test_rows_in_the_log_cannot_be_deleted(urls, worked):
    for table in ("comments_comment", "accounts_user", "moderation_restriction", "comments_discussion"):
        with pytest.raises(errors.ForeignKeyViolation):
            attempt(urls["web"], f"DELETE FROM {table}")


def test_the_pages_login_can_analyze_comments_and_nothing_else(urls, worked):
    counted = "SELECT count(*) FROM pg_class WHERE relname = 'comments_comment' AND reltuples >= 0"
    assert_one(urls["web"], "SELECT comments_analyze()", counted)
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], "ALTER FUNCTION comments_analyze() RENAME TO another")
    attempt(urls["web"], "CREATE TEMPORARY TABLE comments_comment (id int); SELECT comments_analyze()")


# Some comments of the ordinary work: one with replies, its first reply, a published one, one that waits, one
# that is restricted, one of another discussion; and an account and a role.
ROWS = {
    "top": "(SELECT min(parent_id) FROM comments_comment WHERE source = '')",
    "reply": "(SELECT min(id) FROM comments_comment WHERE parent_id IS NOT NULL AND source = '')",
    "published": "(SELECT min(id) FROM comments_comment WHERE state = 'published' AND source = '')",
    "waiting": "(SELECT max(id) FROM comments_comment WHERE state = 'pending')",
    "sealed": "(SELECT max(comment_id) FROM moderation_restriction WHERE lifted_at IS NULL)",
    "alien": "(SELECT min(id) FROM comments_comment WHERE source <> '')",
    "ada": "(SELECT id FROM accounts_user WHERE email = 'ada@example.org')",
    "moderator": "(SELECT id FROM auth_group WHERE name = 'Moderator')",
}
COPIED = {  # of a comment that is written as a new one
    "author_name": "author_name",
    "author_email": "''",
    "body": "'A word.'",
    "is_plain_text": "false",
    "body_html": "'<p>A word.</p>'",
    "text_missing": "''",
    "revision": "1",
    "reply_count": "0",
    "recommend_count": "0",
    "source_parent": "''",
    "discussion_id": "discussion_id",
    "parent_id": "NULL::bigint",
    "tree_id": "nextval('comments_tree_seq')",
    "lft": "1",
    "rght": "2",
    "level": "0",
    "created_at": "now()",
    "state": "'published'",
    "state_reason": "'posted'",
    "source": "''",
    "source_id": "''",
}
FIRST_LINE = """
INSERT INTO comments_transition
  (kind, discussion_id, comment_id, revision, from_state, to_state, from_reason, reason, new_parent_id)
SELECT 'state', discussion_id, id, 1, '', state, '', state_reason, parent_id FROM made"""


def comment(**values: str) -> str:
    """Return a statement that writes a comment with its transition, valid except for these values."""
    columns = COPIED | values
    return (
        f"WITH made AS (INSERT INTO comments_comment ({', '.join(columns)}) "
        f"SELECT {', '.join(columns.values())} FROM comments_comment WHERE id = {{published}} RETURNING *)"
        f"{FIRST_LINE}"
    )


def line(**values: str) -> str:
    """Return a statement that writes a transition of a published comment, valid except for these values."""
    columns = {
        "kind": "'state'",
        "discussion_id": "discussion_id",
        "comment_id": "id",
        "revision": "revision",
        "from_state": "state",
        "to_state": "state",
        "from_reason": "state_reason",
        "reason": "state_reason",
    } | values
    return (
        f"INSERT INTO comments_transition ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
        "FROM comments_comment WHERE id = {published}"
    )


def move(which: str, to: str) -> str:
    """Return a statement that moves a comment below another one, with its transition."""
    return (
        f"WITH made AS (UPDATE comments_comment SET parent_id = {{{to}}} WHERE id = {{{which}}} RETURNING *) "
        "INSERT INTO comments_transition (kind, discussion_id, comment_id, revision, from_state, to_state, "
        "from_reason, reason, new_parent_id) "
        "SELECT 'move', discussion_id, id, revision, '', '', '', 'moved', parent_id FROM made"
    )


def role(granted: str, at: str = "statement_timestamp()") -> str:
    return (
        "INSERT INTO accounts_rolechange (user_id, role_id, is_granted, at) "
        f"VALUES ({{ada}}, {{moderator}}, {granted}, {at})"
    )


GRANT = "INSERT INTO accounts_user_groups (user_id, group_id) VALUES ({ada}, {moderator})"
NO_RIGHT = "permission denied"
# What somebody with the password of the pages could try, and which rule refuses it.
BAD_WRITES = {
    "a comment hangs from itself": (move("top", "top"), "comment_not_its_own_parent"),
    "a comment hangs from its own reply": (move("top", "reply"), "comment_parent_no_reply"),
    "two comments hang from each other": (
        "UPDATE comments_comment SET parent_id = CASE id WHEN {top} THEN {waiting} ELSE {top} END "
        "WHERE id IN ({top}, {waiting})",
        "comment_parent_",
    ),
    "a comment is moved, and no line tells it": (
        "UPDATE comments_comment SET parent_id = {top} WHERE id = {waiting}",
        "comment_parent_logged",
    ),
    "a line tells of a move that was not made": (
        line(kind="'move'", to_state="''", from_state="''", new_parent_id="{top}"),
        "transition_true",
    ),
    "a comment hangs from one of another discussion": (
        move("waiting", "alien"),
        "comment_parent_in_discussion",
    ),
    "a new comment hangs from itself": (
        comment(id="990001", parent_id="990001"),
        "comment_not_its_own_parent",
    ),
    "a new comment hangs from one to come": (
        comment(id="990001", parent_id="990002"),
        "comment_after_its_parent",
    ),
    "a new comment hangs from one of another discussion": (
        comment(parent_id="{alien}"),
        "comment_parent_in_discussion",
    ),
    "a comment goes to another discussion": (
        "UPDATE comments_comment SET discussion_id = "
        "(SELECT discussion_id FROM comments_comment WHERE id = {alien}) WHERE id = {waiting}",
        "transition_of_comment",
    ),
    "a comment is published, and no line tells it": (
        "UPDATE comments_comment SET state = 'published', state_reason = 'approved' WHERE id = {waiting}",
        "comment_state_logged",
    ),
    "all comments are spam, and no line tells it": (
        "UPDATE comments_comment SET state = 'spam'",
        "comment_state_logged",
    ),
    "a removal has another reason than its line": (
        "UPDATE comments_comment SET state_reason = 'off_topic' WHERE id = {published}",
        "comment_state_logged",
    ),
    "a state that nobody knows": (
        "UPDATE comments_comment SET state = 'approved' WHERE id = {waiting}",
        "comment_state_known",
    ),
    "a new comment without a line": (comment().partition(FIRST_LINE)[0] + "SELECT 1", "comment_comes_logged"),
    "a new comment whose line tells another state": (
        comment(state="'pending'").replace("'', state, ''", "'', 'published', ''"),
        "comment_comes_logged",
    ),
    "a new comment whose line tells another parent": (
        comment(parent_id="{published}").replace("parent_id FROM made", "NULL FROM made"),
        "comment_comes_logged",
    ),
    "a line tells of a decision that was not taken": (
        line(to_state="'spam'", reason="'spam'"),
        "transition_true",
    ),
    "a line tells another reason": (line(reason="'author'"), "transition_true"),
    "a line of yesterday": (line(at="now() - interval '1 day'"), "transition_dated_now"),
    "a line of tomorrow": (line(at="now() + interval '1 day'"), "transition_dated_now"),
    "a line about a comment of another discussion": (
        line(discussion_id="(SELECT discussion_id FROM comments_comment WHERE id = {alien})"),
        "transition_of_comment",
    ),
    "a comment of tomorrow": (comment(created_at="now() + interval '1 day'"), "comment_not_in_future"),
    "a comment is dated tomorrow afterwards": (
        "UPDATE comments_comment SET created_at = now() + interval '1 day' WHERE id = {published}",
        "comment_not_in_future",
    ),
    "the number of a tree is changed": (
        "UPDATE comments_comment SET tree_id = 990000 WHERE id = {waiting}",
        "comment_tree_kept",
    ),
    "two trees with one number": (
        comment(tree_id="(SELECT tree_id FROM comments_comment WHERE id = {top})", lft="9001", rght="9002"),
        "comment_one_root_a_tree",
    ),
    "a place that ends before it begins": (
        "UPDATE comments_comment SET rght = lft WHERE id = {waiting}",
        "comment_lft_before_rght",
    ),
    "a comment that is too deep": (comment(level="64"), "comment_depth"),
    "a comment without a word": (comment(body="' '"), "comment_body_or_missing"),
    "a comment that is too long": (comment(body="repeat('a', 10001)"), "comment_body_length"),
    "one form sent twice": (
        comment(nonce="(SELECT nonce FROM comments_comment WHERE id = {published})"),
        "comment_nonce_once",
    ),
    "one comment of a source twice": (comment(source="'page-1'", source_id="'a'"), "comment_source_once"),
    "a comment is deleted": (
        "DELETE FROM comments_comment WHERE id = {reply}",
        "fk_comments_comment_id|transition_of_comment",
    ),
    "a second copy of an earlier text": (
        "INSERT INTO comments_commentrevision (comment_id, revision, body, replaced_at) "
        "SELECT comment_id, revision, body, replaced_at FROM comments_commentrevision",
        "commentrevision_once",
    ),
    "a recommendation by nobody": (
        "INSERT INTO comments_recommendation (comment_id, given, counted, at) "
        "VALUES ({published}, true, false, now())",
        "recommendation_by_one_person",
    ),
    "a finding of yesterday": (
        "INSERT INTO moderation_finding (comment_id, revision, check_name, strength, holds, spans, at) "
        "VALUES ({published}, 1, 'links', 1, true, '[]', now() - interval '1 day')",
        "finding_dated_now",
    ),
    "an act has another actor": ("UPDATE moderation_batch SET actor_id = NULL", NO_RIGHT),
    "an act is deleted": ("DELETE FROM moderation_batch", NO_RIGHT),
    "what an act changed is rewritten": ("UPDATE moderation_settingchange SET old = NULL", NO_RIGHT),
    "an act that undoes nothing": (
        "INSERT INTO moderation_batch (id, kind, at, to_state, reason, parameters, root_id, undos) "
        "SELECT gen_random_uuid(), kind, now(), '', '', '{{}}', id, 1 FROM moderation_batch LIMIT 1",
        "batch_root",
    ),
    "a second open case of a comment": (
        "INSERT INTO moderation_case (comment_id, discussion_id, opened_at, due_at, is_waiting, is_reported, "
        "is_illegal, is_new_person, is_appealed, score, script) "
        "SELECT comment_id, discussion_id, now(), now(), true, false, false, false, false, 0, '' "
        "FROM moderation_case WHERE closed_at IS NULL LIMIT 1",
        "case_one_open",
    ),
    "a sanction of nobody": (
        "INSERT INTO moderation_sanction (kind, reason, message, at, batch_id, appeal_text) "
        "SELECT 'ban', 'other', '', now(), id, '' FROM moderation_batch LIMIT 1",
        "sanction_of_one_person",
    ),
    "a second restriction of a comment": (
        "INSERT INTO moderation_restriction "
        "(comment_id, why, is_legal_hold, batch_id, at, author_name, author_email) "
        "SELECT comment_id, why, is_legal_hold, batch_id, now(), '', '' FROM moderation_restriction "
        "WHERE lifted_at IS NULL LIMIT 1",
        "restriction_one_on_a_comment",
    ),
    "restricted words are read": ("SELECT body FROM moderation_restrictedtext", NO_RIGHT),
    "restricted rows are read": ("SELECT * FROM moderation_restrictedtext", NO_RIGHT),
    "restricted words are copied": ("COPY moderation_restrictedtext TO STDOUT", NO_RIGHT),
    "restricted words are guessed": ("DELETE FROM moderation_restrictedtext WHERE body LIKE 'It%'", NO_RIGHT),
    "restricted words are rewritten": ("UPDATE moderation_restrictedtext SET body = 'Other.'", NO_RIGHT),
    "a reading is made up": (
        "INSERT INTO moderation_restrictedtextreading (restriction_id, by_id, at, is_export) "
        "SELECT min(id), {ada}, now(), false FROM moderation_restriction",
        NO_RIGHT,
    ),
    "a role that no line tells": (GRANT, "role_is_logged"),
    "a role is taken away, and no line tells it": (
        "DELETE FROM accounts_user_groups WHERE user_id = {ada}",
        "role_is_logged",
    ),
    "a role becomes another one": (
        "UPDATE accounts_user_groups SET group_id = {moderator}",
        "role_is_not_changed",
    ),
    "a line tells of a role that was not given": (
        role("true"),
        "rolechange_is_true",
    ),
    "a role by a line of yesterday": (
        f"{role('true', 'now() - interval $$1 day$$')}; {GRANT}",
        "rolechange_dated_now",
    ),
    "a role that a table of one's own tells": (
        "CREATE TEMP TABLE accounts_rolechange AS SELECT * FROM public.accounts_rolechange LIMIT 0; "
        "INSERT INTO pg_temp.accounts_rolechange (id, user_id, role_id, is_granted, at) "
        f"VALUES (1, {{ada}}, {{moderator}}, true, now()); {GRANT}",
        "role_is_logged",
    ),
    "a state that a table of one's own tells": (
        "CREATE TEMP TABLE comments_transition AS SELECT * FROM public.comments_transition LIMIT 0; "
        "WITH line AS (INSERT INTO pg_temp.comments_transition (id, kind, comment_id, to_state, reason, at) "
        "SELECT 1, 'state', {published}, 'pending', '', statement_timestamp()) "
        "UPDATE comments_comment SET state = 'pending', state_reason = '' WHERE id = {published}",
        "comment_state_logged",
    ),
    "readers are called administrators": (
        "UPDATE auth_group SET name = 'Administrator ' WHERE name = 'Reader'",
        NO_RIGHT,
    ),
    "a new role": ("INSERT INTO auth_group (name) VALUES ('Owner')", NO_RIGHT),
    "readers may do what administrators may": (
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT 1, id FROM auth_permission",
        NO_RIGHT,
    ),
    "somebody may do everything": (
        "INSERT INTO accounts_user_user_permissions (user_id, permission_id) "
        "SELECT {ada}, id FROM auth_permission",
        NO_RIGHT,
    ),
    "an account is deleted": ("DELETE FROM accounts_user", "fk_accounts_user_id|role_is_logged"),
    "a discussion is deleted": ("DELETE FROM comments_discussion", "fk_comments_"),
}


@pytest.mark.parametrize("name", BAD_WRITES)
def test_the_pages_login_cannot_write_invalid_rows(urls, worked, name):
    statement, rule = BAD_WRITES[name]
    with pytest.raises(psycopg2.Error) as refused:
        attempt(urls["web"], statement.format(**ROWS))
    message = f"{refused.value.diag.constraint_name} {refused.value}"
    assert any(part in message for part in rule.split("|")), message


def test_the_same_writes_are_accepted_if_valid(urls, worked):
    """So each of the others is refused for its own fault. At the end, nothing is damaged."""
    attempt(urls["web"], comment().format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], line().format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], move("waiting", "published").format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], f"{role('true')}; {GRANT}; ROLLBACK".format(**ROWS))
    assert "No inconsistencies found." in run(urls, "check_integrity")


def test_restricted_content_is_read_through_a_logging_function(urls, worked):
    read = (
        "SELECT body FROM moderation_read_restricted(ARRAY(SELECT id FROM moderation_restriction "
        "WHERE comment_id = {sealed}), {ada}, false)"
    )
    lines = "SELECT count(*) FROM moderation_restrictedtextreading"
    connection = psycopg2.connect(urls["web"])
    with connection, connection.cursor() as cursor:
        cursor.execute(lines)
        (before,) = cursor.fetchone()
        cursor.execute(read.format(**ROWS))
        assert cursor.fetchone()[0].startswith("It is a word")
        cursor.execute(lines)
        assert cursor.fetchone() == (before + 1,)
    connection.close()
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], "ALTER FUNCTION moderation_copy_restricted() SECURITY INVOKER")


def test_a_line_is_numbered_and_hashed_by_the_database(urls, worked):
    """A writer can neither choose the position in the chain nor overwrite a row."""
    forged = (
        "INSERT INTO comments_transition (kind, discussion_id, comment_id, revision, from_state, to_state, "
        "from_reason, reason, seq, hash) SELECT kind, discussion_id, comment_id, revision, from_state, "
        "to_state, from_reason, reason, 1, 'forged'::bytea FROM comments_transition t WHERE id = (SELECT "
        "max(id) FROM comments_transition WHERE comment_id = {published} AND kind = 'state')"
    )
    attempt(urls["web"], forged.format(**ROWS))
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
