"""System checks of settings that contradict each other. Each hint says how to fix it."""

import importlib.util
import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, urlsplit

import dj_email_url
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.mail.message import sanitize_address
from django.db import connection
from django.http.request import host_validation_re

from config.hosts import include_everybody, is_loopback
from config.settings import env_flag, oidc_providers, oidc_variable
from core.commands import ENVIRONMENT_TAG
from core.database import replicas
from core.database.sql import fetch_rows
from core.files import url as files_url

MIN_METRICS_TOKEN_LENGTH = 20  # characters
HSTS_FLAGS = ("HSTS_PRELOAD", "HSTS_SUBDOMAINS")
_OIDC_ID = re.compile(r"[a-z][a-z0-9-]*")


@register(Tags.database, ENVIRONMENT_TAG)
def check_database_driver(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse psycopg 3: Django prefers it to psycopg2, which this project is tested with."""
    if importlib.util.find_spec("psycopg") is None:
        return []
    return [
        Error(
            "psycopg 3 is installed in addition to psycopg2, and Django would use it.",
            hint="Uninstall psycopg from this environment (pip uninstall psycopg).",
            id="config.E001",
        )
    ]


@register(ENVIRONMENT_TAG)
def check_environment(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the environment variables do not contradict each other."""
    return [error for rule in ENVIRONMENT_RULES if (error := rule())]


def _check_database_urls() -> Error | None:
    web, owner = os.environ.get("DATABASE_URL"), os.environ.get("DATABASE_OWNER_URL")
    if owner and not web:
        return Error(
            "DATABASE_OWNER_URL is set without DATABASE_URL.",
            hint="Set both, or neither for the embedded server.",
            id="config.E002",
        )
    if owner and web and _database_of(owner) != _database_of(web):
        return Error(
            "DATABASE_URL and DATABASE_OWNER_URL name different databases.",
            hint="Only the login may differ.",
            id="config.E003",
        )
    return None


def _check_site_url() -> Error | None:
    site = urlsplit(settings.SITE_URL)
    is_web = site.scheme in {"http", "https"}
    if not is_web or not site.hostname or not _is_host(site) or site.path or site.query or site.fragment:
        return Error(
            f"SITE_URL is {settings.SITE_URL!r}.",
            hint="Write it with http:// or https:// and without a path, such as https://example.org.",
            id="config.E004",
        )
    if _is_unspecified(site.hostname):
        return Error(
            f"HOST={settings.HOST} listens on every address, but no reader can open {settings.SITE_URL}.",
            hint="Set SITE_URL to the address that readers use, such as https://example.org.",
            id="config.E005",
        )
    return None


def _is_host(url: SplitResult) -> bool:
    """Return whether the host of a URL, with its port, is one that Django answers to."""
    try:
        _port = url.port
    except ValueError:  # above 65535
        return False
    return host_validation_re.match(url.netloc.lower()) is not None


def _check_email_url() -> Error | None:
    mail = urlsplit(os.environ.get("EMAIL_URL", ""))
    needs_host = mail.scheme in {"smtp", "smtps", "submission", "submit"}
    if not mail.geturl() or (mail.scheme in dj_email_url.SCHEMES and (mail.hostname or not needs_host)):
        return None
    return Error(
        "EMAIL_URL names no mail server.",
        hint="Write it as submission://user:password@mail.example.org:587, or leave it out.",
        id="config.E008",
    )


def _check_incoming_email() -> Error | None:
    email = settings.INCOMING_EMAIL
    if not email or re.fullmatch(r"[^\s@+]+@[^\s@]+", email):
        return None
    return Error(
        f"INCOMING_EMAIL is {email!r}.",
        hint="Write it as comments@mail.example.org, without a + before the @, or leave it out.",
        id="config.E012",
    )


def _check_from_email() -> Error | None:
    with suppress(ValueError):
        sanitize_address(settings.DEFAULT_FROM_EMAIL, "utf-8")
        email = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        if "@" in email and (email.startswith('"') or not re.search(r"\s", email)):
            return None
    return Error(
        f"FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}.",
        hint="Write it as noreply@example.org, or leave it out.",
        id="config.E023",
    )


def _check_https() -> Error | None:
    if urlsplit(settings.SITE_URL).scheme != "https" or settings.BEHIND_PROXY:
        return None
    return Error(
        f"SITE_URL is {settings.SITE_URL}, but the server speaks HTTP: pages redirect to themselves.",
        hint="Set BEHIND_PROXY and use an HTTPS proxy, or write SITE_URL with http.",
        id="config.E007",
    )


def _check_hsts() -> Error | None:
    if settings.HTTPS or not (ignored := [name for name in HSTS_FLAGS if env_flag(name)]):
        return None
    return Error(
        f"{ignored[0]} is set, but SITE_URL is {settings.SITE_URL}: browsers obey it with HTTPS only.",
        hint=f"Write SITE_URL with https, or leave {' and '.join(ignored)} out.",
        id="config.E022",
    )


def _check_debug() -> Error | None:
    if not settings.DEBUG or is_loopback(settings.HOST):
        return None
    return Error(
        f"DEBUG shows settings and code to everybody who can reach {settings.HOST}.",
        hint="Remove DEBUG, or set HOST to 127.0.0.1.",
        id="config.E006",
    )


def _check_oidc_providers() -> Error | None:
    providers = oidc_providers()
    ids = [provider["provider_id"] for provider in providers]
    for provider, values in zip(ids, providers, strict=True):
        if not _OIDC_ID.fullmatch(provider) or ids.count(provider) > 1:
            return Error(
                f"OIDC_PROVIDERS has the entry {provider!r}.",
                hint="List each provider once, by a name of small letters, digits and hyphens: google,work",
                id="config.E009",
            )
        needed = {"URL": values["settings"]["server_url"], "CLIENT_ID": values["client_id"]}
        needed["CLIENT_SECRET"] = values["secret"]
        if missing := [oidc_variable(provider, name) for name, value in needed.items() if not value]:
            verb = "is" if len(missing) == 1 else "are"
            return Error(
                f"OIDC_PROVIDERS lists {provider}, but {', '.join(missing)} {verb} not set.",
                hint="The provider shows these values where you register this site as an application.",
                id="config.E010",
            )
        url = urlsplit(needed["URL"])
        is_local = url.scheme == "http" and is_loopback(url.hostname or "")
        if not url.hostname or not (url.scheme == "https" or is_local):
            return Error(
                f"{oidc_variable(provider, 'URL')} is {needed['URL']!r}.",
                hint="Write the provider's issuer with https, such as https://accounts.google.com.",
                id="config.E011",
            )
    return None


def _check_files_url() -> Error | None:
    if not settings.FILES_URL:
        return None
    try:
        files_url.parse(settings.FILES_URL)
    except ValueError as error:
        return Error(
            str(error),
            hint=f"Write it as {files_url.EXAMPLE}, with %2F for a slash in the secret. ?region=… and "
            "?scheme=http may follow.",
            id="config.E013",
        )
    needed = ("DATABASE_URL", "EMAIL_URL", "SECRET_KEY", "SITE_URL")
    if missing := [name for name in needed if not os.environ.get(name)]:
        return Error(
            f"FILES_URL is set without {', '.join(missing)}.",
            hint="A site with several servers needs the same value of each on all of them. For one server "
            "leave FILES_URL out: the files are then in the data folder.",
            id="config.E014",
        )
    return None


def _check_metrics_token() -> Error | None:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= MIN_METRICS_TOKEN_LENGTH:
        return None
    return Error(
        f"METRICS_TOKEN has fewer than {MIN_METRICS_TOKEN_LENGTH} characters.",
        hint="Make one with openssl rand -hex 20, or leave it out: /metrics does not exist then.",
        id="config.E015",
    )


def _check_log_format() -> Error | None:
    if settings.LOG_FORMAT in {"text", "json"}:
        return None
    return Error(
        f"LOG_FORMAT is {settings.LOG_FORMAT!r}.", hint="Write json, or leave it out.", id="config.E016"
    )


def _check_replica_urls() -> Error | None:
    urls = settings.DATABASE_REPLICA_URLS
    if urls and not os.environ.get("DATABASE_URL"):
        return Error(
            "DATABASE_REPLICA_URLS is set without DATABASE_URL.",
            hint="The embedded server has no replicas. Set DATABASE_URL to the primary of your own servers.",
            id="config.E017",
        )
    servers = [replicas.endpoint(connection.settings_dict)]
    for number, url in enumerate(urls, 1):
        if error := _check_replica_url(f"DATABASE_REPLICA_URLS: URL {number}", url, servers):
            return error
    return None


def _check_replica_url(name: str, url: str, servers: list[tuple[str, str, str]]) -> Error | None:
    """Check one URL and add its server to `servers`: that of the primary and those of the URLs before."""
    primary = servers[0]
    try:
        replica = replicas.connection_settings(url)
    except ValueError:
        return Error(
            f"{name} names no database.",  # without its password
            hint="Write URLs as postgres://user:password@10.0.0.5/soundoff, separated by spaces.",
            id="config.E018",
        )
    if "://" in url.partition("://")[2]:
        return Error(f"{name} contains another URL.", hint="Separate the URLs by spaces.", id="config.E018")
    server = replicas.endpoint(replica)
    if server == primary:
        return Error(
            f"{name} is the server of DATABASE_URL.",
            hint="Name only replicas of it, or leave DATABASE_REPLICA_URLS out.",
            id="config.E019",
        )
    if server in servers:
        return Error(f"{name} is there twice.", hint="Name each replica once.", id="config.E020")
    servers.append(server)
    if replica["NAME"] != primary[-1]:
        return Error(
            f"{name} names the database {replica['NAME']!r}.",
            hint=f"A replica has the databases of its primary: write {primary[-1]}, as in DATABASE_URL.",
            id="config.E021",
        )
    return None


ENVIRONMENT_RULES: tuple[Callable[[], Error | None], ...] = (
    _check_database_urls,
    _check_site_url,
    _check_email_url,
    _check_from_email,
    _check_incoming_email,
    _check_https,
    _check_hsts,
    _check_debug,
    _check_oidc_providers,
    _check_files_url,
    _check_metrics_token,
    _check_log_format,
    _check_replica_urls,
)


@register(Tags.security, deploy=True)
def check_secret_key_mode(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn if other users can read the secret key, with which one can log in as anybody."""
    path = settings.HOME / "secret_key"
    if os.environ.get("SECRET_KEY") or not path.exists() or not (mode := path.stat().st_mode & 0o077):
        return []
    verb = "change" if mode & 0o022 else "read"
    return [
        Warning(
            f"Other users of this machine can {verb} the secret key in {path}.",
            hint=f"Run chmod 600 {path}. If somebody may have read it, delete it and restart the site. Then "
            "everybody has to log in again.",
            id="config.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_proxy_bypass(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn if clients can bypass the proxy, and so forge their IP address."""
    if not include_everybody(settings.PROXIES) or is_loopback(settings.HOST):
        return []
    return [
        Warning(
            f"The site is behind a proxy, but clients can reach {settings.HOST}:{settings.PORT} directly and "
            "claim any IP address and HTTPS.",
            hint="Write the addresses of the proxies into BEHIND_PROXY, such as BEHIND_PROXY=10.0.0.5. Or "
            "set HOST to 127.0.0.1. Or block that port for all but the proxy, and leave it so.",
            id="config.W002",
        )
    ]


@register(Tags.database, deploy=True)
def check_web_login(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn if the web login owns the tables. `migrate`, whose login owns them, runs no deployment checks."""
    if not databases:
        return []
    name, is_superuser, owns = fetch_rows(
        "SELECT rolname, rolsuper, "
        "EXISTS (SELECT FROM pg_class WHERE relowner = r.oid AND relkind = 'r') "
        "FROM pg_roles r WHERE rolname = current_user"
    )[0]
    if not (is_superuser or owns):
        return []
    power = "is a superuser of the database server" if is_superuser else "owns the tables"
    return [
        Warning(
            f"The database login {name} of the web server {power}: a bug could rewrite the audit log.",
            hint="Create a second login, as docs/operate.md says. Set DATABASE_OWNER_URL and DATABASE_URL.",
            id="config.W003",
        )
    ]


def is_private() -> bool:
    """Return whether only this machine can reach the site."""
    return is_loopback(settings.HOST) and is_loopback(urlsplit(settings.SITE_URL).hostname or "")


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _database_of(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2], parts.path, parts.query
