"""Log-in throttling, which slows down password guessing without locking out the account's owner.

Each wrong password lengthens the wait for one account from one origin, up to half a minute. The origin of an
attempt is the device, if it has logged in to the account before, or else the IP address. A device is a
browser, recognised by its cookie. So guesses from elsewhere do not make the owner wait, nor do other people
behind the same IP address who mistype their own passwords. Attempts are counted for every e-mail that is
typed, with or without an account, so the wait does not reveal which e-mails have one.

The counts are in the database, because several processes and hosts count together, and because one statement
there both checks and counts: of eight simultaneous guesses only one is tried.

Codes of second factors are counted for the account alone and not for an IP address: anybody who may enter one
knows the password already, and six digits are soon guessed from many IP addresses.
"""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import truncate_ip
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import FailedLoginCount
from core.cookies import COOKIE_AGE, set_cookie_for_a_year
from core.database.sql import fetch_rows, fetch_value

COOKIE = "device"
COOKIE_PATH = "/accounts/"  # the pages that ask for passwords; the cookie is sent to no others
ACCOUNTS_PER_DEVICE = 5  # accounts that the cookie of one device remembers
MAX_WAIT_SECONDS = 30
MAX_CODE_WAIT_SECONDS = 15 * 60
FREE_CODES = 3  # wrong codes of a second factor without a wait
FREE_ATTEMPTS = 10  # wrong passwords without a wait, for a device that has logged in before
MAIL_OWNER_AT = 10  # wrong passwords within a day, from all origins, after which the owner gets a mail
DAY = timedelta(days=1)
CODE_ORIGIN = b"codes"  # in place of a hash: the codes of an account have one count

_WAIT = """
CASE WHEN a.wrong <= %(free)s THEN 0
     ELSE least(%(max_wait)s, power(2, least(a.wrong - %(free)s - 1, 10))) END * interval '1 second'"""
_THROTTLE = f"""
WITH counted AS (
  INSERT INTO accounts_loginattempts AS a (account, origin, wrong, at)
  VALUES (%(account)s, %(origin)s, 1, %(now)s)
  ON CONFLICT (account, origin) DO UPDATE
  SET wrong = CASE WHEN a.at < %(old)s THEN 1 ELSE a.wrong + 1 END, at = excluded.at
  WHERE a.at + {_WAIT} <= excluded.at
  RETURNING wrong)
SELECT EXISTS (SELECT FROM counted),
       (SELECT ceil(extract(epoch FROM a.at + {_WAIT} - %(now)s))::int
        FROM accounts_loginattempts a WHERE account = %(account)s AND origin = %(origin)s)"""
_COUNT_FOR_ALL_ORIGINS = """
INSERT INTO accounts_loginattempts AS a (account, origin, wrong, at)
VALUES (%(account)s, '', 1, %(now)s)
ON CONFLICT (account, origin) DO UPDATE
SET wrong = CASE WHEN a.at < %(old)s THEN 1 ELSE a.wrong + 1 END,
    at = CASE WHEN a.at < %(old)s THEN excluded.at ELSE a.at END
RETURNING wrong"""


def throttle_password_attempt(request: HttpRequest, email: str) -> int:
    """Count a password as wrong before it is checked, for the account and the origin of the request.

    Returns 0. While the person has to wait, it counts nothing and returns the seconds that are left.
    """
    origin_hash, free = _origin(request, email)
    return _throttle(
        _values("account", email) | {"origin": origin_hash, "free": free, "max_wait": MAX_WAIT_SECONDS}
    )


def throttle_code_attempt(email: str) -> int:
    """Count a code of a second factor as wrong before it is checked, for the account alone.

    Returns 0. While the person has to wait, it counts nothing and returns the seconds that are left.
    """
    values = {"origin": CODE_ORIGIN, "free": FREE_CODES, "max_wait": MAX_CODE_WAIT_SECONDS}
    return _throttle(_values("codes", email) | values)


