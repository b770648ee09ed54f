"""allauth's adapter of second factors: secrets are encrypted, and names come from the site's settings."""

import base64
import logging
from io import BytesIO
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import qrcode
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from qrcode.image.svg import SvgPathImage

from accounts.models import User

log = logging.getLogger(__name__)


class SecondFactorAdapter(DefaultMFAAdapter):
    """The hooks that allauth calls to store a secret, to name a key and to draw a QR code."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_generate_recovery_codes": gettext_lazy("You need a second factor before recovery codes."),
        "incorrect_code": gettext_lazy("This code is wrong, or it was used already."),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret, or a random one that matches no code if it was stored with another SECRET_KEY.

        Then the page says that the code is wrong, and `manage.py remove_second_factors` helps.
        """
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            log.warning("A second factor was stored with another SECRET_KEY and can't be used.")
            return str(generate_totp_secret())

    def can_decrypt(self, encrypted_text: str) -> bool:
        """Return whether a secret was stored with the present SECRET_KEY."""
        try:
            _cipher().decrypt(encrypted_text.encode())
        except InvalidToken:
            return False
        return True

    def get_totp_issuer(self) -> str:
        return str(context.request.site.name)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the site that a key belongs to: that of SITE_URL, whatever host a request names.

        A key can't belong to an IP address. On one's own machine the same site is at localhost, too.
        """
        host = urlsplit(settings.SITE_URL).hostname or ""
        host = "localhost" if host in {"127.0.0.1", "::1"} else host
        return {"id": host, "name": context.request.site.name}

    def build_totp_svg(self, url: str) -> SafeString:
        """Return the QR code as an element: the content security policy allows no data: image."""
        file = BytesIO()
        qrcode.make(url, image_factory=SvgPathImage).save(file)
        _declaration, start, element = file.getvalue().decode().partition("<svg")
        return mark_safe(start + element)  # noqa: S308 - qrcode draws the URL as a path

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """Return the proposed name of a new key: the first that none of the person's keys has."""
        keys = Authenticator.objects.filter(user=user, type=type)
        used = set(keys.values_list("data__name", flat=True))
        return next(name for n in count(1) if (name := _("Key %(n)s") % {"n": n}) not in used)


def _cipher() -> Fernet:
    key = salted_hmac("accounts.second_factors", "key", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
