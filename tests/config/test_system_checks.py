from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from config.hosts import is_loopback
from config.settings import replica_urls
from config.system_checks import check_database_driver, check_environment


def ids() -> list[str | None]:
    return [message.id for message in check_environment()]


def test_the_default_settings_pass_all_checks() -> None:
    assert ids() == []
    assert check_database_driver() == []


def test_psycopg_3_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "psycopg").mkdir()
    (tmp_path / "psycopg" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert [message.id for message in check_database_driver()] == ["config.E001"]


@pytest.mark.parametrize(
    ("web", "owner", "expected"),
    [
        (None, "postgresql://owner@db/site", ["config.E002"]),
        ("postgresql://web@db/site", "postgresql://owner@db/other", ["config.E003"]),
        ("postgresql://web:a@db/site", "postgresql://owner:b@db/site", []),
    ],
)
def test_both_logins_must_belong_to_one_database(
    web: str | None, owner: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    if web:
        monkeypatch.setenv("DATABASE_URL", web)
    monkeypatch.setenv("DATABASE_OWNER_URL", owner)
    assert ids() == expected


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ("", []),
        ("postgres://web@replica/site", []),
        ("postgres://web@replica/site, postgres://web@primary:5433/site postgresql://web@other/site", []),
        ("postgres://web@replica/site postgres://reader@replica:5432/site", ["config.E020"]),
        ("postgres://web@replica/site postgresql://web@primary/other", ["config.E021"]),
        ("postgres://web@replica/site,postgres://web:secret@primary/site", ["config.E019"]),
        ("postgres://web@replica/site postgres://web@db/?host=primary", ["config.E018"]),
        ("postgres://web@db:5433/site?host=primary&port=5432", ["config.E019"]),
        ("mysql://web@replica/site", ["config.E018"]),
        ("postgres://web@replica/site;postgres://web:secret@other/site", ["config.E018"]),
        ("postgres://web@replica;postgres://web:secret@other/site", ["config.E018"]),
        ("postgres://web@[::1/site", ["config.E018"]),
        ("replica", ["config.E018"]),
    ],
)
def test_replicas_are_other_servers(
    urls: str, expected: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_REPLICA_URLS", urls)
    settings.DATABASE_REPLICA_URLS = replica_urls()
    for key, value in {"HOST": "primary", "PORT": "", "NAME": "site"}.items():
        monkeypatch.setitem(connection.settings_dict, key, value)
    assert ids() == expected
    assert "secret" not in str(check_environment())


def test_the_embedded_server_has_no_replicas(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATABASE_REPLICA_URLS = ["postgres://web@replica/site"]
    monkeypatch.delenv("DATABASE_URL")
    assert ids() == ["config.E017"]


@pytest.mark.parametrize(
    ("url", "missing", "expected"),
    [
        ("s3://key:secret@127.0.0.1:9000/bucket", (), []),
        ("s3://127.0.0.1:9000/bucket", (), ["config.E013"]),
        ("s3://key:secret@127.0.0.1:9000/bucket", ("EMAIL_URL", "SECRET_KEY"), ["config.E014"]),
        ("", ("EMAIL_URL", "SECRET_KEY"), []),
    ],
)
def test_a_store_of_files_needs_all_that_servers_share(
    url: str,
    missing: tuple[str, ...],
    expected: list[str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.FILES_URL = url
    needed = {
        "DATABASE_URL": "postgresql://web@db/site",
        "EMAIL_URL": "smtp://mail.example.org",
        "SECRET_KEY": "x",
        "SITE_URL": "http://127.0.0.1:8000",
    }
    for name, value in needed.items():
        monkeypatch.setenv(name, value)
    for name in missing:
        monkeypatch.delenv(name)
    assert ids() == expected
    assert all(name in check_environment()[0].msg for name in missing if expected)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", []),
        ("https://example.org/blog", ["config.E004"]),
        ("example.org", ["config.E004"]),
        ("ftp://example.org", ["config.E004"]),
        ("https://exa_mple..org", ["config.E004"]),
        ("https://example.org:99999", ["config.E004"]),
        ("https://user@example.org", ["config.E004"]),
        ("http://[::1]:8000", []),
        ("http://0.0.0.0:8000", ["config.E005"]),
    ],
)
def test_the_site_has_an_address(url: str, expected: list[str], settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    settings.SITE_URL = url
    assert ids() == expected


def test_https_requires_a_proxy(settings: Settings) -> None:
    settings.SITE_URL = "https://example.org"
    assert ids() == ["config.E007"]
    settings.BEHIND_PROXY = True
    assert ids() == []


@pytest.mark.parametrize("name", ["HSTS_PRELOAD", "HSTS_SUBDOMAINS"])
def test_hsts_requires_https(name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "0")
    assert ids() == []
    monkeypatch.setenv(name, "1")
    assert ids() == ["config.E022"]
    settings.HTTPS = True
    assert ids() == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", []),
        ("submission://someone:secret@mail.example.org:587", []),
        ("smtp://127.0.0.1:2525", []),
        ("console://", []),
        ("zzz", ["config.E008"]),
        ("smtp+tls://someone:secret@mail.example.org", ["config.E008"]),  # would be sent in the clear
        ("submission:///mail", ["config.E008"]),
    ],
)
def test_email_url_names_a_server(url: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    assert ids() == expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("noreply@example.org", []),
        ("The Harbour <news@example.org>", []),
        ("noreply@localhost", []),
        ("Müller <a@example.org>", []),
        ('"a b"@example.org', []),
        ("noreply", ["config.E023"]),
        ("the harbour@example.org", ["config.E023"]),
        ("info@x <a@example.org>", ["config.E023"]),
        ("a@example.org, b@example.org", ["config.E023"]),
        ("News: Harbour <a@example.org>", ["config.E023"]),
        ("", ["config.E023"]),
    ],
)
def test_the_sender_of_mails_is_an_address(sender: str, expected: list[str], settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    assert ids() == expected


@pytest.mark.parametrize(("token", "expected"), [("", []), ("x" * 19, ["config.E015"]), ("x" * 20, [])])
def test_the_token_for_metrics_is_long(token: str, expected: list[str], settings: Settings) -> None:
    settings.METRICS_TOKEN = token
    assert ids() == expected


@pytest.mark.parametrize(("name", "expected"), [("text", []), ("json", []), ("xml", ["config.E016"])])
def test_the_format_of_the_log_is_known(name: str, expected: list[str], settings: Settings) -> None:
    settings.LOG_FORMAT = name
    assert ids() == expected


def test_debug_is_for_this_machine_only(settings: Settings) -> None:
    settings.DEBUG = True
    assert ids() == []
    settings.HOST = "192.0.2.1"
    assert ids() == ["config.E006"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("a.b", False),
    ],
)
def test_loopback_addresses_are_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@time_machine.travel(datetime(2026, 11, 28, 8, tzinfo=UTC), tick=False)
def test_the_default_time_of_a_field_is_no_problem() -> None:
    assert [message for message in run_checks() if not message.is_silenced()] == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"OIDC_PROVIDERS": ""}, []),
        ({"OIDC_PROVIDERS": "At Work"}, ["config.E009"]),
        ({"OIDC_PROVIDERS": "at-work,at-work"}, ["config.E009"]),
        ({"OIDC_PROVIDERS": "at-work,google"}, ["config.E010"]),
        ({"OIDC_AT_WORK_CLIENT_SECRET": ""}, ["config.E010"]),
        ({"OIDC_AT_WORK_URL": "http://login.example.org"}, ["config.E011"]),
        ({"OIDC_AT_WORK_URL": "login.example.org"}, ["config.E011"]),
        ({"OIDC_AT_WORK_URL": "http://127.0.0.1:9000"}, []),
    ],
)
def test_providers_of_log_ins_are_complete(
    changed: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "OIDC_PROVIDERS": "at-work",
        "OIDC_AT_WORK_URL": "https://login.example.org/realms/work",
        "OIDC_AT_WORK_CLIENT_ID": "soundoff",
        "OIDC_AT_WORK_CLIENT_SECRET": "a secret",
    }
    for name, value in {**values, **changed}.items():
        monkeypatch.setenv(name, value)
    assert ids() == expected
