"""Moving comments with their replies."""

import pytest
from django.core.exceptions import ValidationError

from comments.models import Comment, Transition
from comments.services.moves import move_comment
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound

pytestmark = pytest.mark.django_db


def test_move_takes_replies_along_and_counts_on_both_sides():
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


def test_moved_replies_stand_in_order_of_time():
    article = make_article()
    root, early = make_comment(article), make_comment(article)
    late = make_comment(article, parent=root)
    move_comment(comment=early, parent=root, actor=None)
    assert [c.pk for c in Comment.objects.filter(tree_id=root.tree_id).order_by("lft")] == [
        root.pk,
        early.pk,
        late.pk,
    ]
