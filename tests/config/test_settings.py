"""Settings from the environment, each in a process of its own."""

import os
import subprocess
import sys

import pytest

from core.data_folder import PROJECT

WHO_ASKS = """
import django
django.setup()
from allauth.core.internal.httpkit import get_client_ip
from django.test import RequestFactory
print(get_client_ip(RequestFactory().get("/", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.7"})))
"""


@pytest.mark.parametrize(("behind", "address"), [("1", "192.0.2.7"), ("0", "127.0.0.1")])
def test_the_ip_address_comes_from_the_proxy_and_cannot_be_forged(behind: str, address: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "BEHIND_PROXY": behind}
    output = subprocess.check_output([sys.executable, "-c", WHO_ASKS], cwd=PROJECT, env=env, text=True)
    assert output == f"{address}\n"


WHAT_IS_LOADED = """
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
    output = subprocess.check_output([sys.executable, "-c", WHAT_IS_LOADED], cwd=PROJECT, env=env, text=True)
    assert output == f"{loaded}\n"


@pytest.mark.parametrize(
    ("form", "given", "is_logged"),
    [
        ("text", "", "False"),
        ("text", "1", "True"),
        ("json", "", "True"),
        ("json", "1", "True"),
        ("json", "0", "False"),
    ],
)
def test_requests_are_logged_by_default_in_json_only(form: str, given: str, is_logged: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_FORMAT": form, "ACCESS_LOG": given}
    code = "from django.conf import settings; print(settings.ACCESS_LOG)"
    output = subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, env=env, text=True)
    assert output == f"{is_logged}\n"


@pytest.mark.parametrize("number", ["0", "65", "two", "-1", "1.5"])
def test_the_number_of_web_processes_is_checked(number: str) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "WEB_PROCESSES": number}
    code = "from django.conf import settings; settings.WEB_PROCESSES"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"WEB_PROCESSES is '{number}': write a whole number from 1 to 64." in done.stderr
