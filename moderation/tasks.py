"""Mails about decisions: to authors and reporters whose e-mail is proved, and only of what is true when they
are sent; and about reports of illegal content."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from articles.models import Site
from articles.site.languages import in_site_language
from comments.models import REMOVED, Comment, Reason, State, Transition
from comments.tasks import MAILS_A_DAY
from moderation.actions import state_history
from moderation.actions.state_history import MAIL_AFTER
from moderation.models import Appeal, Batch, Case, Notice, RemovalRequest, Report, has_page
from moderation.notifications.decision_kinds import Kind
from moderation.notifications.mail import administrators, are_read, current_site, mail, moderators, send
from moderation.notifications.notices import Told, is_decided, outcome, tell

WAITING_MOST = 3  # of one person; whoever has more is written to of no other


def tell_authors_later(batch: Batch) -> None:
    tell_authors.using(run_after=timezone.now() + MAIL_AFTER).enqueue(str(batch.pk))


def tell_asked_later(batch: UUID) -> None:
    """Tell those who asked about the comments whose cases this act has closed."""
    tell_asked.using(run_after=timezone.now() + MAIL_AFTER).enqueue(str(batch))


def tell_held_later(comment: Comment) -> None:
    """Tell the author that it waits, or was taken for spam as it came; those who move on without a proved
    e-mail read it on the page."""
    if comment.author_id or (comment.guest and comment.guest.confirmed_at):
        tell_held.using(run_after=timezone.now() + MAIL_AFTER).enqueue(comment.pk)


@task()
@in_site_language
def tell_authors(batch: str) -> int:
    """Write to each author of this act once, whatever the number of their comments, of what is so by it and
    is news to them. Those who flood a site are not written to: a sweep of spam is told to nobody but who had
    asked for another look. Returns the mails."""
    act = UUID(batch)
    lines = Transition.objects.filter(
        are_read("comment__author", "comment__guest"),
        batch=act,
        kind=Transition.Kind.STATE,
        comment__state__in=[State.PUBLISHED, *REMOVED],
    )
    appeals = Appeal.objects.filter(case__closed_by=act, is_edit=False)
    answered = set(appeals.values_list("comment", flat=True))
    if _sweeps([act]):
        lines = lines.filter(comment__in=answered)
    found = dict(lines.values_list("comment", "id"))
    logs = state_history.read(found)
    sweeps = _sweeps({run.first.batch for log in logs.values() for run in log.runs})
    told = [pk for pk, log in logs.items() if _is_told(log, found[pk], sweeps, is_answered=pk in answered)]
    return send(_to_authors(told))


def _is_told(log: state_history.Log, line: int, sweeps: set[UUID | None], *, is_answered: bool) -> bool:
    """Whether this line brought what is so now, and that is news; to whom it answers, it is in any case."""
    now = log.runs[-1]
    if is_answered:
        return now.first.pk <= line
    return now.first.pk == line and now.said != log.known(sweeps)


@task()
@in_site_language
def tell_asked(batch: str) -> int:
    """Write to those who reported what this act decided, to each once. Returns the mails."""
    cases = Case.objects.filter(closed_by=batch)
    untold = Q(told_at=None) | Q(told_at__lt=F("case__closed_at"))
    comment = "comment__discussion__article"
    reports = Report.objects.filter(untold, are_read(), case__in=cases)
    reports = reports.select_related("case", comment, "user", "guest")
    notices = Notice.objects.filter(untold, case__in=cases).exclude(email="").select_related("case", comment)
    site = current_site()
    sent = send([*_to_reporters(site, list(reports)), *(_to_notifier(site, notice) for notice in notices)])
    for rows in (reports, notices):
        rows.model.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=timezone.now())
    return sent


@task()
@in_site_language
def tell_held(comment: int) -> int:
    """Tell the author of a comment that it waits, or that the filter took it for spam, if it is still so.
    Returns the mails."""
    held = Q(state=State.PENDING) | Q(state=State.SPAM, state_reason=Reason.SCREENED)
    rows = Comment.objects.filter(are_read("author"), held, pk=comment)
    found = rows.select_related("author", "guest").first()
    if found is None:
        return 0
    before = Comment.objects.written_by(found.author, found.guest).filter(held)
    if before.filter(created_at__lt=found.created_at).count() >= WAITING_MOST:
        return 0
    return send(_to_authors([found.pk]))


def _sweeps(batches: Collection[UUID | None]) -> set[UUID | None]:
    """Those of these acts that took more than one comment for spam, or did that again."""
    spam = Transition.objects.filter(batch__in=batches, kind=Transition.Kind.STATE, to_state=State.SPAM)
    many = spam.order_by().values("batch").annotate(count=Count("pk")).filter(count__gt=1)
    return set(many.values_list("batch", flat=True))


def _to_authors(ids: Collection[int]) -> list[EmailMessage]:
    """A mail a person: what is told in the same words is told once, with all the comments that it is of."""
    rows = Comment.objects.filter(pk__in=ids).select_related("author", "guest", "discussion__article")
    comments = list(rows.order_by("pk"))
    site = current_site()
    people: dict[str, list[Told]] = defaultdict(list)
    for one in tell(comments).values():
        person = one.comment.author or one.comment.guest
        if person and one.kind != Kind.NONE:
            people[person.email].append(one)
    return [_to_author(site, email, all_told) for email, all_told in people.items()]


def _to_author(site: Site, email: str, all_told: list[Told]) -> EmailMessage:
    parts: dict[tuple[str, ...], list[Told]] = defaultdict(list)
    for one in all_told:
        parts[one.title, *one.sentences, one.way].append(one)
    told = [{"sentences": some[0].sentences, "way": some[0].way, "comments": some} for some in parts.values()]
    titles = {one.title for one in all_told}
    subject = all_told[0].title if len(titles) == 1 else ""
    if len(all_told) > 1:
        subject = _subject({one.kind for one in all_told}, len(all_told))
    return mail("decision", subject, email, site=site, parts=told)


def _subject(kinds: set[Kind], count: int) -> str:
    if kinds == {Kind.PUBLISHED}:
        return ngettext("Your comment is published", "Your comments are published", count)
    if kinds == {Kind.REMOVED}:
        return ngettext("Your comment was removed", "Your comments were removed", count)
    return _("What was decided on your comments")


def _to_reporters(site: Site, reports: list[Report]) -> list[EmailMessage]:
    people: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        report.comment.discussion.site = site  # else each would ask for it
        if person := report.user or report.guest:
            people[person.email].append(report)
    return [_to_reporter(site, email, some) for email, some in people.items()]


def _to_reporter(site: Site, email: str, reports: list[Report]) -> EmailMessage:
    told = [
        {
            "title": report.comment.discussion.article.title_for(None),
            "url": report.comment.get_absolute_url() if has_page(report.comment) else "",
            "why": report.get_why_display(),
            "sentence": outcome(report.case, report.comment),
        }
        for report in reports
    ]
    subject = ngettext("What came of your report", "What came of your reports", len(reports))
    return mail("outcome", subject, email, site=site, reports=told)


def _to_notifier(site: Site, notice: Notice) -> EmailMessage:
    return mail(
        "notice_outcome",
        _("What was decided on your report of illegal content"),
        notice.email,
        site=site,
        notice=notice,
        title=notice.comment.discussion.article.title_for(None),
        sentence=outcome(notice.case, notice.comment),
        is_decided=is_decided(notice.case, notice.comment),
        is_left=notice.comment.state == State.PUBLISHED,
    )


@task()
@in_site_language
def tell_moderators(notice: int) -> int:
    """Write to every moderator, at once and at any hour, that something is reported as illegal. Not a word of
    the comment or of the report is in it: mails lie in many places. Returns the mails."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    site, title = current_site(), told.comment.discussion.article.title_for(None)
    subject = _("Reported as illegal: comment %(id)s") % {"id": told.comment_id}
    to = [moderator.email for moderator in moderators()]
    return send(mail("notice", subject, each, site=site, notice=told, title=title) for each in to)


