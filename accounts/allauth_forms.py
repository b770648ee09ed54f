"""allauth's forms, where ours differ: they look nothing up, so no answer tells who has an account."""

from allauth.account import forms
from allauth.account.utils import get_next_redirect_url
from allauth.core import context
from allauth.core.internal import ratelimit
from django import forms as django_forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mails, sign_up
from accounts.models import NAME_MAX
from accounts.names import check_staff, clean_name
from core.rate_limits import MINUTE, TooOften, refuse


class SignUpForm(forms.SignupForm):  # type: ignore[misc]
    """The sign-up: name, e-mail and password. Only the mail says what became of it."""

    name = django_forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_MAX,
        help_text=gettext_lazy("Others see it beside your comments."),
    )
    field_order = ("name", "email", "password1")

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        check_staff(name)
        return name

    def validate_unique_email(self, value: str) -> str:
        """Accept every e-mail: only the mail tells who has an account."""
        return value

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Store the sign-up. Returns no user, and the answer that allauth's view gives."""
        told = self.cleaned_data
        with transaction.atomic():
            asked = sign_up.create(
                name=told["name"],
                email=told["email"],
                password=told["password1"],
                next_url=get_next_redirect_url(request) or "",
            )
            mails.enqueue(mails.mail_sign_up, request, asked.pk)
        request.session[sign_up.SESSION_KEY] = asked.pk
        return None, redirect("account_email_verification_sent")

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean()
        if not self.errors:
            check_rate_limit("sign_up")
        return cleaned


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        check_rate_limit("ask_reset")
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        """Have the link mailed, a few times an hour at most to one e-mail: each of the links works."""
        email: str = self.cleaned_data["email"]
        if ratelimit.consume(request, app="allauth.account", action="reset_mail", key=email):
            mails.enqueue(mails.mail_reset, request, email)
        return email


def check_rate_limit(action: str) -> None:
    """Raise TooOften where more came from one IP address within a minute than settings allow."""
    request = context.request
    if not ratelimit.consume(request, app="allauth.account", action=action):
        refuse(request, MINUTE)
        raise TooOften(
            _("This came very often from your internet connection. Wait a minute and send it again."),
            seconds=MINUTE,
        )
