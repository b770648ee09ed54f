"""The filters of a queue: their results, names that must not be shown, and hostile queries."""

import re
from datetime import timedelta
from itertools import cycle
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Guest
from articles.models import Topic
from comments.models import Comment
from moderation.models import Case, Rule
from moderation.queue import filters
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.moderation.queue.helpers import listed_comment_ids, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy", "maria_client")]


def test_active_filters_can_be_removed_one_by_one(client, maria):
    topic = Topic.objects.create(name="Sea", slug="sea")
    sea, land = make_article("The slip closes"), make_article("A road opens")
    land.topics.add(topic)
    rule = Rule.objects.create(value="casino")
    jun = UserFactory.create(name="Jun")
    latin, arabic = make_comment(sea, "A plain word"), make_comment(sea, "کانت جدّتي تعبر")
    bets, own = make_comment(land, "The casino there"), make_comment(land, "Mine", author=jun)
    Case.objects.filter(comment=own).update(opened_at=timezone.now() - timedelta(hours=30))
    guest = latin.guest

    def left(**filters) -> set[int]:
        return set(listed_comment_ids(client.get("/moderation/", filters)))

    everything = {latin.pk, arabic.pk, bets.pk, own.pk}
    assert (
        left(article=sea.slug)
        == left(article=f"https://x.example/stories/{sea.slug}/")
        == {latin.pk, arabic.pk}
    )
    assert left(article="ROAD") == left(topic="sea") == {bets.pk, own.pk}
    assert left(author=f"u{jun.pk}") == left(author="jun") == left(age="24") == {own.pk}
    assert left(author=f"u0{jun.pk}") == set()  # it is a name, as on the pages about people
    assert left(author=f"g{guest.pk}") == left(author=guest.name) == {latin.pk}
    assert left(rule=rule.pk) == left(score="3") == {bets.pk}
    assert left(script="Arab") == left(script="other") == {arabic.pk}
    assert left(score="1", article=sea.slug, script="Lati") == {latin.pk}
    assert left() == left(colour="red") == everything
    assert set(
        listed_comment_ids(client.get("/moderation/?queue=recent&topic=sea&rule=" + str(rule.pk)))
    ) == {bets.pk}

    page = text(client.get(f"/moderation/?queue=new&article={sea.slug}&script=Arab"))
    assert f'<a href="/moderation/?queue=new&amp;article={sea.slug}">Script: <bdi>Arabic</bdi>' in page
    assert '<a href="/moderation/?queue=new&amp;script=Arab">Story: <bdi>The slip closes</bdi>' in page
    # An action redirects to the same filters.
    assert f"/?queue=new&amp;article={sea.slug}&amp;script=Arab" in page


def test_the_rules_are_listed_in_the_order_of_their_page(client):
    make_comment(make_article(), "A plain word")
    Rule.objects.bulk_create(Rule(kind="term", value=f"term {n:03}") for n in reversed(range(300)))
    Rule.objects.create(kind="links", value="3")
    chosen = re.search(r'<select[^>]*name="rule">.*?</select>', client.get("/moderation/").text, re.DOTALL)
    labels = re.findall(r"<option[^>]*>([^<]*)</option>", chosen[0])
    assert labels == ["any", "More than 3 links", *(f"term {n:03}" for n in range(300))]


@pytest.mark.parametrize("most", [0, 2, filters.MAX_IN_ARRAY])
def test_a_rule_finds_its_cases_however_many_it_matched(client, monkeypatch, most):
    monkeypatch.setattr(filters, "MAX_IN_ARRAY", most)
    rule, article = Rule.objects.create(value="casino"), make_article()
    comments = [make_comment(article, f"The casino {number}") for number in range(3)]
    make_comment(article, "Another word")
    for part in ("", f"&author=g{comments[1].guest.pk}"):
        expected = [comments[1].pk] if part else [comment.pk for comment in comments]
        page = client.get(f"/moderation/?rule={rule.pk}{part}")
        assert sorted(listed_comment_ids(page)) == expected
    first = Case.objects.get(comment=comments[0])
    later = client.get(f"/moderation/?queue=waiting&rule={rule.pk}&after={first.pk}")
    assert sorted(listed_comment_ids(later)) == [comment.pk for comment in comments[1:]]
    assert "<small>3</small>" in text(later)  # counted with those before


def test_an_index_finds_a_guest_by_name_in_any_case(client):
    GuestFactory.create_batch(200)
    ida = make_comment(make_article(), "A plain word", guest=GuestFactory.create(name="Ida"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_guest; SET LOCAL enable_seqscan = off")
        found = Guest.objects.filter(name__iexact="IDA")
        assert "guest_name_upper" in found.explain()
    assert listed_comment_ids(client.get("/moderation/?queue=recent&author=iDA")) == [ida.pk]


def test_filter_hides_names_of_people_from_other_stories(client, maria):
    editor, other = (UserFactory.create(roles=("Editor",)) for _ in range(2))
    own, elsewhere = make_article("Own"), make_article("Elsewhere")
    own.editors.add(editor)
    elsewhere.editors.add(other)
    theirs, here = make_comment(elsewhere, "Elsewhere"), make_comment(own, "Here")
    brought = Comment.objects.get(pk=make_comment(elsewhere, "Brought in").pk)
    Comment.objects.filter(pk=brought.pk).update(guest=None, author_name="Old Name")
    client.force_login(editor)
    answers = [
        client.get(f"/moderation/?author=g{theirs.guest.pk}"),
        client.get(f"/moderation/?author=u{maria.pk}"),
    ]
    for answer, name in zip(answers, (theirs.guest.name, maria.name), strict=True):
        assert answer.status_code == 200
        assert f"Person: <bdi>{name}" not in text(answer)
    assert client.get(f"/moderation/?author=i{brought.pk}").status_code == 404
    assert f"Person: <bdi>{here.guest.name}" in text(client.get(f"/moderation/?author=g{here.guest.pk}"))


HOSTILE = ["\0", "9" * 40, "-1", "٣", "u", "g99999999999999999", "i1", "' OR 1=1", "%", "x" * 5_000, "😀"]


@pytest.mark.parametrize(
    "name", ["queue", "article", "topic", "author", "rule", "script", "age", "score", "after", "done"]
)
def test_hostile_queries_are_no_errors(client, maria, name):
    comment = make_comment(make_article())
    paths = cycle(["/moderation/?", "/moderation/?queue=recent&", f"/moderation/comments/{comment.pk}/?"])
    for path, value in zip(paths, HOSTILE, strict=False):
        assert client.get(path + urlencode({name: value})).status_code in (200, 404)
