"""Numbers of new trees in Python: those that NUMBER_TREES computes."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest
from django.db import connection

from comments.models import Comment
from comments.services import sql
from comments.services.imports import ImportedComment, import_comments
from tests.factories import make_article

pytestmark = pytest.mark.django_db

START = datetime(2014, 3, 3, tzinfo=UTC)


def random_thread(count: int) -> list[ImportedComment]:
    """Return comments of several trees, which may be dated before the comment they answer, or the same."""
    random = Random(3)
    return [
        ImportedComment(
            source_id=str(n),
            author_name="Ann",
            body=f"Word {n}.",
            created_at=START + timedelta(minutes=random.randrange(60)),
            parent=random.randrange(max(0, n - 15), n) if n and random.random() < 0.8 else None,
        )
        for n in range(count)
    ]


def renumbered(trees: list[int]) -> int:
    """Number trees in the database, and return how many rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NUMBER_TREES, {"trees": trees})
        return cursor.rowcount


def test_an_import_inserts_the_final_numbers():
    import_comments(article=make_article(), comments=random_thread(200), actor=None, action_id=uuid4())

    assert max(Comment.objects.values_list("level", flat=True)) > 3
    assert Comment.objects.filter(reply_count__gt=3).exists()
    assert renumbered(list(Comment.objects.values_list("tree_id", flat=True))) == 0


def test_a_later_import_numbers_the_trees_that_grow():
    article = make_article(source_key="a" * 64)
    thread = random_thread(200)
    import_comments(article=article, comments=thread[:90], actor=None, action_id=uuid4())
    before = Comment.objects.count()

    result = import_comments(article=article, comments=thread, actor=None, action_id=uuid4())

    assert (before, len(result.created), result.skipped) == (90, 110, 90)
    assert renumbered(list(Comment.objects.values_list("tree_id", flat=True))) == 0
