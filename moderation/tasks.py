"""Tasks that send mail about decisions, reports of illegal content and removal requests.

Authors and reporters get mail only if their e-mail is confirmed, and authors can choose to get none about
decisions. Each mail describes the state at the time of sending.
"""

from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.emails import confirmed_email_condition, is_mail_limit_reached
from accounts.models import User
from articles.site.current_site import read_site
from articles.site.languages import in_site_language, in_staff_language
from comments.models import Comment
from core.mail.composition import compose_mail
from moderation.actions.state_history import NOTIFY_AFTER
from moderation.models import Action, Case, IllegalContentReport, RemovalRequest, Report
from moderation.notifications.author_mails import compose_decision_mails, compose_not_published_mail
from moderation.notifications.mail import mail_staff, send_mails
from moderation.notifications.reporter_mails import compose_illegal_content_outcomes, compose_report_outcomes


def notify_authors_later(action: Action) -> None:
    """Queue the mails to the authors of the comments that an action changed."""
    notify_authors.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(str(action.pk))


def notify_reporters_later(action_id: UUID) -> None:
    """Queue the mails to those who reported the comments whose cases this action closed."""
    notify_reporters.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(str(action_id))


def notify_not_published_later(comment: Comment) -> None:
    """Queue the mail that a comment is pending, or was marked as spam when it was posted.

    Without a confirmed e-mail its author sees this only on the page.
    """
    if comment.author_id or (comment.guest and comment.guest.confirmed_at):
        notify_not_published.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(comment.pk)


@task()
@in_site_language()
def notify_authors(action_id: str) -> int:
    """Mail the authors what this action decided about their comments. Returns the number of mails."""
    return send_mails(compose_decision_mails(UUID(action_id)))


@task()
@in_site_language()
def notify_reporters(action_id: str) -> int:
    """Send each person one mail about the decision on their report. Returns the number of mails."""
    cases = Case.objects.filter(closing_action_id=action_id)
    not_notified = Q(notified_at=None) | Q(notified_at__lt=F("case__closed_at"))
    comment = "comment__discussion__article"
    reports = Report.objects.filter(not_notified, confirmed_email_condition(), case__in=cases)
    reports = reports.select_related("case", comment, "user", "guest")
    illegal_content_reports = (
        IllegalContentReport.objects.filter(not_notified, case__in=cases)
        .exclude(email="")
        .select_related("case", comment)
    )
    mails = [
        *compose_report_outcomes(reports),
        *compose_illegal_content_outcomes(illegal_content_reports),
    ]
    sent = send_mails(mails)
    for rows in (reports, illegal_content_reports):
        rows.model.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=timezone.now())
    return sent


@task()
@in_site_language()
def notify_not_published(comment: int) -> int:
    """Mail the author that a comment is pending or was marked as spam, if that is still so.

    Returns the number of mails.
    """
    return send_mails(compose_not_published_mail(comment))


@task()
@in_staff_language()
def notify_moderators(pk: int) -> int:
    """Mail every moderator, at once and at any hour, that a comment was reported as illegal.

    The mail quotes neither the comment nor the report, since mail is stored in many places. Returns the
    number of mails.
    """
    report = IllegalContentReport.objects.select_related("comment__discussion__article").get(pk=pk)
    title = report.comment.discussion.article.title_for(None)
    subject = _("Reported as illegal: comment %(id)s") % {"id": report.comment_id}
    mail = "moderation/mail/illegal_content_report.txt"
    return mail_staff(User.objects.moderators(), mail, subject, report=report, title=title)


@task()
@in_site_language()
def send_receipt(pk: int) -> int:
    """Mail the receipt of a report of illegal content.

    It quotes nothing from the report, since the e-mail may belong to someone else. Returns the number of
    mails, at most MAX_MAILS_PER_DAY to one e-mail.
    """
    report = IllegalContentReport.objects.select_related("comment__discussion__article").get(pk=pk)
    if not _may_get_receipt(report):
        return 0
    title = report.comment.discussion.article.title_for(None)
    subject = _("We received your report of illegal content")
    mail = "moderation/mail/illegal_content_receipt.txt"
    return compose_mail(mail, subject, report.email, site=read_site(), report=report, title=title).send()


def _may_get_receipt(received: IllegalContentReport | RemovalRequest) -> bool:
    return bool(received.email) and not is_mail_limit_reached(received, "at")


@task()
@in_staff_language()
def notify_administrators(request_id: int) -> int:
    """Mail every administrator about a new removal request, without its text. Returns the number of mails."""
    removal_request = RemovalRequest.objects.get(pk=request_id)
    mail, subject = "moderation/mail/request.txt", _("A new request for removal or correction")
    return mail_staff(User.objects.administrators(), mail, subject, removal_request=removal_request)


@task()
@in_site_language()
def send_request_receipt(request_id: int) -> int:
    """Mail the receipt of a removal request, with the same limit as send_receipt."""
    received = RemovalRequest.objects.get(pk=request_id)
    if not _may_get_receipt(received):
        return 0
    mail, subject = "moderation/mail/request_receipt.txt", _("We received your request")
    return compose_mail(mail, subject, received.email, site=read_site(), removal_request=received).send()


@task()
@in_site_language()
def notify_request_outcome(request_id: int) -> int:
    """Mail the answer to a removal request, once. Returns the number of mails."""
    answered = RemovalRequest.objects.filter(pk=request_id, notified_at=None).exclude(outcome="").first()
    if answered is None or not answered.email:  # the person has erased their account since
        return 0
    mail, subject = "moderation/mail/request_outcome.txt", _("The answer to your request")
    sent = compose_mail(mail, subject, answered.email, site=read_site(), removal_request=answered).send()
    RemovalRequest.objects.filter(pk=request_id).update(notified_at=timezone.now())
    return sent
