"""The number of comments in each queue, the age of the oldest, and the number in the masthead."""

import re
from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from comments.models import Comment, Reason, State
from core.database.sql import fetch_together
from moderation.actions import cases
from moderation.actions.decisions import decide
from moderation.models import Case
from moderation.models.cases import CASE_FLAGS
from moderation.queue import queues
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.moderation.queue.helpers import WORDS, listed_comment_ids, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]


def test_each_queue_shows_its_comments_count_and_age(client, maria):
    client.force_login(maria)
    article = make_article()
    known = GuestFactory.create(confirmed_at=timezone.now())
    decide(
        ids=[make_comment(article, "First", guest=known).pk],
        to=State.PUBLISHED,
        reason=Reason.APPROVED,
        actor=maria,
    )
    new, reported = make_comment(article, "New here"), make_comment(article, "Fine words", guest=known)
    links = make_comment(article, "https://a.example https://b.example", guest=known)
    again = make_comment(article, "Look again")
    # The nightly scan creates such a case.
    doubt = make_comment(article, "Other fine words", guest=known)
    cases.create_missing_cases([reported.pk, doubt.pk], states=[State.PUBLISHED])
    Case.objects.filter(comment=reported).update(is_reported=True)
    Case.objects.filter(comment=again).update(is_appealed=True, is_new_person=False)
    Case.objects.filter(comment=new).update(opened_at=timezone.now() - timedelta(hours=3))

    def queue(name) -> list[int]:
        return listed_comment_ids(client.get(f"/moderation/?queue={name}"))

    assert [set(queue(n)) for n in ("waiting", "new", "reported", "second")] == [
        {new.pk, links.pk, again.pk},
        {new.pk},
        {reported.pk},
        {again.pk},
    ]
    assert queue("published") == [doubt.pk]
    assert queue("recent")[1:] == [again.pk, links.pk, reported.pk, new.pk, Comment.objects.earliest("pk").pk]
    page = text(client.get("/moderation/"))
    assert "3 waiting, oldest 3 h" in page
    entries = re.findall(r"<span>([^<]+)</span> <b>(\d+)</b>(?: <small>oldest ([^<]+)</small>)?", page)
    assert {
        ("Waiting for review", "3", "3 h"),
        ("First-time commenters", "1", "3 h"),
        ("Reported", "1", "0 min"),
        ("Flagged after publication", "1", "0 min"),
    } <= set(entries)


@pytest.mark.parametrize(
    ("where", "fulfilled"),
    [
        (Q(), ["wr", "wi", "a", "-"]),
        (Q(is_pending=True), ["wr", "wi"]),
        (Q(is_pending=False), ["a", "-"]),
        (Q(is_pending=True, is_reported=True), ["wr"]),
        (Q(is_pending=True) & Q(is_reported_illegal=True), ["wi"]),
        (Q(is_reported=True) | Q(is_reported_illegal=True), ["wr", "wi"]),
        (Q(is_pending=False) & (Q(is_appealed=True) | Q(is_reported_illegal=True)), ["a"]),
        (Q(is_pending=False, is_appealed=False) | Q(is_reported_illegal=True, is_pending=True), ["wi", "-"]),
        (Q(is_pending=False, is_reported=True), []),
    ],
)
def test_numbers_of_a_queue_are_those_of_the_fulfilled_flags(where, fulfilled):
    flags = {"w": "is_pending", "r": "is_reported", "i": "is_reported_illegal", "a": "is_appealed"}
    hours = {"wr": 7, "wi": 3, "a": 5, "-": 1}
    rows = [
        dict.fromkeys(CASE_FLAGS, False)
        | {flags[letter]: True for letter in name if letter in flags}
        | {"n": 10**place, "oldest": f"2026-11-29T{hour:02}:00:00+00:00"}
        for place, (name, hour) in enumerate(hours.items())
    ]
    by_name = dict(zip(hours, rows, strict=True))
    expected = [by_name[name] for name in fulfilled]
    assert [row for row in rows if queues._is_fulfilled(where, row)] == expected
    count, oldest = queues._count_cases(where, {"cases": rows, "for_colleagues": []})
    assert count == sum(row["n"] for row in expected)
    assert oldest == min((row["oldest"] for row in expected), default=None)


@pytest.mark.parametrize(("waiting", "counted"), [(2, "2"), (3, "2+"), (5, "2+")])
def test_many_cases_are_not_counted_to_the_end(client, maria, monkeypatch, waiting, counted):
    monkeypatch.setattr(queues, "MAX_SUMMARIZED", 2)
    client.force_login(maria)
    article = make_article()
    for number in range(waiting):
        make_comment(article, f"Words number {number}")
    queues.summary_queries.cache_clear()
    try:
        page = text(client.get("/moderation/"))
        most = max(count["n"] for count in _summary_rows(maria)["cases"])
    finally:
        queues.summary_queries.cache_clear()
    assert most == min(waiting, 3)
    assert f"{counted} waiting, oldest 0 min" in page
    assert f"<span>First-time commenters</span> <b>{counted}</b>" in page


def test_a_number_that_was_cut_does_not_look_exact():
    flags = dict.fromkeys(CASE_FLAGS, False) | {"is_appealed": True}
    found = {
        "cases": [{**flags, "n": queues.MAX_SUMMARIZED + 1, "oldest": None}],
        "for_colleagues": [{**flags, "pk": pk} for pk in range(500)],
    }
    assert queues._count_cases(Q(is_appealed=True), found)[0] == queues.MAX_SUMMARIZED + 1


def _summary_rows(user):
    return fetch_together(queues.summary_queries(user.roles), {"user": user.pk})


@pytest.mark.parametrize("where", [~Q(is_pending=True), Q(is_reported=True) & ~Q(is_pending=True)])
def test_a_negated_condition_of_a_queue_is_refused(where):
    with pytest.raises(ValueError, match="negated"):
        queues._is_fulfilled(where, dict.fromkeys(CASE_FLAGS, True))


def test_the_masthead_shows_pending_counts_to_people_who_may_decide(client, maria, django_assert_num_queries):
    article = make_article()
    article.editors.add(UserFactory.create(roles=("Editor",)))
    waiting = [make_comment(article, f"{word}.") for word in WORDS[:3]]
    badge = re.compile(r'<span class="badge accent">(\d+)')
    client.force_login(maria)
    assert badge.findall(text(client.get("/"))) == ["3"]
    editor = UserFactory.create(roles=("Editor",))
    client.force_login(editor)
    assert badge.findall(text(client.get("/"))) == []
    article.editors.add(editor)
    assert badge.findall(text(client.get("/"))) == ["3"]
    client.force_login(UserFactory.create())
    assert "to-queue" not in text(client.get("/"))
    assert maria.is_moderator  # reads the roles
    with django_assert_num_queries(1):
        assert queues.pending_cases(maria).count() == len(waiting)


def test_the_masthead_and_the_heading_of_the_queue_count_the_same_comments(maria):
    article = make_article()
    for word in WORDS[:3]:
        make_comment(article, f"{word}.")
    comment = make_comment(article, "Published.", author=maria)
    Case.objects.create(
        comment=comment, discussion_id=comment.discussion_id, is_reported_illegal=True, is_pending=False
    )
    waiting = queues.summarize_queues(maria, "/moderation/")[0]
    assert waiting.count == 4
    assert waiting.pending_count == queues.pending_cases(maria).count() == 3
