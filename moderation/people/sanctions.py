"""Sanctions: warn, review, pause or ban a person, end a sanction, and answer an appeal against it.

Imposing and ending are actions that can be undone. The person is notified by mail.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.emails import confirmed_email_condition, current_confirmed_emails, filter_by_email
from accounts.models import Guest, User
from comments.models import Reason, State
from comments.services.discussions import lock_discussions_of
from comments.services.states import change_states
from moderation.actions import setting_changes
from moderation.models import Action, Sanction, SettingChange
from moderation.notifications import sanction_mails
from moderation.people.profiles import DOUBLE_CLICK, Person, find_person
from moderation.reports.reporting import appealed_against

MAIL_AFTER = timedelta(minutes=1)  # no mail is sent about a sanction that is undone within this time
REMOVAL_DAYS = (1, 7, 30, 365)  # a sanction can also remove the comments of one of these periods


def can_sanction(actor: User, person: Person) -> bool:
    """Return whether `actor` may impose and end sanctions on this person.

    Moderators may sanction everyone except themselves and staff. Administrators may sanction other staff. An
    account that the sanction would reach through a guest's e-mail counts as the person.
    """
    if not actor.is_moderator or not (person.user or person.guest):
        return False
    reached = person.user or _account_with_email_of(person.guest)
    return reached != actor and (actor.is_administrator or not (reached and reached.is_staff))


def _account_with_email_of(guest: Guest | None) -> User | None:
    """Return the account that a sanction on this guest would also apply to, as in active_sanctions."""
    if not (guest and guest.email):
        return None
    found = filter_by_email(User.objects.all(), [guest.email]).first()
    if found is None or guest.confirmed_at:
        return found
    return None if current_confirmed_emails().filter(user=found).exists() else found


def impose(
    *,
    person: Person,
    kind: str,
    reason: str,
    actor: User,
    message: str = "",
    until: datetime | None = None,
    days: int = 0,
) -> Action:
    """Impose a sanction of a Sanction.Kind on an account or a guest, as one action with one undo.

    With `days` it also removes the comments of the last so many days. `reason` is the code of a removal
    reason; with spam the comments are marked as spam. A double click returns the first action. The caller
    checks the permission with can_sanction.
    """
    now = timezone.now()
    to = State.SPAM if reason == Reason.SPAM else State.REJECTED
    action = Action(
        kind=Action.Kind.PERSON,
        actor=actor,
        at=now,
        reason=reason,
        parameters={"kind": kind, "person": person.key, "days": days},
    )
    with transaction.atomic():
        if first := _earlier_click(person, action, message, until):
            return first
        action.save(force_insert=True)
        # It is stored as ended and then activated, so that it is undone like any other setting.
        sanction = Sanction.objects.create(
            **person.as_fields,
            kind=kind,
            reason=reason,
            message=message,
            at=now,
            until=until,
            ended_at=now,
            action=action,
        )
        setting_changes.apply_changes(
            action=action, changes=[(SettingChange.Target.SANCTION, sanction.pk, "ended_at", None)]
        )
        if ids := _lock_removable(person, since=now - timedelta(days=days), actor=actor) if days else []:
            change_states(ids=ids, to=to, reason=reason, actor=actor, action_id=action.pk)
        notify_later(action)
    return action


def _earlier_click(person: Person, action: Action, message: str, until: datetime | None) -> Action | None:
    """Return the action that imposed the same sanction a moment ago and is still active.

    It locks the person, since a second click may arrive before the first is committed.
    """
    person.lock()
    same = Sanction.objects.active().filter(
        **person.as_fields,
        message=message,
        at__gt=action.at - DOUBLE_CLICK,
        action__actor=action.actor,
        action__reason=action.reason,
        action__parameters=action.parameters,
    )
    # The end of a warning depends on the time of the click.
    if action.parameters["kind"] != Sanction.Kind.WARN:
        same = same.filter(until=until)
    found = same.select_related("action").first()
    return found.action if found else None


def sanction_undo_refusal(action: Action, actor: User | None) -> str:
    """Return the reason for which `actor` may not undo this sanction, or its undo; empty if they may."""
    root = action.root
    if root.kind != Action.Kind.PERSON or actor is None:
        return ""
    person = find_person(root.parameters["person"])
    if person is None or can_sanction(actor, person):
        return ""
    if person.user == actor:
        return _("You can’t end a sanction on yourself.")
    return _("Only administrators can impose and end sanctions on moderators and editors.")


def _removable(person: Person) -> Any:
    return person.comments().filter(state__in=[State.PUBLISHED, State.PENDING])


def _lock_removable(person: Person, *, since: datetime, actor: User) -> list[int]:
    """Lock the discussions and return the person's comments to remove.

    They are read again under the lock, so that a comment that a colleague removed meanwhile is left as it is.
    Comments with an appeal that a colleague should answer are left as they are, too.
    """
    written = _removable(person).filter(created_at__gt=since)
    ids = list(written.values_list("pk", flat=True))
    lock_discussions_of(ids)
    appealed = appealed_against(actor, ids)
    return [pk for pk in written.filter(pk__in=ids).values_list("pk", flat=True) if pk not in appealed]


def counts_to_remove(person: Person, now: datetime) -> dict[int, int]:
    """Return the number of comments that "Also remove" would remove, by number of days."""
    counts = {
        f"d{days}": Count("pk", filter=Q(created_at__gt=now - timedelta(days=days))) for days in REMOVAL_DAYS
    }
    found = _removable(person).order_by().aggregate(**counts)
    return {days: found[f"d{days}"] for days in REMOVAL_DAYS}


def end(*, sanction: Sanction, actor: User) -> Action | None:
    """End an active sanction. Returns None if it is not active any more."""
    now = timezone.now()
    with transaction.atomic():
        # Without the lock, the second of two moderators who end it at once would move its end.
        if not Sanction.objects.active().select_for_update(no_key=True).filter(pk=sanction.pk).first():
            return None
        action = Action.objects.create(
            kind=Action.Kind.PERSON,
            actor=actor,
            at=now,
            reason=sanction.reason,
            parameters={"kind": sanction.kind, "person": sanction.person_key, "ends": sanction.pk},
        )
        setting_changes.apply_changes(
            action=action, changes=[(SettingChange.Target.SANCTION, sanction.pk, "ended_at", now)]
        )
        notify_later(action)
    return action


def appeal(*, sanction: Sanction, text: str) -> bool:
    """Record the person's appeal, which is possible once. Sending it twice changes nothing.

    Returns False if they appealed before, or it is over.
    """
    rows = Sanction.objects.active().filter(pk=sanction.pk)
    if rows.filter(appealed_at=None).update(appealed_at=timezone.now(), appeal_text=text):
        return True
    return rows.filter(appeal_text=text, answered_at=None).exists()


def uphold(*, sanction: Sanction) -> bool:
    """Uphold a sanction after an appeal. Returns False if there is no open appeal or the sanction is over."""
    rows = open_appeals().filter(pk=sanction.pk).order_by()
    with transaction.atomic():
        done = bool(rows.update(answered_at=timezone.now()))
        if done:
            notify_sanction_upheld.enqueue(sanction.pk)
    return done


def can_uphold(actor: User, sanction: Sanction) -> bool:
    """Return whether `actor` may uphold it: not if they imposed it and a colleague can answer the appeal."""
    return not Sanction.objects.filter(_left_to_colleagues(actor), pk=sanction.pk).exists()


def _left_to_colleagues(actor: User) -> Q:
    """Return a condition for sanctions that `actor` imposed and a colleague could review."""

    def has_colleague(deciders: Any) -> Exists:
        return Exists(deciders.active().exclude(pk=actor.pk).exclude(pk=Coalesce(OuterRef("user"), 0)))

    reviewable = Q(_is_on_staff(), has_colleague(User.objects.administrators()))
    reviewable |= Q(~_is_on_staff(), has_colleague(User.objects.moderators()))
    return Q(reviewable, action__actor=actor)


def _is_on_staff() -> Exists:
    """Return a condition for sanctions on a member of staff."""
    return Exists(User.objects.staff().filter(pk=OuterRef("user")))


def open_appeals() -> Any:
    """Return the active sanctions with an open appeal, the earliest appeal first."""
    rows = Sanction.objects.active().filter(answered_at=None).exclude(appealed_at=None)
    return rows.select_related("user", "guest", "action__actor").order_by("appealed_at")


def appeals_to_answer(actor: User) -> Any:
    """Return the open appeals that this moderator may answer, by can_sanction and can_uphold."""
    rows = open_appeals().exclude(_left_to_colleagues(actor)).exclude(user=actor)
    if actor.is_administrator:
        return rows
    return rows.exclude(_is_on_staff())


def notify_later(action: Action) -> None:
    """Queue the mails to the people whose sanctions an action, or its undo, imposed or ended."""
    targets = action.changes.filter(target=SettingChange.Target.SANCTION)
    for pk in targets.values_list("target_id", flat=True):
        notify_of_sanction.using(run_after=timezone.now() + MAIL_AFTER).enqueue(pk)


@task()
def notify_of_sanction(pk: int) -> int:
    """Mail the person that a sanction was imposed or ended, unless the last mail already said so.

    Returns the number of mails: 0 without a confirmed e-mail.
    """
    if not (sanction := _with_confirmed_email(pk)):
        return 0
    is_active, notified, end_notified = sanction.is_active, sanction.notified_at, sanction.end_notified_at
    knows_of_it = notified is not None and (end_notified is None or end_notified < notified)
    if is_active == knows_of_it:
        return 0
    if sanction.is_expired:
        return 0  # it expired, and the first mail named that time
    before = {"notified_at": notified, "end_notified_at": end_notified}
    after = {"notified_at" if is_active else "end_notified_at": timezone.now()}
    # Claimed and committed before the mail is sent, so that nobody who ends it waits for the mail server.
    if not Sanction.objects.filter(pk=pk, ended_at=sanction.ended_at, **before).update(**after):
        return 0  # another job sends the mail
    try:
        ended = "accepted" if sanction.is_appeal_accepted else "ended"
        return sanction_mails.compose(sanction, "imposed" if is_active else ended).send()
    except Exception:
        Sanction.objects.filter(pk=pk, **after).update(**before)
        raise


@task()
def notify_sanction_upheld(pk: int) -> int:
    """Mail the person that the sanction was upheld after their appeal. Returns the number of mails."""
    sanction = _with_confirmed_email(pk)
    return sanction_mails.compose(sanction, "upheld").send() if sanction and sanction.is_active else 0


def _with_confirmed_email(pk: int) -> Sanction | None:
    """Return the sanction, if the person's e-mail is confirmed."""
    return Sanction.objects.filter(confirmed_email_condition(), pk=pk).select_related("user", "guest").first()


def all_sanctions_of(person: Person) -> Any:
    """Return every sanction that was ever imposed on this person, the latest first."""
    if person.comment:
        return Sanction.objects.none()
    rows = Sanction.objects.filter(user=person.user, guest=person.guest)
    return rows.select_related("action__actor").order_by("-at", "-pk")


def latest_active(limit: int) -> Any:
    """Return up to `limit` active sanctions, the latest first."""
    rows = Sanction.objects.active().select_related("user", "guest", "action__actor")
    return rows.order_by("-at", "-pk")[:limit]
