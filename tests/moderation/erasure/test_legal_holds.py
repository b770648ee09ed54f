"""The erasure of a person during and after a legal hold on one of their comments."""

import pytest

from comments.models import State
from moderation.erasure import purge, restrictions
from moderation.models import Action, DecisionMessage, ModeratorNote, Origin, Restriction
from tests.moderation.erasure.traces import EMAIL, NAME, WORDS, PersonalTraces, columns_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_jobs")]


def test_data_under_a_legal_hold_is_deleted_when_the_hold_ends() -> None:
    traces = PersonalTraces()
    act = restrictions.restrict(
        ids=[traces.removed.pk, traces.olavs.pk],
        why=Restriction.Why.COURT,
        actor=traces.moderator,
        is_legal_hold=True,
    )
    assert len(act.changed) == 2
    traces.erase(deletes_comments=False)
    purge.erase_restricted_data()
    kept = {"moderation_restriction.author_name", "moderation_appeal.text", "moderation_report.details"}
    assert kept <= columns_with(NAME, EMAIL, WORDS)
    assert Restriction.objects.get(comment=traces.removed).author_name
    for restriction in Restriction.objects.all():
        restrictions.set_legal_hold(restriction=restriction, is_legal_hold=False, actor=traces.administrator)
    assert purge.erase_restricted_data() == 3
    assert purge.erase_restricted_data() == 0
    assert not kept & columns_with(NAME, EMAIL, WORDS)
    assert Restriction.objects.get(comment=traces.olavs).author_name == "Olav"


def test_notes_and_messages_under_a_legal_hold_are_deleted_when_the_hold_ends() -> None:
    traces = PersonalTraces()
    about = {"comment": traces.removed}
    ModeratorNote.objects.create(text="Tell the police.", by=traces.moderator, **about)
    DecisionMessage.objects.create(action=Action.objects.get(to_state=State.REJECTED), text="Why?", **about)
    Origin.objects.create(ip_hash=b"0" * 16, **about)
    restrictions.restrict(
        ids=[traces.removed.pk], why=Restriction.Why.COURT, actor=traces.moderator, is_legal_hold=True
    )
    restriction = Restriction.objects.get()
    traces.erase(deletes_comments=False)
    purge.erase_restricted_data()
    for rows in (ModeratorNote, DecisionMessage, Origin):
        assert rows.objects.filter(**about).exists(), rows
    restrictions.set_legal_hold(restriction=restriction, is_legal_hold=False, actor=traces.administrator)
    purge.erase_restricted_data()
    for rows in (ModeratorNote, DecisionMessage, Origin):
        assert not rows.objects.filter(**about).exists(), rows
    ModeratorNote.objects.create(text="Still restricted.", by=traces.moderator, **about)
    restrictions.lift(restriction=restriction, actor=traces.administrator)
    ModeratorNote.objects.create(text="Lifted by the court.", by=traces.moderator, **about)
    assert purge.erase_restricted_data() == 0
    assert ModeratorNote.objects.filter(**about).count() == 2


def test_notes_that_no_legal_hold_protected_stay() -> None:
    """Moderators write the number of a court's order into a note."""
    traces = PersonalTraces()
    traces.erase(deletes_comments=False)
    ModeratorNote.objects.create(text="Order 12/3.", by=traces.moderator, comment=traces.olavs)
    ModeratorNote.objects.create(text="Order 12/4.", by=traces.moderator, comment=traces.removed)
    restrictions.restrict(ids=[traces.removed.pk], why=Restriction.Why.COURT, actor=traces.moderator)
    purge.erase_restricted_data()
    assert ModeratorNote.objects.filter(text__startswith="Order").count() == 2
