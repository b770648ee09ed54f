"""What the site stores about a person's reports, appeals and requests, and their sanctions."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from archive.personal_data.contents.sections import Section, comment_url, make_section
from moderation.models import Appeal, IllegalContentReport, RemovalRequest, Report, Sanction
from moderation.notifications.notices import report_outcome
from moderation.people.active_sanctions import sanction_text
from moderation.people.data_subject import DataSubject

STORY = "comment__discussion__article"


def sections_of_reports(subject: DataSubject) -> Iterator[Section]:
    """Yield the reports that the person sent."""
    yield make_section(
        "reports",
        _("Reports that you sent"),
        Report.objects.filter(subject.condition()).select_related("case", STORY),
        {
            "number": (_("Number"), "comment_id"),
            "url": (_("URL"), lambda row: comment_url(row.comment)),
            "why": (_("Reason"), lambda row: row.get_why_display()),
            "details": (_("Details"), "details"),
            "at": (_("Time"), "at"),
            "outcome": (_("Outcome"), lambda row: report_outcome(row.case, row.comment)),
        },
    )
    yield make_section(
        "illegal_content_reports",
        _("Reports of illegal content that you sent"),
        subject.rows_by_email(IllegalContentReport.objects.select_related("case", STORY)),
        {
            "receipt": (_("Receipt"), lambda row: str(row.receipt)),
            "number": (_("Number"), "comment_id"),
            "url": (_("URL"), lambda row: comment_url(row.comment)),
            "why": (_("Why it is illegal"), "why"),
            "name": (_("Name"), "name"),
            "email": (_("E-mail"), "email"),
            "at": (_("Time"), "at"),
            "outcome": (_("Outcome"), lambda row: report_outcome(row.case, row.comment)),
        },
    )


def sections_of_requests(subject: DataSubject) -> Iterator[Section]:
    """Yield appeals, and requests for removal or correction."""
    yield make_section(
        "appeals",
        _("Appeals about comments"),
        Appeal.objects.filter(subject.condition("comment__author", "comment__guest")).select_related(STORY),
        {
            "number": (_("Number"), "comment_id"),
            "url": (_("URL"), lambda row: comment_url(row.comment)),
            "is_edit": (_("Edited and resubmitted"), "is_edit"),
            "text": (_("Text"), "text"),
            "at": (_("Time"), "at"),
        },
    )
    yield make_section(
        "removal_requests",
        _("Requests for removal or correction"),
        subject.rows_by_email(RemovalRequest.objects.all()),
        {
            "receipt": (_("Receipt"), lambda row: str(row.receipt)),
            "story": (_("Story"), "article_title"),
            "requested_action": (_("Request"), lambda row: row.get_requested_action_display()),
            "passage": (_("Words or image"), "passage"),
            "reason": (_("Reason"), "reason"),
            "role": (_("Who you are"), lambda row: row.get_role_display()),
            "name": (_("Name"), "name"),
            "email": (_("E-mail"), "email"),
            "at": (_("Time"), "at"),
            "outcome": (_("Outcome"), lambda row: row.get_outcome_display()),
            "answer": (_("Answer"), "answer"),
        },
    )


def sections_of_sanctions(subject: DataSubject) -> Iterator[Section]:
    """Yield warnings, pauses and bans."""
    yield make_section(
        "sanctions",
        _("Warnings, pauses and bans"),
        Sanction.objects.filter(subject.condition()),
        {
            "notice": (_("Notice"), sanction_text),
            "at": (_("Time"), "at"),
            "until": (_("Until"), "until"),
            "ended_at": (_("Ended"), "ended_at"),
            "appealed_at": (_("Appealed"), "appealed_at"),
            "appeal": (_("Appeal"), "appeal_text"),
            "upheld_at": (_("Upheld"), "answered_at"),
        },
    )
