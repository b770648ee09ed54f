"""Permanent deletion: only listed comments are deleted, and no number that readers see changes."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import Author, Redirect, Site
from articles.services import set_article_authors
from comments.integrity import check
from comments.models import (
    Comment,
    CommentRevision,
    CommentSearchText,
    Discussion,
    DiscussionDay,
    Reason,
    State,
    Transition,
)
from comments.services.editing import edit_comment
from config.scheduler.jobs import JOBS
from config.scheduler.runner import run_if_due
from moderation.actions import decisions
from moderation.erasure import purge, restrictions
from moderation.models import (
    Action,
    Case,
    CommentGroup,
    ModeratorNote,
    Origin,
    Report,
    RestrictedText,
    Restriction,
)
from moderation.people.profiles import Person
from moderation.reports import reporting as reports
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def spam(*comments: Comment, actor):
    return decisions.decide(ids=[c.pk for c in comments], to=State.SPAM, reason=Reason.SPAM, actor=actor)


def later(days: int):
    """Make everything look this many days older."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE comments_transition DISABLE TRIGGER transition_append_only")
        cursor.execute("UPDATE comments_transition SET at = at - %s", [timedelta(days=days)])
        cursor.execute("ALTER TABLE comments_transition ENABLE TRIGGER transition_append_only")


def numbers():
    """Return all comment counts that readers see."""
    return [
        list(Discussion.objects.order_by("pk").values("visible_count", "removal_counts", "version")),
        list(DiscussionDay.objects.order_by("pk").values()),
        list(
            Comment.objects.order_by("pk").values("state", "state_reason", "reply_count", "recommend_count")
        ),
        Transition.objects.count(),
    ]


