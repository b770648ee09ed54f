"""What moderators hold people to: as it meets them when they write, whom it reaches, and the way back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from comments.edits import edit_comment
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.policy import policy
from moderation.actions.decisions import decide, undo
from moderation.models import Batch, Change, Sanction
from moderation.notifications.notices import tell
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.tasks import tell_authors, tell_held
from tests.factories import GuestFactory, UserFactory, make_article, say
from tests.helpers.behind import guards_off
from tests.helpers.waiting import wait_for_a_lock

pytestmark = pytest.mark.django_db


@pytest.fixture
def maria():
    return UserFactory.create(name="Maria", roles=("Moderator",))


@pytest.fixture
def article():
    return make_article()


def proved(user):
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def guest(*, confirmed=True, **fields):
    return GuestFactory.create(confirmed_at=timezone.now() if confirmed else None, **fields)


def hold(who, kind, actor, **fields):
    person = Person(guest=who) if who._meta.model_name == "guest" else Person(user=who)
    return sanctions.impose(person=person, kind=kind, reason="insult", actor=actor, **fields)


def refusal(article, **writer) -> str:
    with pytest.raises(ValidationError) as refused:
        say(article, "Another word", **writer)
    return refused.value.messages[0]


@pytest.mark.parametrize(("kind", "words"), [("pause", "You are paused"), ("ban", "You are banned from")])
def test_who_is_silenced_is_told_what_until_when_why_and_where_to_ask(article, maria, kind, words):
    ada = proved(UserFactory.create(name="Ada"))
    until = timezone.now() + timedelta(days=7)
    hold(ada, kind, maria, words="Third time.", until=until)
    said = refusal(article, author=ada)
    assert words in said
    assert f"until {until.day} " in said
    assert "Why: insult. “Third time.”" in said
    assert 'href="/account/standing/"' in said
    assert not Comment.objects.filter(author=ada).exists()


def test_a_pause_ends_by_itself(article, maria):
    ada = UserFactory.create()
    hold(ada, "pause", maria, until=timezone.now() + timedelta(hours=1))
    Sanction.objects.update(until=timezone.now() - timedelta(seconds=1))  # the hour passed
    assert say(article, author=ada).state == State.PENDING  # as a new person's


def test_a_review_holds_also_where_everything_is_published_first(article, maria):
    ada = proved(UserFactory.create())
    first = say(article, author=ada)
    decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    Discussion.objects.update(moderation=Discussion.Moderation.POST)
    assert say(article, "Second", author=ada).state == State.PUBLISHED
    hold(ada, "review", maria)
    third = say(article, "Third", author=ada)
    assert third.state == State.PENDING
    assert "A moderator reviews your comments" in " ".join(policy().reasons([third.pk])[third.pk])


def test_a_warning_keeps_nobody_from_writing(article, maria):
    ada = UserFactory.create()
    hold(ada, "warn", maria)
    assert say(article, author=ada).pk


def test_an_edit_is_refused_as_well(article, maria):
    ada = UserFactory.create()
    comment = say(article, author=ada)
    hold(ada, "ban", maria)
    with pytest.raises(ValidationError, match="banned"):
        edit_comment(comment=comment, body="Other words", user=ada, guest=None)


WHOM = [  # (is the sanctioned guest's e-mail proved, is the other's), whether it reaches them
    ((False, False), True),
    ((False, True), False),  # an unproved e-mail is anybody's: it silences nobody who proves it
    ((True, False), True),
    ((True, True), True),
]


@pytest.mark.parametrize(("proofs", "reaches"), WHOM)
def test_a_guests_ban_reaches_another_browser_by_the_e_mail(article, maria, proofs, reaches):
    first = guest(email="Ada@example.org", confirmed=proofs[0])
    other = guest(email="ada@example.org", confirmed=proofs[1])
    hold(first, "ban", maria)
    if reaches:
        said = refusal(article, guest=other)
        # Why somebody is banned is told to nobody who only typed that e-mail.
        assert ("insult" in said) == proofs[1]
    else:
        assert say(article, guest=other).pk


@pytest.mark.parametrize("is_proved", [True, False])
def test_a_guests_ban_reaches_an_account_only_if_one_proof_covers_both(article, maria, is_proved):
    ada = proved(UserFactory.create(email="ada@example.org"))
    hold(guest(email="ada@example.org", confirmed=is_proved), "ban", maria)
    if is_proved:
        assert "banned" in refusal(article, author=ada)
    else:
        assert say(article, author=ada).pk


def test_a_guests_ban_holds_for_the_browser_under_any_name(article, maria):
    first = guest()
    hold(first, "ban", maria)
    other = guest(confirmed=False)
    assert "banned" in refusal(article, guest=other, browser=first)
    assert say(article, guest=other).pk


def test_the_last_days_go_with_it_and_one_undo_brings_all_back(article, maria):
    ada = proved(UserFactory.create())
    old, new, _waits, removed = (say(article, f"Word {n}", author=ada) for n in range(4))
    for comment in (old, new):
        decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    Comment.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
    before = list(Comment.objects.order_by("pk").values("state", "state_reason"))
    counted = Discussion.objects.values_list("visible_count", "tally").get()

    batch = hold(ada, "ban", maria, days=7)
    states = list(Comment.objects.order_by("pk").values_list("state", "state_reason"))
    assert states == [
        ("published", "approved"),
        ("rejected", "insult"),
        ("rejected", "insult"),
        ("rejected", "other"),
    ]
    done = undo(batch=batch, actor=maria)
    assert list(Comment.objects.order_by("pk").values("state", "state_reason")) == before
    assert Discussion.objects.values_list("visible_count", "tally").get() == counted
    assert not Sanction.objects.in_force().exists()
    undo(batch=done.batch, actor=maria)
    assert "banned" in refusal(article, author=ada)


def test_an_end_can_be_undone_and_somebody_elses_end_is_left_alone(article, maria):
    ada = UserFactory.create()
    batch = hold(ada, "ban", maria)
    ended = sanctions.end(sanction=Sanction.objects.get(), actor=maria)
    assert ended
    assert sanctions.end(sanction=Sanction.objects.get(), actor=maria) is None
    assert undo(batch=batch, actor=maria).refused  # it was decided on since
    undo(batch=ended, actor=maria)
    assert "banned" in refusal(article, author=ada)


def test_nobody_takes_back_what_they_are_held_to_themselves(client, maria):
    admin = UserFactory.create(roles=("Administrator",))
    batch = hold(maria, "ban", admin)
    assert "somebody else" in undo(batch=batch, actor=maria).refused[0].what
    other = UserFactory.create(roles=("Moderator",))
    assert "administrators" in undo(batch=batch, actor=other).refused[0].what
    client.force_login(other)
    page = client.get(f"/moderation/acts/{batch.pk}/").text
    assert "Undo this action" not in page
    assert "by administrators alone" in page
    assert undo(batch=batch, actor=admin).batch


def test_who_may_hold_whom(maria):
    admin, editor = (UserFactory.create(roles=(role,)) for role in ("Administrator", "Editor"))
    reader = UserFactory.create()
    may = {
        (actor.name, person.name): sanctions.may_hold(actor, Person(user=person))
        for actor in (maria, admin, editor)
        for person in (maria, admin, editor, reader)
    }
    assert {pair for pair, yes in may.items() if yes} == {
        (maria.name, reader.name),
        (admin.name, maria.name),
        (admin.name, editor.name),
        (admin.name, reader.name),
    }


@pytest.mark.parametrize("is_proved", [True, False])
def test_a_guest_whose_e_mail_is_a_colleagues_is_held_by_administrators_alone(article, maria, is_proved):
    """The ban would reach the account of that e-mail: see WHOM."""
    admin, boss = (UserFactory.create(roles=("Administrator",)) for _ in range(2))
    if is_proved:
        proved(admin)
    same = guest(email=admin.email.upper(), confirmed=is_proved)
    assert [sanctions.may_hold(one, Person(guest=same)) for one in (maria, admin, boss)] == [0, 0, 1]
    hold(same, "ban", boss)
    assert refusal(article, author=admin)


def test_whoever_gives_a_colleagues_e_mail_without_proof_can_be_held(maria):
    admin = proved(UserFactory.create(roles=("Administrator",)))
    assert sanctions.may_hold(maria, Person(guest=guest(email=admin.email, confirmed=False)))


def test_a_second_click_is_no_second_act(maria):
    ada = UserFactory.create()
    first = hold(ada, "ban", maria)
    assert hold(ada, "ban", maria) == first
    assert hold(ada, "ban", maria, days=7) != first
    undo(batch=first, actor=maria)
    assert hold(ada, "ban", maria) != first


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["impose", "end"])
def test_of_two_presses_at_once_one_is_the_act(maria, verb):
    ada = UserFactory.create()
    if verb == "end":
        hold(ada, "ban", maria)

    def press(_):
        try:
            if verb == "end":
                return sanctions.end(sanction=Sanction.objects.get(), actor=maria)
            return hold(ada, "ban", maria)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        acts = set(pool.map(press, range(4))) - {None}
    assert len(acts) == 1
    assert Sanction.objects.count() == 1
    assert Change.objects.filter(batch__in=acts).count() == 1


def test_what_was_asked_is_asked_again_when_the_end_is_undone(maria):
    ada = UserFactory.create()
    hold(ada, "ban", maria)
    one = Sanction.objects.get()
    sanctions.ask(sanction=one, words="It was a joke.")
    ended = sanctions.end(sanction=one, actor=maria)
    assert not sanctions.asked_about()
    assert not sanctions.keep(sanction=one)  # from a page that was open meanwhile
    undo(batch=ended, actor=maria)
    assert list(sanctions.asked_about()) == [one]
    assert sanctions.keep(sanction=one)


def test_another_look_is_somebody_elses_where_there_is_somebody(maria):
    ada, lee = UserFactory.create(), UserFactory.create(roles=("Moderator",))
    hold(ada, "ban", maria)
    one = Sanction.objects.get()
    assert (sanctions.may_keep(maria, one), sanctions.may_keep(lee, one)) == (False, True)
    User.objects.filter(pk=lee.pk).update(is_active=False)
    assert sanctions.may_keep(maria, one)


def test_the_person_is_told_by_mail_what_is_true_when_it_is_sent(article, maria):
    ada, anybody = proved(UserFactory.create()), guest(confirmed=False)
    restored, _gone = (say(article, f"Word {n}", author=ada) for n in range(2))
    batch = hold(ada, "pause", maria, days=1, words="Don't <shout> & calm down.")
    decide(ids=[restored.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    unproved = hold(anybody, "ban", maria)
    paused, banned = Sanction.objects.get(batch=batch), Sanction.objects.get(batch=unproved)
    assert (sanctions.tell.func(paused.pk), sanctions.tell.func(banned.pk)) == (1, 0)
    assert sanctions.tell.func(paused.pk) == 0  # once
    told = mail.outbox[0]
    assert (told.to, told.subject) == ([ada.email], "You are paused from commenting")
    assert "“Don't <shout> & calm down.”" in told.body  # a mail is no HTML
    assert "1 comment of yours was removed" in told.body
    assert "/account/standing/" in told.body
    sanctions.end(sanction=paused, actor=maria)
    assert sanctions.tell.func(paused.pk) == 1
    assert mail.outbox[1].subject == "You may comment again"


def test_what_is_undone_at_once_is_told_to_nobody(maria):
    ada = proved(UserFactory.create())
    undo(batch=hold(ada, "ban", maria), actor=maria)
    assert sanctions.tell.func(Sanction.objects.get().pk) == 0


def test_what_a_ban_took_and_gave_back_within_the_minute_is_told_as_before_and_mailed_to_nobody(maria):
    ada, article = proved(UserFactory.create()), make_article()
    shown, waits = say(article, "Shown.", author=ada), say(article, "It waits.", author=ada)
    decide(ids=[shown.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    with guards_off():
        Batch.objects.update(at=timezone.now() - timedelta(hours=1))
    as_before = policy().reasons([waits.pk], [waits.pk])
    told = tell([waits])[waits.pk]
    ban = hold(ada, "ban", maria, days=1)
    acts = [ban]
    for _ in range(3):  # undone, done again, undone
        acts.append(undo(batch=acts[-1], actor=maria).batch)
    waits.refresh_from_db()
    assert waits.state == State.PENDING
    again = tell([waits])[waits.pk]
    assert (again.kind, again.sentences, again.at) == (told.kind, told.sentences, told.at)
    assert policy().reasons([waits.pk], [waits.pk]) == as_before
    assert [tell_authors.func(str(act.pk)) for act in acts[1:]] == [0, 0, 0]
    assert sanctions.tell.func(Sanction.objects.get().pk) == 0
    assert tell_held.func(waits.pk) == 1  # for its own minute, and in its own words
    assert "A moderator wants to look" not in mail.outbox[0].body
    assert "Nothing of yours" in mail.outbox[0].body or "somebody new" in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
def test_its_mail_leaves_under_no_lock_and_is_told_only_if_it_left(maria, article, monkeypatch):
    """A slow server of mails keeps nobody from ending it."""
    made = hold(proved(UserFactory.create()), "ban", maria).changes.get().target_id
    send, under_a_lock = EmailBackend.send_messages, []

    def fail(*args: object) -> None:
        under_a_lock.append(connection.in_atomic_block)
        raise OSError

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(OSError):  # noqa: PT011
        sanctions.tell.func(made)
    monkeypatch.setattr(EmailBackend, "send_messages", send)
    assert under_a_lock == [False]
    assert Sanction.objects.get().told_at is None
    assert sanctions.tell.func(made) == 1
    assert Sanction.objects.get().told_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("publishing_policy")
def test_what_a_colleague_decides_at_the_same_moment_is_not_removed_with_it(maria, article):
    """It waits for the colleague's lock, and then takes only what is still there."""
    omar, ada = UserFactory.create(roles=("Moderator",)), guest()
    decided, other = say(article, "One.", guest=ada), say(article, "Two.", guest=ada)

    def ban() -> Batch:
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
    assert [line.comment_id for line in Transition.objects.filter(batch=act.pk)] == [other.pk]
