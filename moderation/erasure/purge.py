"""Permanent deletion of the texts of comments, from a list that an administrator makes and reviews first.

Only comments on the stored list are deleted. A comment that becomes spam later is not on it. One that was
decided on or restricted in the meantime is skipped and reported. Rows, states, counts and the audit log
stay, so no number that readers see changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import BigIntegerField, Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import erase_account, erase_guest
from articles.editing.cleanup import delete_autosaves_and_presence
from articles.services import erase_author
from comments.models import LAST_TRANSITION_ID, Comment, CommentDraft, Follow, Mute, Reason, State, Visit
from comments.services.discussions import lock_discussions_of
from comments.services.text_changes import erase_comments, erase_names, stored_deleted_name
from core.database.sql import execute, fetch_column
from moderation.actions import cases
from moderation.erasure import emails, written_mails
from moderation.models import (
    Action,
    Appeal,
    CommentGroup,
    CommentGroupMember,
    DecisionMessage,
    ModeratorNote,
    Origin,
    Report,
    Restriction,
    Sanction,
)
from moderation.people.data_subject import DataSubject
from moderation.people.profiles import Person

SPAM_RETENTION = timedelta(days=90)  # after which a job deletes the texts of spam
MAX_COMMENTS_OF_JOB = 10_000  # comments that the job deletes in one transaction
MAX_PURGE_LIST_SIZE = 50_000  # comments on one list of an administrator

# The age of a comment counts from its last decision. The list leaves out comments of an undone import, which
# may be imported again, restricted comments, on which an administrator decides one by one, and comments with
# an open case, whose text a moderator still has to read.
LIST_MEMBERS = f"""
INSERT INTO moderation_commentgroupmember (group_id, comment_id, similarity, clues, last_transition_id)
SELECT %(group)s, c.id, 1, 0, last.id
FROM comments_comment c CROSS JOIN LATERAL (
  SELECT t.id, t.at FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1) last
WHERE c.state = ANY(%(states)s) AND c.erased_at IS NULL AND last.at < %(before)s
  AND c.state_reason NOT IN ('{Reason.RESTRICTED}', '{Reason.IMPORT_UNDONE}')
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
ORDER BY c.id LIMIT %(limit)s"""

UNCHANGED_MEMBERS = f"""
SELECT m.comment_id FROM moderation_commentgroupmember m JOIN comments_comment c ON c.id = m.comment_id
WHERE m.group_id = %(group)s AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
  AND m.last_transition_id = {LAST_TRANSITION_ID}