def test_it_deletes_listed_comments_and_no_later_ones(maria, ada):
    article = make_article()
    listed = [make_comment(article, f"Buy boats, number {n}.") for n in range(5)]
    answer = make_comment(article, "Is that so?", parent=listed[0])
    edited = edit_comment(comment=listed[1], body="Buy more boats.", user=None, guest=listed[1].guest)
    ModeratorNote.objects.create(comment=edited, text="Boats again.", by=maria)
    Origin.objects.create(comment=edited, ip_hash=b"0" * 16)
    case = Case.objects.create(comment=edited, discussion_id=article.pk)
    report = Report.objects.create(
        comment=edited, case=case, guest=GuestFactory.create(), why="spam", details="Boats!"
    )
    spam(*listed, actor=maria)

    group = purge.make_list(states=[State.SPAM], days=0, actor=ada)

    # In the meantime one more spam arrives, and of the listed one is restored, one confirmed, one restricted.
    new = make_comment(article, "Buy boats, number 6.")
    spam(new, actor=maria)
    decisions.decide(ids=[listed[2].pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    spam(listed[3], actor=maria)
    restrictions.restrict(ids=[listed[4].pk], why=Restriction.Why.COURT, actor=maria, is_legal_hold=True)
    before = numbers()
    page = purge.summarize(group)
    assert page.changed == [c.pk for c in listed[2:]]

    done = purge.purge_list(group=group, actor=ada)

    assert (done.purged, done.skipped) == (2, [c.pk for c in listed[2:]])
    assert numbers() == before
    for comment in Comment.objects.filter(pk__in=[c.pk for c in listed[:2]]):
        assert (comment.body, comment.body_html, comment.author_name, comment.author_email) == ("",) * 4
        assert comment.erased_at == done.action.at
        assert comment.state == State.SPAM
    for model in (CommentRevision, CommentSearchText, ModeratorNote, Origin):
        assert not model.objects.filter(comment__in=listed[:2]).exists()
    report.refresh_from_db()
    assert (report.details, report.why) == ("", "spam")
    assert Comment.objects.get(pk=new.pk).body == "Buy boats, number 6."
    assert Comment.objects.get(pk=listed[2].pk).body == "Buy boats, number 2."
    assert Comment.objects.get(pk=listed[3].pk).body == "Buy boats, number 3."
    assert Restriction.objects.get().texts.get().body == "Buy boats, number 4."
    assert Comment.objects.get(pk=answer.pk).body == "Is that so?"
    assert done.action.kind == Action.Kind.PURGE
    assert check() == {}

    # A second click changes nothing, and there is no undo.
    assert purge.purge_list(group=group, actor=ada).action is None
    assert decisions.undo(action=done.action, actor=ada).action is None
    assert numbers() == before


def test_the_list_has_comments_of_these_states_and_this_age(maria, ada):
    article = make_article()
    old, removed, gone, sealed = [make_comment(article, f"Word {n}.") for n in range(4)]
    spam(old, actor=maria)
    decisions.decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    decisions.decide(ids=[gone.pk], to=State.DELETED, reason=Reason.AUTHOR, actor=None)
    restrictions.restrict(ids=[sealed.pk], why=Restriction.Why.OTHER, actor=maria)
    later(40)
    new = make_comment(article, "Another.")
    spam(new, actor=maria)

    def listed(states, days):
        group = purge.make_list(states=states, days=days, actor=ada)
        return sorted(group.members.values_list("comment", flat=True)) if group else []

    assert listed([State.SPAM], 30) == [old.pk]
    assert listed([State.SPAM, State.REJECTED, State.DELETED], 30) == [old.pk, removed.pk, gone.pk]
    assert listed([State.SPAM], 50) == []
    assert listed([State.SPAM], 0) == [old.pk, new.pk]
    assert CommentGroup.objects.count() == 3  # an empty list is not stored


def test_no_job_deletes_restricted_texts(maria, ada):
    """They stay until an administrator decides, also those of spam and of an unconfirmed guest."""
    comment = make_comment(make_article(), "Words for the police.")
    spam(comment, actor=maria)
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.OTHER, actor=maria)
    later(400)
    jobs = [job for job in JOBS if job.run.__module__.startswith("moderation.erasure")]
    assert len(jobs) >= 3
    assert [outcome and outcome.error for outcome in map(run_if_due, jobs)] == [""] * len(jobs)
    assert RestrictedText.objects.get(restriction__comment=comment.pk).body == "Words for the police."


def test_comments_with_an_open_case_are_left(maria, ada):
    """An appeal about a deleted text would be pointless, and its case could never be closed."""
    ada, article = UserFactory.create(), make_article()
    before, since = (
        make_comment(article, "My boat.", author=ada),
        make_comment(article, "My other boat.", author=ada),
    )
    spam(before, since, actor=maria)

    def appeal(comment):
        fresh = Comment.objects.get(pk=comment.pk)
        reports.appeal_removal(comment=fresh, user=ada, guest=None, text="It is a boat.")

    appeal(before)
    group = purge.make_list(states=[State.SPAM], days=0, actor=ada)
    assert list(group.members.values_list("comment", flat=True)) == [since.pk]
    appeal(since)
    assert purge.summarize(group).changed == [since.pk]
    assert purge.purge_list(group=group, actor=ada).skipped == [since.pk]
    assert check() == {}
    later(91)
    assert purge.erase_old_spam() == 0
    assert not Comment.objects.filter(body="").exists()


def test_a_list_has_a_maximum_size(maria, ada, monkeypatch):
    monkeypatch.setattr(purge, "MAX_PURGE_LIST_SIZE", 2)
    article = make_article()
    spam(*[make_comment(article, f"Boat {n}.") for n in range(3)], actor=maria)
    later(2)
    client = Client()
    client.force_login(ada)
    for kept, is_cut in ((1, True), (0, False)):
        listed = client.post("/moderation/purge/", {"states": ["spam"], "days": "1"}, follow=True)
        assert ("Make another list" in listed.content.decode()) == is_cut
        client.post(listed.redirect_chain[-1][0], {"confirm": "1"})
        assert Comment.objects.exclude(body="").count() == kept


def test_the_job_erases_spam_of_ninety_days(maria, monkeypatch):
    monkeypatch.setattr(purge, "MAX_COMMENTS_OF_JOB", 2)
    article = make_article()
    old = [make_comment(article, f"Old {n}.") for n in range(5)]
    spam(*old, actor=maria)
    removed = make_comment(article, "Rude.")
    decisions.decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    later(1)
    new = make_comment(article, "New.")
    spam(new, actor=maria)
    later(89)

    assert purge.erase_old_spam() == 5
    assert purge.erase_old_spam() == 0

    assert set(Comment.objects.exclude(body="").values_list("pk", flat=True)) == {removed.pk, new.pk}
    assert Action.objects.filter(kind=Action.Kind.PURGE, actor=None).count() == 3


def test_an_unused_list_is_deleted(maria):
    spam(make_comment(make_article()), actor=maria)
    group = purge.make_list(states=[State.SPAM], days=0, actor=maria)
    assert purge.delete_unused_groups() == 0
    CommentGroup.objects.filter(pk=group.pk).update(made_at=timezone.now() - timedelta(days=31))
    assert purge.delete_unused_groups() == 1


def test_the_page_requires_a_confirmation(maria, ada):
    article = make_article("The slip & the boat")
    spam(*[make_comment(article, f"Buy boats, number {n}.") for n in range(3)], actor=maria)
    client = Client()
    client.force_login(maria)
    assert client.get("/moderation/purge/").status_code == 403
    client.force_login(ada)
    assert client.post("/moderation/purge/", {"days": "x"}).status_code == 422

    listed = client.post("/moderation/purge/", {"states": ["spam", "rejected"], "days": "1"}, follow=True)
    assert "There are no such comments." in listed.content.decode()
    later(2)
    listed = client.post("/moderation/purge/", {"states": ["spam", "rejected"], "days": "1"}, follow=True)
    url = listed.redirect_chain[-1][0]
    text = listed.content.decode()
    for words in ("3 comments", "Marked as spam: 3", "The slip &amp; the boat: 3", "Buy boats, number 1."):
        assert words in text
    assert "this can’t be undone" in text
    assert "Buy boats, number 2." in client.get(f"{url}all/").content.decode()
    assert client.get(f"{url}all/?after=999999999999999999999").status_code == 200

    assert "Please confirm that this can" in client.post(url, follow=True).content.decode()
    assert Comment.objects.exclude(body="").count() == 3
    done = client.post(url, {"confirm": "1"}, follow=True).content.decode()
    assert "3 comments were permanently deleted." in done
    assert "This can’t be undone." in done
    assert "Buy boats" not in done
    first = Comment.objects.exclude(erased_at=None).earliest("pk")
    assert f"<strong>#{first.pk}</strong>:" in client.get(f"{url}all/").content.decode()
    act = Action.objects.get(kind=Action.Kind.PURGE)
    for person, is_linked in ((ada, True), (maria, False)):
        client.force_login(person)
        words = client.get(f"/moderation/actions/{act.pk}/").content.decode()
        assert "Permanently deleted: 3 comments" in words
        assert "This action cannot be undone." in words
        assert f"/actions/{act.pk}/undo/" not in words
        assert (url in words) == is_linked
    client.force_login(ada)
    assert (
        "These comments were already deleted."
        in client.post(url, {"confirm": "1"}, follow=True).content.decode()
    )


def test_a_list_of_any_size_takes_the_same_few_statements(maria, ada):
    """50,000 comments took 8 s on two busy cores, and half a second to list."""
    counts = []
    for size in (2, 40):
        article = make_article(f"Story {size}")
        spam(*[make_comment(article, f"{size} boats, number {n}.") for n in range(size)], actor=maria)
        group = purge.make_list(states=[State.SPAM], days=0, actor=ada)
        with CaptureQueriesContext(connection) as queries:
            purge.summarize(group)
            purge.purge_list(group=group, actor=ada)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 26, counts


def test_the_page_of_a_list_takes_the_same_statements_for_any_sample(client, maria, ada):
    client.force_login(ada)
    counts = []
    for size in (2, 9):
        article = make_article(f"Story {size}")
        spam(*[make_comment(article, f"{size} boats, number {n}.") for n in range(size)], actor=maria)
        group = purge.make_list(states=[State.SPAM], days=0, actor=ada)
        url = reverse("moderation:purge-list", args=[group.pk])
        client.get(url)  # fills caches
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], counts


