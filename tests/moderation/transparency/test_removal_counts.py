"""Removal counts by reason and decider, which stay exact through every undo."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import moderation.policy
from articles.models import Article
from comments.models import Comment, Discussion, Reason, State
from comments.policy import Screening, policy
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from moderation.actions.decisions import decide, undo
from moderation.checks.results import CheckResult
from moderation.erasure import restrictions
from moderation.models import Action, Finding, Restriction
from moderation.transparency import removal_counts
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.database import rolled_back
from tests.helpers.postgres.restored import assert_restored_decisions_are_stored

pytestmark = pytest.mark.django_db
publishing = pytest.mark.usefixtures("moderation_without_checks")


def stored_counts() -> dict[str, int]:
    discussion = Discussion.objects.get()
    assert discussion.removal_counts == removal_counts.recount().get(discussion.pk, {})
    return discussion.removal_counts


@publishing
def test_the_decider_follows_every_decision_and_its_undo(maria):
    article = make_article()
    found, plain, third = make_comment(article), make_comment(article), make_comment(article)
    Finding.objects.create(comment=found, revision=1, check_name="links", strength=1, holds=True)
    ids = [found.pk, plain.pk]

    spam = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria)
    counts = {"spam/spam/confirmed": 1, "spam/spam/person": 1}
    assert stored_counts() == counts
    removed = decide(ids=ids, to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    assert stored_counts() == {"rejected/off_topic/person": 2}  # no check detects off-topic comments
    back = undo(action=removed.action, actor=maria)
    assert stored_counts() == counts
    undo(action=back.action, actor=maria)
    assert stored_counts() == {"rejected/off_topic/person": 2}
    undo(action=spam.action, actor=maria)  # a newer decision exists, so nothing changes
    assert sum(stored_counts().values()) == 2

    delete_comment(comment=third, user=None, guest=third.guest)
    assert stored_counts()["deleted/author/person"] == 1


@publishing
def test_an_undo_restores_the_decider(maria):
    comment = make_comment(make_article())
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert stored_counts() == {"spam/spam/machine": 1}
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert stored_counts() == {}
    back = undo(action=act.action, actor=maria)
    assert stored_counts() == {"spam/spam/machine": 1}
    undo(action=back.action, actor=maria)
    assert stored_counts() == {}


@publishing
def test_a_check_proposes_removals_by_the_text_and_not_by_the_author(maria):
    article = make_article()
    new, grouped, edited = make_comment(article), make_comment(article), make_comment(article)
    Finding.objects.create(comment=new, revision=1, check_name="new_person", strength=0.2, holds=True)
    Finding.objects.create(comment=edited, revision=1, check_name="links", strength=1, holds=True)
    edit_comment(comment=edited, body="Without the links.", user=None, guest=edited.guest)
    decide(ids=[new.pk, edited.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert stored_counts() == {"spam/spam/person": 2}
    action = Action.objects.create(kind=Action.Kind.DECISION, actor=maria, parameters={"group": "a"})
    change_states(ids=[grouped.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria, action_id=action.pk)
    assert stored_counts() == {"spam/spam/person": 2, "spam/spam/confirmed": 1}


@publishing
@pytest.mark.parametrize(
    ("check", "confirmed"),
    [
        ("links", {"spam"}),
        ("near_repeat", {"spam", "repeat"}),
        ("emptied", {"spam", "text_missing"}),
        ("term", {"spam", "repeat", "text_missing", "off_topic", "other"}),
        ("late", set()),
        ("sanctioned", set()),
    ],
)
def test_a_check_proposes_only_its_own_reasons_and_a_restriction_is_by_a_person(check, confirmed, maria):
    comment = make_comment(make_article())
    Finding.objects.create(comment=comment, revision=1, check_name=check, strength=1, holds=True)
    for reason in ["spam", "repeat", "text_missing", "off_topic", "other"]:
        to = State.SPAM if reason == "spam" else State.REJECTED
        decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
        who = "confirmed" if reason in confirmed else "person"
        assert stored_counts() == {f"{to}/{reason}/{who}": 1}
        assert removal_counts.confirmed_proposals([comment.pk]) == (
            {comment.pk} if reason in confirmed else set()
        )
    group = Action.objects.create(kind=Action.Kind.DECISION, actor=maria, parameters={"group": "a"})
    change_states(
        ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria, action_id=group.pk
    )
    assert stored_counts() == {"rejected/off_topic/confirmed": 1}
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.COURT, actor=maria)
    assert stored_counts() == {"rejected/sealed/person": 1}


def test_spam_found_by_the_checks_is_counted_at_once(maria, monkeypatch):
    monkeypatch.setattr(
        moderation.policy.ModerationPolicy,
        "examine",
        lambda self, submission: Screening("spam", [CheckResult(strength=1, check="links")]),
    )
    policy.cache_clear()
    article = make_article()
    comment = make_comment(article)
    version = Discussion.objects.get().version
    assert stored_counts() == {"spam/screened/machine": 1}
    assert version == 1  # its summary changed
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert stored_counts() == {}
    undo(action=act.action, actor=maria)
    assert stored_counts() == {"spam/screened/machine": 1}


class Model:
    """The expected counts, computed in the simplest way: by comment, the key of each transition."""

    def __init__(self, comments: list[Comment]) -> None:
        self.lines: dict[int, list[tuple[Any, str]]] = {c.pk: [(None, "")] for c in comments}
        self.found: set[int] = set()

    def add(self, ids: list[int], action: Any, key: str) -> None:
        for pk in ids:
            is_proposed = pk in self.found and key.startswith("spam")
            self.lines[pk].append((action, key.replace("person", "confirmed") if is_proposed else key))

    def take_back(self, ids: list[int], undone: Any, action: Any) -> None:
        for pk in ids:
            place = next(n for n, (name, _) in enumerate(self.lines[pk]) if name == undone)
            self.lines[pk].append((action, self.lines[pk][place - 1][1]))

    def counts_of(self, ids: list[int]) -> Counter[str]:
        return Counter(key for pk in ids if (key := self.lines[pk][-1][1]))


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["spam", "remove", "approve", "machine", "undo", "undo", "delete", "edit", "find"]),
        st.sets(st.integers(0, 4), min_size=1),
        st.integers(0, 9),
    ),
    max_size=18,
)


@publishing
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=ACTS)
@rolled_back()  # or the next examples would check these rows again
def test_the_counts_equal_a_recount_after_any_actions(acts, maria):
    articles: list[Article] = [make_article(), make_article()]
    comments = [make_comment(articles[n % 2]) for n in range(5)]
    model, actions = Model(comments), []
    for act, places, number in acts:
        ids = [comments[n].pk for n in sorted(places)]
        first = Comment.objects.get(pk=ids[0])
        match act:
            case "spam" | "remove" | "approve":
                to, reason, key = {
                    "spam": (State.SPAM, Reason.SPAM, "spam/spam/person"),
                    "remove": (State.REJECTED, Reason.OFF_TOPIC, "rejected/off_topic/person"),
                    "approve": (State.PUBLISHED, Reason.APPROVED, ""),
                }[act]
                done = decide(ids=ids, to=to, reason=reason, actor=maria)
                if done.action:
                    actions.append(done.action)
                    model.add(done.changed, done.action.pk, key)
            case "machine":
                changed = change_states(ids=ids, to=State.PENDING, reason=Reason.SCREENED, actor=None)
                model.add(changed, None, "")
            case "undo" if actions:
                undone = actions[number % len(actions)]
                back = undo(action=undone, actor=maria)
                if back.action:
                    actions.append(back.action)
                    model.take_back(back.changed, undone.pk, back.action.pk)
            case "delete":
                if delete_comment(comment=first, user=None, guest=first.guest):
                    model.add([first.pk], None, "deleted/author/person")
            case "edit" if first.state in {State.PUBLISHED, State.PENDING}:
                edit_comment(comment=first, body=f"Another word {number}.", user=None, guest=first.guest)
                model.add([first.pk], None, "")
                model.found.discard(first.pk)
            case "find":
                Finding.objects.create(
                    comment=first, revision=first.revision, check_name="links", strength=1, holds=True
                )
                model.found.add(first.pk)
    counted = removal_counts.recount([article.pk for article in articles])
    for article in articles:
        stored = Discussion.objects.get(pk=article.pk).removal_counts
        assert stored == counted.get(article.pk, {})
        assert stored == model.counts_of([c.pk for c in comments if c.discussion_id == article.pk])
    assert removal_counts.wrong_counts() == []
    assert_restored_decisions_are_stored()


@publishing
def test_a_restricted_comment_counts_as_removed_until_it_is_lifted(maria):
    chief = UserFactory.create(roles=("Administrator",))
    article = make_article()
    spam, shown = make_comment(article), make_comment(article)
    change_states(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    restrictions.restrict(ids=[spam.pk, shown.pk], why=Restriction.Why.COURT, actor=maria)
    assert stored_counts() == {"rejected/sealed/person": 2}
    for sealed in Restriction.objects.all():
        restrictions.lift(restriction=sealed, actor=chief)
    assert stored_counts() == {"spam/spam/machine": 1}


@pytest.mark.django_db(transaction=True)
@publishing
def test_moderators_at_the_same_time_count_everything_once(maria):
    articles = [make_article(), make_article()]
    ids = [make_comment(articles[n % 2]).pk for n in range(8)]

    def decide_and_undo(seed: int) -> None:
        chance, done = Random(seed), []
        for _ in range(10):
            if done and chance.random() < 0.4:
                result = undo(action=chance.choice(done), actor=maria)
            else:
                to, reason = chance.choice([(State.SPAM, Reason.SPAM), (State.PUBLISHED, Reason.APPROVED)])
                result = decide(ids=chance.sample(ids, 3), to=to, reason=reason, actor=maria)
            done += [result.action] if result.action else []
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decide_and_undo, range(4)))
    assert removal_counts.wrong_counts() == []
    hidden = Comment.objects.filter(state=State.SPAM).count()
    assert sum(sum(d.removal_counts.values()) for d in Discussion.objects.all()) == hidden
