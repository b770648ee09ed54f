"""Proposed parents of imported replies: found, accepted, dismissed, and the undo of both."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from archive.services import SAMPLE_STORY_FILE, import_page
from comments.models import MAX_DEPTH, Comment, Discussion, InferredParent, State, Transition
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.services.states import change_states
from moderation.actions.decisions import move_all, undo
from moderation.actions.history import summarize
from moderation.models import Action
from moderation.reply_structure import proposals
from moderation.reply_structure.decisions import accept, dismiss
from moderation.reply_structure.proposals import find_proposals
from tests.factories import make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.waiting import PATIENCE
from tests.moderation.reply_structure.conftest import RESTORED, SAVED, THREAD

pytestmark = pytest.mark.django_db


def numbers(proposals):
    rows = proposals.values_list("comment__source_number", "parent__source_number", "reason")
    return {number: (parent, reason) for number, parent, reason in rows}


def opened(story):
    return numbers(InferredParent.objects.filter(discussion=story.article.pk).open())


START = datetime(2026, 3, 1, tzinfo=UTC)
PROPOSED = {4: (3, "name"), 5: (4, "at_name"), 6: (5, "at_name")}


def shown_parent(capped, comment):
    """Return the proposal of a comment as a page shows it, for `accept`."""
    return {capped.pk(comment): capped.pk(PROPOSED[comment][0])}


def test_an_import_proposes_and_moves_nothing(capped):
    assert opened(capped) == PROPOSED
    assert capped.parents() == SAVED
    stored = InferredParent.objects.get(comment=capped.pk(4), parent=capped.pk(3))
    assert (stored.imported_parent_id, stored.confidence) == (capped.pk(1), 0.95)
    assert not Transition.objects.filter(kind="move").exists()


def test_all_above_a_threshold_are_accepted_in_one_action_that_is_undone_at_once(capped, maria):
    version = Discussion.objects.get(pk=capped.article.pk).version
    action = accept(article=capped.article, actor=maria, least=0.98)
    assert capped.parents() == SAVED | {5: 4, 6: 5}
    undo(action=action, actor=maria)

    action = accept(article=capped.article, actor=maria, least=0.8)
    assert capped.parents() == RESTORED
    assert opened(capped) == {}
    assert numbers(InferredParent.objects.accepted()) == PROPOSED
    assert_sound()
    summary = summarize([action], maria)[0]
    assert (summary.description, summary.count) == ("Reply structure restored", 3)
    assert Discussion.objects.get(pk=capped.article.pk).version == version + 3

    result = undo(action=action, actor=maria)
    assert (len(result.changed), result.skipped) == (3, [])
    assert capped.parents() == SAVED
    assert opened(capped) == PROPOSED
    assert_sound()
    undo(action=result.action, actor=maria)
    assert capped.parents() == RESTORED
    assert_sound()
    assert summarize([action], maria)[0].is_undone is False


def test_the_undo_leaves_a_comment_that_was_moved_since(capped, maria, omar):
    action = accept(article=capped.article, actor=maria)
    move_comment(comment=capped.comment(5), parent=capped.comment(2), actor=omar)
    result = undo(action=action, actor=maria)
    assert [(one.comment, one.actor, one.reason) for one in result.skipped] == [
        (capped.pk(5), "Omar", "Moved again")
    ]
    assert capped.parents() == SAVED | {5: 2}
    assert opened(capped) == {4: PROPOSED[4], 6: PROPOSED[6]}
    assert_sound()


def test_the_undo_leaves_a_comment_that_would_be_under_its_own_reply(capped, maria):
    action = accept(article=capped.article, actor=maria)
    move_comment(comment=capped.comment(3), parent=None, actor=maria)
    move_comment(comment=capped.comment(1), parent=capped.comment(6), actor=maria)
    result = undo(action=action, actor=maria)
    own = "A comment can’t be moved under itself or its own replies."
    assert {one.comment: one.reason for one in result.skipped} == {
        capped.pk(number): own for number in (4, 5, 6)
    }
    assert result.action is None
    assert_sound()


def make_open_article():
    """Return a story on which comments are published at once."""
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    return article


def test_the_undo_of_many_moves_reverses_the_last_one_first(maria):
    """Here no other order is possible: each comment is under the next one until that one has moved."""
    article = make_open_article()
    first = make_comment(article)
    second = make_comment(article, parent=first)
    third = make_comment(article, parent=second)
    before = {first.pk: None, second.pk: first.pk, third.pk: second.pk}
    parents = {third.pk: None, second.pk: third.pk, first.pk: second.pk}
    action = move_all(parents=parents, actor=maria, parameters={})

    def stored():
        return dict(Comment.objects.filter(discussion=article.pk).values_list("pk", "parent"))

    assert stored() == parents
    for expected in (before, parents, before):
        result = undo(action=action, actor=maria)
        assert (stored(), result.skipped) == (expected, [])
        action = result.action
    assert_sound()


def test_the_undo_names_the_depth_that_it_would_exceed(capped, maria):
    change_discussion(article=capped.article, moderation=Discussion.Moderation.POST)
    action = move_all(parents={capped.pk(6): capped.pk(8)}, actor=maria, parameters={})
    make_comment(capped.article, parent=capped.comment(6))
    parent = capped.comment(8)
    for _ in range(MAX_DEPTH - 3):
        parent = make_comment(capped.article, parent=parent)
    move_comment(comment=capped.comment(1), parent=parent, actor=maria)
    [refused] = undo(action=action, actor=maria).skipped
    assert (refused.comment, refused.reason) == (
        capped.pk(6),
        f"A thread can have at most {MAX_DEPTH} levels.",
    )


def test_many_moves_under_locked_parents_take_as_many_statements_as_one(maria):
    """The replies that are locked with their moved comments are found with one statement."""

    def statements(count: int) -> tuple[int, int]:
        article = make_open_article()
        locked, *moving = (make_comment(article) for _ in range(count + 1))
        replies = [make_comment(article, parent=comment) for comment in moving]
        Comment.objects.filter(pk=locked.pk).update(is_locked=True)
        parents = {comment.pk: locked.pk for comment in moving}
        with CaptureQueriesContext(connection) as there:
            action = move_all(parents=parents, actor=maria, parameters={})
        locked_ids = set(
            Comment.objects.filter(discussion=article.pk, is_locked=True).values_list("pk", flat=True)
        )
        assert locked_ids == {one.pk for one in (locked, *moving, *replies)}
        with CaptureQueriesContext(connection) as back:
            undo(action=action, actor=maria)
        assert Comment.objects.filter(discussion=article.pk, is_locked=True).count() == 1
        return len(there), len(back)

    statements(1)
    assert statements(1) == statements(8)


def test_accepting_takes_as_many_statements_for_three_as_for_one(
    capped, maria, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20):
        accept(article=capped.article, actor=maria)


def test_one_is_accepted_or_dismissed_and_both_are_undone(capped, maria):
    accepted = accept(article=capped.article, actor=maria, only=shown_parent(capped, 5))
    assert capped.parents() == SAVED | {5: 4}
    assert accept(article=capped.article, actor=maria, only=shown_parent(capped, 5)) is None

    dismissed = dismiss(article=capped.article, actor=maria, comment=capped.pk(6), parent=capped.pk(5))
    assert opened(capped) == {4: PROPOSED[4]}
    assert dismiss(article=capped.article, actor=maria, comment=capped.pk(6), parent=capped.pk(5)) is None
    assert accept(article=capped.article, actor=maria, only=shown_parent(capped, 6)) is None
    assert summarize([dismissed], maria)[0].description == "Proposed parent dismissed"

    result = undo(action=dismissed, actor=maria)
    assert summarize([result.action], maria)[0].description == "Undone: Proposed parent dismissed"
    undo(action=accepted, actor=maria)
    assert opened(capped) == PROPOSED
    assert_sound()


def test_searching_again_keeps_earlier_decisions(capped, maria):
    accept(article=capped.article, actor=maria, only=shown_parent(capped, 4))
    dismiss(article=capped.article, actor=maria, comment=capped.pk(5), parent=capped.pk(4))
    make_comment(capped.article, "@Jim I am new here.", parent=capped.comment(1))
    assert find_proposals(capped.article) == 1
    assert opened(capped) == {6: PROPOSED[6]}
    assert InferredParent.objects.count() == 3
    assert find_proposals(make_article("Without comments")) == 0


@pytest.mark.django_db(transaction=True)
def test_posting_does_not_wait_for_the_inference_of_parents(capped, maria, monkeypatch):
    infer = proposals.infer_parents

    def import_and_dismiss() -> None:
        try:
            thread = [
                ImportedComment(f"later {n}", name, text, START, parent and parent - 1, number=n + 10)
                for n, name, text, parent in THREAD[:4]
            ]
            import_comments(article=capped.article, comments=thread, actor=None, action_id=uuid4())
            dismiss(article=capped.article, actor=maria, comment=capped.pk(5), parent=capped.pk(4))
            find_proposals(capped.article)
        finally:
            connections.close_all()

    def infer_meanwhile(comments, **options):
        monkeypatch.setattr(proposals, "infer_parents", infer)
        with ThreadPoolExecutor(1) as colleague:
            colleague.submit(import_and_dismiss).result(timeout=PATIENCE)
        return infer(comments, **options)

    monkeypatch.setattr(proposals, "infer_parents", infer_meanwhile)
    find_proposals(capped.article)

    assert opened(capped) == {4: PROPOSED[4], 6: PROPOSED[6], 14: (13, "name")}


def test_removed_comments_are_not_proposed_and_nothing_is_proposed_under_them(capped, maria):
    change_states(ids=[capped.pk(4)], to=State.SPAM, reason="spam", actor=maria)
    assert opened(capped) == {6: PROPOSED[6]}
    change_states(ids=[capped.pk(4)], to=State.PUBLISHED, reason="approved", actor=maria)
    assert opened(capped) == PROPOSED


def test_replies_under_a_locked_parent_are_locked_and_the_undo_unlocks_them(capped, maria):
    Comment.objects.filter(pk=capped.pk(3)).update(is_locked=True)
    action = accept(article=capped.article, actor=maria)
    locked = Comment.objects.filter(is_locked=True)
    assert set(locked.values_list("source_number", flat=True)) == {3, 4, 5, 6}
    undo(action=action, actor=maria)
    assert set(locked.values_list("source_number", flat=True)) == {3}


def test_the_import_of_a_file_finds_its_proposals(data):
    page = import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    stored = InferredParent.objects.filter(discussion=page.article.pk).open()
    assert {number: parent for number, (parent, _reason) in numbers(stored).items()} == {
        7: 6,
        8: 7,
        9: 8,
        10: 8,
        11: 10,
    }
    assert Action.objects.filter(kind="move").count() == 0


def test_the_sample_page_has_a_proposal_for_each_reply_that_names_or_quotes_a_person(db):
    page = import_page(data=SAMPLE_STORY_FILE.read_bytes(), filename="sample.txt")
    stored = InferredParent.objects.filter(discussion=page.article.pk).open()
    assert numbers(stored) == {
        4: (3, "at_name"),
        5: (4, "at_name"),
        6: (3, "quote"),
        11: (10, "at_name"),
        12: (11, "name"),
    }
