"""The login of the pages can append to the logs and cannot change them."""

import psycopg2
import pytest
from psycopg2 import errors

from tests.moderation.database_logins.helpers import ROWS, attempt

LOGS = (
    "comments_transition",
    "moderation_finding",
    "moderation_restrictedtextreading",
    "accounts_rolechange",
)


# Statements that change rows. {t}: a log, {c}: a column of it.
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
# Statements that would allow one.
ATTEMPTS = {
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
@pytest.mark.parametrize("way", [*CHANGES, *ATTEMPTS])
def test_the_pages_login_can_change_no_log(urls, worked, table, way):
    name = table.rpartition("_")[2]
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], (CHANGES | ATTEMPTS)[way].format(t=table, name=name))


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
