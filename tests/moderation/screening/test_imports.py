"""Screening of imported comments: all checks run once on each, and no state changes."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import Comment, State, Transition
from comments.services.imports import ImportedComment, import_comments
from moderation.models import Finding, Rule
from moderation.screening.imports import screen_import
from tests.factories import make_article

pytestmark = pytest.mark.django_db

START = datetime(2013, 6, 19, 20, 40, tzinfo=UTC)
LONG = "The slip was there before any of us, and it will be there when we are gone."


def import_bodies(article, *bodies, **fields) -> list[int]:
    comments = [
        ImportedComment(
            source_id=f"{article.source_key}|{n}",
            author_name=f"Name {n}",
            body=body,
            created_at=START + timedelta(minutes=n),
            text_missing="" if body else "all",
            **fields,
        )
        for n, body in enumerate(bodies)
    ]
    return import_comments(article=article, comments=comments, actor=None, action_id=uuid4()).created


def archived(key: str = "a" * 64):
    return make_article(f"Archived {key[:1]}", source_key=key, published_at=START)


def findings(ids) -> list[tuple[int, str]]:
    """Return the findings as (position in the import, check)."""
    rows = Finding.objects.filter(comment__in=ids).order_by("comment", "id")
    return [(ids.index(row.comment_id), row.check_name) for row in rows]


def test_checks_use_the_time_of_each_comment():
    article = archived()
    Rule.objects.create(value="casino")
    ids = import_bodies(
        article,
        LONG,
        "A short one",
        "",
        LONG.upper().replace(" ", "\n"),
        LONG + "!!",
        "See https://a.example/x and www.b.org, then mail me@c.example",
        "The CASINO next door",
        "A short one",
    )

    assert screen_import(article=article, ids=ids) == 7

    assert findings(ids) == [
        (2, "emptied"),
        (3, "repeat"),
        (4, "near_repeat"),
        (5, "links"),
        (5, "personal_data"),
        (6, "term"),
        (6, "wares"),
    ]
    assert set(Finding.objects.filter(duplicate_of__isnull=False).values_list("duplicate_of", flat=True)) == {
        ids[0]
    }
    assert set(Comment.objects.values_list("state", flat=True)) == {State.PUBLISHED}
    assert Transition.objects.count() == len(ids)


def test_a_duplicate_is_found_across_stories_and_names_the_earlier_comment():
    first, second = archived("a" * 64), archived("b" * 64)
    old, new = import_bodies(first, LONG), import_bodies(second, LONG)
    screen_import(article=first, ids=old)
    screen_import(article=second, ids=new)

    # Both have the same time: the one that was stored first is the original.
    assert list(Finding.objects.values_list("comment", "duplicate_of")) == [(new[0], old[0])]


def test_lateness_counts_from_the_article():
    article = make_article(source_key="a" * 64, published_at=START - timedelta(days=31))
    ids = import_bodies(article, "Late, but here")
    screen_import(article=article, ids=ids)
    finding = Finding.objects.get()
    assert (finding.check_name, finding.number) == ("late", 31)


def test_a_published_flood_does_not_excuse_itself(starter):
    """Its words were once taken for the subject of the discussion."""
    article = archived()
    spam = "Zorb lanterns at factory cost, cheap bekuki crystals for your garden, number"
    ids = import_bodies(article, *[f"{spam} {n} {'x' * n}" for n in range(8)])
    screen_import(article=article, ids=ids)
    scores = [f.strength for f in Finding.objects.filter(check_name="filter").order_by("comment__created_at")]
    assert len(scores) == 8
    assert scores[-1] >= 0.9 * scores[0]


def test_a_hundred_take_no_more_statements_than_two():
    def statements(key: str, count: int) -> int:
        article = archived(key * 64)
        ids = import_bodies(article, *[f"{LONG} {key}{n}{n}" for n in range(count)])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            screen_import(article=article, ids=ids)
        return len(queries)

    assert statements("a", 2) == statements("b", 100) <= 11
