"""Log-in throttling, which slows down who guesses a password and not the owner of the account.

Each wrong password lengthens the wait of one account at one IP address, up to half a minute. So nobody who
guesses elsewhere makes the owner wait, nor does anybody behind the same address who mistypes a password of
their own. A browser that has logged in before has a cookie and is counted by itself. A row is there for what
was typed, whether an account has it or not: the wait tells nobody.

The rows lie in the database, as several processes and hosts have to count together, and because one statement
there both asks and counts: of eight guesses at the same moment one is tried.
"""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import LoginAttempts

COOKIE = "device"
COOKIE_AGE = 60 * 60 * 24 * 365  # seconds
COOKIE_PATH = "/accounts/"  # where passwords are asked for; no other page learns of it
ACCOUNTS_PER_DEVICE = 5  # that one browser is known to have logged in to
WAIT_MAX = 30  # seconds
FREE_ATTEMPTS = 10  # wrong passwords of a browser that has logged in before, until it waits as any other
MAIL_OWNER_AT = 10  # wrong passwords within a day, from anywhere, at which the owner is mailed
DAY = timedelta(days=1)

_WAIT = f"""
CASE WHEN a.wrong <= %(free)s THEN 0
     ELSE least({WAIT_MAX}, power(2, least(a.wrong - %(free)s - 1, 10))) END * interval '1 second'"""
_CLAIM = f"""
WITH claimed AS (
  INSERT INTO accounts_loginattempts AS a (account, origin, wrong, at)
  VALUES (%(account)s, %(origin)s, 1, %(now)s)
  ON CONFLICT (account, origin) DO UPDATE
  SET wrong = CASE WHEN a.at < %(old)s THEN 1 ELSE a.wrong + 1 END, at = excluded.at
  WHERE a.at + {_WAIT} <= excluded.at
  RETURNING wrong)
SELECT EXISTS (SELECT FROM claimed),
       (SELECT ceil(extract(epoch FROM a.at + {_WAIT} - %(now)s))::int
        FROM accounts_loginattempts a WHERE account = %(account)s AND origin = %(origin)s)"""
_COUNT = """
INSERT INTO accounts_loginattempts AS a (account, origin, wrong, at)
VALUES (%(account)s, '', 1, %(now)s)
ON CONFLICT (account, origin) DO UPDATE
SET wrong = CASE WHEN a.at < %(old)s THEN 1 ELSE a.wrong + 1 END,
    at = CASE WHEN a.at < %(old)s THEN excluded.at ELSE a.at END
RETURNING wrong"""


def claim_attempt(request: HttpRequest, email: str) -> int:
    """Count an attempt before its password is looked at. Returns 0, or for how many seconds none is taken."""
    origin, free = _origin(request, email)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, _values(email) | {"origin": origin, "free": free})
        is_claimed, seconds = cursor.fetchone()
    return 0 if is_claimed else max(1, seconds or 1)  # nothing: another one came in the same moment


def count_wrong_password(email: str) -> bool:
    """Count a wrong password for the account as a whole. Return whether to mail its owner now, once a day."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _values(email))
        return bool(cursor.fetchone()[0] == MAIL_OWNER_AT)


def reset_count(request: HttpRequest, email: str) -> None:
    """Delete the count of this origin, since its password was right."""
    origin, _free = _origin(request, email)
    LoginAttempts.objects.filter(account=_hash("account", _normalize(email)), origin=origin).delete()


def forget_old() -> int:
    """Delete counts that are older than a day, and return their number."""
    return LoginAttempts.objects.filter(at__lt=timezone.now() - DAY).delete()[0]


def remember_device(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Set the cookie by which this browser is known as one that has logged in to this account."""
    account = _hash("account", _normalize(email)).hex()
    known = _read_cookie(request)
    devices = {account: known.pop(account, None) or token_urlsafe(12), **known}
    response.set_cookie(
        COOKIE,
        signing.dumps(dict(list(devices.items())[:ACCOUNTS_PER_DEVICE]), salt=COOKIE),
        max_age=COOKIE_AGE,
        path=COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _origin(request: HttpRequest, email: str) -> tuple[bytes, int]:
    """Return the origin for which an attempt counts, and how many wrong ones it may make without a wait: a
    known browser, or the IP address (of IPv6 the network, as each machine has many)."""
    if device := _read_cookie(request).get(_hash("account", _normalize(email)).hex()):
        return _hash("device", device), FREE_ATTEMPTS
    return _hash("address", get_ip(request)), 0


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES[COOKIE], salt=COOKIE, max_age=COOKIE_AGE)
    except (KeyError, signing.BadSignature):
        return {}
    return dict(found)


def _values(email: str) -> dict[str, Any]:
    now = timezone.now()
    return {"account": _hash("account", _normalize(email)), "now": now, "old": now - DAY}


def _normalize(email: str) -> str:
    return email.strip().casefold()


def _hash(what: str, value: str) -> bytes:
    """Return a keyed hash, so that the table does not tell what was typed and from where."""
    return salted_hmac(f"accounts.logins.{what}", value, algorithm="sha256").digest()
