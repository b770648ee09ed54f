"""The verbs that hold people to something: each is one act, with its undo, and is told to the person."""

from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.models import Guest, User
from articles.site.languages import in_site_language
from comments.models import REMOVED, Reason, State, Transition
from comments.services import change_states, lock
from moderation.actions import setting_changes
from moderation.models import Batch, Change, Sanction, proofs
from moderation.notifications import mail
from moderation.people import active_sanctions
from moderation.people.profiles import SAME_PRESS, Person, find

MAIL_AFTER = timedelta(minutes=1)  # what is taken back at once is told to nobody
DAYS = (1, 7, 30, 365)  # of which what somebody wrote can be removed with a sanction


def may_hold(actor: User, person: Person) -> bool:
    """Moderators anybody, but for themselves and those who decide here, whom administrators hold.

    Whom it would reach by a guest's e-mail counts as well.
    """
    if not actor.is_moderator or not (person.user or person.guest):
        return False
    reached = person.user or _account_reached(person.guest)
    return reached != actor and (actor.is_administrator or not (reached and reached.is_staff))


def _account_reached(guest: Guest | None) -> User | None:
    """The account that a sanction on this guest would hold, as held.HELD has it."""
    if not (guest and guest.email):
        return None
    accounts = User.objects.annotate(lower_email=Lower("email"))
    found: User | None = accounts.filter(lower_email=guest.email.lower()).first()
    if found is None or guest.confirmed_at:
        return found
    return None if proofs().filter(user=found).exists() else found


def impose(
    *,
    person: Person,
    kind: str,
    reason: str,
    actor: User,
    words: str = "",
    until: datetime | None = None,
    days: int = 0,
) -> Batch:
    """Hold an account or a guest to something (a Sanction.Kind), and remove what they wrote in the last
    `days`: one act, whose undo takes back both. Who may is the caller's to know: may_hold.

    `reason` is the code of a reason to remove, or spam, which then is what the comments were. A second click
    gives the act of the first.
    """
    now = timezone.now()
    to = State.SPAM if reason == Reason.SPAM else State.REJECTED
    batch = Batch(
        kind=Batch.Kind.PERSON,
        actor=actor,
        at=now,
        reason=reason,
        parameters={"kind": kind, "person": person.key, "days": days},
    )
    with transaction.atomic():
        if first := _same_press(person, batch, words, until):
            return first
        batch.save(force_insert=True)
        # Stored as ended and then set in force: so its undo is that of any other setting.
        made = Sanction.objects.create(
            **person.about,
            kind=kind,
            reason=reason,
            words=words,
            at=now,
            until=until,
            ended_at=now,
            batch=batch,
        )
        setting_changes.make(batch=batch, changes=[(Change.Target.SANCTION, made.pk, "ended_at", None)])
        if ids := _lock_removable(person, since=now - timedelta(days=days)) if days else []:
            change_states(ids=ids, to=to, reason=reason, actor=actor, batch=batch.pk)
        tell_later(batch)
    return batch


def _same_press(person: Person, batch: Batch, words: str, until: datetime | None) -> Batch | None:
    """The act that did the same a moment ago, and holds. Locks the person: a second click may be faster than
    the first one's commit."""
    person.lock()
    same = Sanction.objects.in_force().filter(
        **person.about,
        words=words,
        at__gt=batch.at - SAME_PRESS,
        batch__actor=batch.actor,
        batch__reason=batch.reason,
        batch__parameters=batch.parameters,
    )
    if batch.parameters["kind"] != Sanction.Kind.WARN:  # of which the end is counted from the click
        same = same.filter(until=until)
    found = same.select_related("batch").first()
    return found.batch if found else None


def why_not_undone(batch: Batch, actor: User | None) -> str:
    """Why this person may not take back what an act, or the undo of it, did to somebody; else nothing."""
    root = batch.root
    if root.kind != Batch.Kind.PERSON or actor is None:
        return ""
    person = find(root.parameters["person"])
    if person is None or may_hold(actor, person):
        return ""
    if person.user == actor:
        return _("What you are held to yourself, somebody else ends.")
    return _("Those who decide here are held to something, and let go, by administrators alone.")


def _removable(person: Person) -> Any:
    return person.comments().filter(state__in=[State.PUBLISHED, State.PENDING])


def _lock_removable(person: Person, *, since: datetime) -> list[int]:
    """What of theirs is to be removed, under the lock of its discussions: what a colleague has removed
    meanwhile stays as that one decided."""
    written = _removable(person).filter(created_at__gt=since)
    ids = list(written.values_list("pk", flat=True))
    lock(ids)
    return list(written.filter(pk__in=ids).values_list("pk", flat=True))


def counts_to_remove(person: Person, now: datetime) -> dict[int, int]:
    """How many comments would go with "also remove the last N days", by number of days."""
    counts = {f"d{days}": Count("pk", filter=Q(created_at__gt=now - timedelta(days=days))) for days in DAYS}
    found = _removable(person).order_by().aggregate(**counts)
    return {days: found[f"d{days}"] for days in DAYS}


def end(*, sanction: Sanction, actor: User) -> Batch | None:
    """End what is in force. None: it was ended, or is over."""
    now = timezone.now()
    batch = Batch(
        kind=Batch.Kind.PERSON,
        actor=actor,
        at=now,
        reason=sanction.reason,
        parameters={"kind": sanction.kind, "person": sanction.person_key, "ends": sanction.pk},
    )
    with transaction.atomic():
        # Under a lock: of two who end it at once the second would move its end, and could undo nothing.
        if not Sanction.objects.in_force().select_for_update(no_key=True).filter(pk=sanction.pk).first():
            return None
        batch.save(force_insert=True)
        setting_changes.make(batch=batch, changes=[(Change.Target.SANCTION, sanction.pk, "ended_at", now)])
        tell_later(batch)
    return batch


