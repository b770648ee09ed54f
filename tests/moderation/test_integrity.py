"""check_integrity finds each kind of damage to moderation's data, and no other.

Derived data is rebuilt. tests/comments/test_integrity.py covers the discussions' own kinds of damage.
"""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.integrity import check, repair
from comments.models import Comment, CommentRevision, Discussion, Reason, State, Transition
from moderation.actions import decisions
from moderation.erasure import purge, restrictions
from moderation.models import (
    Action,
    Case,
    Finding,
    ModeratorNote,
    Origin,
    RestrictedText,
    Restriction,
    Sanction,
)
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.postgres import tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> dict[str, Comment]:
    """Return comments of a site that has some of every kind of data, undamaged."""
    moderator = UserFactory.create(roles=("Moderator",))
    administrator = UserFactory.create(roles=("Administrator",))
    article = make_article()
    names = ("held", "waits", "published", "removed", "sealed", "lifted", "erased")
    made = {name: make_comment(article, f"It is a word about the boat, {name}.") for name in names}
    for name, to, reason in (
        ("published", State.PUBLISHED, Reason.APPROVED),
        ("removed", State.REJECTED, Reason.INSULT),
        ("erased", State.SPAM, Reason.SPAM),
    ):
        decisions.decide(ids=[made[name].pk], to=to, reason=reason, actor=moderator)
    restrictions.restrict(
        ids=[made["sealed"].pk, made["lifted"].pk], why=Restriction.Why.OTHER, actor=moderator
    )
    restrictions.lift(restriction=Restriction.objects.get(comment=made["lifted"]), actor=administrator)
    purge.purge_list(
        group=purge.make_list(states=[State.SPAM], days=0, actor=administrator), actor=administrator
    )
    return made


def test_a_site_after_actions_of_every_kind_has_no_findings(site, capsys):
    assert check() == {}
    call_command("check_integrity")
    assert capsys.readouterr().out == "No inconsistencies found.\n"


def test_wrong_numbers_of_removals_are_counted_again(site):
    before = Discussion.objects.get()
    Discussion.objects.update(removal_counts={"spam/spam/machine": 12})
    damage = check()
    assert damage == {"removal_counts": [before.pk]}
    repair(damage)
    after = Discussion.objects.get()
    assert after.removal_counts == before.removal_counts
    assert after.version > before.version
    assert check() == {}


def test_a_pending_comment_without_a_case_gets_one(site):
    Case.objects.open().filter(comment=site["held"]).delete()
    damage = check()
    assert damage == {"case_missing": [site["held"].pk]}
    repair(damage)
    assert check() == {}
    assert Case.objects.open().get(comment=site["held"]).is_pending


@pytest.mark.parametrize("name", ["held", "published", "sealed", "erased"])
def test_a_case_that_contradicts_its_comment_is_repaired(site, name):
    comment = site[name]
    if name == "held":
        Case.objects.open().filter(comment=comment).update(is_pending=False)
    else:
        Case.objects.create(comment=comment, discussion_id=comment.discussion_id, is_pending=True)
    damage = check()
    assert damage == {"case_contradicts_comment": [comment.pk]}
    repair(damage)
    assert check() == {}
    if name != "held":
        assert Case.objects.open().filter(comment=comment).exists() == (name == "published")


def test_many_cases_are_repaired_with_as_few_statements_as_one(site):
    def statements(ids) -> int:
        Case.objects.filter(comment__in=ids).update(is_pending=False)
        damage = check()
        assert damage == {"case_contradicts_comment": ids}
        with CaptureQueriesContext(connection) as queries:
            repair(damage)
        assert check() == {}
        return len(queries)

    more = [make_comment(site["held"].discussion.article, f"It is one more word, {n}.").pk for n in range(9)]
    assert statements(more) == statements([site["held"].pk])


def test_a_decision_without_an_action_is_found(site):
    line = Transition.objects.filter(comment=site["published"]).latest("id")
    tampering.execute("UPDATE comments_transition SET batch = %s WHERE id = %s", uuid4(), line.pk)
    damage = check()
    assert line.pk in damage.pop("batch_missing")
    assert str(Action.objects.get(pk=line.action_id).pk) in damage.pop("batch_empty")
    assert damage.pop("chain")  # the check of the log also finds it
    assert damage == {}


