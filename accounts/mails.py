"""Mails about accounts. The job worker sends them, so that no page takes longer where there is an account.

A job gets who is written to; what opens an account (a token) is made when it runs and is in no table.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django_tasks import task
from django_tasks.base import Task

from accounts import sign_up
from accounts.models import SignUp
from accounts.services import find_user_by_email


def enqueue(job: Task[Any, Any], request: HttpRequest, *args: Any) -> None:
    """Enqueue a mail of this module, in the site's language and under its name."""
    site: Any = request.site
    told = {"language": site.language, "name": site.name, "contact_email": site.contact_email}
    job.enqueue(*args, site=told)


@task()
def mail_sign_up(pk: int, site: dict[str, str]) -> None:
    """Mail somebody who asked for an account the link that makes it, or that there is one already."""
    asked = SignUp.objects.filter(pk=pk).first()
    if asked is None or sign_up.mail_limit_reached(asked):
        return
    if find_user_by_email(asked.email):
        _send("account_already_exists", asked.email, site, password_reset_url=_url("account_reset_password"))
    else:
        _send("sign_up", asked.email, site, link=_url("sign-up-confirm", sign_up.make_token(asked)))


@task()
def mail_reset(email: str, site: dict[str, str]) -> None:
    """Mail the link to choose a new password, or that no account has this e-mail."""
    users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
    for user in users:
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        url = get_adapter().get_reset_password_from_key_url(key)
        _send("password_reset_key", email, site, user=user, password_reset_url=url)
    if not users:
        _send("unknown_account", email, site, signup_url=_url("account_signup"))


@task()
def mail_address(pk: int, site: dict[str, str]) -> None:
    """Mail the link that confirms an e-mail which somebody with an account added."""
    if address := EmailAddress.objects.filter(pk=pk, verified=False).select_related("user").first():
        url = get_adapter().get_email_confirmation_url(None, EmailConfirmationHMAC.create(address))
        _send("email_confirmation", address.email, site, user=address.user, activate_url=url)


@task()
def mail_wrong_passwords(email: str, site: dict[str, str]) -> None:
    """Tell the owner of an account that somebody guesses its password."""
    user = find_user_by_email(email)
    if user and user.is_active:
        _send("wrong_passwords", user.email, site, password_reset_url=_url("account_reset_password"))


def _send(template: str, email: str, site: dict[str, str], **context: Any) -> None:
    with translation.override(site["language"]):
        context |= {"site": site, "site_url": settings.SITE_URL}
        get_adapter().send_mail(f"account/email/{template}", email, context)


def _url(name: str, *args: str) -> str:
    return settings.SITE_URL + reverse(name, args=args)
