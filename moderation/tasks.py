"""Mails about decisions: to authors whose e-mail is proved, and only of what is true when they are sent."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, F, OuterRef, Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from accounts.models import ADMINISTRATOR, MODERATOR, Guest, User
from articles.models import Site
from comments.models import Comment, Reason, State, Transition
from comments.tasks import MAILS_A_DAY
from moderation.models import Batch, Notice, proofs

MAIL_AFTER = timedelta(minutes=1)  # an act that is undone at once is told to nobody


def tell_authors_later(batch: Batch) -> None:
    tell_authors.using(run_after=timezone.now() + MAIL_AFTER).enqueue(str(batch.pk))


@task()
def tell_authors(batch: str) -> int:
    """Write to each author of this act once, whatever the number of their comments. Returns the mails."""
    mails: dict[tuple[str, str, str], list[Comment]] = defaultdict(list)
    for line in _to_tell(UUID(batch)):
        comment = line.comment
        person = comment.author or comment.guest
        assert person is not None  # the query asks for proved e-mails
        mails[person.email, line.to_state, line.reason].append(comment)
    site = Site.objects.first() or Site()
    messages = [
        _mail(site, email, State(state), Reason(reason), comments)
        for (email, state, reason), comments in mails.items()
    ]
    return (get_connection().send_messages(messages) or 0) if messages else 0


def _to_tell(batch: UUID) -> list[Transition]:
    """What this act changed for a proved author, as far as nobody has decided otherwise since."""
    later = Transition.objects.filter(
        comment=OuterRef("comment"), kind=Transition.Kind.STATE, id__gt=OuterRef("id")
    )
    proved = proofs().filter(user=OuterRef("comment__author"))
    return list(
        Transition.objects.filter(
            ~Exists(later),
            Q(Exists(proved), comment__author__is_active=True)
            | Q(comment__guest__in=Guest.objects.confirmed()),
            batch=batch,
            kind=Transition.Kind.STATE,
            to_state__in=[State.PUBLISHED, State.REJECTED, State.SPAM],
        )
        .exclude(to_state=F("from_state"))
        .select_related("comment__author", "comment__guest", "comment__discussion__article")
        .order_by("id")
    )


def _mail(site: Site, email: str, state: State, reason: Reason, comments: list[Comment]) -> EmailMessage:
    context = {
        "site": site,
        "url": settings.SITE_URL,
        "state": state.value,
        "reason": reason.label,
        "comments": comments,
        "count": len(comments),
    }
    body = render_to_string("moderation/mail/decision.txt", context)
    return EmailMessage(_subject(state, len(comments)), body, to=[email])


def _subject(state: State, count: int) -> str:
    if state == State.PUBLISHED:
        return ngettext("Your comment is published", "Your comments are published", count)
    if state == State.SPAM:
        return _("Your comment was taken for spam")
    return ngettext("Your comment was removed", "Your comments were removed", count)


@task()
def tell_moderators(notice: int) -> int:
    """Write to every moderator, at once and at any hour, that something is reported as illegal. Not a word of
    the comment or of the report is in it: mails lie in many places. Returns the mails."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    moderators = User.objects.filter(
        Exists(proofs().filter(user=OuterRef("pk"))),
        is_active=True,
        groups__name__in=[MODERATOR, ADMINISTRATOR],
    ).distinct()
    site = Site.objects.first() or Site()
    body = render_to_string(
        "moderation/mail/notice.txt",
        {
            "site": site,
            "url": settings.SITE_URL,
            "notice": told,
            "title": told.comment.discussion.article.title,
        },
    )
    subject = _("Reported as illegal: comment %(id)s") % {"id": told.comment_id}
    return _send([EmailMessage(subject, body, to=[moderator.email]) for moderator in moderators])


@task()
def send_receipt(notice: int) -> int:
    """The receipt of a report of illegal content. It holds nothing that was typed: anybody may have given
    that e-mail. Returns the mails: none beyond MAILS_A_DAY to one e-mail."""
    told = Notice.objects.select_related("comment__discussion__article").get(pk=notice)
    same = Notice.objects.filter(email__iexact=told.email, at__gt=timezone.now() - timedelta(days=1))
    if not told.email or same.filter(pk__lt=told.pk).count() >= MAILS_A_DAY:
        return 0
    context = {
        "site": Site.objects.first() or Site(),
        "url": settings.SITE_URL,
        "notice": told,
        "title": told.comment.discussion.article.title,
    }
    body = render_to_string("moderation/mail/receipt.txt", context)
    return _send([EmailMessage(_("We have your report of illegal content"), body, to=[told.email])])


def _send(messages: list[EmailMessage]) -> int:
    return (get_connection().send_messages(messages) or 0) if messages else 0
