"""Moving comments with their replies."""

import pytest
from django.core.exceptions import ValidationError

from comments.models import MAX_DEPTH, REPLIED_TO_ID, Comment, Discussion, Transition, replied_to_id
from comments.services.moves import move_comment, move_comments
from core.database.sql import fetch_value
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound

pytestmark = pytest.mark.django_db


def test_a_move_includes_replies_and_updates_the_counts_of_both_trees():
    article, editor = make_article(), UserFactory.create()
    jim, eben = make_comment(article), make_comment(article)
    answer = make_comment(article, parent=eben)
    below = make_comment(article, parent=answer)

    assert move_comment(comment=answer, parent=jim, actor=editor)

    assert_sound()
    below.refresh_from_db()
    jim.refresh_from_db()
    eben.refresh_from_db()
    assert (below.tree_id, below.level, jim.reply_count, eben.reply_count) == (jim.tree_id, 2, 2, 0)
    line = Transition.objects.get(kind="move")
    assert (line.old_parent, line.new_parent, line.actor) == (eben, jim, editor)
    assert not move_comment(comment=answer, parent=jim, actor=editor)
    assert move_comment(comment=answer, parent=None, actor=editor)
    assert_sound()


def test_a_move_stays_in_its_discussion_and_out_of_its_own_replies():
    article, other = make_article(), make_article("Another story")
    root = make_comment(article)
    reply = make_comment(article, parent=root)
    with pytest.raises(ValidationError, match="another discussion"):
        move_comment(comment=reply, parent=make_comment(other), actor=None)
    with pytest.raises(ValidationError, match="its own replies"):
        move_comment(comment=root, parent=reply, actor=None)
    assert_sound()


def test_many_comments_move_at_once_each_with_its_replies(django_assert_num_queries):
    article, editor = make_article(), UserFactory.create()
    root, other = make_comment(article), make_comment(article)
    first, second, third = (make_comment(article, parent=root) for _ in range(3))
    below = make_comment(article, parent=third)
    version = Discussion.objects.get(pk=article.pk).version

    moves = {second.pk: first.pk, third.pk: second.pk, other.pk: below.pk, first.pk: root.pk}
    with django_assert_num_queries(9):  # two of them begin and end the transaction
        assert move_comments(parents=moves, actor=editor) == ([second.pk, third.pk, other.pk], {})

    assert_sound()
    levels = dict(Comment.objects.filter(discussion=article.pk).values_list("pk", "level"))
    assert levels == {c.pk: level for level, c in enumerate([root, first, second, third, below, other])}
    assert Transition.objects.filter(kind="move", actor=editor).count() == 3
    assert Discussion.objects.get(pk=article.pk).version == version + 1
    assert move_comments(parents=moves, actor=editor) == ([], {})

    back = {second.pk: root.pk, third.pk: root.pk, other.pk: None}
    assert move_comments(parents=back, actor=editor) == (list(back), {})
    logged = Transition.objects.filter(kind="move").order_by("pk").values_list("comment", flat=True)
    assert list(logged) == [second.pk, third.pk, other.pk] * 2
    assert_sound()
    other.refresh_from_db()
    assert (other.level, other.parent) == (0, None)


def test_only_the_possible_ones_of_many_moves_are_applied():
    article, elsewhere = make_article(), make_comment(make_article("Another story"))
    root = make_comment(article)
    first, second = (make_comment(article, parent=root) for _ in range(2))
    chain = [make_comment(article)]
    while len(chain) < MAX_DEPTH:
        chain.append(make_comment(article, parent=chain[-1]))
    own = "A comment can’t be moved under itself or its own replies."
    deep = f"A thread can have at most {MAX_DEPTH} levels."
    for parents, moved, obstacles in [
        (
            {first.pk: elsewhere.pk, second.pk: second.pk},
            [],
            {first.pk: "That comment belongs to another discussion.", second.pk: own},
        ),
        ({root.pk: first.pk, first.pk: chain[-1].pk}, [], {root.pk: own, first.pk: deep}),
        (
            {root.pk: chain[-2].pk, first.pk: 0},
            [],
            {root.pk: deep, first.pk: "The comment or its new parent no longer exists."},
        ),
        ({first.pk: second.pk, second.pk: first.pk}, [first.pk], {second.pk: own}),
    ]:
        assert move_comments(parents=parents, actor=None) == (moved, obstacles)
    assert_sound()


def test_moved_replies_are_in_order_of_time():
    article = make_article()
    root, early = make_comment(article), make_comment(article)
    late = make_comment(article, parent=root)
    move_comment(comment=early, parent=root, actor=None)
    assert [c.pk for c in Comment.objects.filter(tree_id=root.tree_id).order_by("lft")] == [
        root.pk,
        early.pk,
        late.pk,
    ]


def test_a_comment_that_was_moved_no_longer_replies_to_a_sibling(maria):
    article = make_article()
    chain = [make_comment(article)]
    while len(chain) < MAX_DEPTH:
        chain.append(make_comment(article, parent=chain[-1]))
    reply = make_comment(article, parent=chain[-1])
    sql = f"SELECT {REPLIED_TO_ID} FROM comments_comment c WHERE id = %s"

    def replied_to() -> set[int | None]:
        rows = Comment.objects.filter(pk=reply.pk).annotate(replied_to_id=replied_to_id())
        return {rows.get().replied_to_id, fetch_value(sql, [reply.pk])}

    assert replied_to() == {chain[-1].pk}
    move_comment(comment=reply, parent=chain[0], actor=maria)
    assert replied_to() == {chain[0].pk}
    move_comment(comment=reply, parent=None, actor=maria)
    assert replied_to() == {None}
