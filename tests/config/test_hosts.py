"""Allowed hosts. Each case runs in a process of its own, because settings are read once."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from config.hosts import allowed_hosts
from core.data_folder import PROJECT

ASK = """
import json, sys
import django
django.setup()
from django.test import Client
from django.conf import settings
asks = json.loads(sys.argv[1])
answers = []
for path, headers in asks:
    answer = Client(headers=headers).get(path)
    answers.append([answer.status_code, answer.headers.get("Strict-Transport-Security", ""),
                 answer.headers.get("Location", "")])
print(json.dumps({"hosts": settings.ALLOWED_HOSTS, "answers": answers}))
"""


def ask(*asked: tuple[str, dict[str, str]], **environment: str) -> dict[str, Any]:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    argv = [sys.executable, "-c", ASK, json.dumps(asked)]
    done = subprocess.run(argv, cwd=PROJECT, env=env, text=True, capture_output=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


REAL = {"SITE_URL": "https://slip.example", "BEHIND_PROXY": "1"}


@pytest.mark.parametrize(
    ("site", "listening", "hosts"),
    [
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1", "[::1]", "localhost"]),
        ("localhost", "0.0.0.0", ["0.0.0.0", "127.0.0.1", "[::1]", "localhost"]),
        ("slip.example", "127.0.0.1", ["slip.example"]),
        ("slip.example", "0.0.0.0", ["slip.example"]),
        ("192.0.2.7", "192.0.2.7", ["192.0.2.7"]),
        ("2001:db8::7", "::", ["[2001:db8::7]"]),
    ],
)
def test_a_public_site_answers_only_its_own_host(site: str, listening: str, hosts: list[str]) -> None:
    assert allowed_hosts(site, listening) == hosts


def test_loopback_hosts_are_refused_except_for_health_checks() -> None:
    through_nginx = {"X-Forwarded-Proto": "https"}
    answers = ask(
        ("/rules/nothing/", {"Host": "localhost", **through_nginx}),
        ("/accounts/password/reset/", {"Host": "127.0.0.1:9999", **through_nginx}),
        ("/healthz", {"Host": "127.0.0.1:8000"}),
        ("/healthz", {"Host": "slip.example", **through_nginx}),
        **REAL,
    )
    assert [status for status, *_ in answers["answers"]] == [400, 400, 200, 200]
    assert answers["hosts"] == ["slip.example"]


@pytest.mark.parametrize(
    ("environment", "header"),
    [({}, "max-age=31536000"), ({"HSTS_PRELOAD": "1"}, "max-age=31536000; includeSubDomains; preload")],
)
def test_hsts_includes_subdomains_only_if_switched_on(environment: dict[str, str], header: str) -> None:
    (answers,) = ask(("/healthz", {"X-Forwarded-Proto": "https"}), **REAL | environment)["answers"]
    assert answers[1] == header
