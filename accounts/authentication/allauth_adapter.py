"""allauth's adapter, with our own throttled password check and with mailed links that start with SITE_URL."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import mails
from accounts.authentication import login_throttling
from accounts.authentication.devices import describe_browser
from accounts.authentication.oidc import connect_pending
from accounts.emails import find_user_by_email
from accounts.guests import guest_comments_url
from accounts.models import User
from core.mail.composition import compose_mail
from core.rate_limits import set_retry_after


class AccountAdapter(DefaultAccountAdapter):
    """The hooks that allauth calls to check a password, to log in, to build a link and to send a mail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "cannot_remove_primary_email": _("You can’t remove your primary e-mail."),
        "duplicate_email": _("Your account has this e-mail already."),
        "email_password_mismatch": _("The e-mail or the password is wrong."),
        "email_taken": _("There is already an account with this e-mail."),
        "max_email_addresses": _("You can’t add more than %d e-mails."),
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user with this e-mail address and password, or None.

        The log-in page, the admin's log-in and the page that asks for the password again all call this.
        Nothing else checks the password of a visitor who is not logged in.

        The answer and its duration do not reveal whether the e-mail address has an account: either way the
        same statements run and one hash is computed. Raises ValidationError while the visitor has to wait.
        """
        email, password = credentials.get("email", ""), credentials.get("password", "")
        if seconds := login_throttling.throttle_password_attempt(request, email):
            set_retry_after(request, seconds)
            raise ValidationError(password_wait_message(seconds), code="wait")
        user = find_user_by_email(email)
        if user is None:
            User().set_password(password)  # takes as long as checking a password
        elif user.check_password(password):
            login_throttling.reset_password_count(request, email)
            return user  # also a deactivated one: allauth shows them the reason
        if login_throttling.count_wrong_password(email):
            mails.enqueue(mails.mail_wrong_passwords, request.site, email)
        return None

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to confirm a change. With a second factor the password alone is none of them."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"].startswith("mfa_")] or methods

    def login(self, request: HttpRequest, user: User) -> None:
        """Log the user in. Mail them if this device is new to their account and they logged in before."""
        is_new = user.last_login is not None and not login_throttling.is_known_device(request, user.email)
        super().login(request, user)
        connect_pending(request, user)
        if is_new:
            browser = describe_browser(request.headers.get("User-Agent", ""))
            mails.enqueue(mails.mail_new_device, request.site, user.pk, timezone.now().isoformat(), browser)

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Enqueue the mail, so that no page waits for the mail server. The job makes the link."""
        mails.enqueue(mails.mail_address, request.site, emailconfirmation.email_address.pk)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: Any = None, email: str | None = None
    ) -> None:
        """Enqueue the mail about a change of how to log in. allauth names more changes than we mail about.

        `email` is the primary one before it was changed: the mail has to reach its owner there.
        """
        change = template_prefix.rpartition("/")[2]
        if change in mails.SECURITY_CHANGES:
            # Only if there is one: workers of the previous version take no further argument.
            removed = [context["deleted_email"]] if context and "deleted_email" in context else []
            job, site = mails.mail_security_change, self.request.site
            mails.enqueue(job, site, user.pk, change, email or user.email, *removed)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the URL of the mailed link. `key` is allauth's `<uid>-<token>`."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.SITE_URL + path.replace("UID-KEY", key)

    def get_email_confirmation_url(self, request: HttpRequest | None, emailconfirmation: Any) -> str:
        return settings.SITE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return guest_comments_url(reverse("account_email"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the mail without the request: no link in it may depend on the request's Host header.

        The context has the `site` (accounts.mails.MailSiteSettings).
        """
        context = {**context, "email": email}
        subject = render_to_string(f"{template_prefix}_subject.txt", context).strip()
        compose_mail(f"{template_prefix}_message.txt", subject, email, **context).send()


def password_wait_message(seconds: int) -> str:
    """Return the sentence for a visitor who has to wait this long before the next password."""
    return ngettext(
        "Too many wrong passwords. Wait %(n)s second and try again, or reset your password: that works at "
        "once.",
        "Too many wrong passwords. Wait %(n)s seconds and try again, or reset your password: that works at "
        "once.",
        seconds,
    ) % {"n": seconds}
