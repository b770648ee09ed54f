"""Decide and undo: an action is one row, counters are exact, later decisions are not overwritten."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from comments.models import Comment, Discussion, Reason, State, Transition
from comments.services.editing import edit_comment
from comments.services.states import delete_comment
from moderation.actions.decisions import MAX_SKIPPED_LISTED, decide, move, undo
from moderation.actions.setting_changes import SkippedItem
from moderation.actions.state_history import last_transition_ids
from moderation.models import Action
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def remove(*comments, actor, reason=Reason.OFF_TOPIC, **fields):
    return decide(ids=[c.pk for c in comments], to=State.REJECTED, reason=reason, actor=actor, **fields)


def states(*comments) -> list[tuple[str, str]]:
    return [Comment.objects.values_list("state", "state_reason").get(pk=c.pk) for c in comments]


def test_removal_and_undo_of_a_branch_keep_all_counters_right(maria, omar):
    article = make_article()
    root = make_comment(article)
    reply = make_comment(article, parent=root)
    below = make_comment(article, parent=reply)

    act = remove(root, reply, actor=maria)

    assert (sorted(act.changed), act.skipped) == ([root.pk, reply.pk], [])
    assert (act.action.kind, act.action.to_state, act.action.reason) == ("decision", "rejected", "off_topic")
    assert Transition.objects.filter(action_id=act.action.pk, actor=maria).count() == 2
    assert states(root, reply, below)[:2] == [("rejected", "off_topic")] * 2
    assert Discussion.objects.get().visible_count == 1
    assert_sound()

    late = make_comment(article, parent=below)  # a reply that was written since is counted
    back = undo(action=act.action, actor=omar)

    assert sorted(back.changed) == [root.pk, reply.pk]
    assert (back.action.kind, back.action.undoes) == ("undo", act.action)
    assert states(root, reply, below, late) == [("published", "posted")] * 4
    assert Discussion.objects.get().visible_count == 4
    assert_sound()

    again = undo(action=back.action, actor=maria)
    assert states(root, reply, below) == [("rejected", "off_topic")] * 2 + [("published", "posted")]
    assert again.action.undoes == back.action
    assert_sound()


def test_a_second_undo_names_the_person_who_was_first(maria, omar):
    comment = make_comment(make_article())
    act = remove(comment, actor=maria)
    undo(action=act.action, actor=omar)
    second = undo(action=act.action, actor=maria)
    assert second.action is None
    assert second.skipped == [SkippedItem(comment.pk, "Omar", "Published")]
    assert Action.objects.count() == 2


def test_first_decision_wins_and_names_the_colleague(maria, omar):
    article = make_article()
    one, two = make_comment(article), make_comment(article)
    seen = last_transition_ids([one.pk, two.pk])
    decide(ids=[one.pk], to=State.SPAM, reason=Reason.SPAM, actor=omar)

    act = remove(one, two, actor=maria, expected_transitions=seen)

    assert act.changed == [two.pk]
    assert act.skipped == [SkippedItem(one.pk, "Omar", "Marked as spam")]
    assert states(one, two) == [("spam", "spam"), ("rejected", "off_topic")]

    nothing = remove(one, actor=maria, expected_transitions=seen)
    assert (nothing.action, nothing.changed) == (None, [])
    assert Action.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_of_eight_concurrent_decisions_wins():
    article = make_article()
    comments = [make_comment(article, f"Word {n}") for n in range(5)]
    seen = last_transition_ids([c.pk for c in comments])
    people = [UserFactory.create(roles=("Moderator",)) for _ in range(8)]

    def try_to_remove(person) -> tuple[int, int]:
        try:
            act = remove(*comments, actor=person, expected_transitions=seen)
            return len(act.changed), len(act.skipped)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(people)) as pool:
        results = sorted(pool.map(try_to_remove, people))

    assert results == [(0, 5)] * 7 + [(5, 0)]
    assert Action.objects.count() == 1
    assert Transition.objects.filter(to_state="rejected").count() == 5
    assert_sound()


def test_a_comment_deleted_by_its_author_stays_deleted(maria):
    guest = GuestFactory.create(name="Nuala")
    comment = make_comment(make_article(), guest=guest)
    delete_comment(comment=comment, user=None, guest=guest)
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert act.action is None
    assert act.skipped == [SkippedItem(comment.pk, "", "Deleted by its author")]


def test_an_undo_leaves_later_decisions_and_edits_alone(maria, omar):
    article, guest = make_article(), GuestFactory.create()
    plain, decided, confirmed, edited = (
        make_comment(article),
        make_comment(article),
        make_comment(article),
        make_comment(article, guest=guest),
    )
    ids = [plain.pk, decided.pk, confirmed.pk, edited.pk]
    act = decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    remove(decided, actor=omar)
    decide(ids=[confirmed.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=omar)
    edit_comment(comment=Comment.objects.get(pk=edited.pk), body="Other words", user=None, guest=guest)

    back = undo(action=act.action, actor=maria)

    assert back.changed == [plain.pk]
    assert {r.comment for r in back.skipped} == {decided.pk, confirmed.pk, edited.pk}
    assert [r.actor for r in back.skipped if r.comment == decided.pk] == ["Omar"]
    assert states(plain, decided, confirmed)[1:] == [("rejected", "off_topic"), ("published", "approved")]
    assert_sound()


def test_move_is_undone_and_redone(maria, omar):
    article = make_article()
    one, two = make_comment(article), make_comment(article)
    reply = make_comment(article, parent=two)

    action = move(comment=two, parent=one, actor=maria)
    assert Comment.objects.get(pk=two.pk).parent == one
    assert move(comment=two, parent=one, actor=maria) is None
    assert_sound()

    back = undo(action=action, actor=omar)
    assert back.changed == [two.pk]
    assert Comment.objects.get(pk=two.pk).parent is None
    assert_sound()

    again = undo(action=back.action, actor=maria)
    assert again.changed == [two.pk]
    assert Comment.objects.get(pk=two.pk).parent == one
    assert Comment.objects.get(pk=reply.pk).level == 2
    assert_sound()
    assert Action.objects.count() == 3


def test_move_followed_by_another_move_is_not_undone(maria, omar):
    article = make_article()
    one, two, three = make_comment(article), make_comment(article), make_comment(article)
    action = move(comment=three, parent=one, actor=maria)
    move(comment=three, parent=two, actor=omar)
    act = undo(action=action, actor=maria)
    assert (act.action, act.skipped) == (None, [SkippedItem(three.pk, "Omar", "Moved again")])
    assert Comment.objects.get(pk=three.pk).parent == two


def test_later_decision_does_not_prevent_the_undo_of_a_move(maria):
    article = make_article()
    one, two = make_comment(article), make_comment(article)
    action = move(comment=two, parent=one, actor=maria)
    remove(two, actor=maria)
    assert undo(action=action, actor=maria).changed == [two.pk]
    assert states(two) == [("rejected", "off_topic")]
    assert_sound()


def test_hundred_comments_take_as_many_statements_as_one(maria):
    article = make_article()
    comments = [make_comment(article, f"Word {n}") for n in range(100)]

    def statements(chosen) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            action = remove(*chosen, actor=maria).action
        with CaptureQueriesContext(connection) as undoing:
            undo(action=action, actor=maria)
        return [re.sub(r"\W.*", "", q["sql"].strip()) for q in [*queries, *undoing]]

    one, hundred = statements(comments[:1]), statements(comments)
    assert one == hundred
    # With SAVEPOINT for BEGIN: action, lock, act, cases, removal counts, the job that mails.
    assert one[:8] == ["SAVEPOINT", "INSERT", "SELECT", "WITH", "WITH", "WITH", "INSERT", "RELEASE"]
    assert_sound()


def test_first_of_many_skipped_comments_are_listed_without_reading_texts(maria, omar):
    article = make_article()
    ids = [make_comment(article, f"Words {n}.").pk for n in range(MAX_SKIPPED_LISTED + 5)]
    seen = last_transition_ids(ids)
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=omar)
    for pk in ids:  # the undo of Omar's action then leaves all comments as they are
        decide(ids=[pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    with CaptureQueriesContext(connection) as queries:
        done = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=omar, expected_transitions=seen)
    assert (done.action, len(done.skipped), done.more_skipped) == (None, MAX_SKIPPED_LISTED, 5)
    assert done.skipped[0] == SkippedItem(ids[0], "Maria", "Removed: insult")
    assert not [query for query in queries if '"comments_comment"."body' in query["sql"]]
    back = undo(action=act.action, actor=omar)
    assert (back.action, len(back.skipped), back.more_skipped) == (None, MAX_SKIPPED_LISTED, 5)
