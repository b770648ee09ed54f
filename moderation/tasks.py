"""Tasks that send mail about decisions, reports of illegal content and removal requests.

Authors and reporters get mail only if their e-mail is confirmed, and authors can choose to get none about
decisions. Each mail describes the state at the time of sending.
"""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import Count, F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from accounts.models import User
from accounts.services import has_confirmed_email, is_mail_limit_reached
from articles.models import Site
from articles.site.current_site import read_site
from articles.site.languages import in_language_of, in_site_language, in_staff_language, language_of
from comments.following import decision_mails
from comments.following.mails import stop_path
from comments.following.tokens import follow_token
from comments.models import REMOVED, Comment, Follow, Reason, State, Transition
from core.mail.composition import compose_mail, unsubscribe_headers
from moderation.actions import state_history
from moderation.actions.state_history import NOTIFY_AFTER
from moderation.models import Appeal, Batch, Case, IllegalContentReport, RemovalRequest, Report
from moderation.notifications.decision_kinds import Kind
from moderation.notifications.mail import mail_staff, send_mails
from moderation.notifications.notices import DecisionNotice, is_decided, render_notices, report_outcome

MAX_WAITING_MAILS = 3  # about waiting comments of one author; no mail is sent about further ones


def notify_authors_later(batch: Batch) -> None:
    """Queue the mails to the authors of the comments that an action changed."""
    notify_authors.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(str(batch.pk))


def notify_reporters_later(batch: UUID) -> None:
    """Queue the mails to those who reported the comments whose cases this action closed."""
    notify_reporters.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(str(batch))


def notify_not_published_later(comment: Comment) -> None:
    """Queue the mail that a comment is waiting for review, or was marked as spam when it was posted.

    Without a confirmed e-mail its author sees this only on the page.
    """
    if comment.author_id or (comment.guest and comment.guest.confirmed_at):
        notify_not_published.using(run_after=timezone.now() + NOTIFY_AFTER).enqueue(comment.pk)


@task()
@in_site_language()
def notify_authors(batch: str) -> int:
    """Send each author one mail about everything that this action decided and that is news to them.

    After an action that marks several comments as spam, only authors who had appealed get a mail, so that
    spammers get none. Returns the number of mails.
    """
    action = UUID(batch)
    transitions = Transition.objects.filter(
        has_confirmed_email("comment__author", "comment__guest"),
        batch=action,
        kind=Transition.Kind.STATE,
        comment__state__in=[State.PUBLISHED, *REMOVED],
    )
    appeals = Appeal.objects.filter(comment__in=transitions.values("comment"), is_edit=False)
    answers = dict(appeals.values_list("comment", "case__closed_by"))
    answered = {pk for pk, answer in answers.items() if answer == action}
    if _mass_spam_actions([action]):
        transitions = transitions.filter(comment__in=answered)
    found = dict(transitions.values_list("comment", "id"))
    histories = state_history.read_histories(found)
    mass_spam = _mass_spam_actions(
        {period.first.batch for history in histories.values() for period in history.periods}
    )
    news = [
        pk
        for pk, history in histories.items()
        if _is_news(history, found[pk], action, answers.get(pk), mass_spam)
    ]
    return send_mails(_to_authors(news))


def _is_news(
    history: state_history.StateHistory,
    transition: int,
    action: UUID,
    answer: UUID | None,
    mass_spam: set[UUID | None],
) -> bool:
    """Return whether this transition made the current state and its author does not know that state yet.

    `answer` is the action that answered the author's appeal, which is always news. Where the author is to be
    notified of it, an earlier action is no news, because both mails would say the same.
    """
    now = history.periods[-1]
    if answer == action:
        return now.first.pk <= transition
    if answer and answer == history.notified.batch:
        return False
    return now.first.pk == transition and now.key != history.known_before(mass_spam)


@task()
@in_site_language()
def notify_reporters(batch: str) -> int:
    """Send each person one mail about the decision on their report. Returns the number of mails."""
    cases = Case.objects.filter(closed_by=batch)
    not_notified = Q(notified_at=None) | Q(notified_at__lt=F("case__closed_at"))
    comment = "comment__discussion__article"
    reports = Report.objects.filter(not_notified, has_confirmed_email(), case__in=cases)
    reports = reports.select_related("case", comment, "user", "guest")
    illegal_content_reports = (
        IllegalContentReport.objects.filter(not_notified, case__in=cases)
        .exclude(email="")
        .select_related("case", comment)
    )
    site = read_site()
    illegal = (_to_reporter_of_illegal_content(site, report) for report in illegal_content_reports)
    sent = send_mails([*_to_reporters(site, list(reports)), *illegal])
    for rows in (reports, illegal_content_reports):
        rows.model.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=timezone.now())
    return sent


@task()
@in_site_language()
def notify_not_published(comment: int) -> int:
    """Mail the author that a comment is waiting for review or was marked as spam, if that is still so.

    Returns the number of mails.
    """
    not_published = Q(state=State.PENDING) | Q(state=State.SPAM, state_reason=Reason.SCREENED)
    rows = Comment.objects.filter(has_confirmed_email("author"), not_published, pk=comment)
    found = rows.select_related("author", "guest").first()
    if found is None:
        return 0
    earlier = Comment.objects.written_by(found.author, found.guest).filter(not_published)
    if earlier.filter(created_at__lt=found.created_at).count() >= MAX_WAITING_MAILS:
        return 0
    return send_mails(_to_authors([found.pk]))


