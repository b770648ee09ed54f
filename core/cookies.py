"""Cookies that a browser keeps for a year."""

from django.conf import settings
from django.http import HttpResponse

from core.caching import YEAR

COOKIE_AGE = YEAR


def set_cookie_for_a_year(response: HttpResponse, name: str, value: str, path: str = "/") -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_AGE,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