@task()
@in_site_language
def send_receipt(notice: int) -> int:
    """The receipt of a report of illegal content. It holds nothing that was typed: anybody may have given
    that e-mail. Returns the mails: none beyond MAILS_A_DAY to one e-mail."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    same = Notice.objects.filter(email__iexact=told.email, at__gt=timezone.now() - timedelta(days=1))
    if not told.email or same.filter(pk__lt=told.pk).count() >= MAILS_A_DAY:
        return 0
    title = told.comment.discussion.article.title_for(None)
    subject = _("We have your report of illegal content")
    return send([mail("receipt", subject, told.email, site=current_site(), notice=told, title=title)])


@task()
@in_site_language
def tell_administrators(request: int) -> int:
    """Write to every administrator that somebody asks for a removal or a correction; not a word of it is in
    the mail. Returns the mails."""
    told = RemovalRequest.objects.get(pk=request)
    subject = _("Somebody asks for a removal or a correction")
    site, to = current_site(), [person.email for person in administrators()]
    return send(mail("request", subject, each, site=site, request=told) for each in to)


@task()
@in_site_language
def send_request_receipt(request: int) -> int:
    """As send_receipt does for a report of illegal content."""
    told = RemovalRequest.objects.get(pk=request)
    same = RemovalRequest.objects.filter(email__iexact=told.email, at__gt=timezone.now() - timedelta(days=1))
    if same.filter(pk__lt=told.pk).count() >= MAILS_A_DAY:
        return 0
    subject = _("We have your request")
    return send([mail("request_receipt", subject, told.email, site=current_site(), request=told)])


@task()
@in_site_language
def tell_request_outcome(request: int) -> int:
    """What came of it, once. Returns the mails."""
    told = RemovalRequest.objects.filter(pk=request, told_at=None).exclude(outcome="").first()
    if told is None:
        return 0
    subject = _("What came of your request")
    sent = send([mail("request_outcome", subject, told.email, site=current_site(), request=told)])
    RemovalRequest.objects.filter(pk=request).update(told_at=timezone.now())
    return sent
