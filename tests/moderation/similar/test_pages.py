"""The list of groups and the page of a group: clues, invalid queries, times and statements."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, Site
from comments.models import Comment
from comments.services.editing import edit_comment
from moderation.models import CommentGroup
from moderation.similar import scan
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.similar.helpers import GOOD, LIST, flood, members, only_group, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def test_distinctive_words_are_not_read_from_a_changed_text(client, maria, article):
    spam = flood(article, 5)
    for n in range(20):
        make_comment(article, f"The slip number {n} is rotten.")
    group = only_group()
    client.force_login(maria)
    shown = client.get(url(group)).context["words"]
    assert set(shown) <= set(spam[0].body.split())
    assert len(shown) == 6
    assert "about" not in shown  # common words are left out

    for comment in spam:
        edit_comment(comment=comment, body=f"Well, now: {comment.body}", user=None, guest=comment.guest)

    assert client.get(url(group)).context["words"] == []
    assert client.get(LIST).status_code == 200


def test_a_long_distinctive_word_is_cut(client, maria, article):
    for comment in flood(article, 5):
        edit_comment(comment=comment, body=f"{'a' * 400} {comment.body}", user=None, guest=comment.guest)
    for n in range(20):
        make_comment(article, f"The slip number {n} is rotten.")
    group = only_group()
    client.force_login(maria)
    assert "a" * 400 in client.get(url(group)).context["words"]
    for page in (url(group), LIST):
        assert f'<mark dir="auto">{"a" * 39}…</mark>' in client.get(page).text


def test_likely_mistakes_come_first(client, maria, article):
    flood(article, 8)
    odd = make_comment(
        article,
        "Truly a marvellous magazine with splendid columns, my cousin was wondering about such columns all "
        "winter long, but of the piles and the ferry he had read nowhere.",
        guest=GuestFactory.create(name="Odd"),
    )
    group = only_group()
    client.force_login(maria)

    page = client.get(url(group))

    assert odd.pk in members(group)
    assert page.context["page"].likely_mistakes[0].comment == odd


def test_unlike_member_comes_first_with_the_reason(client, maria, article):
    spam = flood(article, 8)
    paula = GuestFactory.create(name="Paula", confirmed_at=timezone.now())
    odd = make_comment(make_article("Library"), spam[3].body.replace("number 3", "number 5"), guest=paula)
    group = only_group()
    client.force_login(maria)

    first = client.get(url(group)).context["page"].likely_mistakes[0]

    assert first.comment == odd
    assert first.clues[:2] == ["on a different story than the others", "confirmed e-mail"]


def test_statements_do_not_grow_with_the_group(client, maria, article):
    client.force_login(maria)

    def statements(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    def both() -> tuple[int, int]:
        group = only_open()
        return statements(LIST), statements(url(group))

    def only_open() -> CommentGroup:
        scan.run_scan()
        return CommentGroup.objects.order_by("-made_at")[0]

    flood(article, 15)
    few = both()
    flood(make_article("Another"), 40)
    assert both() == few
    assert few[0] <= 16
    assert few[1] <= 18


@pytest.mark.parametrize(
    "query", ["?page=x", "?of=x", "?of=99999999999", "?kind=", "?done=x", "?page=99999999999999", "?of=1"]
)
def test_invalid_queries_are_no_server_errors(client, maria, query):
    client.force_login(maria)

    assert client.get(LIST + query).status_code in {200, 404}


@pytest.mark.parametrize(
    "query", ["?after=nan.1", "?after=x", "?after=0.5", "?without=x.y", "?of=a", "?after=1e9.5"]
)
def test_invalid_cursors_are_no_server_errors(client, maria, article, query):
    flood(article, 3)
    client.force_login(maria)

    assert client.get(url(only_group()) + query).status_code == 200


def test_comment_redirects_to_its_group(client, maria, article):
    spam, good = flood(article, 4), make_comment(article, GOOD)
    group = only_group()
    client.force_login(maria)

    answer = client.get(f"{LIST}?of={spam[2].pk}", follow=True)

    assert answer.request["PATH_INFO"] == url(group)
    assert "3 similar comments" in answer.text
    assert "There is no group of similar comments for this comment" in client.get(f"{LIST}?of={good.pk}").text


def test_times_are_in_the_zone_of_the_site(client, maria, article):
    """The story itself has a different time zone."""
    Article.objects.update(source_zone="America/New_York")
    Site.objects.update(time_zone="Europe/Oslo")
    flood(article, 5)
    Comment.objects.update(created_at=datetime(2021, 3, 6, 4, 47, tzinfo=UTC))
    scan.run_scan()
    client.force_login(maria)
    groups = CommentGroup.objects.values_list("pk", flat=True)
    for page in (LIST, *(reverse("moderation:group", args=[pk]) for pk in groups)):
        html = client.get(page).content.decode()
        assert "6 March 2021, 05:47" in html
        assert html.count("Times are Oslo time unless noted.") == 1
