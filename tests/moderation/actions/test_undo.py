"""Undo of bulk actions after later changes: exact, and without overwriting later decisions."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone

from comments.models import Comment, Discussion, State
from comments.services.editing import edit_comment
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states, delete_comment
from comments.services.text_changes import erase_comments
from moderation import explanations
from moderation.actions import decisions, quick_actions, redactions
from moderation.actions.decisions import decide, move, undo
from moderation.erasure import restrictions
from moderation.models import Action, Case, Restriction
from moderation.transparency import removal_counts
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def pages(client: Any, articles: Any) -> dict[str, bytes]:
    """Return the public pages of these stories, feeds and comments, without version numbers."""
    urls = [article.get_absolute_url() for article in articles]
    urls += [reverse("story-feed", args=[article.slug]) for article in articles]
    urls += [c.get_absolute_url() for c in Comment.objects.filter(discussion__in=[a.pk for a in articles])]
    return {url: re.sub(rb'\sdata-(version|seq)="\d+"', b"", client.get(url).content) for url in sorted(urls)}


def numbers(articles: Any) -> list[Any]:
    """Return all counters of these discussions."""
    ids = [article.pk for article in articles]
    comments = Comment.objects.filter(discussion__in=ids).order_by("pk")
    days = Discussion.objects.filter(pk__in=ids, days__visible_count__gt=0).order_by("pk", "days__day")
    return [
        list(
            Discussion.objects.filter(pk__in=ids)
            .order_by("pk")
            .values_list("visible_count", "removal_counts")
        ),
        list(days.values_list("days__day", "days__visible_count")),
        list(
            comments.values_list(
                "state", "state_reason", "reply_count", "is_in_public_thread", "is_pick", "duplicate_of"
            )
        ),
        list(Case.objects.filter(discussion__in=ids).order_by("pk").values_list("comment", "closed_at")),
    ]


@pytest.mark.parametrize("to", [State.SPAM, State.REJECTED, State.PUBLISHED])
def test_undo_after_later_decisions_a_reply_and_an_edit(client, maria, omar, to):
    quiet = [make_article(f"Quiet {n}", rights="ours") for n in range(3)]
    busy = make_article("Busy", rights="ours")
    guest, chosen = GuestFactory.create(), []
    for article in [*quiet, busy]:
        root = make_comment(article, "Stays")
        one = make_comment(article, "Buy boats", parent=root)
        make_comment(article, "Below it", parent=one)
        chosen += [
            one,
            make_comment(article, "Buy more boats"),
            make_comment(article, "Buy the last boats", guest=guest),
        ]
        if article == busy:
            chosen += [make_comment(article, f"Boat {n}") for n in range(3)]
    ids = [comment.pk for comment in chosen]
    if to == State.PUBLISHED:
        change_states(ids=ids, to=State.PENDING, reason="screened", actor=None)
    read, counted = pages(client, quiet), numbers(quiet)
    removed_before = sum(Discussion.objects.get(pk=busy.pk).removal_counts.values())

    reason = {State.SPAM: "spam", State.REJECTED: "off_topic", State.PUBLISHED: "approved"}[to]
    act = decide(ids=ids, to=to, reason=reason, actor=maria)
    assert pages(client, quiet) != read
    assert act.changed == ids

    approved, removed, confirmed = (comment for comment in chosen if comment.body.startswith("Boat "))
    decide(ids=[approved.pk], to=State.PUBLISHED, reason="approved", actor=omar)
    decide(ids=[removed.pk], to=State.REJECTED, reason="insult", actor=omar)
    decide(ids=[confirmed.pk], to=to, reason=reason, actor=omar)
    stays = Comment.objects.get(discussion=busy.pk, body="Stays")
    reply = make_comment(busy, "Written meanwhile", parent=stays)
    theirs = Comment.objects.filter(discussion=busy.pk, guest=guest).get()
    edited = theirs if to == State.PUBLISHED else stays
    edit_comment(comment=edited, body="Edited meanwhile", user=None, guest=edited.guest)

    back = undo(action=act.action, actor=maria)

    left = {approved.pk, removed.pk, confirmed.pk} | ({theirs.pk} if to == State.PUBLISHED else set())
    assert {item.comment for item in back.skipped} == left
    assert {r.actor for r in back.skipped if r.comment != theirs.pk} == {"Omar"}
    assert set(back.changed) == set(ids) - left
    assert (pages(client, quiet), numbers(quiet)) == (read, counted)
    now = dict(Comment.objects.values_list("pk", "state"))
    assert (now[approved.pk], now[removed.pk], now[confirmed.pk]) == ("published", "rejected", to)
    assert (now[reply.pk], Comment.objects.get(pk=edited.pk).body) == ("published", "Edited meanwhile")
    removed = 1 if to == State.PUBLISHED else 2
    assert sum(Discussion.objects.get(pk=busy.pk).removal_counts.values()) == removed_before + removed
    assert_sound()
    assert removal_counts.wrong_counts() == []

    again = undo(action=back.action, actor=omar)
    assert set(again.changed) == set(back.changed)
    assert undo(action=again.action, actor=maria).skipped == []
    assert (pages(client, quiet), numbers(quiet)) == (read, counted)
    assert_sound()
    assert removal_counts.wrong_counts() == []


def test_settings_of_a_comment_follow_its_state(maria, omar):
    """A duplicate that a colleague has removed as well stays a duplicate."""
    article = make_article()
    first, one, two = (make_comment(article, "The same") for _ in range(3))
    act = decide(ids=[one.pk, two.pk], to=State.REJECTED, reason="repeat", actor=maria, duplicate_of=first.pk)
    decide(ids=[one.pk], to=State.REJECTED, reason="repeat", actor=omar)
    back = undo(action=act.action, actor=maria)
    assert (back.changed, [r.comment for r in back.skipped]) == ([two.pk], [one.pk])
    assert back.action.changes.count() == 1
    comments = Comment.objects.filter(pk__in=[one.pk, two.pk]).order_by("pk")
    assert list(comments.values_list("state", "duplicate_of")) == [
        ("rejected", first.pk),
        ("published", None),
    ]


def test_every_kind_of_action_is_listed_and_undone(client, maria):
    article = make_article()
    comment, other = make_comment(article, "I am Bob here."), make_comment(article)
    quick_actions.set_editors_pick(comment=comment, is_pick=True, actor=maria)
    quick_actions.lock_replies(comment=comment, is_locked=True, actor=maria)
    redactions.redact(comment=comment, marked="I am [[Bob]] here.", actor=maria)
    quick_actions.apply_quick_action(name="hide", article=article.pk, actor=maria)
    quick_actions.apply_quick_action(name="close", article=None, actor=maria)
    decisions.remove_as_duplicate(comment=other, of=comment, actor=maria)
    client.force_login(maria)
    for action in Action.objects.order_by("at"):
        page = client.get(reverse("moderation:action", args=[action.pk])).content.decode()
        assert "Undo this action" in page
        client.post(reverse("moderation:undo", args=[action.pk]))
    assert Action.objects.filter(kind="undo").count() == 6
    assert Comment.objects.get(pk=comment.pk).body == "I am Bob here."
    assert set(Comment.objects.values_list("state", flat=True)) == {"published"}
    history = client.get(reverse("moderation:history")).content.decode()
    for sentence in (
        "Editor’s pick",
        "Replies are locked",
        "Redacted",
        "The discussion is hidden",
        "Whole site",
    ):
        assert sentence in history
    assert_sound()


def test_actions_are_filtered_by_person_kind_and_date(client, maria, omar):
    article = make_article()
    comment = make_comment(article)
    decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=omar)
    quick_actions.apply_quick_action(name="close", article=article.pk, actor=maria)
    client.force_login(maria)

    def shown(query: str) -> tuple[bool, bool]:
        answer = client.get(f"/moderation/actions/?{query}")
        assert answer.status_code == 200
        page = answer.content.decode()
        return "Removed: insult" in page, "Comments are closed" in page

    assert shown("") == (True, True)
    assert shown(f"who={omar.pk}") == (True, False)
    assert shown("who=0") == (False, False)
    assert shown("kind=discussion") == (False, True)
    assert shown("since=2999-01-01") == (False, False)
    assert shown("since=0001-01-01") == (True, True)
    for hostile in ("who=x", "who=" + "9" * 18, "kind='", "since=2026-99-99", "before=x", "since=%00"):
        shown(hostile)
    editor = UserFactory.create(roles=("Editor",))
    client.force_login(editor)
    assert shown(f"who={omar.pk}") == (False, False)


def test_editor_cannot_undo_after_losing_the_story(client):
    editor, other = (UserFactory.create(roles=("Editor",)) for _ in range(2))
    article = make_article()
    article.editors.add(editor)
    action = quick_actions.apply_quick_action(name="close", article=article.pk, actor=editor)
    client.force_login(editor)
    url = reverse("moderation:undo", args=[action.pk])
    article.editors.set([other])
    assert client.post(url).status_code == 404
    article.editors.set([editor])
    assert client.post(url).status_code == 302
    assert Discussion.objects.get().status == "open"


def test_page_of_an_undo_lists_the_unchanged_comments(client, maria, omar):
    article = make_article()
    one, two = make_comment(article), make_comment(article)
    act = decide(ids=[one.pk, two.pk], to=State.SPAM, reason="spam", actor=maria)
    decide(ids=[one.pk], to=State.REJECTED, reason="insult", actor=omar)
    client.force_login(maria)
    page = client.get(reverse("moderation:action", args=[act.action.pk])).content.decode()
    assert "1 would be left unchanged, because it has changed meanwhile" in page
    assert "<span>1 Removed: insult</span>" in page
    back = undo(action=act.action, actor=maria)
    page = client.get(reverse("moderation:action", args=[back.action.pk])).content.decode()
    assert "1 was left unchanged" in page
    assert "<bdi>Omar</bdi>: Removed: insult" in page


def test_undone_import_is_not_counted(maria):
    """A discussion tells every reader how many comments "our copy holds", without undone imports."""
    article = make_article(source_key="there")
    imported = [ImportedComment(str(n), "Reader", f"Words {n}", timezone.now()) for n in range(3)]

    def brought_in() -> Action:
        action = Action.objects.create(kind="import", actor=maria)
        import_comments(article=article, comments=imported, actor=maria, action_id=action.pk)
        return action

    def imported_count() -> int:
        return Discussion.objects.get().imported_count

    action = brought_in()
    decide(ids=[Comment.objects.first().pk], to=State.SPAM, reason="spam", actor=maria)
    back = undo(action=action, actor=maria)
    assert imported_count() == 1  # the comment that is left has a newer decision
    undo(action=back.action, actor=maria)
    assert imported_count() == 3
    undo(action=Action.objects.latest("at"), actor=maria)
    brought_in()
    assert imported_count() == 3


def test_repeated_undo_is_described_as_undone_or_done_again(maria):
    comment = make_comment(make_article())
    act = decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=maria).action
    comments = []
    for _ in range(4):
        act = undo(action=act, actor=maria).action
        comments.append(explanations.describe_action(act))
    assert comments == ["Undone: Removed: insult", "Done again: Removed: insult"] * 2


def test_comment_moved_under_locked_replies_is_locked_until_undone(client, maria, omar):
    article = make_article()
    root, one = make_comment(article), make_comment(article)
    below = make_comment(article, parent=one)
    quick_actions.lock_replies(comment=root, is_locked=True, actor=maria)
    action = move(comment=one, parent=root, actor=maria)

    def locked() -> set[int]:
        return set(Comment.objects.filter(is_locked=True).values_list("pk", flat=True))

    assert action is not None
    assert locked() == {root.pk, one.pk, below.pk}
    further = move(comment=one, parent=None, actor=omar)
    client.force_login(maria)
    page = client.get(reverse("moderation:action", args=[action.pk])).text
    assert "1 would be left unchanged, because it has changed meanwhile" in page
    assert "<bdi>Omar</bdi>: Moved again" in page
    # The comment was moved again, so nothing is undone.
    assert undo(action=action, actor=maria).action is None
    assert locked() == {root.pk, one.pk, below.pk}
    undo(action=further, actor=omar)
    move(comment=one, parent=None, actor=omar)
    undo(action=Action.objects.latest("at"), actor=maria)
    assert locked() == {root.pk, one.pk, below.pk}
    assert_sound()


def test_comment_returning_under_locked_replies_is_locked(maria, omar):
    article = make_article()
    root, other = make_comment(article), make_comment(article)
    reply = make_comment(article, parent=root)
    below = make_comment(article, parent=reply)
    action = move(comment=reply, parent=other, actor=maria)
    quick_actions.lock_replies(comment=root, is_locked=True, actor=omar)

    def locked() -> set[int]:
        return set(Comment.objects.filter(is_locked=True).values_list("pk", flat=True))

    assert locked() == {root.pk}
    back = undo(action=action, actor=maria)
    assert locked() == {root.pk, reply.pk, below.pk}
    again = undo(action=back.action, actor=maria)
    assert (again.skipped, locked()) == ([], {root.pk})


def test_lock_of_a_move_stays_if_the_old_parent_is_locked(maria, omar):
    article = make_article()
    root, other = make_comment(article), make_comment(article)
    reply = make_comment(article, parent=root)
    quick_actions.lock_replies(comment=other, is_locked=True, actor=omar)
    action = move(comment=reply, parent=other, actor=maria)
    quick_actions.lock_replies(comment=root, is_locked=True, actor=omar)
    undo(action=action, actor=maria)
    assert not Comment.objects.filter(is_locked=False).exists()


def test_restrictions_of_one_action_are_lifted_one_by_one(client):
    """The page offers Undo until the last restriction is lifted, and only then says that it was undone."""
    adam = UserFactory.create(name="Adam", roles=("Administrator",))
    article = make_article()
    one, two = make_comment(article), make_comment(article)
    act = restrictions.restrict(ids=[one.pk, two.pk], why=Restriction.Why.PERSONAL, actor=adam)
    restrictions.lift(restriction=Restriction.objects.get(comment=one), actor=adam)
    client.force_login(adam)
    url = reverse("moderation:action", args=[act.action.pk])
    page = client.get(url).text
    assert "Undone by" not in page
    assert "1 would be left unchanged, because it has changed meanwhile" in page
    client.post(reverse("moderation:undo", args=[act.action.pk]))
    assert set(Comment.objects.values_list("state", flat=True)) == {"published"}
    assert "Undone by Adam" in client.get(url).text


def test_undo_takes_a_bounded_number_of_statements(maria, django_assert_max_num_queries):
    comment = make_comment(make_article())
    act = decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=maria)
    with django_assert_max_num_queries(14):
        undo(action=act.action, actor=maria)


def test_page_of_an_action_lists_comments_that_undo_would_leave_unchanged(client, maria, omar):
    article = make_article()
    act = quick_actions.apply_quick_action(name="close", article=article.pk, actor=maria)
    url = reverse("moderation:action", args=[act.pk])
    client.force_login(maria)
    assert "would be left unchanged" not in client.get(url).text
    quick_actions.apply_quick_action(name="hide", article=article.pk, actor=omar)
    page = client.get(url).text
    assert "1 would be left unchanged, because it has changed meanwhile" in page
    assert f"<bdi>Omar</bdi>: “{article.title}”: The discussion is hidden" in page


@pytest.mark.parametrize("since", ["decided", "deleted", "purged", "edited"])
def test_an_action_that_cannot_be_undone_any_more_is_marked(client, maria, omar, jim, since):
    comments = [make_comment(make_article(), author=jim) for _ in range(2)]
    ids = [comment.pk for comment in comments]
    to, reason = (State.SPAM, "spam") if since == "purged" else (State.PUBLISHED, "approved")
    act = decide(ids=ids, to=to, reason=reason, actor=maria).action
    url, button = reverse("moderation:action", args=[act.pk]), "Undo this action"
    sentence = "This can’t be undone any more, because all of it has changed meanwhile."
    client.force_login(maria)
    for is_last, comment in enumerate(comments):
        page = client.get(url).text
        assert (button in page, sentence in page) == (True, False)
        match since:
            case "decided":
                decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=omar)
            case "deleted":
                delete_comment(comment=comment, user=jim, guest=None)
            case "purged":
                erase_comments(ids=[comment.pk], at=timezone.now())
            case "edited":
                edit_comment(comment=comment, body="Other words", user=jim, guest=None)
        page = client.get(url).text
        assert f"{is_last + 1} would be left unchanged" in page
    assert (button in page, sentence in page) == (False, True)
    assert undo(action=act, actor=maria).action is None


def test_legal_hold_has_no_undo_button(client):
    adam = UserFactory.create(roles=("Administrator",))
    comment = make_comment(make_article())
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.PERSONAL, actor=adam)
    hold = restrictions.set_legal_hold(restriction=Restriction.objects.get(), is_legal_hold=True, actor=adam)
    client.force_login(adam)
    page = client.get(reverse("moderation:action", args=[hold.pk])).text
    assert "Undo this action" not in page
    assert reverse("moderation:restricted-comment", args=[comment.pk]) in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("of", ["a decision", "a setting"])
def test_second_of_two_concurrent_undos_changes_nothing(maria, omar, of):
    article = make_article()
    comments = [make_comment(article, f"Word {n}") for n in range(3)]
    if of == "a decision":
        act = decide(ids=[c.pk for c in comments], to=State.SPAM, reason="spam", actor=maria).action
    else:
        act = quick_actions.apply_quick_action(name="close", article=article.pk, actor=maria)

    def again():
        try:
            return undo(action=Action.objects.get(pk=act.pk), actor=omar)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as colleague:
        with transaction.atomic():
            first = undo(action=act, actor=maria)
            second_undo = colleague.submit(again)
            wait_for_a_lock()
        second = second_undo.result(timeout=PATIENCE)
    assert first.action
    assert second.action is None
    assert second.skipped
    assert Action.objects.filter(undoes=act).count() == 1
    assert set(Comment.objects.values_list("state", flat=True)) == {"published"}
    article.discussion.refresh_from_db()
    assert (article.discussion.status, article.discussion.visible_count) == ("open", 3)
    assert_sound()
