"""The devices that an account is logged in on: their list, logging them out, and the mail about a new one.

Each session is listed as a device. allauth stores a row for each one, with the browser and the IP address of
its log-in. Sessions that began before an upgrade to this version, or before a restore, have none; "Log out
everywhere" ends these as well.
"""

import re
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

IP_ADDRESS_RETENTION = timedelta(days=30)
NO_IP_ADDRESS = "0.0.0.0"  # noqa: S104 - the column can't be empty

# The first pattern that matches counts: Edge also calls itself Chrome, and Chrome calls itself Safari.
_BROWSERS = {
    "Edge": r"\bEdg(e|A|iOS)?/",
    "Opera": r"\bOPR/",
    "Samsung Internet": r"\bSamsungBrowser/",
    "Firefox": r"\b(Firefox|FxiOS)/",
    "Chrome": r"\b(Headless)?(Chrome|CriOS)/",
    "Safari": r"\bSafari/",
}
_SYSTEMS = {
    "Android": r"\bAndroid\b",
    "iPhone": r"\biPhone\b",
    "iPad": r"\biPad\b",
    "Windows": r"\bWindows\b",
    "macOS": r"\bMac OS X\b",
    "ChromeOS": r"\bCrOS\b",
    "Linux": r"\bLinux\b",
}


def describe_browser(user_agent: str) -> str:
    """Return the browser and the system of a User-Agent header, such as “Firefox on Windows”."""
    browser, system = _first_match(_BROWSERS, user_agent), _first_match(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def _first_match(patterns: dict[str, str], text: str) -> str:
    return next((name for name, pattern in patterns.items() if re.search(pattern, text)), "")


def list_devices(user: User) -> list[UserSession]:
    """Return the sessions of a user, the latest log-in first, in one query.

    Sessions that have ended are left out, also those that ended by a change of the password or by "Log out
    everywhere": they contain an outdated hash. delete_old_sessions deletes their rows.
    """
    unexpired = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    sessions = (
        UserSession.objects.filter(user=user)
        .annotate(session_data=Subquery(unexpired.values("session_data")))
        .exclude(session_data=None)
        .order_by("-created_at")
    )
    hashes = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    store = SessionStore()
    return [row for row in sessions if store.decode(row.session_data).get(HASH_SESSION_KEY) in hashes]


def log_out_device(user: User, pk: int) -> bool:
    """End one session of a user. Return whether there was one."""
    session = UserSession.objects.filter(user=user, pk=pk).first()
    if session is None:
        return False
    session.end()
    return True


@transaction.atomic
def log_out_everywhere(user: User) -> None:
    """End all sessions of a user.

    The increased `logout_count` ends the sessions without a row, because it is part of their hash.
    """
    keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(logout_count=F("logout_count") + 1)


def delete_old_sessions() -> int:
    """Delete expired sessions and IP addresses that are older than 30 days. Return the number of both."""
    SessionStore.clear_expired()
    stored = Session.objects.filter(session_key=OuterRef("session_key"))
    ended = UserSession.objects.filter(~Exists(stored)).delete()[0]
    expired = UserSession.objects.filter(last_seen_at__lt=timezone.now() - IP_ADDRESS_RETENTION)
    return int(ended + expired.exclude(ip=NO_IP_ADDRESS).update(ip=NO_IP_ADDRESS))
