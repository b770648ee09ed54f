"""Reports, appeals, requests and sanctions."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from archive.personal_data.contents.sections import Section, comment_url, records
from moderation.models import Appeal, IllegalContentReport, RemovalRequest, Report, Sanction
from moderation.notifications.notices import report_outcome
from moderation.people.active_sanctions import sanction_text
from moderation.people.data_subject import DataSubject

STORY = "comment__discussion__article"


def sections_of_reports(subject: DataSubject) -> Iterator[Section]:
    """Yield the reports that the person sent."""
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
        records(
            Report.objects.filter(subject.is_in()).select_related("case", STORY),
            lambda row: {
                "url": comment_url(row.comment),
                "why": row.get_why_display(),
                "details": row.details,
                "at": row.at,
                "outcome": report_outcome(row.case, row.comment),
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
        records(
            subject.rows_by_email(IllegalContentReport.objects.select_related("case", STORY)),
            lambda row: {
                "receipt": str(row.receipt),
                "url": comment_url(row.comment),
                "why": row.why,
                "name": row.name,
                "email": row.email,
                "at": row.at,
                "outcome": report_outcome(row.case, row.comment),
            },
        ),
    )


def sections_of_requests(subject: DataSubject) -> Iterator[Section]:
    """Yield appeals, and requests for removal or correction."""
    yield Section(
        "appeals",
        _("Appeals about comments"),
        {
            "url": _("URL"),
            "is_edit": _("Edited and resubmitted"),
            "text": _("Text"),
            "at": _("Time"),
        },
        records(
            Appeal.objects.filter(subject.is_in("comment__author", "comment__guest")).select_related(STORY),
            lambda row: {
                "url": comment_url(row.comment),
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
        records(
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


def sections_of_sanctions(subject: DataSubject) -> Iterator[Section]:
    """Yield warnings, pauses and bans."""
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
        records(
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
