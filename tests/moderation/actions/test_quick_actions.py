"""Whatever people do one after the other, check_integrity finds nothing to mend."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comments import integrity
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from moderation.actions import decisions, quick_actions, redactions
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import Action, Restriction
from moderation.reports import reporting
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.database import rolled_back

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def redacted(comment: Comment, actor: Any) -> Action:
    return redactions.redact(comment=comment, marked=f"[[{comment.body[:3]}]]{comment.body[3:]}", actor=actor)


def lift(comment: Comment, actor: Any) -> None:
    for restriction in Restriction.objects.filter(comment=comment, lifted_at=None):
        restrictions.lift(restriction=restriction, actor=actor)


# Each function acts on the first of the comments or on all of them, and has another comment. `undo` takes
# actions.
ACTS: dict[str, Callable[..., Any]] = {
    "spam": lambda ids, by, **_: decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=by).action,
    "remove": lambda ids, by, **_: decide(ids=ids, to=State.REJECTED, reason="insult", actor=by).action,
    "approve": lambda ids, by, **_: decide(ids=ids, to=State.PUBLISHED, reason="approved", actor=by).action,
    "repeat": lambda c, other, by, **_: decisions.remove_as_duplicate(comment=c, of=other, actor=by).action,
    "redact": lambda c, by, **_: redacted(c, by),
    "lock": lambda c, by, **_: quick_actions.lock_replies(comment=c, is_locked=True, actor=by),
    "seal": lambda ids, by, **_: restrictions.restrict(ids=ids, why=Restriction.Why.COURT, actor=by) and None,
    "lift": lambda c, by, **_: lift(c, by),
    "machine": lambda ids, **_: (
        change_states(ids=ids, to=State.PENDING, reason=Reason.SCREENED, actor=None) and None
    ),
    "delete": lambda c, **_: delete_comment(comment=c, user=None, guest=c.guest) and None,
    "edit": lambda c, n, **_: edit_comment(comment=c, body=f"Word {n}.", user=None, guest=c.guest) and None,
    "report": lambda c, **_: (
        reporting.report_comment(comment=c, user=UserFactory.create(), guest=None, why="spam", details="")
        and None
    ),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTS, "undo", "undo", "undo"]),
        st.sets(st.integers(0, 3), min_size=1),
        st.integers(0, 9),
    ),
    max_size=14,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
@rolled_back()  # or the next examples would check these rows again
def test_actions_leave_no_integrity_errors(steps):
    maria = UserFactory.create(roles=("Administrator", "Moderator"))
    articles = [make_article(), make_article()]
    comments = [make_comment(articles[n % 2], f"Words of {n}") for n in range(4)]
    actions: list[Action] = []
    for name, places, number in steps:
        ids = [comments[n].pk for n in sorted(places)]
        values = {"c": Comment.objects.get(pk=ids[0]), "other": comments[number % 4], "n": number}
        action = None
        with suppress(ValidationError):
            if name != "undo":
                action = ACTS[name](ids=ids, by=maria, **values)
            elif actions:
                action = undo(action=actions[number % len(actions)], actor=maria).action
        actions += [action] if action else []
    assert {kind: ids for kind, ids in integrity.check().items() if ids} == {}