ORDER BY m.comment_id"""


@dataclass(frozen=True)
class PurgeResult:
    """The result of a purge. There is no action if the list was purged before or all of it had changed."""

    action: Action | None
    purged: int = 0
    skipped: list[int] = field(default_factory=list)  # comments that were not deleted


def make_list(
    *, states: Sequence[str], days: int, actor: User | None, limit: int | None = None
) -> CommentGroup | None:
    """Store a list of the comments that have been in one of these states for at least `days`.

    `limit`: the maximum number of comments (default MAX_PURGE_LIST_SIZE); the earliest are listed. Returns
    None if there are none.
    """
    group = CommentGroup(
        kind=CommentGroup.Kind.PURGE,
        scan_id=uuid4(),
        size=0,
        details={"states": [str(state) for state in states], "days": days, "by": actor and actor.pk},
    )
    values: dict[str, Any] = {
        "group": group.pk,
        "states": [str(state) for state in states],
        "before": group.made_at - timedelta(days=days),
        "limit": limit or MAX_PURGE_LIST_SIZE,
    }
    with transaction.atomic():
        group.save(force_insert=True)
        group.size = execute(LIST_MEMBERS, values)
        if not group.size:
            transaction.set_rollback(True)
            return None
        group.save(update_fields=["size"])
    return group


def unchanged_members(group: CommentGroup) -> list[int]:
    """Return the members without a new transition or an open case since the list was made."""
    return fetch_column(UNCHANGED_MEMBERS, {"group": group.pk})


def purge_list(*, group: CommentGroup, actor: User | None) -> PurgeResult:
    """Delete the texts of the comments on a list permanently, in one transaction.

    Comments that changed since the list was made are skipped. Their related data is deleted as well
    (`erase_related_data`).
    """
    action = Action(kind=Action.Kind.PURGE, actor=actor, parameters={"group": str(group.pk)})
    with transaction.atomic():
        locked = CommentGroup.objects.select_for_update().get(pk=group.pk)
        if locked.resolved_at:
            return PurgeResult(None)
        members = list(
            CommentGroupMember.objects.filter(group=group)
            .order_by("comment")
            .values_list("comment", flat=True)
        )
        lock_discussions_of(members)
        erased = erase_comments(ids=unchanged_members(group), at=action.at)
        erase_related_data(erased)
        skipped = sorted(set(members) - set(erased))
        action.parameters["erased"] = len(erased)
        if erased:
            action.save(force_insert=True)
        result = locked.details | {"erased": len(erased), "left": skipped}
        done = action if erased else None
        rows = CommentGroup.objects.filter(pk=group.pk)
        rows.update(resolved_at=action.at, resolved_by=actor, action=done, details=result)
    return PurgeResult(done, len(erased), skipped)


def erase_related_data(comments: Sequence[int]) -> None:
    """Delete notes, messages and IP address hashes of these comments, and the texts of reports and appeals.

    Open cases are closed, as nothing is left to decide on. Reports of illegal content are kept, since the law
    requires a record of them.
    """
    cases.close_cases(comments, closing_action_id=uuid4())
    Origin.objects.filter(comment__in=comments).delete()
    ModeratorNote.objects.filter(comment__in=comments).delete()
    DecisionMessage.objects.filter(comment__in=comments).delete()
    Report.objects.filter(comment__in=comments).exclude(details="").update(details="")
    Appeal.objects.filter(comment__in=comments).exclude(text="").update(text="")


def erase_person(*, person: Person, actor: User | None) -> None:
    """Delete the name and e-mail of an account or a guest permanently, also in comments and restrictions.

    Their follows, visits, drafts and mutes, mutes of them, notes on them, and the texts of their sanctions,
    appeals and reports are deleted as well. The texts of comments stay, and so does all data about a comment
    with a legal hold, until the hold ends (erase_restricted_data). Without an actor, the person asked for it
    or it is repeated after a restore, and no note about it is added.
    """
    fields = person.as_fields
    with transaction.atomic():
        named = person.comments().not_erased_or_restricted()
        named = named.exclude(author_name=stored_deleted_name(), author_email="")
        ids = list(named.values_list("pk", flat=True))
        lock_discussions_of(ids)
        erase_names(ids)
        without_hold = person.comments().exclude(pk__in=_with_legal_hold()).values("pk")
        Origin.objects.filter(comment__in=without_hold).delete()
        emails.erase_confirmed_emails(DataSubject.for_erasure(person))
        about_them = _all_emails(person)
        emails.erase_technical_records(about_them)
        if not person.is_erased:
            about_them.add(person.name)
        transaction.on_commit(partial(written_mails.delete_mails_about, about_them))
        if person.user:
            delete_autosaves_and_presence(user=person.user)
            erase_account(user=person.user)
            erase_author(user=person.user)
            Visit.objects.filter(user=person.user).delete()
            CommentDraft.objects.filter(user=person.user).delete()
            Mute.objects.filter(Q(user=person.user) | Q(muted_user=person.user)).delete()
        elif person.guest:
            erase_guest(guest=person.guest)
            Mute.objects.filter(muted_guest=person.guest).delete()
        restrictions = Restriction.objects.filter(
            lifted_at=None, is_legal_hold=False, comment__in=person.comments().values("pk")
        )
        restrictions.update(author_name="", author_email="")
        Follow.objects.filter(**fields).delete()
        ModeratorNote.objects.filter(Q(**fields) | Q(comment__in=without_hold)).delete()
        DecisionMessage.objects.filter(comment__in=without_hold).delete()
        Appeal.objects.filter(comment__in=without_hold).exclude(text="").update(text="")
        reports = Report.objects.filter(**fields)
        reports.exclude(comment__in=_with_legal_hold()).exclude(details="").update(details="")
        Sanction.objects.filter(**fields).update(message="", appeal_text="")
        if actor:
            text = _("Name and e-mail were deleted as a child’s personal data.")
            ModeratorNote.objects.create(text=text, by=actor, **fields)


def _all_emails(person: Person) -> set[str]:
    """Return the e-mails of an account or a guest, also unconfirmed ones."""
    if person.user:
        addresses = EmailAddress.objects.filter(user=person.user).values_list("email", flat=True)
        return {person.user.email, *addresses}
    return {person.email} - {""}


def erase_old_spam() -> int:
    """Delete the texts of old spam, as a job, with a list for each part. Returns the number of comments."""
    erased = 0
    while group := make_list(
        states=[State.SPAM], days=SPAM_RETENTION.days, actor=None, limit=MAX_COMMENTS_OF_JOB
    ):
        result = purge_list(group=group, actor=None)
        erased += result.purged
        if not result.purged:
            break
    return erased


def delete_unused_groups() -> int:
    """Delete lists of a purge, a rule or a queue that were not used for a month, as a job.

    Returns their number.
    """
    month_ago = timezone.now() - timedelta(days=30)
    lists = CommentGroup.objects.filter(kind__in=CommentGroup.LISTS)
    old = lists.filter(resolved_at=None, made_at__lt=month_ago)
    return old.delete()[1].get("moderation.CommentGroup", 0)


def erase_restricted_data() -> int:
    """Delete unconfirmed e-mails from restrictions, and everything about erased people, as a job.

    A legal hold prevents both. When it ends, this does what the erasure of a person had to leave. Returns the
    number of rows that changed or were deleted.
    """
    restrictions = Restriction.objects.filter(lifted_at=None, is_legal_hold=False)
    without_email = restrictions.filter(comment__guest__email="").exclude(author_email="")
    changed = without_email.update(author_email="")
    by_erased = Q(comment__author__name="") | Q(comment__guest__name="")
    named = restrictions.filter(by_erased).exclude(author_name="", author_email="")
    changed += named.update(author_name="", author_email="")
    appeals = Appeal.objects.filter(by_erased).exclude(text="")
    changed += appeals.exclude(comment__in=_with_legal_hold()).update(text="")
    for rows, written_at in (
        (ModeratorNote.objects.filter(by_erased), "at"),
        (DecisionMessage.objects.filter(by_erased), "action__at"),
    ):
        changed += rows.filter(_hold_has_ended_since(written_at)).delete()[0]
    origins = Origin.objects.filter(by_erased).exclude(comment__in=_with_legal_hold())
    changed += origins.delete()[0]
    reports = Report.objects.filter(Q(user__name="") | Q(guest__name="")).exclude(details="")
    return changed + reports.exclude(comment__in=_with_legal_hold()).update(details="")


def _hold_has_ended_since(written_at: str) -> Q:
    """Return the condition that a legal hold on the comment of a row ended after the row was written.

    Notes and messages that colleagues write at any other time, such as after the erasure, stay.
    """
    ended = (
        Action.objects.filter(
            kind=Action.Kind.RESTRICTION, parameters__is_legal_hold=False, at__gt=OuterRef(written_at)
        )
        .annotate(held=Cast(KeyTextTransform("comment", "parameters"), BigIntegerField()))
        .filter(held=OuterRef("comment"))
    )
    lifted = Restriction.objects.filter(
        comment=OuterRef("comment"), is_legal_hold=True, lifted_at__gt=OuterRef(written_at)
    )
    return (Q(Exists(ended)) | Q(Exists(lifted))) & ~Q(comment__in=_with_legal_hold())


def _with_legal_hold() -> QuerySet[Restriction, Any]:
    return Restriction.objects.filter(lifted_at=None, is_legal_hold=True).values("comment")


@dataclass(frozen=True)
class PurgeListSummary:
    """The summary of a list, to review it before the purge."""

    by_reason: list[tuple[str, str, int]]  # state, reason, number of comments
    by_discussion: list[tuple[str, int]]  # title of the story, number of comments; the largest first
    more_discussions: int
    oldest: datetime | None
    newest: datetime | None
    sample: list[Comment]  # from its start, its middle and its end
    changed: list[int]  # ids of comments that changed since, and will not be deleted


MAX_DISCUSSIONS = 10  # in a summary
SAMPLE_SIZE = 9


def summarize(group: CommentGroup) -> PurgeListSummary:
    """Return the summary of a list, in six statements for any length."""
    members = CommentGroupMember.objects.filter(group=group)
    reasons = list(
        members.values_list("comment__state", "comment__state_reason")
        .annotate(count=Count("pk"), oldest=Min("comment__created_at"), newest=Max("comment__created_at"))
        .order_by("-count", "comment__state", "comment__state_reason")
    )
    discussions = members.aggregate(count=Count("comment__discussion", distinct=True))["count"]
    stories = (
        members.values_list("comment__discussion__article__title", "comment__discussion")
        .annotate(count=Count("pk"))
        .order_by("-count", "comment__discussion")
    )
    ids = list(members.order_by("comment").values_list("comment", flat=True))
    intervals = min(len(ids), SAMPLE_SIZE) - 1
    sample = {ids[(len(ids) - 1) * step // max(1, intervals)] for step in range(intervals + 1)}
    return PurgeListSummary(
        by_reason=[(state, reason, count) for state, reason, count, *_times in reasons],
        by_discussion=[(title, count) for title, _pk, count in stories[:MAX_DISCUSSIONS]],
        more_discussions=max(0, discussions - MAX_DISCUSSIONS),
        oldest=min((row[3] for row in reasons), default=None),
        newest=max((row[4] for row in reasons), default=None),
        sample=list(Comment.objects.filter(pk__in=sample).with_story().defer("body").order_by("pk")),
        changed=[] if group.resolved_at else sorted(set(ids) - set(unchanged_members(group))),
    )
