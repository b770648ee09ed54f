"""Our versions of allauth's forms.

Those for sign-up and for a reset link look up no account, so their answers do not reveal who has one.
"""

from typing import Any, ClassVar

from allauth.account import forms
from allauth.core import context
from allauth.core.internal import ratelimit
from django import forms as django_forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import mails
from accounts.authentication import sign_up
from accounts.emails import confirm_email
from accounts.forms import NameForm
from accounts.requests import next_path
from core.dates.days import DAY_SECONDS
from core.rate_limits import MINUTE_SECONDS, RateLimitError, set_retry_after


class EmailLabel(django_forms.Form):
    """A form whose e-mail is labelled "E-mail", as on the rest of the site, in place of allauth's "Email"."""

    email_field: ClassVar[str] = "email"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields[self.email_field]
        field.label = _("E-mail")
        field.widget.attrs.pop("placeholder", None)  # it repeats the label


class PasswordLabels(django_forms.Form):
    """A form whose labels of passwords are in sentence case, in place of allauth's title case."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "oldpassword": _("Current password"),
            "password1": _("New password"),
            "password2": _("New password (again)"),
        }
        for name, field in self.fields.items():
            field.label = labels[name]
            field.widget.attrs.pop("placeholder", None)  # it repeats the label


class ChangePasswordForm(PasswordLabels, forms.ChangePasswordForm):
    """The form that changes a password."""


class ResetPasswordKeyForm(PasswordLabels, forms.ResetPasswordKeyForm):
    """The form of the mailed link to choose a new password."""

    def save(self) -> None:
        """Store the password. The link of an invitation confirms the e-mail to which it was mailed."""
        was_invited = self.user.can_be_invited
        with transaction.atomic():
            super().save()
            if was_invited:
                confirm_email(self.user)


class LoginForm(EmailLabel, forms.LoginForm):
    """The log-in form, with the focus in its first field."""

    email_field = "login"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class AddEmailForm(EmailLabel, forms.AddEmailForm):
    """The form that adds an e-mail address to an account."""


class SignUpForm(EmailLabel, NameForm, forms.SignupForm):
    """The sign-up form: name, e-mail and password. The page never says whether the account is new."""

    field_order = ("name", "email", "password1")

    def validate_unique_email(self, value: str) -> str:
        """Accept every e-mail: only the mail reveals whether it has an account."""
        return value

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Store the sign-up. Returns no user, and the response for allauth's view to return."""
        data = self.cleaned_data
        with transaction.atomic():
            pending = sign_up.create(
                name=data["name"],
                email=data["email"],
                password=data["password1"],
                next_url=next_path(request),
            )
            mails.enqueue(mails.mail_sign_up, request.site, pending.pk)
        request.session[sign_up.SESSION_KEY] = pending.pk
        return None, redirect("account_email_verification_sent")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            check_rate_limit("sign_up")
        return cleaned


class ResetPasswordForm(EmailLabel, forms.ResetPasswordForm):
    """The form that asks for a link to choose a new password."""

    def clean_email(self) -> str:
        check_rate_limit("ask_reset")
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        """Enqueue the mail with the link, at most a few times an hour for one e-mail address.

        Earlier links stay valid.
        """
        email: str = self.cleaned_data["email"]
        if ratelimit.consume(request, app="allauth.account", action="reset_mail", key=email):
            mails.enqueue(mails.mail_reset, request.site, email)
        return email


def check_rate_limit(action: str, *, seconds: int = MINUTE_SECONDS) -> None:
    """Raise RateLimitError if the visitor's IP address exceeds its limit of settings.ACCOUNT_RATE_LIMITS.

    `seconds` is the span of the limit: MINUTE_SECONDS or DAY_SECONDS.
    """
    request = context.request
    if not ratelimit.consume(request, app="allauth.account", action=action):
        set_retry_after(request, seconds)
        if seconds == DAY_SECONDS:
            message = _("Too many attempts from your internet connection. Try again tomorrow.")
        else:
            message = _("Too many attempts from your internet connection. Wait a minute and try again.")
        raise RateLimitError(message, seconds=seconds)
