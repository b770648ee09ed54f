"""The invitation mail to a person whom an administrator has added, with a link to choose a password."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.models import User
from articles.site.current_site import read_site
from articles.site.languages import in_site_language


@task()
@in_site_language
def invite(user_id: int) -> None:
    """Mail a link to choose a password, which also confirms the e-mail.

    Does nothing if there is a password already.
    """
    user = User.objects.active().filter(pk=user_id).first()
    if user is None or user.has_usable_password():
        return
    site = read_site()
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    context = {
        "site": site,
        "url": settings.SITE_URL,
        "email": user.email,
        "link": settings.SITE_URL + reverse("account_reset_password_from_key", kwargs=key),
        "days": settings.PASSWORD_RESET_TIMEOUT // (60 * 60 * 24),
    }
    subject = _("Your account at %(site)s") % {"site": site.name}
    send_mail(subject, render_to_string("accounts/invitation.txt", context), None, [user.email])
