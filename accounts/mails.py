"""Mails about accounts. The job worker sends them, so a page takes equally long with and without an account.

A job gets the recipient as its argument. It makes the token in the link only when it runs, so that no token
is stored in a table.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django_tasks import task
from django_tasks.base import Task

from accounts.authentication import sign_up
from accounts.emails import find_user_by_email, is_mail_limit_reached
from accounts.models import SignUp, User
from core.dates.formats import time_formatter


@dataclass(frozen=True)
class MailSiteSettings:
    """The settings of the site that a mail about an account needs. They are stored with its job."""

    language: str
    name: str
    contact_email: str
    accent: str = ""  # jobs of earlier versions have none
    time_zone: str = "UTC"


# The changes of how to log in that the owner of the account gets a mail about, by allauth's names.
SECURITY_CHANGES = {
    "password_changed": _("The password of your account at %(site)s was changed."),
    "password_set": _("Your account at %(site)s has a password now."),
    "password_reset": _("A new password for your account at %(site)s was chosen with a mailed link."),
    "email_changed": _("The primary e-mail of your account at %(site)s was changed."),
    "email_deleted": _("An e-mail was removed from your account at %(site)s."),
    "totp_activated": _("An authenticator app was added to your account at %(site)s."),
    "totp_deactivated": _("The authenticator app was removed from your account at %(site)s."),
    "webauthn_added": _("A security key or passkey was added to your account at %(site)s."),
    "webauthn_removed": _("A security key or passkey was removed from your account at %(site)s."),
    "recovery_codes_generated": _("New recovery codes were made for your account at %(site)s."),
    "account_connected": _("A log-in with another service was connected to your account at %(site)s."),
    "account_disconnected": _("A log-in with another service was removed from your account at %(site)s."),
    "second_factors_removed": _("All second factors were removed from your account at %(site)s."),
}


def enqueue(job: Task[Any, Any], site: Any, *args: Any) -> None:
    """Enqueue a mail of this module, with the name and look of the site, in its language or the account's.

    `site` is an articles.models.Site.
    """
    stored = MailSiteSettings(site.language, site.name, site.contact_email, site.accent, site.time_zone)
    job.enqueue(*args, site=asdict(stored))


@task()
def mail_sign_up(pk: int, site: dict[str, str]) -> None:
    """Mail the link that completes a sign-up, or a note that the e-mail address has an account already."""
    pending = SignUp.objects.filter(pk=pk).first()
    if pending is None or is_mail_limit_reached(pending):
        return
    if user := find_user_by_email(pending.email):
        url = _url("account_reset_password")
        _send("account_already_exists", pending.email, site, user, password_reset_url=url)
    else:
        _send("sign_up", pending.email, site, link=_url("sign-up-confirm", sign_up.make_token(pending)))


@task()
def mail_reset(email: str, site: dict[str, str]) -> None:
    """Mail the link to choose a new password, or a note that no account has this e-mail address."""
    users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
    for user in users:
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        url = get_adapter().get_reset_password_from_key_url(key)
        _send("password_reset_key", email, site, user, password_reset_url=url)
    if not users:
        _send("unknown_account", email, site, signup_url=_url("account_signup"))


@task()
def mail_address(pk: int, site: dict[str, str]) -> None:
    """Mail the link that confirms an e-mail address that was added to an account."""
    if address := EmailAddress.objects.filter(pk=pk, verified=False).select_related("user").first():
        url = get_adapter().get_email_confirmation_url(None, EmailConfirmationHMAC.create(address))
        _send("email_confirmation", address.email, site, address.user, activate_url=url)


@task()
def mail_wrong_passwords(email: str, site: dict[str, str]) -> None:
    """Warn the owner of an account about repeated wrong passwords."""
    user = find_user_by_email(email)
    if user and user.is_active:
        _send("wrong_passwords", user.email, site, user, password_reset_url=_url("account_reset_password"))


@task()
def mail_wrong_codes(pk: int, site: dict[str, str]) -> None:
    """Warn the owner of an account about repeated wrong codes, since their sender knows the password."""
    if user := User.objects.active().filter(pk=pk).first():
        _send("wrong_codes", user.email, site, user, password_reset_url=_url("account_reset_password"))


@task()
def mail_security_change(
    pk: int, change: str, email: str = "", removed_email: str = "", *, site: dict[str, str]
) -> None:
    """Tell the owner of an account about one of SECURITY_CHANGES.

    `email` is the one that the account had before the change, `removed_email` the one that was removed from
    it. Jobs of earlier versions have none.
    """
    if user := User.objects.active().filter(pk=pk).first():
        with _in_language_of(user, site):
            sentence = gettext(SECURITY_CHANGES[change]) % {"site": site["name"]}
        urls = {"security_url": _url("mfa_index"), "password_reset_url": _url("account_reset_password")}
        values = {"sentence": sentence, "removed_email": removed_email, **urls}
        _send("security_change", email or user.email, site, user, **values)


@task()
def mail_new_device(pk: int, at: str, browser: str, site: dict[str, str]) -> None:
    """Tell the owner of an account about a log-in in a browser that is new to it. `at`: ISO 8601."""
    if user := User.objects.active().filter(pk=pk).first():
        when, zone = datetime.fromisoformat(at), site.get("time_zone", "UTC")
        with _in_language_of(user, site):
            formatter = time_formatter(zone)
            moment = f"{formatter.moment_text(when)} {formatter.zone_name(when)}"
        urls = {"devices_url": _url("devices"), "password_reset_url": _url("account_reset_password")}
        _send("new_device", user.email, site, user, when=moment, browser=browser, **urls)


def _send(template: str, email: str, site: dict[str, str], user: User | None = None, **context: Any) -> None:
    with _in_language_of(user, site):
        get_adapter().send_mail(
            f"account/email/{template}", email, {**context, "site": MailSiteSettings(**site)}
        )


def _in_language_of(user: User | None, site: dict[str, str]) -> translation.override:
    return translation.override((user and user.language) or site["language"])


def _url(name: str, *args: str) -> str:
    return settings.SITE_URL + reverse(name, args=args)