def _mass_spam_actions(batches: Collection[UUID | None]) -> set[UUID | None]:
    """Return the actions that marked more than one comment as spam."""
    spam = Transition.objects.filter(batch__in=batches, kind=Transition.Kind.STATE, to_state=State.SPAM)
    many = spam.order_by().values("batch").annotate(count=Count("pk")).filter(count__gt=1)
    return set(many.values_list("batch", flat=True))


def _to_authors(ids: Collection[int]) -> list[EmailMessage]:
    """Return one mail for each author, which covers all of their comments among these."""
    rows = Comment.objects.filter(pk__in=ids).select_related("author", "guest", "discussion__article")
    site, by_language = read_site(), defaultdict[str, list[Comment]](list)
    for comment in rows.order_by("pk"):
        by_language[language_of(comment.author, site)].append(comment)
    mails = list[EmailMessage]()
    for language, comments in by_language.items():
        with translation.override(language):
            mails += _in_one_language(site, comments)
    return mails


def _in_one_language(site: Site, comments: list[Comment]) -> list[EmailMessage]:
    by_email: dict[str, list[DecisionNotice]] = defaultdict(list)
    for notice in render_notices(comments).values():
        author = notice.comment.author or notice.comment.guest
        if author and notice.kind != Kind.NONE:
            by_email[author.email.lower()].append(notice)
    comments = [notice.comment for notices in by_email.values() for notice in notices]
    users = {comment.author_id for comment in comments if comment.author_id}
    guests = {comment.guest_id for comment in comments if comment.guest_id and not comment.author_id}
    recipients = decision_mails.find_recipients(users, guests)
    return [
        _to_author(site, recipients[email], notices)
        for email, notices in by_email.items()
        if email in recipients
    ]


def _to_author(site: Site, follow: Follow, notices: list[DecisionNotice]) -> EmailMessage:
    """Return the mail to one author. Notices with the same text become one part of it.

    `follow` is the row in which they can choose to get no such mails.
    """
    parts: dict[tuple[str, ...], list[DecisionNotice]] = defaultdict(list)
    for notice in notices:
        parts[notice.title, *notice.sentences, notice.next_step].append(notice)
    merged = [
        {"sentences": same[0].sentences, "next_step": same[0].next_step, "notices": same}
        for same in parts.values()
    ]
    subject = notices[0].title
    if len(notices) > 1:
        subject = _subject({notice.kind for notice in notices}, len(notices))
    author = notices[0].comment.author or notices[0].comment.guest
    stop_url = stop_path(str(follow_token(follow)))
    context = {"parts": merged, "is_single": len(notices) == 1, "stop_url": stop_url}
    mail = compose_mail(
        "moderation/mail/decision.txt", subject, author.email if author else "", site=site, **context
    )
    mail.extra_headers |= unsubscribe_headers(stop_url)
    return mail


def _subject(kinds: set[Kind], count: int) -> str:
    if kinds == {Kind.PUBLISHED}:
        return ngettext("Your comment is published", "Your comments are published", count)
    if kinds == {Kind.REMOVED}:
        return ngettext("Your comment was removed", "Your comments were removed", count)
    return _("Decisions on your comments")


def _to_reporters(site: Site, reports: list[Report]) -> list[EmailMessage]:
    by_email: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        report.comment.discussion.site = site  # avoids a query for each report
        if reporter := report.user or report.guest:
            by_email[reporter.email].append(report)
    mails = []
    for email, own in by_email.items():
        with in_language_of(own[0].user, site):
            mails.append(_to_reporter(site, email, own))
    return mails


def _to_reporter(site: Site, email: str, reports: list[Report]) -> EmailMessage:
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


def _to_reporter_of_illegal_content(site: Site, report: IllegalContentReport) -> EmailMessage:
    return compose_mail(
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
def notify_administrators(request: int) -> int:
    """Mail every administrator about a new removal request, without its text. Returns the number of mails."""
    removal_request = RemovalRequest.objects.get(pk=request)
    mail, subject = "moderation/mail/request.txt", _("A new request for removal or correction")
    return mail_staff(User.objects.administrators(), mail, subject, request=removal_request)


@task()
@in_site_language()
def send_request_receipt(request: int) -> int:
    """Mail the receipt of a removal request, with the same limit as send_receipt."""
    received = RemovalRequest.objects.get(pk=request)
    if not _may_get_receipt(received):
        return 0
    mail, subject = "moderation/mail/request_receipt.txt", _("We received your request")
    return compose_mail(mail, subject, received.email, site=read_site(), request=received).send()


@task()
@in_site_language()
def notify_request_outcome(request: int) -> int:
    """Mail the answer to a removal request, once. Returns the number of mails."""
    answered = RemovalRequest.objects.filter(pk=request, notified_at=None).exclude(outcome="").first()
    if answered is None or not answered.email:  # the person has erased their account since
        return 0
    mail, subject = "moderation/mail/request_outcome.txt", _("The answer to your request")
    sent = compose_mail(mail, subject, answered.email, site=read_site(), request=answered).send()
    RemovalRequest.objects.filter(pk=request).update(notified_at=timezone.now())
    return sent
