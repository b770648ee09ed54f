"""Contents of the file of personal data: what the site stores about one person, in sections of records.

Records are read in chunks, so a person with many comments takes no more memory. The page "My data" says what
is left out: what others wrote about the person for their colleagues (moderators' notes), who reported a
comment, passwords and keys, and records of a technical kind that are deleted within days.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import RoleChange, SignUp, UndeliverableEmail, User
from accounts.services import sessions_of
from articles.models import Author, Autosave, EditorNote, Image, Revision
from comments import removal_reasons
from comments.models import (
    REMOVED,
    Comment,
    CommentClaim,
    CommentRevision,
    Follow,
    Mute,
    Recommendation,
    State,
    Visit,
)
from moderation.models import Appeal, Batch, IllegalContentReport, RemovalRequest, Report, Sanction
from moderation.notifications.decision_kinds import Kind
from moderation.notifications.notices import outcome, render_notices
from moderation.people.active_sanctions import sanction_text
from moderation.people.data_subject import DataSubject

CHUNK = 500  # rows that are in memory at once

Record = dict[str, Any]  # values are text, numbers, times, True, False, None, or lists of records


@dataclass(frozen=True)
class Section:
    """A part of the file: `key` is its name in data.json, `labels` name the fields of its records."""

    key: str
    title: str
    labels: Mapping[str, str]
    records: Iterable[Record]


def read_sections(subject: DataSubject) -> Iterator[Section]:
    """Yield all sections, the person's own words first. Sections without records are included."""
    yield from _sections_of_the_person(subject)
    yield from _sections_of_comments(subject)
    yield from _sections_of_moderation(subject)
    if subject.user:
        yield from _sections_of_staff(subject.user)


def _sections_of_the_person(subject: DataSubject) -> Iterator[Section]:
    user = subject.user
    if user:
        yield Section(
            "account",
            _("Account"),
            {
                "number": _("Number"),
                "name": _("Name"),
                "email": _("E-mail"),
                "joined_at": _("Joined"),
                "last_login_at": _("Last log-in"),
                "has_public_page": _("Public page"),
                "roles": _("Roles"),
            },
            [
                {
                    "number": user.pk,
                    "name": user.name,
                    "email": user.email,
                    "joined_at": user.date_joined,
                    "last_login_at": user.last_login,
                    "has_public_page": user.has_page,
                    "roles": ", ".join(sorted(user.roles)),
                }
            ],
        )
        yield Section(
            "emails",
            _("E-mails of the account"),
            {"email": _("E-mail"), "is_confirmed": _("Confirmed"), "is_primary": _("Main e-mail")},
            _records(
                EmailAddress.objects.filter(user=user),
                lambda row: {
                    "email": row.email,
                    "is_confirmed": row.verified,
                    "is_primary": row.primary,
                },
            ),
        )
        yield Section(
            "role_changes",
            _("Changes of roles"),
            {"role": _("Role"), "is_granted": _("Given"), "at": _("Time")},
            _records(
                RoleChange.objects.filter(user=user).select_related("role"),
                lambda row: {"role": row.role.name, "is_granted": row.is_granted, "at": row.at},
            ),
        )
        yield Section(
            "sign_ups",
            _("Sign-ups that are not confirmed"),
            {"name": _("Name"), "email": _("E-mail"), "at": _("Time")},
            _records(
                subject.rows_by_email(SignUp.objects.all()),
                lambda row: {"name": row.name, "email": row.email, "at": row.created_at},
            ),
        )
        yield Section("sessions", _("Log-ins"), {"ends_at": _("Ends")}, _read_sessions(user))
        yield from _sections_of_log_ins(user)
    yield Section(
        "guests",
        _("Names that you signed with as a guest"),
        {
            "name": _("Name"),
            "email": _("E-mail"),
            "first_seen_at": _("First seen"),
            "confirmed_at": _("E-mail confirmed"),
        },
        [
            {
                "name": guest.name,
                "email": guest.email,
                "first_seen_at": guest.created_at,
                "confirmed_at": guest.confirmed_at,
            }
            for guest in subject.guests
        ],
    )
    yield Section(
        "undeliverable_emails",
        _("E-mails to which we send no news, because their mail server rejected a mail"),
        {"email": _("E-mail"), "answer": _("Answer of the mail server"), "at": _("Time")},
        _records(
            UndeliverableEmail.objects.filter(email__in=subject.emails),
            lambda row: {"email": row.email, "answer": row.answer, "at": row.at},
        ),
    )


