"""Mails to those who reported comments, about the decisions on their reports."""

from collections import defaultdict
from collections.abc import Iterable

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.models import Site
from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from comments.models import State
from core.mail.composition import compose_mail
from moderation.models import IllegalContentReport, Report
from moderation.notifications.notices import is_decided, report_outcome


def compose_report_outcomes(reports: Iterable[Report]) -> list[EmailMessage]:
    """Return one mail for each member or guest who reported these comments, in their language."""
    site = read_site()
    by_email: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        report.comment.discussion.site = site  # avoids a query for each report
        if reporter := report.user or report.guest:
            by_email[reporter.email].append(report)
    mails = list[EmailMessage]()
    for email, own in by_email.items():
        with in_language_of(own[0].user, site):
            mails.append(_compose_outcome(site, email, own))
    return mails


def compose_illegal_content_outcomes(reports: Iterable[IllegalContentReport]) -> list[EmailMessage]:
    """Return a mail for each report of illegal content, whose sender may have no account."""
    site = read_site()
    return [
        compose_mail(
            "moderation/mail/illegal_content_outcome.txt",
            _("The decision on your report of illegal content"),
            report.email,
            site=site,
            report=report,
            title=report.comment.discussion.article.title_for(None),
            sentence=report_outcome(report.case, report.comment),
            is_decided=is_decided(report.case, report.comment),
            is_published=report.comment.state == State.PUBLISHED,
        )
        for report in reports
    ]


def _compose_outcome(site: Site, email: str, reports: list[Report]) -> EmailMessage:
    outcomes = [
        {
            "title": report.comment.discussion.article.title_for(None),
            "url": report.comment.get_absolute_url() if report.comment.discussion.is_readable else "",
            "why": report.chosen_sentence,
            "sentence": report_outcome(report.case, report.comment),
        }
        for report in reports
    ]
    subject = ngettext("The decision on your report", "The decisions on your reports", len(reports))
    return compose_mail("moderation/mail/outcome.txt", subject, email, site=site, reports=outcomes)
