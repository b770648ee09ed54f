"""Helpers for tests of the logins: run a command of manage.py, and a statement under a login."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2

PROJECT = Path(__file__).parents[3]


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


def attempt(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


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
