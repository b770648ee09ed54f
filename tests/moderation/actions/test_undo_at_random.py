"""Random sequences of actions of every kind: undoing and redoing each restores all stored rows exactly."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from comments.models import Comment, CommentSearchText, Discussion, State
from moderation.actions import decisions, quick_actions, redactions
from moderation.actions.decisions import decide, move, undo
from moderation.erasure import restrictions
from moderation.models import Action, Case, Restriction
from moderation.transparency import removal_counts
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.postgres.restored import assert_restored_decisions_are_stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def stored() -> list[Any]:
    """Return the stored rows without version numbers, which only grow, and tree ids, which a move renews."""
    discussions = [{**row, "version": None} for row in Discussion.objects.order_by("pk").values()]
    comments = [{**row, "tree_id": None} for row in Comment.objects.order_by("pk").values()]
    texts = list(CommentSearchText.objects.order_by("comment").values_list("comment", "normalized_body"))
    cases = list(Case.objects.open().order_by("pk").values_list("comment", "is_pending"))
    return [discussions, comments, texts, cases]


def kinds(chance: random.Random, adam: Any) -> list[Callable[[], Action | None]]:
    every = list(Comment.objects.order_by("pk"))
    one, other, some = chance.choice(every), chance.choice(every), chance.sample(every, chance.randint(1, 5))
    ids = [comment.pk for comment in some]
    beside = [c for c in every if c.discussion_id == one.discussion_id and c != one]
    to, reason = chance.choice([("spam", "spam"), ("rejected", "insult"), ("published", "approved")])
    name = chance.choice(["close", "hide", "review", "open"])
    return [
        lambda: decide(ids=ids, to=State(to), reason=reason, actor=adam).action,
        lambda: decisions.remove_as_duplicate(comment=one, of=other, actor=adam).action,
        lambda: restrictions.restrict(ids=ids, why=Restriction.Why.PERSONAL, actor=adam).action,
        lambda: move(comment=one, parent=chance.choice([None, *beside]), actor=adam),
        lambda: quick_actions.set_editors_pick(comment=one, is_pick=not one.is_pick, actor=adam),
        lambda: quick_actions.lock_replies(comment=one, is_locked=not one.is_locked, actor=adam),
        lambda: redactions.redact(comment=one, marked=one.body.replace("Word", "[[Word]]"), actor=adam),
        lambda: quick_actions.apply_quick_action(name=name, article=one.discussion_id, actor=adam),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_every_action_is_undone_and_redone_exactly(seed):
    chance = random.Random(seed)  # the same acts each time
    adam = UserFactory.create(name="Adam", roles=("Administrator",))
    stories = [make_article(f"Story {n}") for n in range(2)]
    comments: list[Comment] = []
    for n in range(10):
        story = chance.choice(stories)
        parent = chance.choice([None, *(c for c in comments if c.discussion_id == story.pk)])
        comments.append(make_comment(story, f"Word {n} of some", parent=parent))
    done = 0
    for _ in range(16):
        before = stored()
        try:
            action = chance.choice(kinds(chance, adam))()
        except ValidationError:  # the action is not possible for this comment
            continue
        if action is None:
            continue
        done += 1
        after = stored()
        for expected in [before, after, before][: chance.choice([2, 3])]:
            back = undo(action=action, actor=adam)
            assert (back.skipped, stored() == expected) == ([], True)
            assert back.action
            action = back.action
        assert removal_counts.wrong_counts() == []
    assert done > 5
    assert_restored_decisions_are_stored()
    assert_sound()
