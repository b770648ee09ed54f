"""Settings from the environment."""

import os
import runpy
import subprocess
import sys
from typing import Any

import pytest

from core.data_folder import PROJECT, StartupError

ADDRESS_SCRIPT = """
import django
django.setup()
from accounts.requests import client_ip
from django.test import RequestFactory
print(client_ip(RequestFactory().get("/", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.7"})))
"""


@pytest.mark.parametrize(("behind", "address"), [("1", "192.0.2.7"), ("0", "127.0.0.1")])
def test_the_ip_address_comes_from_the_proxy_and_cannot_be_forged(behind: str, address: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "BEHIND_PROXY": behind}
    output = subprocess.check_output([sys.executable, "-c", ADDRESS_SCRIPT], cwd=PROJECT, env=env, text=True)
    assert output == f"{address}\n"


LOADED_SCRIPT = """
import sys
import django
django.setup()
import config.urls
from core.files import storage
print(storage().is_shared, "boto3" in sys.modules, "storages" in sys.modules)
"""


@pytest.mark.parametrize(
    ("url", "loaded"),
    [("", "False False False"), ("s3://key:secret@127.0.0.1:9000/bucket", "True True True")],
)
def test_only_a_site_with_a_store_loads_its_packages(url: str, loaded: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "FILES_URL": url}
    output = subprocess.check_output([sys.executable, "-c", LOADED_SCRIPT], cwd=PROJECT, env=env, text=True)
    assert output == f"{loaded}\n"


def load_settings() -> dict[str, Any]:
    """Return the settings of the environment, without those that Django has loaded for the tests."""
    return runpy.run_path(str(PROJECT / "config" / "settings.py"))


@pytest.mark.parametrize(
    ("form", "given", "is_logged"),
    [
        ("text", "", False),
        ("text", "1", True),
        ("json", "", True),
        ("json", "1", True),
        ("json", "0", False),
    ],
)
def test_requests_are_logged_by_default_in_json_only(
    form: str, given: str, is_logged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    monkeypatch.setenv("ACCESS_LOG", given)
    assert load_settings()["ACCESS_LOG"] is is_logged


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WEB_PROCESSES", "0", "WEB_PROCESSES is '0': write a whole number from 1 to 64."),
        ("DEBUG", "maybe", "DEBUG is 'maybe': write 1 or 0."),
        ("DATABASE_URL", "postgres://u:secret@h:port/x", "DATABASE_URL is no URL of a Postgres database: "),
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_sentence(name: str, value: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=PROJECT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WEB_PROCESSES", "65", "WEB_PROCESSES is '65': write a whole number from 1 to 64."),
        ("WEB_PROCESSES", "two", "WEB_PROCESSES is 'two': write a whole number from 1 to 64."),
        ("WEB_PROCESSES", "-1", "WEB_PROCESSES is '-1': write a whole number from 1 to 64."),
        ("PORT", "1.5", "PORT is '1.5': write a whole number from 0 to 65535."),
        ("BEHIND_PROXY", "10.0.0.5/24", "BEHIND_PROXY is '10.0.0.5/24': write 1, 0, or the IP addresses"),
        (
            "BEHIND_PROXY",
            "::ffff:10.0.0.5",
            "BEHIND_PROXY is '::ffff:10.0.0.5': write 1, 0, or the IP addresses",
        ),
        ("BEHIND_PROXY", "proxy.example", "BEHIND_PROXY is 'proxy.example': write 1, 0, or the IP addresses"),
        ("DATABASE_URL", "mysite://u:secret@h/x", "DATABASE_URL is no URL of a Postgres database: "),
        ("DATABASE_URL", "mysql://u:secret@h/x", "DATABASE_URL is no URL of a Postgres database: "),
        ("DATABASE_URL", "postgres://", "DATABASE_URL is no URL of a Postgres database: "),
    ],
)
def test_a_wrong_setting_is_refused(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test before this one shows that its error ends the start."""
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as refused:
        load_settings()
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("--settings=no_such_module", "No module named 'no_such_module'"), ("--pythonpath=/nowhere", "")],
)
def test_options_of_django_that_say_where_the_settings_are(option: str, sentence: str) -> None:
    command = [
        sys.executable,
        "manage.py",
        "collectstatic",
        "--dry-run",
        "--noinput",
        "--verbosity=0",
        option,
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if sentence else 0)
    assert sentence in done.stderr


@pytest.mark.parametrize("command", [("serve",), ("tick", "--list"), ("import_archive", "story.txt")])
def test_settings_that_a_check_refuses_end_the_start_with_sentences(command: tuple[str, ...]) -> None:
    env = {**os.environ, "SITE_URL": "example.org", "LOG_FORMAT": "xml"}
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "SITE_URL is 'example.org'. Write it with http:// or https:// and without a path, such as "
        "https://example.org.",
        "LOG_FORMAT is 'xml'. Write json, or leave it out.",
    ]