def ask(*, sanction: Sanction, words: str) -> bool:
    """The person asks for another look at it, once. False: they did before, or it is over."""
    rows = Sanction.objects.in_force().filter(pk=sanction.pk, asked_at=None)
    return bool(rows.update(asked_at=timezone.now(), asked_words=words))


def keep(*, sanction: Sanction) -> bool:
    """Somebody has looked again, and it stays. False: nobody asks about it, or it is over or answered."""
    rows = asked_about().filter(pk=sanction.pk).order_by()
    with transaction.atomic():
        done = bool(rows.update(answered_at=timezone.now()))
        if done:
            tell_kept.enqueue(sanction.pk)
    return done


def may_keep(actor: User, sanction: Sanction) -> bool:
    """Whether their looking again would be another look: not if they imposed it and somebody else could."""
    return not Sanction.objects.filter(_for_others(actor), pk=sanction.pk).exists()


def _for_others(actor: User) -> Q:
    """Over Sanction: what this person imposed and somebody else could look at again."""

    def others(deciding: Any) -> Exists:
        return Exists(deciding.active().exclude(pk=actor.pk).exclude(pk=Coalesce(OuterRef("user"), 0)))

    could = Q(_is_of_staff(), others(User.objects.administrators()))
    could |= Q(~_is_of_staff(), others(User.objects.moderators()))
    return Q(could, batch__actor=actor)


def _is_of_staff() -> Exists:
    """Over Sanction: it holds somebody who decides here."""
    return Exists(User.objects.staff().filter(pk=OuterRef("user")))


def asked_about() -> Any:
    """What people ask for another look at, the earliest first."""
    rows = Sanction.objects.in_force().filter(answered_at=None).exclude(asked_at=None)
    return rows.select_related("user", "guest", "batch__actor").order_by("asked_at")


def to_answer(actor: User) -> Any:
    """What of that this moderator may answer, as may_hold and may_keep have it."""
    rows = asked_about().exclude(_for_others(actor)).exclude(user=actor)
    if actor.is_administrator:
        return rows
    return rows.exclude(_is_of_staff())


def tell_later(batch: Batch) -> None:
    """Tell those whom an act, or its undo, holds to something or lets go."""
    targets = batch.changes.filter(target=Change.Target.SANCTION)
    for pk in targets.values_list("target_id", flat=True):
        tell.using(run_after=timezone.now() + MAIL_AFTER).enqueue(pk)


@task()
@in_site_language
def tell(pk: int) -> int:
    """Write to the person that it holds, or that it was ended, if that is not what they were told last and
    their e-mail is proved. Returns the mails."""
    if not (sanction := _to_tell(pk)):
        return 0
    holds, last, end_told = sanction.is_in_force, sanction.told_at, sanction.told_end_at
    knows = last is not None and (end_told is None or end_told < last)
    if holds == knows:
        return 0
    if not holds and sanction.ended_at is None:
        return 0  # it is over by itself, as they were told that it would be
    before = {"told_at": last, "told_end_at": end_told}
    told = {"told_at" if holds else "told_end_at": timezone.now()}
    # Claimed and committed before it is sent: nobody who ends it waits for a server of mails.
    if not Sanction.objects.filter(pk=pk, ended_at=sanction.ended_at, **before).update(**told):
        return 0  # another job tells it
    try:
        return _mail(sanction, "imposed" if holds else "ended").send()
    except Exception:
        Sanction.objects.filter(pk=pk, **told).update(**before)
        raise


@task()
@in_site_language
def tell_kept(pk: int) -> int:
    """Write that somebody looked again and that it stays."""
    sanction = _to_tell(pk)
    return _mail(sanction, "kept").send() if sanction and sanction.is_in_force else 0


def _to_tell(pk: int) -> Sanction | None:
    """It, if the person's e-mail is proved."""
    return Sanction.objects.filter(mail.are_read(), pk=pk).select_related("user", "guest").first()


def _mail(sanction: Sanction, what: str) -> EmailMessage:
    site = mail.current_site()
    person = sanction.user or sanction.guest
    assert person is not None  # by a constraint of its table
    with timezone.override(site.zone):
        sentence = active_sanctions.sentence(sanction)
    lines = Transition.objects.filter(batch=sanction.batch_id, kind=Transition.Kind.STATE)
    removed = lines.filter(comment__state__in=REMOVED).count()
    return mail.mail(
        "sanction",
        _subject(sanction, what),
        person.email,
        site=site,
        what=what,
        sentence=sentence,
        removed=removed,
        is_guest=sanction.guest_id is not None,
        is_told_once=sanction.asked_at is None,
    )


def _subject(sanction: Sanction, what: str) -> str:
    if what == "kept":
        return _("We have looked again: it stays")
    if what == "ended":
        is_silent = sanction.kind in active_sanctions.SILENCE
        return _("You may comment again") if is_silent else _("It is no longer held against you")
    return {
        Sanction.Kind.WARN: _("A warning"),
        Sanction.Kind.REVIEW: _("Your comments are reviewed first"),
        Sanction.Kind.PAUSE: _("You are paused from commenting"),
        Sanction.Kind.BAN: _("You are banned from commenting"),
    }[Sanction.Kind(sanction.kind)]


def of(person: Person) -> Any:
    """All that they were ever held to themselves, the latest first."""
    if person.comment:
        return Sanction.objects.none()
    rows = Sanction.objects.filter(user=person.user, guest=person.guest)
    return rows.select_related("batch__actor").order_by("-at", "-pk")


def latest_in_force(most: int) -> Any:
    rows = Sanction.objects.in_force().select_related("user", "guest", "batch__actor")
    return rows.order_by("-at", "-pk")[:most]
