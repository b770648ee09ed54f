"""Settings that contradict each other, told at start with the sentence that mends them."""

import importlib.util
import ipaddress
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import dj_email_url
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from config.hosts import is_loopback


@register(Tags.database)
def check_database_driver(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Django silently prefers psycopg 3 where both are installed; this product is tried with psycopg2."""
    if importlib.util.find_spec("psycopg") is None:
        return []
    return [
        Error(
            "psycopg 3 is installed beside psycopg2, and Django would use it.",
            hint="Uninstall psycopg from this environment (pip uninstall psycopg).",
            id="config.E001",
        )
    ]


@register()
def check_environment(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What was set in the environment must make sense together."""
    found: list[CheckMessage] = []
    web, owner = os.environ.get("DATABASE_URL"), os.environ.get("DATABASE_OWNER_URL")
    if owner and not web:
        found.append(
            Error(
                "DATABASE_OWNER_URL is set without DATABASE_URL.",
                hint="Set both, or neither for the embedded server.",
                id="config.E002",
            )
        )
    elif owner and web and _database_of(owner) != _database_of(web):
        found.append(
            Error(
                "DATABASE_URL and DATABASE_OWNER_URL name different databases.",
                hint="Only the login may differ.",
                id="config.E003",
            )
        )
    site = urlsplit(settings.SITE_URL)
    if site.scheme not in {"http", "https"} or not site.hostname or site.path or site.query or site.fragment:
        found.append(
            Error(
                f"SITE_URL is {settings.SITE_URL!r}.",
                hint="Write it as https://example.org, without a path.",
                id="config.E004",
            )
        )
    elif _is_unspecified(site.hostname):
        found.append(
            Error(
                f"HOST={settings.HOST} listens on every address, but no reader can open {settings.SITE_URL}.",
                hint="Set SITE_URL to the address that readers use, such as https://example.org.",
                id="config.E005",
            )
        )
    mail = urlsplit(os.environ.get("EMAIL_URL", ""))
    if mail.geturl() and (
        mail.scheme not in dj_email_url.SCHEMES
        or (mail.scheme in {"smtp", "smtps", "submission", "submit"} and not mail.hostname)
    ):
        found.append(
            Error(
                "EMAIL_URL names no mail server.",
                hint="Write it as submission://user:password@mail.example.org:587, or leave it out.",
                id="config.E008",
            )
        )
    if site.scheme == "https" and not settings.BEHIND_PROXY:
        found.append(
            Error(
                f"SITE_URL is {settings.SITE_URL}, but we speak HTTP: each page would lead to itself.",
                hint="Set BEHIND_PROXY=1 and have a proxy speak HTTPS, or write SITE_URL with http.",
                id="config.E007",
            )
        )
    if settings.DEBUG and not is_loopback(settings.HOST):
        found.append(
            Error(
                f"DEBUG would show settings and code to everybody who can reach {settings.HOST}.",
                hint="Remove DEBUG, or set HOST to 127.0.0.1.",
                id="config.E006",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_secret_key_mode(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever has the secret key can log in as anybody."""
    path = settings.HOME / "secret_key"
    if os.environ.get("SECRET_KEY") or not path.exists() or not (mode := path.stat().st_mode & 0o077):
        return []
    who = "change" if mode & 0o022 else "read"
    return [
        Warning(
            f"Others on this machine can {who} the secret key in {path}.",
            hint=f"chmod 600 {path}. If somebody may have read it, delete it and start again: then everybody "
            "logs in anew.",
            id="config.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_proxy_bypass(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.BEHIND_PROXY or is_loopback(settings.HOST):
        return []
    return [
        Warning(
            f"Behind a proxy, yet {settings.HOST}:{settings.PORT} can be reached past it: whoever does may "
            "claim any IP address and HTTPS.",
            hint="Set HOST to 127.0.0.1, or let a firewall keep all but the proxy away from that port.",
            id="config.W002",
        )
    ]


@register(Tags.database, deploy=True)
def check_web_login(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Not told of the login that migrates, which must own them: `migrate` asks for no deployment check."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper, "
            "EXISTS (SELECT FROM pg_class WHERE relowner = r.oid AND relkind = 'r') "
            "FROM pg_roles r WHERE rolname = current_user"
        )
        name, is_superuser, owns = cursor.fetchone()
    if not (is_superuser or owns):
        return []
    what = "may do everything in the database server" if is_superuser else "owns the tables"
    return [
        Warning(
            f"The login {name}, with which pages are served, {what}: a fault in a page could rewrite the log "
            "of decisions.",
            hint="Make a second login as docs/operate.md says, and set DATABASE_OWNER_URL and DATABASE_URL.",
            id="config.W003",
        )
    ]


def is_private() -> bool:
    """Whether only this machine can reach the site."""
    return is_loopback(settings.HOST) and is_loopback(urlsplit(settings.SITE_URL).hostname or "")


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _database_of(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2], parts.path, parts.query
