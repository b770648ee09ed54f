"""Changes of states and their undo, with every tree and counter checked after each operation."""

from uuid import uuid4

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from comments.models import Comment, DiscussionDay, Reason, State
from comments.services.moves import move_comment
from comments.services.states import change_states, delete_comment, revert_states
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound, version

pytestmark = pytest.mark.django_db


def test_only_its_author_deletes_a_comment():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    assert not delete_comment(comment=comment, user=None, guest=GuestFactory.create())
    assert delete_comment(comment=comment, user=None, guest=guest)
    comment.refresh_from_db()
    assert comment.state == State.DELETED


@pytest.mark.parametrize("to", [State.REJECTED, State.SPAM])
def test_an_author_cannot_delete_a_comment_removed_by_a_moderator(to):
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    change_states(ids=[comment.pk], to=to, reason=Reason.INSULT, actor=None)
    assert not delete_comment(comment=comment, user=None, guest=guest)
    comment.refresh_from_db()
    assert comment.state == to


def test_an_author_can_delete_a_waiting_comment():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    assert delete_comment(comment=comment, user=None, guest=guest)


def test_a_change_and_its_undo_leave_every_column_as_it_was():
    article, moderator = make_article(), UserFactory.create()
    root = make_comment(article)
    child = make_comment(article, parent=root)
    grandchild = make_comment(article, parent=child)
    before = list(Comment.objects.order_by("pk").values())
    action, back = uuid4(), uuid4()

    # A ticked parent and its ticked reply: each count moves once for each.
    changed = change_states(
        ids=[child.pk, grandchild.pk], to=State.SPAM, reason=Reason.SPAM, actor=moderator, action_id=action
    )
    assert sorted(changed) == [child.pk, grandchild.pk]
    assert_sound()
    reply_since = make_comment(article, parent=root)

    assert sorted(revert_states(undoes=action, actor=moderator, action_id=back)) == sorted(changed)
    assert_sound()
    now = Comment.objects.exclude(pk=reply_since.pk).order_by("pk").values()
    assert [{**row, "reply_count": 0, "rght": 0} for row in now] == [
        {**row, "reply_count": 0, "rght": 0} for row in before
    ]
    revert_states(undoes=back, actor=moderator, action_id=uuid4())
    child.refresh_from_db()
    assert child.state == State.SPAM
    assert_sound()


def test_undo_skips_comments_that_a_person_has_confirmed_since():
    article, moderator = make_article(), UserFactory.create()
    kept, undone = make_comment(article), make_comment(article)
    action = uuid4()
    change_states(ids=[kept.pk, undone.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, action_id=action)
    change_states(ids=[kept.pk], to=State.SPAM, reason=Reason.SPAM, actor=moderator)

    assert revert_states(undoes=action, actor=moderator, action_id=uuid4()) == [undone.pk]


def test_a_decision_does_not_overwrite_a_colleagues_decision():
    comment = make_comment(make_article())
    seen = comment.transitions.get().pk
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)

    assert not change_states(
        ids=[comment.pk],
        to=State.SPAM,
        reason=Reason.SPAM,
        actor=None,
        expected_transitions={comment.pk: seen},
    )
    comment.refresh_from_db()
    assert comment.state == State.REJECTED


def test_the_version_grows_only_with_public_changes():
    article = make_article()
    comment = make_comment(article)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    gone = version(article)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    assert version(article) == gone


def test_bulk_takes_as_many_statements_for_two_as_for_forty(django_assert_num_queries):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(40)]
    for some in (ids[:2], ids):
        with django_assert_num_queries(2):
            change_states(ids=some, to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert_sound()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE comments_transition SET to_state = 'spam'",
        "DELETE FROM comments_transition",
        "UPDATE comments_comment SET state = 'unheard of'",
        "UPDATE comments_comment SET body = ' '",
        "UPDATE comments_comment SET lft = rght",
        "UPDATE comments_comment SET parent_id = (SELECT max(id) FROM comments_comment) WHERE level = 0",
        "INSERT INTO comments_comment SELECT * FROM comments_comment",
        # A line about a comment of another discussion.
        "INSERT INTO comments_transition (kind, comment_id, discussion_id, revision, from_state, to_state,"
        " from_reason, reason) SELECT 'state', min(c.id), max(c.discussion_id), 1, 'pending', 'spam', '', ''"
        " FROM comments_comment c",
    ],
)
def test_the_database_refuses_impossible_states(statement):
    make_comment(make_article())
    make_comment(make_article("Another story"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")


def test_the_days_follow_every_change_of_a_state():
    article = make_article()
    with time_machine.travel("2026-03-31T23:59:00-01:00", tick=False):  # 1 April in UTC
        late = make_comment(article)
    with time_machine.travel("2026-03-31T12:00:00Z", tick=False):
        first, second = make_comment(article), make_comment(article)

    def days() -> dict[str, int]:
        assert_sound()
        return {f"{d.day:%m-%d}": d.visible_count for d in DiscussionDay.objects.order_by("day")}

    assert days() == {"03-31": 2, "04-01": 1}
    action = uuid4()
    with transaction.atomic():
        change_states(
            ids=[first.pk, late.pk], to=State.SPAM, reason=Reason.SPAM, actor=None, action_id=action
        )
    assert days() == {"03-31": 1, "04-01": 0}
    with transaction.atomic():
        revert_states(undoes=action, actor=None, action_id=uuid4())
    assert days() == {"03-31": 2, "04-01": 1}
    move_comment(comment=second, parent=first, actor=None)
    delete_comment(comment=second, user=None, guest=second.guest)
    assert days() == {"03-31": 1, "04-01": 1}
