"""Helpers for tests of discussions."""

from django.db import connection

from comments import integrity
from comments.models import Discussion
from comments.services import sql


def assert_sound() -> None:
    """Assert that trees, reply counts, visible counts and days agree with parents and states."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(DISTINCT tree_id) FROM comments_comment")
        cursor.execute(
            f"WITH {sql.compute_numbers(sql.BY_STORED_ORDER)} SELECT c.id "
            "FROM comments_comment c LEFT JOIN computed USING (id) "
            "WHERE (c.tree_id, c.lft, c.rght, c.level, c.reply_count) "
            "IS DISTINCT FROM (computed.tree_id, computed.lft, computed.rght, computed.level, "
            "computed.reply_count)",
            {"trees": cursor.fetchone()[0]},
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT d.article_id FROM comments_discussion d WHERE visible_count <> (SELECT count(*) "
            "FROM comments_comment c WHERE c.discussion_id = d.article_id AND c.state = 'published')"
        )
        assert cursor.fetchall() == []
        cursor.execute(integrity.CHECKS_SQL["day"])
        assert cursor.fetchall() == []


def version(article) -> int:
    return Discussion.objects.get(pk=article.pk).version