def test_an_undo_that_names_another_decision_is_found(site):
    lifted = Transition.objects.get(restores__isnull=False)
    decision = Transition.objects.filter(comment=site["published"]).latest("id")
    tampering.execute("UPDATE comments_transition SET restores_id = NULL WHERE id = %s", lifted.pk)
    tampering.execute("UPDATE comments_transition SET restores_id = id WHERE id = %s", decision.pk)
    assert check() == {"restored_decision_wrong": sorted([lifted.pk, decision.pk])}


def test_an_empty_action_is_found(site):
    empty = Action.objects.create(kind=Action.Kind.DECISION)
    assert check() == {"batch_empty": [str(empty.pk)]}


def test_a_restriction_that_contradicts_its_comment_is_found(site):
    own = Restriction.objects.get(comment=site["sealed"])
    other = Restriction.objects.create(
        comment=site["published"], why=Restriction.Why.OTHER, action=own.action
    )
    RestrictedText.objects.create(restriction=other, revision=1, body="A word.")
    assert check() == {"restriction": [site["published"].pk]}
    RestrictedText.objects.filter(restriction=other).delete()
    other.delete()
    RestrictedText.objects.filter(restriction=own).delete()
    own.delete()
    damage = check()
    assert damage == {"restriction": [site["sealed"].pk]}
    repair(damage)
    assert check() == damage


@pytest.mark.parametrize("place", ["body", "author_name", "author_email", "revision"])
def test_restricted_content_outside_the_store_is_found(site, place):
    if place == "revision":
        CommentRevision.objects.create(comment=site["sealed"], revision=1, body="A word.")
    else:
        Comment.objects.filter(pk=site["sealed"].pk).update(**{place: "zoe@example.org"})
    damage = check()
    damage.pop("comment_html", None)
    assert damage == {"restricted_text": [site["sealed"].pk]}
    repair(damage)  # other copies of the text are left to a person
    assert check()["restricted_text"]


def test_a_restriction_that_lost_or_kept_its_content_is_found(site):
    RestrictedText.objects.filter(restriction__comment=site["sealed"]).delete()
    lost = Restriction.objects.get(comment=site["sealed"])
    assert check() == {"restricted_content": [lost.pk]}
    lifted = Restriction.objects.get(comment=site["lifted"])
    RestrictedText.objects.create(restriction=lifted, revision=1, body="A word.")
    assert check() == {"restricted_content": [lost.pk, lifted.pk]}


@pytest.mark.parametrize("is_legal_hold", [False, True])
def test_an_incomplete_erasure_is_completed(site, is_legal_hold):
    """A restored dump may have a comment that is only marked as erased. A legal hold must be ended first."""
    administrator = UserFactory.create(roles=("Administrator",))
    sealed, noted = site["sealed"], site["removed"]
    ModeratorNote.objects.create(comment=noted, text="It is Zoe.", by=administrator)
    Origin.objects.create(comment=noted, ip_hash=bytes(16))
    Restriction.objects.filter(comment=sealed).update(is_legal_hold=is_legal_hold)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE comments_comment SET erased_at = now() + interval '1 s' WHERE id = ANY(%s)",
            [[sealed.pk, noted.pk]],
        )
    damage = check()
    assert (damage["erased"], damage["erased_related_data"]) == ([noted.pk], [noted.pk])
    own = Restriction.objects.get(comment=sealed)
    assert damage["restricted_content"] == [own.pk]
    repair(damage)
    assert check() == ({"restricted_content": [own.pk]} if is_legal_hold else {})
    if is_legal_hold:
        assert restrictions.set_legal_hold(restriction=own, is_legal_hold=False, actor=administrator)
        repair(check())
    assert check() == {}
    assert not RestrictedText.objects.filter(restriction=own).exists()
    assert not ModeratorNote.objects.exists()
    assert Comment.objects.get(pk=noted.pk).body == ""


def test_a_finding_beyond_the_end_of_a_text_is_found(site):
    finding = Finding.objects.filter(comment=site["held"]).first()
    tampering.execute("UPDATE moderation_finding SET spans = '[[5, 9000]]' WHERE id = %s", finding.pk)
    assert check() == {"finding_span_too_long": [finding.pk]}


def test_a_sanction_of_another_kind_of_action_is_found(site):
    decision = Action.objects.filter(kind=Action.Kind.DECISION).first()
    sanction = Sanction.objects.create(
        guest=GuestFactory.create(),
        kind=Sanction.Kind.WARN,
        reason="insult",
        action=decision,
        at=timezone.now(),
    )
    assert check() == {"sanction_batch_kind": [sanction.pk]}
