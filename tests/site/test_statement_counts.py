"""Tests of the number of statements that each page for readers takes, and that no number grows with the site.

The page cache is off; with it, an unchanged page for an anonymous reader takes one statement.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import guests
from accounts.models import Guest, User
from articles.models import Topic
from articles.syndication.sitemap import SITEMAP_SIZE
from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.recommendations import recommend
from comments.services.states import change_states
from comments.thread.pages import ThreadCursor
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

READERS = ("stranger", "guest", "member", "moderator")  # for moderators the masthead counts what waits
TABLE = {  # by page, for each of the sizes
    "/": (6, 6, 9, 9),  # two of them for picks, and for the opening of a first story without a picture
    "/topics/harbour/": (4, 4, 7, 7),
    "/topics/harbour/feed/": (4, 4, 4, 4),
    "/feed/": (3, 3, 3, 3),
    "/archive/": (3, 3, 6, 6),
    "/archive/2024/": (5, 5, 8, 8),
    "/archive/2024/05/": (4, 4, 7, 7),
    "/search/": (4, 4, 7, 7),
    "/search/?q=ferry&topic=harbour&year=2024": (11, 11, 14, 14),  # three begin, end and limit it
    "/people/{member}/": (4, 4, 7, 7),
    "/sitemap.xml": (2, 2, 2, 2),
    "/sitemap/lists.xml": (5, 5, 5, 5),
    "/sitemap/news.xml": (2, 2, 2, 2),
    "/sitemap/{file}.xml": (2, 2, 2, 2),
    "/privacy/": (2, 2, 5, 5),
    "/robots.txt": (1, 1, 1, 1),
}
STORY_TABLE = {
    "{story}": (1, 7, 9, 10),
    "{story}?order=recommended": (4, 7, 9, 10),
    "{story}?order=newest&from={newest}": (4, 7, 9, 10),
    "{story}comments/{reply}/?after={reply}": (6, 8, 10, 11),
    "{story}comments/{new}/": (4, 5, 7, 7),  # redirects to the comment on the story's page
    "{story}comments/{removed}/": (5, 6, 8, 11),
    "{story}reply/{first}/": (3, 4, 7, 7),  # reads the limits of the writer
    "{story}recommend/{first}/": (4, 6, 8, 8),
    "{story}find/?q=ferry": (9, 9, 12, 12),  # three begin, end and limit it
    "{story}version/": (2, 2, 2, 2),
    "{story}new/?since=1": (2, 3, 4, 4),
    "{story}feed/": (3, 3, 3, 3),
    "/oembed/?url={site}{story}": (2, 2, 2, 2),
}
EMPTY_STORY = (4, 5, 6, 8)  # stores a member's first visit
SIZES = {"short": 1, "middle": 74, "long": 1_000}  # comments of a story
STORIES = {"few": 0, "many": 150}  # more of them on the site

Counts = dict[tuple[str, str], tuple[int, ...]]  # by page and size


def test_each_page_takes_its_number_of_statements():
    """One test, because workers that share the tests of a file would each make the stories."""
    expected = {("{story}", "empty"): EMPTY_STORY}
    expected |= {(page, size): counts for page, counts in STORY_TABLE.items() for size in SIZES}
    expected |= {(page, size): counts for page, counts in TABLE.items() for size in STORIES}
    assert count_all() == expected


def count_all() -> Counts:
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    member = UserFactory.create(has_page=True)
    guest = GuestFactory.create(confirmed_at=timezone.now())
    clients = {who: Client() for who in READERS}
    clients["guest"].cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    clients["member"].force_login(member)
    clients["moderator"].force_login(UserFactory.create(roles=("Moderator",)))

    def count(url: str) -> tuple[int, ...]:
        found = []
        for client in clients.values():
            with CaptureQueriesContext(connection) as queries:
                response = client.get(url)
            assert response.status_code in (200, 302, 410), url
            found.append(len(queries))
        return tuple(found)

    counts = {}
    empty = make_article("No ferry", published_at=START)
    counts["{story}", "empty"] = count(empty.get_absolute_url())
    for size, comments in SIZES.items():
        keys = make_story(size, comments, topic, member, guest)
        analyze()
        count(keys["story"])  # how long a review usually takes is asked once
        counts |= {(page, size): count(page.format(**keys)) for page in STORY_TABLE}
    for size, stories in STORIES.items():
        for n in range(stories):
            make_article(f"Ferry {n}", published_at=START - timedelta(days=n % 30)).topics.add(topic)
        for n in range(stories // 5):
            publish(make_comment(make_article(f"Slip {n}"), f"The ferry again, {n}.", author=member))
        analyze()
        keys = {"member": member.pk, "file": (empty.pk - 1) // SITEMAP_SIZE + 1}
        counts |= {(page, size): count(page.format(**keys)) for page in TABLE}
    return counts


def analyze() -> None:
    """Update the planner's statistics, which are otherwise those of the tests before."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


START = datetime(2024, 5, 31, 9, tzinfo=UTC)


def make_story(name: str, size: int, topic: Topic, member: User, guest: Guest) -> dict[str, Any]:
    """Make a story with `size` imported comments in trees of nine, and return the parts of the pages' URLs.

    The member and the guest each have a visible and a pending comment; another comment is removed.
    """
    article = make_article(f"A {name} ferry", source_key=name, published_at=START)
    article.topics.add(topic)
    closes = timezone.now() + timedelta(days=9)
    change_discussion(article=article, status=Discussion.Status.OPEN, closes_at=closes)
    comments = [
        ImportedComment(
            source_id=f"{name} {n}",
            author_name=f"Reader {n % 50}",
            body="The ferry.",
            created_at=START + timedelta(hours=n),
            parent=n - n % 9 if n % 9 else None,
        )
        for n in range(size)
    ]
    made = import_comments(article=article, comments=comments, actor=None, action_id=uuid4()).created
    first = Comment.objects.get(pk=made[0])
    reply, new = make_comment(article, parent=first), make_comment(article, author=member)
    publish(reply, new, make_comment(article, guest=guest))
    decide(
        State.PENDING,
        Reason.SCREENED,
        make_comment(article, author=member),
        make_comment(article, guest=guest),
    )
    removed = make_comment(article)
    decide(State.REJECTED, Reason.INSULT, removed)
    recommend(comment=first, user=member, is_given=True)
    recommend(comment=first, guest=guest, is_given=True)
    return {
        "site": settings.SITE_URL,
        "story": article.get_absolute_url(),
        "first": first.pk,
        "reply": reply.pk,
        "new": new.pk,
        "removed": removed.pk,
        "newest": ThreadCursor.of(timezone.now(), new.pk),
    }


def publish(*comments: Comment) -> None:
    decide(State.PUBLISHED, Reason.APPROVED, *comments)


def decide(state: State, reason: Reason, *comments: Comment) -> None:
    change_states(ids=[comment.pk for comment in comments], to=state, reason=reason, actor=None)
