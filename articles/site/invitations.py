"""The invitation mail to a person added by an administrator, with a link to choose a password."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django_tasks import task

from accounts.models import User
from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from core.mail.composition import compose_mail


@task()
def invite(user_id: int) -> None:
    """Mail a link to choose a password, which also confirms the e-mail address.

    Does nothing if the account was used or has a password already.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None or not user.can_be_invited:
        return
    site = read_site()
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    with in_language_of(user, site):
        mail = compose_mail(
            "accounts/mail/invitation.txt",
            _("Your account at %(site)s") % {"site": site.name},
            user.email,
            site=site,
            email=user.email,
            link=reverse("account_reset_password_from_key", kwargs=key),
            days=settings.PASSWORD_RESET_TIMEOUT // (60 * 60 * 24),
        )
    mail.send()
