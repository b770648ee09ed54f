from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.guests import LINK_AGE, confirmation_token
from accounts.models import Guest
from articles.models import Site
from comments.models import Comment

MAILS_A_DAY = 3  # to one e-mail, whoever types it how often


@task()
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
            "Somebody wrote a comment at %(site)s with this e-mail. If it was you, open this link, once:\n\n"
            "%(link)s\n\n"
            "It works for seven days. If it was not you, do nothing: the e-mail will be forgotten."
        )
        % {"site": site.name, "link": link},
        None,
        [guest.email],
    )


@task()
def forget_emails() -> None:
    """Blank each e-mail that nobody confirmed for as long as its link worked; the comments stay."""
    old = Guest.objects.filter(
        confirmed_at=None, created_at__lte=timezone.now() - timedelta(seconds=LINK_AGE)
    ).exclude(email="")
    with transaction.atomic():
        keys = list(old.select_for_update().values_list("pk", flat=True))
        Comment.objects.filter(guest__in=keys).update(author_email="")
        Guest.objects.filter(pk__in=keys).update(email="")


def _is_flooded(email: str) -> bool:
    same = Guest.objects.alias(folded=Lower("email")).filter(folded=email.lower())
    return same.filter(created_at__gt=timezone.now() - timedelta(days=1)).count() > MAILS_A_DAY
