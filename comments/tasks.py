"""Tasks of discussions: the mail that confirms a guest's e-mail address, and counting recommendations."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks.base import TaskResultStatus

from accounts.emails import is_mail_limit_reached
from accounts.guests import LINK_MAX_AGE, make_confirmation_token
from accounts.models import Guest
from articles.site.current_site import read_site
from articles.site.languages import in_site_language
from comments.models import UNDO_WINDOW, Comment, Recommendation, State
from comments.services import sql
from comments.services.discussions import lock_discussions_of
from core.database.sql import execute
from core.mail.composition import compose_mail
from core.rate_limits import MAX_MAILS_PER_DAY
from core.stored_jobs import jobs_of

COUNT_DELAY = timedelta(seconds=5)  # so that many recommendations invalidate the cached pages only once


@task()
@in_site_language()
def mail_confirmation(guest_id: int) -> None:
    """Mail a guest the link that confirms the e-mail address.

    The mail contains nothing that the guest wrote: anyone may have entered this address, and the site must
    not deliver their messages.
    """
    guest = Guest.objects.filter(pk=guest_id, confirmed_at=None).first()
    if not guest or has_deleted_all_comments(guest) or is_mail_limit_reached(guest):
        return
    # A guest who has deleted all comments and comments again gets the link again.
    sent = jobs_of(mail_confirmation, guest.pk).filter(status=TaskResultStatus.SUCCESSFUL)
    if sent.filter(finished_at__gt=timezone.now() - timedelta(days=1)).count() >= MAX_MAILS_PER_DAY:
        return
    site = read_site()
    subject = _("Confirm your e-mail for %(site)s") % {"site": site.name}
    link = reverse("guest-confirm", args=[make_confirmation_token(guest)])
    compose_mail("comments/mail/confirm_email.txt", subject, guest.email, site=site, link=link).send()


def delete_unconfirmed_emails() -> int:
    """Delete e-mail addresses that were not confirmed while their link worked. The comments stay.

    An hourly job. Returns the number of guests.
    """
    old = timezone.now() - LINK_MAX_AGE
    return delete_emails(Guest.objects.filter(confirmed_at=None, created_at__lte=old))


def delete_emails(guests: QuerySet[Guest]) -> int:
    """Delete the e-mail addresses of guests, also from their comments. Returns the number of guests."""
    with transaction.atomic():
        # No key lock: transactions that refer to the guest hold their discussion, and this one waits for it.
        rows = guests.exclude(email="").select_for_update(no_key=True)
        keys = list(rows.values_list("pk", flat=True))
        comments = Comment.objects.filter(guest__in=keys)
        # Every change of comments starts with these locks: a new reply shifts other comments of its tree.
        lock_discussions_of(comments.values_list("pk", flat=True))
        comments.update(author_email="")
        return Guest.objects.filter(pk__in=keys).update(email="")


def has_deleted_all_comments(guest: Guest) -> bool:
    """Return whether a guest has commented, and has deleted every comment since."""
    comments = Comment.objects.filter(guest=guest)
    return not comments.exclude(state=State.DELETED).exists() and comments.exists()


def postpone_confirmation(guest: Guest) -> bool:
    """Postpone the queued job that mails this guest the link, until UNDO_WINDOW from now.

    Returns whether there is such a job.
    """
    later = timezone.now() + UNDO_WINDOW
    queued = jobs_of(mail_confirmation, guest.pk).filter(status=TaskResultStatus.READY)
    return queued.update(run_after=later) > 0


def schedule_recommendation_count(recommendation: Recommendation) -> None:
    """Enqueue a job that counts this recommendation, unless there is one. Call this after the commit.

    The oldest uncounted recommendation has a job already, or its request is about to enqueue one. That job
    checks again after it has counted, so it sees this one too. If the oldest is more than a minute old, its
    job was lost, and it is ignored here.
    """
    older = Recommendation.objects.uncounted().filter(
        pk__lt=recommendation.pk, at__gt=timezone.now() - timedelta(minutes=1)
    )
    if not older.exists():
        count_recommendations.using(run_after=timezone.now() + COUNT_DELAY).enqueue()


@task()
def count_recommendations() -> None:
    """Count recommendations that were given or withdrawn since the last time, in one update a discussion."""
    uncounted = Recommendation.objects.uncounted()
    keys = uncounted.order_by("comment__discussion").values_list("comment__discussion", flat=True).distinct()
    for discussion in list(keys):
        with transaction.atomic():
            execute(sql.LOCK_DISCUSSION, {"discussion": discussion})
            execute(sql.COUNT_RECOMMENDATIONS, {"discussion": discussion})
    if uncounted.exists():  # given while this ran
        count_recommendations.using(run_after=timezone.now() + COUNT_DELAY).enqueue()
