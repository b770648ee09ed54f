"""Mails about decisions: to authors and reporters whose e-mail is proved, and only of what is true when they
are sent; and about reports of illegal content."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from articles.models import Site
from comments.models import REMOVED, Comment, State, Transition
from comments.tasks import MAILS_A_DAY
from moderation.kinds import Kind
from moderation.mails import are_read, current_site, mail, moderators, send
from moderation.models import Appeal, Batch, Case, Change, Notice, Report, has_page
from moderation.told import Told, is_decided, outcome, tell

MAIL_AFTER = timedelta(minutes=1)  # an act that is undone at once is told to nobody
WAITING_MOST = 3  # of one person; whoever has more is written to of no other


def tell_authors_later(batch: Batch) -> None:
    """Tell of an act, but of no sweep of spam: those who flood a site are not written to."""
    tell_authors.using(run_after=timezone.now() + MAIL_AFTER).enqueue(str(batch.pk))


def tell_asked_later(batch: UUID) -> None:
    """Tell those who asked about the comments whose cases this act has closed."""
    tell_asked.using(run_after=timezone.now() + MAIL_AFTER).enqueue(str(batch))


def tell_held_later(comment: Comment) -> None:
    """Tell the author that it waits; those who move on without a proved e-mail read it on the page."""
    if comment.author_id or (comment.guest and comment.guest.confirmed_at):
        tell_held.using(run_after=timezone.now() + MAIL_AFTER).enqueue(comment.pk)


@task()
def tell_authors(batch: str) -> int:
    """Write to each author of this act once, whatever the number of their comments; of no sweep of spam, and
    of none that is taken back. Returns the mails."""
    act = Batch.objects.select_related("undoes").filter(pk=batch).first()
    if act and act.undoes and act.undoes.kind != Batch.Kind.UNDO and act.at - act.undoes.at < MAIL_AFTER:
        return 0  # nobody was told of what was undone
    lines = _lines_to_tell(UUID(batch))
    if _is_sweep(UUID(batch)):
        lines = lines.exclude(to_state=State.SPAM)
    if act and act.undoes:
        if _is_sweep(act.undoes.pk):
            lines = lines.exclude(from_state=State.SPAM)
        lines = lines.exclude(comment__in=_known(lines))
    return send(_to_authors(_comments(lines)))


@task()
def tell_asked(batch: str) -> int:
    """Write to those who reported what this act decided, to each once; and where it was a sweep of spam, of
    which authors are not told, to those who had asked for another look. Returns the mails."""
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
    if _is_sweep(UUID(batch)):
        appealed = Appeal.objects.filter(case__in=cases, is_edit=False).values("comment")
        lines = _lines_to_tell(UUID(batch)).filter(to_state=State.SPAM, comment__in=appealed)
        sent += send(_to_authors(_comments(lines)))
    return sent


@task()
def tell_held(comment: int) -> int:
    """Tell the author of a comment that it waits, if it still does. Returns the mails."""
    rows = Comment.objects.filter(are_read("author"), pk=comment, state=State.PENDING)
    found = rows.select_related("author", "guest", "discussion__article").first()
    if found is None:
        return 0
    waiting = Comment.objects.written_by(found.author, found.guest).waiting()
    if waiting.filter(created_at__lt=found.created_at).count() >= WAITING_MOST:
        return 0
    return send(_to_authors([found]))


def _is_sweep(batch: UUID) -> bool:
    """Whether this act, or the one that it did again, took more than one comment for spam."""
    spam = Transition.objects.filter(batch=batch, kind=Transition.Kind.STATE, to_state=State.SPAM)
    return spam[:2].count() > 1


def _lines_to_tell(batch: UUID) -> QuerySet[Transition]:
    """What this act changed for a proved author, as far as nobody has decided otherwise since.

    What it confirmed is no news, but for an author who had asked for another look.
    """
    later = Transition.objects.filter(
        comment=OuterRef("comment"), kind=Transition.Kind.STATE, id__gt=OuterRef("id")
    )
    looked = Appeal.objects.filter(comment=OuterRef("comment"), case__closed_by=batch, is_edit=False)
    rewritten = Change.objects.filter(
        batch=batch, target=Change.Target.COMMENT, field="revision", target_id=OuterRef("comment")
    )
    return Transition.objects.filter(
        ~Exists(later),
        are_read("comment__author", "comment__guest"),
        ~Q(to_state=F("from_state")) | Exists(looked) | Q(Exists(rewritten), comment__is_redacted=True),
        batch=batch,
        kind=Transition.Kind.STATE,
        to_state__in=[State.PUBLISHED, *REMOVED],
    )


def _known(lines: QuerySet[Transition]) -> list[int]:
    """The comments that are again what they were when they last stayed so for MAIL_AFTER: what was done and
    undone within it was told to nobody, however often."""
    rows = list(lines.values_list("comment", "id"))
    now_at, logs = dict(rows), defaultdict[int, list[tuple[datetime, str, str]]](list)
    told = Transition.objects.filter(comment__in=now_at, kind=Transition.Kind.STATE).order_by("id")
    found = list(told.values_list("comment", "id", "batch", "at", "to_state", "reason"))
    batches = Batch.objects.filter(pk__in={row[2] for row in found})
    times: dict[UUID | None, datetime] = dict(batches.values_list("pk", "at"))
    for comment, pk, batch, at, state, reason in found:
        if pk <= now_at[comment]:
            logs[comment].append((times.get(batch, at), state, reason))
    known = []
    for comment, log in logs.items():
        stayed = [was for was, then in pairwise(log) if then[0] - was[0] >= MAIL_AFTER]
        if (stayed or log)[-1 if stayed else 0][1:] == log[-1][1:] and len(log) > 1:
            known.append(comment)
    return known


def _comments(lines: QuerySet[Transition]) -> list[Comment]:
    return list(
        Comment.objects.filter(pk__in=lines.values("comment"))
        .select_related("author", "guest", "discussion__article")
        .order_by("pk")
    )


def _to_authors(comments: list[Comment]) -> list[EmailMessage]:
    """A mail a person: what is told in the same words is told once, with all the comments that it is of."""
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
            "title": report.comment.discussion.article.title,
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
        title=notice.comment.discussion.article.title,
        sentence=outcome(notice.case, notice.comment),
        is_decided=is_decided(notice.case, notice.comment),
        is_left=notice.comment.state == State.PUBLISHED,
    )


@task()
def tell_moderators(notice: int) -> int:
    """Write to every moderator, at once and at any hour, that something is reported as illegal. Not a word of
    the comment or of the report is in it: mails lie in many places. Returns the mails."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    site, title = current_site(), told.comment.discussion.article.title
    subject = _("Reported as illegal: comment %(id)s") % {"id": told.comment_id}
    to = [moderator.email for moderator in moderators()]
    return send(mail("notice", subject, each, site=site, notice=told, title=title) for each in to)


@task()
def send_receipt(notice: int) -> int:
    """The receipt of a report of illegal content. It holds nothing that was typed: anybody may have given
    that e-mail. Returns the mails: none beyond MAILS_A_DAY to one e-mail."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    same = Notice.objects.filter(email__iexact=told.email, at__gt=timezone.now() - timedelta(days=1))
    if not told.email or same.filter(pk__lt=told.pk).count() >= MAILS_A_DAY:
        return 0
    title = told.comment.discussion.article.title
    subject = _("We have your report of illegal content")
    return send([mail("receipt", subject, told.email, site=current_site(), notice=told, title=title)])
