"""Erasure of an account or a guest at the wish of the person, who chooses what happens to the comments.

The account or the guest is disabled and their newsletters end at once. A job then goes through the comments
in batches, each of which is a separate transaction, and at last deletes the name and the e-mail. It may be
stopped at any moment and run again. A comment that was reported as illegal keeps its text until a moderator
has decided on it, and a restricted one until an administrator lifts the restriction; a scheduled job deletes
it then.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django_tasks import task

from accounts.administrators import lock_administrators
from accounts.models import User
from accounts.services import disable_account, disable_guest
from articles.newsletter.subscriptions import unsubscribe
from articles.site.languages import in_site_language
from comments.models import Comment, Reason, State
from comments.services.discussions import lock_discussions_of
from comments.services.states import change_states
from comments.services.text_changes import erase_comments, erase_names, stored_deleted_name
from core import erasure_log, stored_jobs
from core.erasure_log import Erasure
from moderation.erasure import purge
from moderation.models import AccountErasure, Case
from moderation.people.data_subject import DataSubject
from moderation.people.profiles import Person

BATCH_SIZE = 200  # comments in one transaction
RUN_SECONDS = 20  # after which other jobs, such as mails, have their turn
# `reason` of a line of the erasure log: the texts of all comments are deleted as well.
WITH_COMMENTS = "comments"
SOLE_ADMINISTRATOR = gettext_lazy(
    "You are the only administrator, so your account can’t be erased. Make somebody else an administrator "
    "first."
)


def is_sole_administrator(user: User | None) -> bool:
    """Return whether the site would have no administrator without this account."""
    if user is None or not user.is_administrator:
        return False
    return not User.objects.administrators().active().exclude(pk=user.pk).exists()


def start(*, person: Person, deletes_comments: bool) -> bool:
    """Disable an account or a guest and the guests with the same e-mail, and queue their erasure.

    A request to delete the comments replaces an unfinished one that keeps them. Returns False for the sole
    administrator, for whom nothing changes.
    """
    with transaction.atomic():
        # If two administrators leave at the same moment, the second one stays.
        lock_administrators()
        person.lock()
        if is_sole_administrator(person.user):
            return False
        subject = DataSubject.for_erasure(person)
        unsubscribe(subject.emails)
        if person.user:
            disable_account(user=person.user)
        for guest in subject.guests:
            disable_guest(guest=guest)
        people = [Person(user=person.user)] if person.user else []
        people += [Person(guest=guest) for guest in subject.guests]
        for person_to_erase in people:
            erasure, is_new = AccountErasure.objects.get_or_create(
                **person_to_erase.as_fields, defaults={"deletes_comments": deletes_comments}
            )
            # Somebody who kept their comments may still wish to delete them, but not the other way round.
            keeping_comments = AccountErasure.objects.filter(
                pk=erasure.pk, finished_at=None, deletes_comments=False
            )
            if is_new or (deletes_comments and keeping_comments.update(deletes_comments=True)):
                erasure_log.append_on_commit([_log_entry(person_to_erase, deletes_comments=deletes_comments)])
                erase.enqueue(erasure.pk)
    return True


@task(priority=-10)
@in_site_language()
def erase(pk: int) -> bool:
    """Erase a person for RUN_SECONDS, and queue the rest. Return whether it is finished."""
    erasure = AccountErasure.objects.filter(pk=pk, finished_at=None).select_related("user", "guest").first()
    if erasure is None:
        return True
    person = Person(user=erasure.user, guest=erasure.guest)
    deadline = time.monotonic() + RUN_SECONDS
    while ids := _next_batch(erasure, person):
        if erasure.deletes_comments:
            _delete(ids, erasure.user)
        else:
            _erase_names(ids)
        if time.monotonic() > deadline:
            erase.enqueue(pk)
            return False
    if not person.is_erased:
        purge.erase_person(person=person, actor=None)
    if erasure.deletes_comments and _unerased_comments(person).exists():
        return False
    # Meanwhile the person may have asked to delete the comments, too. That request has its own job.
    finished = AccountErasure.objects.filter(pk=pk, deletes_comments=erasure.deletes_comments)
    return bool(finished.update(finished_at=timezone.now()))


def restart_erasures() -> int:
    """Queue unfinished erasures that have no waiting or running job, and return their number.

    The job was interrupted or has failed, or a comment had to wait for a decision that was taken since.
    """
    restarted = 0
    unfinished = AccountErasure.objects.filter(finished_at=None).select_related("user", "guest")
    for erasure in unfinished.order_by("pk"):
        if not stored_jobs.is_unfinished(erase, erasure.pk) and not _waits_for_decisions(erasure):
            stored_jobs.restart(erase, erasure.pk)
            restarted += 1
    return restarted


def _waits_for_decisions(erasure: AccountErasure) -> bool:
    """Return whether only comments are left on which a colleague has to decide."""
    person = Person(user=erasure.user, guest=erasure.guest)
    return person.is_erased and _unerased_comments(person).exists() and not _next_batch(erasure, person)


def _log_entry(person: Person, *, deletes_comments: bool) -> Erasure:
    reason = WITH_COMMENTS if deletes_comments else ""
    if person.user:
        return Erasure("account", person.user.pk, person.user.date_joined.isoformat(), reason=reason)
    assert person.guest
    return Erasure("guest", person.guest.pk, person.guest.created_at.isoformat(), reason=reason)


def _next_batch(erasure: AccountErasure, person: Person) -> list[int]:
    """Return the next comments that the job has to change."""
    rows = person.comments().not_erased_or_restricted()  # restricted ones are left to administrators
    if erasure.deletes_comments:
        rows = rows.exclude(pk__in=_reported_as_illegal(person))
    else:
        is_named = ~Q(author_name=stored_deleted_name()) | ~Q(author_email="")
        rows = rows.filter(is_named | Q(state=State.DELETED))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])


def _unerased_comments(person: Person) -> Any:
    """Return the comments of a person that are not erased yet, restricted ones included.

    A restriction may be lifted years later. The comment would be published again if nothing waited for it.
    """
    return person.comments().filter(erased_at=None)


def _reported_as_illegal(person: Person) -> Any:
    """Return the comments on which a moderator has to decide because of a report of illegal content."""
    return (
        Case.objects.open().filter(is_reported_illegal=True, comment__in=person.comments()).values("comment")
    )


@transaction.atomic
def _delete(ids: Sequence[int], actor: User | None) -> None:
    """Delete comments as their author, and then their texts. Answered ones leave a placeholder.

    Comments that a moderator had removed stay so. An appeal about one is withdrawn with its text.
    """
    lock_discussions_of(ids)
    # Somebody may have reported one just before the lock.
    reported = Case.objects.open().filter(is_reported_illegal=True, comment__in=ids)
    ids = sorted(set(ids).difference(reported.values_list("comment", flat=True)))
    not_removed = Comment.objects.filter(pk__in=ids, state__in=[State.PUBLISHED, State.PENDING])
    change_states(
        ids=list(not_removed.values_list("pk", flat=True)),
        to=State.DELETED,
        reason=Reason.AUTHOR,
        actor=actor,
    )
    purge.erase_related_data(erase_comments(ids=ids, at=timezone.now()))


@transaction.atomic
def _erase_names(ids: Sequence[int]) -> None:
    """Replace the name above comments. The texts of those that the person had deleted are deleted."""
    lock_discussions_of(ids)
    deleted = list(Comment.objects.filter(pk__in=ids, state=State.DELETED).values_list("pk", flat=True))
    purge.erase_related_data(erase_comments(ids=deleted, at=timezone.now()))
    erase_names(ids)
