"""Our versions of allauth's forms of second factors: with throttled codes, and with our labels."""

import time
from typing import Any

from allauth.core import context
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth import HASH_SESSION_KEY
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import mails
from accounts.authentication import login_throttling
from accounts.models import User
from core.rate_limits import set_retry_after

MAX_KEY_NAME_LENGTH = 80  # characters
SECRET_SECONDS = 15 * 60  # for which the secret of an authenticator app that is not set up yet is valid
TOTP_MADE_SESSION_KEY = "mfa.totp.made"  # of the session: [time, hash of the password] of the secret


class _ThrottledForm(forms.Form):
    """A form with a code that is counted before it is checked (login_throttling.py)."""

    user: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_code_field(self.fields["code"])
        self.fields["code"].help_text = _("From your authenticator app, or a recovery code.")

    def clean_code(self) -> str:
        if seconds := login_throttling.throttle_code_attempt(self.user.email):
            set_retry_after(context.request, seconds)
            raise ValidationError(code_wait_message(seconds), code="wait")
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of allauth's form
        except ValidationError:
            if login_throttling.count_wrong_code(self.user.email):
                mails.enqueue(mails.mail_wrong_codes, context.request.site, self.user.pk)
            raise
        login_throttling.reset_code_count(self.user.email)
        return code


class AuthenticateForm(_ThrottledForm, base.AuthenticateForm):
    """The form for the code after the password."""

    @property
    def has_key(self) -> bool:
        """Return whether the user can use a key instead of a code."""
        return bool(Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).exists())


class ReauthenticateForm(_ThrottledForm, base.ReauthenticateForm):
    """The form that asks for a code again before a change of the account's security."""


class ActivateTOTPForm(totp.ActivateTOTPForm):
    """The form that adds an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        now, password_hash = time.time(), session.get(HASH_SESSION_KEY)
        made_at, made_with = session.get(TOTP_MADE_SESSION_KEY, (0, None))
        if now >= made_at + SECRET_SECONDS or made_with != password_hash:
            session.pop(SECRET_SESSION_KEY, None)  # allauth makes another one, for a form with a code as well
        secret = session.get(SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        if secret and not self.is_bound:
            # allauth makes a new secret each time the page is opened. The code of an app that has the one
            # before would be wrong after a reload, which a phone does by itself on the way back from the app.
            self.secret = session[SECRET_SESSION_KEY] = secret
        elif not secret:
            session[TOTP_MADE_SESSION_KEY] = [now, password_hash]
        set_code_field(self.fields["code"])
        self.fields["code"].help_text = _("The six digits that the app shows.")


class AddWebAuthnForm(webauthn.AddWebAuthnForm):
    """The form that adds a security key or a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_name_field(self.fields["name"])
        passwordless = self.fields["passwordless"]
        passwordless.label = _("Log in with this key alone, without e-mail and password (a passkey)")
        passwordless.help_text = _("The key then asks for your fingerprint, your face or a PIN.")


class EditWebAuthnForm(webauthn.EditWebAuthnForm):
    """The form that renames a security key or a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_name_field(self.fields["name"])


def set_code_field(field: forms.Field) -> None:
    """Label the field of a code, and open the keyboard of digits on a phone."""
    field.label = _("Code")
    field.widget.attrs.pop("placeholder", None)  # it repeats the label
    field.widget.attrs |= {"inputmode": "numeric", "autofocus": True}


def set_name_field(field: forms.Field) -> None:
    """Label the field with the name of a key."""
    field.label = _("Name of the key")
    field.help_text = _("So that you can tell your keys apart.")
    field.widget.attrs["maxlength"] = MAX_KEY_NAME_LENGTH


def code_wait_message(seconds: int) -> str:
    """Return the sentence for a visitor who has to wait this long before the next code."""
    return ngettext(
        "Too many wrong codes. Wait %(n)s second and try again.",
        "Too many wrong codes. Wait %(n)s seconds and try again.",
        seconds,
    ) % {"n": seconds}