def _sections_of_log_ins(user: User) -> Iterator[Section]:
    """Yield devices, second factors and connected services. Their keys are secrets, and left out."""
    yield Section(
        "devices",
        _("Devices"),
        {
            "browser": _("Browser"),
            "ip_address": _("IP address"),
            "at": _("Log-in"),
        },
        _records(
            UserSession.objects.filter(user=user),
            lambda row: {
                "browser": row.user_agent,
                "ip_address": row.ip,
                "at": row.created_at,
            },
        ),
    )
    yield Section(
        "second_factors",
        _("Second factors"),
        {"kind": _("Kind"), "name": _("Name"), "added_at": _("Added"), "last_used_at": _("Last used")},
        _records(
            Authenticator.objects.filter(user=user),
            lambda row: {
                "kind": row.get_type_display(),
                "name": row.data.get("name", ""),  # of a passkey or security key
                "added_at": row.created_at,
                "last_used_at": row.last_used_at,
            },
        ),
    )
    yield Section(
        "connected_services",
        _("Other services by which you log in"),
        {"service": _("Service"), "number": _("Your number there"), "at": _("Connected")},
        _records(
            SocialAccount.objects.filter(user=user),
            lambda row: {"service": row.provider, "number": row.uid, "at": row.date_joined},
        ),
    )


def _sections_of_comments(subject: DataSubject) -> Iterator[Section]:
    yield Section(
        "comments",
        _("Comments"),
        {
            "number": _("Number"),
            "url": _("URL"),
            "story": _("Story"),
            "replies_to": _("Replies to comment"),
            "name": _("Name"),
            "email": _("E-mail"),
            "posted_at": _("Posted"),
            "edited_at": _("Edited"),
            "state": _("State"),
            "reason": _("Reason"),
            "decision": _("Decision"),
            "is_pick": _("Editor’s pick"),
            "recommendations": _("Recommendations"),
            "ip_address_hash": _("Hash of the IP address"),
            "text": _("Text"),
            "earlier_texts": _("Earlier texts"),
            "replaced_at": _("Replaced"),
        },
        _read_comments(subject),
    )
    if subject.user:
        yield Section(
            "claims",
            _("Comments of a guest that you made yours"),
            {"url": _("URL"), "at": _("Time")},
            _records(
                CommentClaim.objects.filter(user=subject.user).select_related("comment__discussion__article"),
                lambda row: {"url": _url(row.comment), "at": row.at},
            ),
        )
    yield Section(
        "recommendations",
        _("Comments that you recommended"),
        {"url": _("URL"), "is_withdrawn": _("Withdrawn"), "at": _("Time")},
        _records(
            Recommendation.objects.filter(subject.is_in()).select_related("comment__discussion__article"),
            lambda row: {"url": _url(row.comment), "is_withdrawn": not row.given, "at": row.at},
        ),
    )

    yield Section(
        "follows",
        _("What you follow"),
        {"what": _("News"), "of": _("Of"), "notification": _("Notification"), "since": _("Since")},
        _records(
            Follow.objects.filter(subject.is_in()).select_related("article", "topic"),
            lambda row: {
                "what": row.get_kind_display(),
                "of": row.topic.name if row.topic else row.article.title_for(None),
                "notification": row.get_delivery_display(),
                "since": row.created_at,
            },
        ),
    )
    if subject.user:
        yield Section(
            "mutes",
            _("People whom you muted"),
            {"name": _("Name"), "at": _("Time")},
            _records(
                Mute.objects.filter(user=subject.user).select_related(
                    "muted_user", "muted_guest", "muted_comment"
                ),
                lambda row: {"name": row.name, "at": row.at},
            ),
        )
        yield Section(
            "visits",
            _("Discussions that you opened"),
            {"of": _("Of"), "at": _("Last opened")},
            _records(
                Visit.objects.filter(user=subject.user).select_related("article"),
                lambda row: {"of": row.article.title_for(None), "at": row.at},
            ),
        )


