"""Second opinions: a sample of decided comments is shown to another moderator without the decision.

This measures how often moderators agree and changes no comment.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from comments.models import REMOVED_BY_MODERATION, Reason, State, Transition
from core.database.sql import execute
from moderation.models import SecondOpinion

SAMPLED_ONE_IN = 50  # share of decided cases that is asked about
MIN_DECISIONS = 100  # questions start when two moderators have taken this many decisions each
MAX_COMMENTS_OF_ACTION = 25  # larger actions were no decision on each comment
MAX_AGE_DAYS = 7  # days; older decisions are not asked about
ANSWERS = (State.PUBLISHED, *REMOVED_BY_MODERATION)

# The sample depends on a hash of the comment's id, so nobody can choose, and no case is asked about twice.
CREATE_QUESTIONS = f"""
INSERT INTO moderation_secondopinion (comment_id, first_id, asked_at, to_state)
SELECT k.comment_id, b.id, now(), ''
FROM moderation_case k
JOIN moderation_batch b ON b.id = k.closed_by
JOIN comments_comment c ON c.id = k.comment_id
WHERE b.at > now() - %(days)s * interval '1 day' AND b.kind = 'decision' AND b.actor_id IS NOT NULL
  AND b.to_state = ANY(%(answers)s) AND c.state <> 'deleted' AND c.erased_at IS NULL
  AND c.state_reason <> '{Reason.RESTRICTED}'
  AND ('x' || substr(md5(k.comment_id::text), 1, 7))::bit(28)::int %% %(one_in)s = 0
  AND (SELECT count(*) FROM comments_transition t WHERE t.batch = b.id) <= %(bulk)s
  AND EXISTS (SELECT FROM comments_transition t
              WHERE t.batch = b.id AND t.comment_id = c.id AND t.kind = 'state' AND t.revision = c.revision)
  AND (SELECT count(*) FROM (SELECT FROM moderation_batch WHERE kind = 'decision' AND actor_id IS NOT NULL
                             GROUP BY actor_id HAVING count(*) >= %(min_decisions)s) two) >= 2
ON CONFLICT DO NOTHING"""


def create_questions() -> int:
    """Create questions about recent decisions. Returns the number of new questions."""
    values: dict[str, Any] = {
        "days": MAX_AGE_DAYS,
        "answers": [state.value for state in ANSWERS],
        "one_in": SAMPLED_ONE_IN,
        "bulk": MAX_COMMENTS_OF_ACTION,
        "min_decisions": MIN_DECISIONS,
    }
    return execute(CREATE_QUESTIONS, values)


def open_questions(user: User) -> QuerySet[SecondOpinion]:
    """Return the open questions for this moderator, oldest first.

    Comments that they decided on or wrote themselves are left out, and those whose text is not the one that
    the first moderator saw, as it was edited or redacted since.
    """
    same_text = Transition.objects.filter(
        kind=Transition.Kind.STATE,
        action_id=OuterRef("first_action"),
        comment=OuterRef("comment"),
        revision=OuterRef("comment__revision"),
    )
    questions = SecondOpinion.objects.filter(Exists(same_text), answered_at=None, comment__erased_at=None)
    questions = questions.exclude(first_action__actor=user).exclude(comment__author=user)
    questions = questions.exclude(comment__state=State.DELETED)
    return questions.exclude(comment__state_reason=Reason.RESTRICTED).order_by("requested_at", "pk")


def save_answer(opinion: SecondOpinion, *, user: User, to: State) -> bool:
    """Store the answer of this moderator. Returns False if the question is not open any more."""
    own = open_questions(user).filter(pk=opinion.pk).order_by()
    return bool(own.update(actor=user, to_state=to, answered_at=timezone.now()))


@dataclass(frozen=True)
class Agreement:
    """The number of questions that two moderators answered, and of equal answers."""

    count: int  # pairs of answers
    same: int  # pairs with equal answers
    kappa: float | None  # agreement beyond chance: 1 always, 0 as by guessing; None if undefined


def agreement() -> Agreement:
    """Return the agreement of all second opinions with the first decisions."""
    given = SecondOpinion.objects.exclude(answered_at=None).order_by()
    return agreement_of_pairs(Counter(given.values_list("first_action__to_state", "to_state")))


def agreement_of_pairs(pairs: Mapping[tuple[str, str], int]) -> Agreement:
    """Return the agreement of pairs (first answer, second answer), given with their counts.

    Source: Cohen 1960, Educational and Psychological Measurement 20.
    """
    count = sum(pairs.values())
    same = sum(n for (first, second), n in pairs.items() if first == second)
    firsts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for (first, second), n in pairs.items():
        firsts[first] += n
        seconds[second] += n
    by_chance = sum(firsts[answer] * seconds[answer] for answer in firsts) / count**2 if count else 1.0
    if by_chance == 1:
        return Agreement(count, same, None)
    return Agreement(count, same, (same / count - by_chance) / (1 - by_chance))