def test_a_summary_names_the_largest_discussions_and_counts_the_others(maria, ada, monkeypatch):
    monkeypatch.setattr(purge, "MAX_DISCUSSIONS", 2)
    for size in (1, 3, 2, 1):
        article = make_article(f"Story {size}")
        spam(*[make_comment(article, f"{size} boats, number {n}.") for n in range(size)], actor=maria)
    summary = purge.summarize(purge.make_list(states=[State.SPAM], days=0, actor=ada))
    assert (summary.by_discussion, summary.more_discussions) == ([("Story 3", 3), ("Story 2", 2)], 2)


def test_erasing_an_author_removes_the_byline(ada, client):
    ida, story = UserFactory.create(name="Ida Quill", roles=("Editor",)), make_article("The slip")
    set_article_authors(article=story, people=[ida])
    author = Author.objects.get()
    admin = Client()
    admin.force_login(ada)
    admin.post(f"/admin/articles/author/{author.pk}/change/", {"slug": "quill", "line": "Call Ida Quill."})
    assert client.get("/authors/ida-quill/")["Location"] == "/authors/quill/"
    version = Site.objects.get().version
    purge.erase_person(person=Person(user=ida), actor=ada)
    assert Site.objects.get().version > version  # or cached pages would still show the name
    for url in ("/authors/ida-quill/", "/authors/quill/"):
        assert client.get(url).status_code == 404
    tables = [Author.objects.values(), Redirect.objects.values(), LogEntry.objects.values("object_repr")]
    assert "quill" not in repr([list(rows) for rows in tables]).lower()
    assert "quill" not in client.get(story.get_absolute_url()).content.decode().lower()
