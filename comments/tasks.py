from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models.functions import Lower
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.guests import LINK_AGE, confirmation_token
from accounts.models import Guest
from articles.models import Site
from articles.site.languages import in_site_language
from comments import tree
from comments.models import Comment, Recommendation

MAILS_A_DAY = 3  # to one e-mail, whoever types it how often
FOLD_AFTER = timedelta(seconds=5)  # recommendations of a busy moment empty the kept pages once


@task()
@in_site_language
def mail_confirmation(guest_id: int) -> None:
    """Mail a guest the link that proves the e-mail. Says nothing that the guest wrote: anybody may have
    typed that e-mail, and we carry no messages."""
    guest = Guest.objects.filter(pk=guest_id, confirmed_at=None).first()
    if not guest:
        return
    forget_emails.using(run_after=timezone.now() + timedelta(seconds=LINK_AGE)).enqueue()
    if _is_flooded(guest.email):
        return
    site = Site.objects.get(pk=1)
    link = settings.SITE_URL + reverse("guest-confirm", args=[confirmation_token(guest)])
    send_mail(
        _("Confirm your e-mail for %(site)s") % {"site": site.name},
        _(
            "Somebody wrote to us at %(site)s with this e-mail. If it was you, open this link, once:\n\n"
            "%(link)s\n\n"
            "It works for seven days. If it was not you, do nothing: the e-mail will be forgotten."
        )
        % {"site": site.name, "link": link}
        + "\n\n"
        + render_to_string("_mail_foot.txt", {"site": site, "url": settings.SITE_URL}),
        None,
        [guest.email],
    )


@task()
def forget_emails() -> None:
    """Blank each e-mail that nobody confirmed for as long as its link worked; the comments stay."""
    old = Guest.objects.filter(
        confirmed_at=None, created_at__lte=timezone.now() - timedelta(seconds=LINK_AGE)
    ).exclude(email="")
    with transaction.atomic(), connection.cursor() as cursor:
        # Not against those who refer to the guest: they hold their discussion already, for which we wait.
        keys = list(old.select_for_update(no_key=True).values_list("pk", flat=True))
        comments = Comment.objects.filter(guest__in=keys)
        # As everybody who changes comments does first: a reply that is posted moves others of its tree.
        cursor.execute(tree.LOCK_OF, {"ids": list(comments.values_list("pk", flat=True))})
        comments.update(author_email="")
        Guest.objects.filter(pk__in=keys).update(email="")


def _is_flooded(email: str) -> bool:
    same = Guest.objects.alias(folded=Lower("email")).filter(folded=email.lower())
    return same.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() > MAILS_A_DAY


def fold_later(recommendation: Recommendation) -> None:
    """See to it that a job counts this recommendation; call it once that is committed.

    The oldest that waits has a job already, or its own request is about to enqueue one, and that job looks
    again after it has counted: so this one is seen. One that waits for a minute lost its job, and counts no
    more.
    """
    older = Recommendation.objects.uncounted().filter(
        pk__lt=recommendation.pk, at__gt=timezone.now() - timedelta(minutes=1)
    )
    if not older.exists():
        fold_recommendations.using(run_after=timezone.now() + FOLD_AFTER).enqueue()


@task()
def fold_recommendations() -> None:
    """Count what was recommended or taken back since the last time; each discussion changes once."""
    uncounted = Recommendation.objects.uncounted()
    keys = uncounted.order_by("comment__discussion").values_list("comment__discussion", flat=True).distinct()
    for discussion in list(keys):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(tree.LOCK, {"discussion": discussion})
            cursor.execute(tree.FOLD, {"discussion": discussion})
    if uncounted.exists():  # given while this ran
        fold_recommendations.using(run_after=timezone.now() + FOLD_AFTER).enqueue()