def _sections_of_moderation(subject: DataSubject) -> Iterator[Section]:
    comment = "comment__discussion__article"
    yield Section(
        "reports",
        _("Reports that you sent"),
        {
            "url": _("URL"),
            "why": _("Reason"),
            "details": _("Details"),
            "at": _("Time"),
            "outcome": _("Outcome"),
        },
        _records(
            Report.objects.filter(subject.is_in()).select_related("case", comment),
            lambda row: {
                "url": _url(row.comment),
                "why": row.get_why_display(),
                "details": row.details,
                "at": row.at,
                "outcome": outcome(row.case, row.comment),
            },
        ),
    )
    yield Section(
        "illegal_content_reports",
        _("Reports of illegal content that you sent"),
        {
            "receipt": _("Receipt"),
            "url": _("URL"),
            "why": _("Why it is illegal"),
            "name": _("Name"),
            "email": _("E-mail"),
            "at": _("Time"),
            "outcome": _("Outcome"),
        },
        _records(
            subject.rows_by_email(IllegalContentReport.objects.select_related("case", comment)),
            lambda row: {
                "receipt": str(row.receipt),
                "url": _url(row.comment),
                "why": row.why,
                "name": row.name,
                "email": row.email,
                "at": row.at,
                "outcome": outcome(row.case, row.comment),
            },
        ),
    )
    yield Section(
        "appeals",
        _("Appeals about comments"),
        {
            "url": _("URL"),
            "is_edit": _("Edited and resubmitted"),
            "text": _("Text"),
            "at": _("Time"),
        },
        _records(
            Appeal.objects.filter(subject.is_in("comment__author", "comment__guest")).select_related(comment),
            lambda row: {
                "url": _url(row.comment),
                "is_edit": row.is_edit,
                "text": row.text,
                "at": row.at,
            },
        ),
    )
    yield Section(
        "removal_requests",
        _("Requests for removal or correction"),
        {
            "receipt": _("Receipt"),
            "story": _("Story"),
            "requested_action": _("Request"),
            "passage": _("Words or image"),
            "reason": _("Reason"),
            "role": _("Who you are"),
            "name": _("Name"),
            "email": _("E-mail"),
            "at": _("Time"),
            "outcome": _("Outcome"),
            "answer": _("Answer"),
        },
        _records(
            subject.rows_by_email(RemovalRequest.objects.all()),
            lambda row: {
                "receipt": str(row.receipt),
                "story": row.article_title,
                "requested_action": row.get_requested_action_display(),
                "passage": row.passage,
                "reason": row.reason,
                "role": row.get_role_display(),
                "name": row.name,
                "email": row.email,
                "at": row.at,
                "outcome": row.get_outcome_display(),
                "answer": row.answer,
            },
        ),
    )
    yield Section(
        "sanctions",
        _("Warnings, pauses and bans"),
        {
            "notice": _("Notice"),
            "at": _("Time"),
            "until": _("Until"),
            "ended_at": _("Ended"),
            "appealed_at": _("Appealed"),
            "appeal": _("Appeal"),
            "upheld_at": _("Upheld"),
        },
        _records(
            Sanction.objects.filter(subject.is_in()),
            lambda row: {
                "notice": sanction_text(row),
                "at": row.at,
                "until": row.until,
                "ended_at": row.ended_at,
                "appealed_at": row.appealed_at,
                "appeal": row.appeal_text,
                "upheld_at": row.answered_at,
            },
        ),
    )


