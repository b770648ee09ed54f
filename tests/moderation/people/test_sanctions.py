"""Sanctions: their effect on comments, the people that they apply to, their mails, appeals and undo."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.policy import policy
from comments.services.editing import edit_comment
from moderation.actions.decisions import decide, undo
from moderation.models import Action, Sanction, SettingChange
from moderation.notifications.notices import render_notices
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.tasks import notify_authors, notify_not_published
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.helpers.waiting import wait_for_a_lock

pytestmark = pytest.mark.django_db


@pytest.fixture
def article():
    return make_article()


def guest(*, confirmed=True, **fields):
    return GuestFactory.create(confirmed_at=timezone.now() if confirmed else None, **fields)


def impose_on(who, kind, actor, **fields):
    person = Person(guest=who) if who._meta.model_name == "guest" else Person(user=who)
    return sanctions.impose(person=person, kind=kind, reason="insult", actor=actor, **fields)


def refusal(article, **writer) -> str:
    with pytest.raises(ValidationError) as refused:
        make_comment(article, "Another word", **writer)
    return refused.value.messages[0]


@pytest.mark.parametrize(("kind", "words"), [("pause", "You are paused"), ("ban", "You are banned from")])
def test_a_silenced_person_sees_the_end_the_reason_and_how_to_appeal(article, maria, kind, words):
    ada = confirm_email(UserFactory.create(name="Ada"))
    until = timezone.now() + timedelta(days=7)
    impose_on(ada, kind, maria, message="Third time.", until=until)
    explanation = refusal(article, author=ada)
    assert words in explanation
    assert f"until {until.day} " in explanation
    assert "Reason: insult. “<bdi>Third time.</bdi>”" in explanation
    assert 'href="/account/status/"' in explanation
    assert not Comment.objects.filter(author=ada).exists()


def test_a_pause_ends_by_itself(article, maria):
    ada = UserFactory.create()
    impose_on(ada, "pause", maria, until=timezone.now() + timedelta(hours=1))
    Sanction.objects.update(until=timezone.now() - timedelta(minutes=1))  # it expired
    assert make_comment(article, author=ada).state == State.PENDING  # the state of a new person's comment


def test_a_review_applies_with_post_moderation_too(article, maria):
    ada = confirm_email(UserFactory.create())
    first = make_comment(article, author=ada)
    decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    Discussion.objects.update(moderation=Discussion.Moderation.POST)
    assert make_comment(article, "Second", author=ada).state == State.PUBLISHED
    impose_on(ada, "review", maria)
    third = make_comment(article, "Third", author=ada)
    assert third.state == State.PENDING
    assert "A moderator reviews your comments" in " ".join(policy().explain_pending([third.pk])[third.pk])


def test_a_warned_person_can_comment(article, maria):
    ada = UserFactory.create()
    impose_on(ada, "warn", maria)
    assert make_comment(article, author=ada).pk


def test_an_edit_is_refused_as_well(article, maria):
    ada = UserFactory.create()
    comment = make_comment(article, author=ada)
    impose_on(ada, "ban", maria)
    with pytest.raises(ValidationError, match="banned"):
        edit_comment(comment=comment, body="Other words", user=ada, guest=None)


# Whether the e-mail of the sanctioned guest and that of the other one are confirmed, and whether the sanction
# applies to the other one.
EMAIL_PROOFS = [
    ((False, False), True),
    ((False, True), False),  # an unconfirmed e-mail may belong to anyone
    ((True, False), True),
    ((True, True), True),
]


@pytest.mark.parametrize(("proofs", "reaches"), EMAIL_PROOFS)
def test_a_guests_ban_applies_to_the_same_e_mail_in_another_browser(article, maria, proofs, reaches):
    first = guest(email="Ada@example.org", confirmed=proofs[0])
    other = guest(email="ada@example.org", confirmed=proofs[1])
    impose_on(first, "ban", maria)
    if reaches:
        message = refusal(article, guest=other)
        # The reason is not shown to someone who only typed the e-mail.
        assert ("insult" in message) == proofs[1]
    else:
        assert make_comment(article, guest=other).pk


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_guests_ban_applies_to_an_account_only_if_the_e_mail_is_confirmed(article, maria, is_confirmed):
    ada = confirm_email(UserFactory.create(email="ada@example.org"))
    impose_on(guest(email="ada@example.org", confirmed=is_confirmed), "ban", maria)
    if is_confirmed:
        assert "banned" in refusal(article, author=ada)
    else:
        assert make_comment(article, author=ada).pk


def test_a_guests_ban_applies_to_the_browser_under_any_name(article, maria):
    first = guest()
    impose_on(first, "ban", maria)
    other = guest(confirmed=False)
    assert "banned" in refusal(article, guest=other, browser_guest=first)
    assert make_comment(article, guest=other).pk


def test_recent_comments_are_removed_with_it_and_restored_by_one_undo(article, maria):
    ada = confirm_email(UserFactory.create())
    old, new, _waits, removed = (make_comment(article, f"Word {n}", author=ada) for n in range(4))
    for comment in (old, new):
        decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    Comment.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
    before = list(Comment.objects.order_by("pk").values("state", "state_reason"))
    counted = Discussion.objects.values_list("visible_count", "removal_counts").get()

    action = impose_on(ada, "ban", maria, days=7)
    states = list(Comment.objects.order_by("pk").values_list("state", "state_reason"))
    assert states == [
        ("published", "approved"),
        ("rejected", "insult"),
        ("rejected", "insult"),
        ("rejected", "other"),
    ]
    done = undo(action=action, actor=maria)
    assert list(Comment.objects.order_by("pk").values("state", "state_reason")) == before
    assert Discussion.objects.values_list("visible_count", "removal_counts").get() == counted
    assert not Sanction.objects.active().exists()
    undo(action=done.action, actor=maria)
    assert "banned" in refusal(article, author=ada)


def test_ending_can_be_undone_unless_a_colleague_ended_it_later(article, maria):
    ada = UserFactory.create()
    action = impose_on(ada, "ban", maria)
    ended = sanctions.end(sanction=Sanction.objects.get(), actor=maria)
    assert ended
    assert sanctions.end(sanction=Sanction.objects.get(), actor=maria) is None
    assert undo(action=action, actor=maria).skipped  # a newer decision exists
    undo(action=ended, actor=maria)
    assert "banned" in refusal(article, author=ada)


def test_nobody_can_undo_a_sanction_on_themselves(client, maria):
    admin = UserFactory.create(roles=("Administrator",))
    action = impose_on(maria, "ban", admin)
    assert "end a sanction on yourself" in undo(action=action, actor=maria).skipped[0].reason
    other = UserFactory.create(roles=("Moderator",))
    assert "administrators" in undo(action=action, actor=other).skipped[0].reason
    client.force_login(other)
    page = client.get(f"/moderation/actions/{action.pk}/").text
    assert "Undo this action" not in page
    assert "Only administrators can impose" in page
    assert undo(action=action, actor=admin).action


def test_each_role_can_sanction_the_roles_below_it(maria):
    admin, editor = (UserFactory.create(roles=(role,)) for role in ("Administrator", "Editor"))
    reader = UserFactory.create()
    may = {
        (actor.name, person.name): sanctions.can_sanction(actor, Person(user=person))
        for actor in (maria, admin, editor)
        for person in (maria, admin, editor, reader)
    }
    assert {pair for pair, yes in may.items() if yes} == {
        (maria.name, reader.name),
        (admin.name, maria.name),
        (admin.name, editor.name),
        (admin.name, reader.name),
    }


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_only_administrators_sanction_a_guest_with_a_colleagues_e_mail(article, maria, is_confirmed):
    """The ban would reach the account of that e-mail: see EMAIL_PROOFS."""
    admin, boss = (UserFactory.create(roles=("Administrator",)) for _ in range(2))
    if is_confirmed:
        confirm_email(admin)
    same = guest(email=admin.email.upper(), confirmed=is_confirmed)
    assert [sanctions.can_sanction(one, Person(guest=same)) for one in (maria, admin, boss)] == [0, 0, 1]
    impose_on(same, "ban", boss)
    assert refusal(article, author=admin)


def test_a_guest_with_a_colleagues_unconfirmed_e_mail_can_be_sanctioned(maria):
    admin = confirm_email(UserFactory.create(roles=("Administrator",)))
    assert sanctions.can_sanction(maria, Person(guest=guest(email=admin.email, confirmed=False)))


def test_a_double_click_imposes_one_sanction(maria):
    ada = UserFactory.create()
    first = impose_on(ada, "ban", maria)
    assert impose_on(ada, "ban", maria) == first
    assert impose_on(ada, "ban", maria, days=7) != first
    undo(action=first, actor=maria)
    assert impose_on(ada, "ban", maria) != first


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["impose", "end"])
def test_two_simultaneous_clicks_impose_one_sanction(maria, verb):
    ada = UserFactory.create()
    if verb == "end":
        impose_on(ada, "ban", maria)

    def try_to_change(_):
        try:
            if verb == "end":
                return sanctions.end(sanction=Sanction.objects.get(), actor=maria)
            return impose_on(ada, "ban", maria)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        acts = set(pool.map(try_to_change, range(4))) - {None}
    assert len(acts) == 1
    assert Sanction.objects.count() == 1
    assert SettingChange.objects.filter(action__in=acts).count() == 1


def test_an_appeal_is_open_again_when_the_end_is_undone(maria):
    ada = UserFactory.create()
    impose_on(ada, "ban", maria)
    one = Sanction.objects.get()
    sanctions.appeal(sanction=one, text="It was a joke.")
    ended = sanctions.end(sanction=one, actor=maria)
    assert not sanctions.open_appeals()
    assert not sanctions.uphold(sanction=one)  # the form is from an outdated page
    undo(action=ended, actor=maria)
    assert list(sanctions.open_appeals()) == [one]
    assert sanctions.uphold(sanction=one)


@pytest.mark.parametrize("by_undo", [False, True])
def test_a_sanction_that_is_ended_during_an_appeal_answers_it(maria, by_undo):
    imposed = impose_on(confirm_email(UserFactory.create()), "ban", maria)
    one = Sanction.objects.get()
    sanctions.notify_of_sanction.func(one.pk)
    sanctions.appeal(sanction=one, text="It was a joke.")
    lifted = undo(action=imposed, actor=maria).action if by_undo else sanctions.end(sanction=one, actor=maria)
    sanctions.notify_of_sanction.func(one.pk)
    answer = mail.outbox[-1]
    assert answer.subject == "The decision on your appeal"
    assert "A moderator reviewed your appeal and ended the decision:" in answer.body
    assert "It is no longer in effect." in answer.body
    undo(action=lifted, actor=maria)
    sanctions.notify_of_sanction.func(one.pk)
    assert mail.outbox[-1].subject == "You are banned from commenting"
    assert "You have appealed this decision. A moderator will review it." in mail.outbox[-1].body
    assert sanctions.open_appeals().get() == one


def test_a_sanction_that_is_ended_after_its_appeal_was_answered_is_no_answer(maria):
    impose_on(confirm_email(UserFactory.create()), "ban", maria)
    one = Sanction.objects.get()
    sanctions.notify_of_sanction.func(one.pk)
    sanctions.appeal(sanction=one, text="It was a joke.")
    sanctions.uphold(sanction=one)
    sanctions.end(sanction=one, actor=maria)
    sanctions.notify_of_sanction.func(one.pk)
    assert mail.outbox[-1].subject == "You can comment again"


def test_an_appeal_is_answered_by_a_colleague_if_there_is_one(maria):
    ada, lee = UserFactory.create(), UserFactory.create(roles=("Moderator",))
    impose_on(ada, "ban", maria)
    one = Sanction.objects.get()
    assert (sanctions.can_uphold(maria, one), sanctions.can_uphold(lee, one)) == (False, True)
    User.objects.filter(pk=lee.pk).update(is_active=False)
    assert sanctions.can_uphold(maria, one)


def test_the_mail_describes_the_state_at_the_time_of_sending(article, maria):
    ada, anybody = confirm_email(UserFactory.create()), guest(confirmed=False)
    restored, _gone = (make_comment(article, f"Word {n}", author=ada) for n in range(2))
    action = impose_on(ada, "pause", maria, days=1, message="Don't <shout> & calm down.")
    decide(ids=[restored.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    unproved = impose_on(anybody, "ban", maria)
    paused, banned = Sanction.objects.get(action=action), Sanction.objects.get(action=unproved)
    assert [sanctions.notify_of_sanction.func(pk) for pk in (paused.pk, banned.pk)] == [1, 0]
    assert sanctions.notify_of_sanction.func(paused.pk) == 0  # once
    sent = mail.outbox[0]
    assert (sent.to, sent.subject) == ([ada.email], "You are paused from commenting")
    assert "“Don't <shout> & calm down.”" in sent.body  # a mail is no HTML
    assert "1 of your comments was also removed" in sent.body
    assert "/account/status/" in sent.body
    sanctions.end(sanction=paused, actor=maria)
    assert sanctions.notify_of_sanction.func(paused.pk) == 1
    assert mail.outbox[1].subject == "You can comment again"


@pytest.mark.parametrize(("is_active", "mails"), [(True, 1), (False, 0)])
def test_guests_waiting_for_erasure_get_no_mail(maria, is_active, mails):
    guest = GuestFactory.create(confirmed_at=timezone.now(), is_active=is_active)
    impose_on(guest, "ban", maria)
    assert sanctions.notify_of_sanction.func(Sanction.objects.get().pk) == mails


def test_a_sanction_that_is_undone_at_once_is_not_mailed(maria):
    ada = confirm_email(UserFactory.create())
    undo(action=impose_on(ada, "ban", maria), actor=maria)
    assert sanctions.notify_of_sanction.func(Sanction.objects.get().pk) == 0


def test_comments_restored_by_undoing_a_ban_are_not_mailed(maria):
    ada, article = confirm_email(UserFactory.create()), make_article()
    shown, waits = make_comment(article, "Shown.", author=ada), make_comment(article, "It waits.", author=ada)
    decide(ids=[shown.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    with triggers_disabled():
        Action.objects.update(at=timezone.now() - timedelta(hours=1))
    as_before = policy().explain_pending([waits.pk], [waits.pk])
    notice = render_notices([waits])[waits.pk]
    ban = impose_on(ada, "ban", maria, days=1)
    acts = [ban]
    for _ in range(3):  # undone, redone, undone
        acts.append(undo(action=acts[-1], actor=maria).action)
    waits.refresh_from_db()
    assert waits.state == State.PENDING
    again = render_notices([waits])[waits.pk]
    assert (again.kind, again.sentences, again.at) == (notice.kind, notice.sentences, notice.at)
    assert policy().explain_pending([waits.pk], [waits.pk]) == as_before
    assert [notify_authors.func(str(act.pk)) for act in acts[1:]] == [0, 0, 0]
    assert sanctions.notify_of_sanction.func(Sanction.objects.get().pk) == 0
    assert notify_not_published.func(waits.pk) == 1  # after its own minute, with its own text
    assert "A moderator wants to review" not in mail.outbox[0].body
    assert "This is your first comment" in mail.outbox[0].body or "by new people" in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
def test_the_mail_is_sent_without_a_lock_and_recorded_only_if_sent(maria, article, monkeypatch):
    """A slow mail server does not block a moderator who ends the sanction."""
    made = impose_on(confirm_email(UserFactory.create()), "ban", maria).changes.get().target_id
    send, under_a_lock = EmailBackend.send_messages, []

    def fail(*args: object) -> None:
        under_a_lock.append(connection.in_atomic_block)
        raise OSError

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(OSError):  # noqa: PT011
        sanctions.notify_of_sanction.func(made)
    monkeypatch.setattr(EmailBackend, "send_messages", send)
    assert under_a_lock == [False]
    assert Sanction.objects.get().notified_at is None
    assert sanctions.notify_of_sanction.func(made) == 1
    assert Sanction.objects.get().notified_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("moderation_without_checks")
def test_a_comment_that_a_colleague_decides_on_at_the_same_moment_is_left(maria, article):
    """It waits for the colleague's lock, and then removes only the comments that are left."""
    omar, ada = UserFactory.create(roles=("Moderator",)), guest()
    decided, other = make_comment(article, "One.", guest=ada), make_comment(article, "Two.", guest=ada)

    def ban() -> Action:
        try:
            return sanctions.impose(
                person=Person(guest=ada), kind="ban", reason=Reason.SPAM, actor=maria, days=7
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            decide(ids=[decided.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=omar)
            banning = pool.submit(ban)
            wait_for_a_lock()
        act = banning.result()
    reasons = dict(Comment.objects.values_list("pk", "state_reason"))
    assert reasons == {decided.pk: Reason.OFF_TOPIC, other.pk: Reason.SPAM}
    assert [line.comment_id for line in Transition.objects.filter(action_id=act.pk)] == [other.pk]
