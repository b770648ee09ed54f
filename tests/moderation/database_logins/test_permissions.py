"""The login of the pages can do all ordinary work, and reads restricted content only with a log entry."""

import psycopg2
import pytest
from psycopg2 import errors

from tests.moderation.database_logins.helpers import ROWS, attempt


def assert_one(url: str, statement: str, question: str) -> None:
    attempt(url, statement)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone() == (1,)
    connection.close()


def test_moderation_works_under_the_login_of_the_pages(worked):
    assert worked.endswith("all done\n")


def test_the_pages_login_can_analyze_comments_and_nothing_else(urls, worked):
    counted = "SELECT count(*) FROM pg_class WHERE relname = 'comments_comment' AND reltuples >= 0"
    assert_one(urls["web"], "SELECT comments_analyze()", counted)
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(urls["web"], "ALTER FUNCTION comments_analyze() RENAME TO another")
    attempt(urls["web"], "CREATE TEMPORARY TABLE comments_comment (id int); SELECT comments_analyze()")


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
