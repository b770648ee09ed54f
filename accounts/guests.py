"""Guests: commenters without an account, recognised by a signed cookie and confirmed by a mailed link."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import Guest
from core.cookies import COOKIE_AGE, set_cookie_for_a_year
from core.database.sql import fetch_instances

COOKIE = "guest"
LINK_MAX_AGE = timedelta(days=7)  # an unconfirmed e-mail is deleted after the same time


def guest_from_cookie(request: HttpRequest) -> Guest | None:
    """Return the guest that the cookie names; None without a valid cookie or if the guest was erased."""
    if (key := guest_id_from_cookie(request)) is None:
        return None
    statement = "SELECT * FROM accounts_guest WHERE id = %s AND is_active"
    return next(iter(fetch_instances(Guest, statement, [key])), None)


def guest_id_from_cookie(request: HttpRequest) -> int | None:
    """Return the id of the guest that the cookie names, who may be erased; None without a valid cookie."""
    try:
        return int(signing.loads(request.COOKIES[COOKIE], salt=COOKIE, max_age=COOKIE_AGE))
    except (KeyError, signing.BadSignature):
        return None


def set_guest_cookie(response: HttpResponse, guest: Guest) -> None:
    """Set the cookie that identifies this guest."""
    set_cookie_for_a_year(response, COOKIE, signing.dumps(guest.pk, salt=COOKIE))


def matches_guest(guest: Guest, name: str, email: str) -> bool:
    """Return whether a comment with this name and e-mail belongs to this guest.

    A guest whose confirmation link expired unused is not recognised: they become a new guest and get a new
    link.
    """
    is_valid = guest.confirmed_at or timezone.now() - guest.created_at < LINK_MAX_AGE
    return bool(is_valid) and (guest.name, guest.email.casefold()) == (name, email.casefold())


def make_confirmation_token(guest: Guest) -> str:
    """Return the token for the mailed link. It is valid only for this guest with this e-mail address."""
    return signing.dumps([guest.pk, guest.email], salt="guest-confirm")


def guest_from_token(token: str) -> Guest | None:
    """Return the guest whose e-mail this token confirms; None if it is forged, expired or outdated."""
    try:
        key, email = signing.loads(token, salt="guest-confirm", max_age=LINK_MAX_AGE)
    except signing.BadSignature:
        return None
    return Guest.objects.filter(pk=key, email=email, is_active=True).first()


def confirm_guest(guest: Guest) -> None:
    """Mark the guest's e-mail as confirmed. Repeating it, or confirming a deleted e-mail, changes nothing."""
    now = timezone.now()
    if Guest.objects.filter(pk=guest.pk, email=guest.email, confirmed_at=None).update(confirmed_at=now):
        guest.confirmed_at = now


def guest_comments_url(next_path: str = "") -> str:
    """Return the URL of the page on which a member claims comments that they wrote as a guest.

    It is shown after an e-mail address was confirmed, and then redirects to `next_path`.
    """
    return f"{reverse('guest-comments')}?{urlencode({'next': next_path or reverse('home')})}"