def count_wrong_password(email: str) -> bool:
    """Add a wrong password to the account's count for all origins. Return whether to mail its owner now.

    That is at the password with number MAIL_OWNER_AT within a day, so at most daily.
    """
    return bool(fetch_value(_COUNT_FOR_ALL_ORIGINS, _values("account", email)) == MAIL_OWNER_AT)


def count_wrong_code(email: str) -> bool:
    """Add a wrong code to the account's count of wrong codes in a day. Return whether to mail its owner now.

    That is at the code with number MAIL_OWNER_AT within a day, so at most daily.
    """
    return bool(fetch_value(_COUNT_FOR_ALL_ORIGINS, _values("codes", email)) == MAIL_OWNER_AT)


def reset_password_count(request: HttpRequest, email: str) -> None:
    """Delete the count of wrong passwords for this account and origin, after a right one."""
    origin_hash, _free = _origin(request, email)
    account_hash = _hash("account", _normalize(email))
    FailedLoginCount.objects.filter(account_hash=account_hash, origin_hash=origin_hash).delete()


def reset_code_count(email: str) -> None:
    """Delete the count of wrong codes for this account, after a right one."""
    account_hash = _hash("codes", _normalize(email))
    FailedLoginCount.objects.filter(account_hash=account_hash, origin_hash=CODE_ORIGIN).delete()


def delete_counts(email: str) -> None:
    """Delete all counts of an e-mail address."""
    hashes = [_hash(kind, _normalize(email)) for kind in ("account", "codes")]
    FailedLoginCount.objects.filter(account_hash__in=hashes).delete()


def delete_old_counts() -> int:
    """Delete counts that are older than a day, and return their number."""
    return FailedLoginCount.objects.filter(at__lt=timezone.now() - DAY).delete()[0]


def remember_device(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Set the cookie by which this device is recognised as one that has logged in to this account."""
    account_hash = _hash("account", _normalize(email)).hex()
    devices = _read_cookie(request)
    latest_first = {account_hash: devices.pop(account_hash, None) or token_urlsafe(12), **devices}
    value = signing.dumps(dict(list(latest_first.items())[:ACCOUNTS_PER_DEVICE]), salt=COOKIE)
    set_cookie_for_a_year(response, COOKIE, value, path=COOKIE_PATH)


def is_known_device(request: HttpRequest, email: str) -> bool:
    """Return whether this device has logged in to this account before."""
    return _hash("account", _normalize(email)).hex() in _read_cookie(request)


def _origin(request: HttpRequest, email: str) -> tuple[bytes, int]:
    """Return the hash of the request's origin, and how many of its attempts may be wrong without a wait.

    The origin is a known device, or else the IP address (for IPv6 the network, as each machine has many).
    Raises PermissionDenied if the address is unknown: the list of devices could not store the log-in either.
    """
    if device := _read_cookie(request).get(_hash("account", _normalize(email)).hex()):
        return _hash("device", device), FREE_ATTEMPTS
    return _hash("address", truncate_ip(get_adapter().get_client_ip(request))), 0


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    try:
        devices = signing.loads(request.COOKIES[COOKIE], salt=COOKIE, max_age=COOKIE_AGE)
    except (KeyError, signing.BadSignature):
        return {}
    return dict(devices)


def _throttle(values: dict[str, Any]) -> int:
    is_counted, seconds = fetch_rows(_THROTTLE, values)[0]
    return 0 if is_counted else max(1, seconds or 1)  # no seconds: another attempt came at the same moment


def _values(kind: str, email: str) -> dict[str, Any]:
    now = timezone.now()
    return {"account": _hash(kind, _normalize(email)), "now": now, "old": now - DAY}


def _normalize(email: str) -> str:
    return email.strip().casefold()


def _hash(kind: str, value: str) -> bytes:
    """Return a keyed hash, so that the table does not reveal e-mails and IP addresses."""
    return salted_hmac(f"accounts.logins.{kind}", value, algorithm="sha256").digest()
