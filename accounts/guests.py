"""Guests: people without an account, known again by a signed cookie and confirmed by a mailed link."""

from datetime import timedelta

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Guest
from core.sql import read

COOKIE = "guest"
COOKIE_AGE = 60 * 60 * 24 * 365  # seconds
LINK_AGE = 60 * 60 * 24 * 7  # seconds; an e-mail that nobody confirmed is forgotten as soon


def read_guest(request: HttpRequest) -> Guest | None:
    """The guest that the cookie names; None for no cookie, a forged one, or a guest who is gone."""
    try:
        key = signing.loads(request.COOKIES[COOKIE], salt=COOKIE, max_age=COOKIE_AGE)
    except (KeyError, signing.BadSignature):
        return None
    return next(iter(read(Guest, "SELECT * FROM accounts_guest WHERE id = %s", [key])), None)


def remember_guest(response: HttpResponse, guest: Guest, *, secure: bool) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(guest.pk, salt=COOKIE),
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=secure,
    )


def is_signed_by(guest: Guest, name: str, email: str) -> bool:
    """Whether a form with this name and e-mail is this guest's. Somebody who never opened the link, until it
    worked no more, signs as a new guest and gets another."""
    is_known = guest.confirmed_at or timezone.now() - guest.created_at < timedelta(seconds=LINK_AGE)
    return bool(is_known) and (guest.name, guest.email.casefold()) == (name, email.casefold())


def confirmation_token(guest: Guest) -> str:
    """What the mailed link carries: good for this guest with this e-mail only."""
    return signing.dumps([guest.pk, guest.email], salt="guest-confirm")


def read_confirmation(token: str) -> Guest | None:
    """The guest whose e-mail this token proves; None for a forged, old or outdated one. Writes nothing."""
    try:
        key, email = signing.loads(token, salt="guest-confirm", max_age=LINK_AGE)
    except signing.BadSignature:
        return None
    return Guest.objects.filter(pk=key, email=email).first()


def confirm_guest(guest: Guest) -> None:
    """Take the guest's e-mail as proved; a second time, or once it is forgotten, that changes nothing."""
    now = timezone.now()
    if Guest.objects.filter(pk=guest.pk, email=guest.email, confirmed_at=None).update(confirmed_at=now):
        guest.confirmed_at = now
