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