def _sections_of_staff(user: User) -> Iterator[Section]:
    """Yield what only people who work on the site have."""
    yield Section(
        "author_page",
        _("Author page"),
        {"slug": _("URL slug"), "line": _("About")},
        _records(Author.objects.filter(user=user), lambda row: {"slug": row.slug, "line": row.line}),
    )
    reason_label = cache(removal_reasons.label)
    yield Section(
        "actions",
        _("Actions as a moderator or editor"),
        {"kind": _("Action"), "reason": _("Reason"), "at": _("Time")},
        _records(
            Batch.objects.filter(actor=user),
            lambda row: {
                "kind": row.get_kind_display(),
                "reason": reason_label(row.reason),
                "at": row.at,
            },
        ),
    )
    yield Section(
        "versions",
        _("Versions of stories and pages that you saved"),
        {"title": _("Title"), "number": _("Number"), "at": _("Time")},
        _records(
            Revision.objects.filter(by=user).defer("body"),
            lambda row: {"title": row.title, "number": row.number, "at": row.at},
        ),
    )
    yield Section(
        "unsaved_texts",
        _("Unsaved texts"),
        {"title": _("Title"), "text": _("Text"), "at": _("Time")},
        _records(
            Autosave.objects.of(user),
            lambda row: {"title": row.title, "text": "".join(row.typed.get("body", [])), "at": row.at},
        ),
    )
    yield Section(
        "editor_notes",
        _("Notes to other editors"),
        {"text": _("Text"), "at": _("Time")},
        _records(EditorNote.objects.filter(by=user), lambda row: {"text": row.body, "at": row.at}),
    )
    yield Section(
        "images",
        _("Images that you uploaded"),
        {"file": _("File"), "at": _("Time")},
        _records(
            Image.objects.filter(uploaded_by=user), lambda row: {"file": row.filename, "at": row.uploaded_at}
        ),
    )


def _read_comments(subject: DataSubject) -> Iterator[Record]:
    rows = subject.comments().select_related("discussion__article", "author", "guest", "origin")
    rows = rows.defer("discussion__article__body", "discussion__article__body_html")
    reason_label = cache(removal_reasons.label)  # each call queries the site
    for comments in _chunks(rows):
        notices = render_notices([row for row in comments if row.state in {State.PENDING, *REMOVED}])
        earlier: dict[int, list[Record]] = defaultdict(list)
        # Of a redacted comment the earlier texts have the words that a moderator removed.
        shown = [comment.pk for comment in comments if not comment.is_redacted]
        revisions = CommentRevision.objects.filter(comment__in=shown, is_redacted=False)
        for revision in revisions.order_by("comment", "revision"):
            earlier[revision.comment_id].append({"text": revision.body, "replaced_at": revision.replaced_at})
        for comment in comments:
            notice = notices.get(comment.pk)
            origin = getattr(comment, "origin", None)
            yield {
                "number": comment.pk,
                "url": _url(comment),
                "story": comment.discussion.article.title_for(None),
                "replies_to": comment.in_reply_to_id or comment.parent_id,
                "name": comment.author_name,
                "email": comment.author_email,
                "posted_at": comment.created_at,
                "edited_at": comment.edited_at,
                "state": comment.state_label,
                "reason": reason_label(comment.state_reason),
                "decision": " ".join([notice.title + ".", *notice.sentences])
                if notice and notice.kind != Kind.NONE
                else "",
                "is_pick": comment.is_pick,
                "recommendations": comment.recommend_count,
                "ip_address_hash": bytes(origin.ip_hash).hex() if origin else "",
                "address_block_hash": bytes(origin.block_hash or b"").hex() if origin else "",
                "text": comment.body,
                "earlier_texts": earlier[comment.pk],
            }


def _read_sessions(user: User) -> Iterator[Record]:
    for session in sessions_of(user):
        yield {"ends_at": session.expire_date}


def _records(rows: QuerySet[Any], to_record: Callable[[Any], Record]) -> Iterator[Record]:
    for chunk in _chunks(rows):
        for row in chunk:
            yield to_record(row)


def _chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield the rows by key, CHUNK at once, each in a statement of its own: no transaction stays open."""
    rows = rows.order_by("pk")
    found: list[Any] = list(rows[:CHUNK])
    while found:
        yield found
        found = list(rows.filter(Q(pk__gt=found[-1].pk))[:CHUNK])


def _url(comment: Comment) -> str:
    return settings.SITE_URL + comment.get_absolute_url()
