"""allauth's adapter, with our own check of passwords and with mailed links that start from SITE_URL."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from accounts import login_throttling, mails
from accounts.models import User
from accounts.services import find_user_by_email
from core.rate_limits import refuse


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user with this e-mail and password.

        The log-in page, the admin's and the page that asks for the password once more all come here, and
        nothing else looks at a password of somebody who is not logged in.

        Whether an account has the e-mail shows in nothing: there is one statement and one hash either way.
        Raises ValidationError while there is a wait.
        """
        email, password = credentials.get("email", ""), credentials.get("password", "")
        if seconds := login_throttling.claim_attempt(request, email):
            refuse(request, seconds)
            raise ValidationError(wait_message(seconds), code="wait")
        user = find_user_by_email(email)
        if user is None:
            User().set_password(password)  # for as long as one that is compared
        elif user.check_password(password):
            login_throttling.reset_count(request, email)
            return user  # also one that is switched off, who is told so
        if login_throttling.count_wrong_password(email):
            mails.enqueue(mails.mail_wrong_passwords, request, email)
        return None

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Enqueue the mail, so that nobody waits for the mail server. The job makes the link."""
        mails.enqueue(mails.mail_address, request, emailconfirmation.email_address.pk)

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.SITE_URL + path.replace("UID-KEY", key)

    def get_email_confirmation_url(self, request: HttpRequest | None, emailconfirmation: Any) -> str:
        return settings.SITE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send without the request: no mail may depend on the host that somebody sent."""
        self.render_mail(template_prefix, email, {**context, "email": email}).send()


def wait_message(seconds: int) -> str:
    return ngettext(
        "There were wrong passwords before. Wait %(n)s second and try again. Or have a link mailed to "
        "choose a new password: that works at once.",
        "There were wrong passwords before. Wait %(n)s seconds and try again. Or have a link mailed to "
        "choose a new password: that works at once.",
        seconds,
    ) % {"n": seconds}
