"""Helpers for tests of discussions."""

from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from comments import integrity
from comments.models import Discussion, Reason, State
from comments.services import sql
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states


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


def remove(comment, to=State.REJECTED, reason=Reason.OFF_TOPIC):
    change_states(ids=[comment.pk], to=to, reason=reason, actor=None)


def set_pending(*comments):
    """Put comments back to "Waiting for review"."""
    change_states(ids=[c.pk for c in comments], to=State.PENDING, reason=Reason.SCREENED, actor=None)


def import_thread(article, roots, replies=0):
    """Post top-level comments a minute apart, each with replies."""
    article.source_key = f"test|{article.slug}"
    article.save()
    start, made = timezone.now() - timedelta(days=400), []
    for n in range(roots):
        at, root = start + timedelta(minutes=n), len(made)
        made.append(ImportedComment(source_id=f"{n}", author_name="Ida", body=f"Root {n}", created_at=at))
        made += [
            ImportedComment(
                source_id=f"{n}.{m}", author_name="Bo", body=f"Reply {n}.{m}", created_at=at, parent=root
            )
            for m in range(replies)
        ]
    return import_comments(article=article, comments=made, actor=None, action_id=uuid4()).created
