"""Allowed hosts, and the hosts with cached pages. Each case runs in its own process."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from config.hosts import allowed_hosts
from core.data_folder import PROJECT

REQUESTS = """
import json, sys
import django
django.setup()
from django.test import Client
from django.conf import settings
answers = []
for path, headers in json.loads(sys.argv[1]):
    answer = Client(headers=headers).get(path)
    answers.append([answer.status_code, answer.headers.get("Strict-Transport-Security", ""),
                 answer.headers.get("Location", "")])
print(json.dumps({"hosts": settings.ALLOWED_HOSTS, "answers": answers}))
"""
CACHED_HOSTS = """
import json, sys
import django
django.setup()
from config.page_cache.keys import SITE, make_key
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.url_scheme": SITE.scheme}
hosts = json.loads(sys.argv[1])
print(json.dumps([host for host in hosts if make_key({**environ, "HTTP_HOST": host})]))
"""


def run_script(script: str, argument: object, environment: dict[str, str]) -> Any:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    argv = [sys.executable, "-c", script, json.dumps(argument)]
    done = subprocess.run(argv, cwd=PROJECT, env=env, text=True, capture_output=True, check=True)
    return json.loads(done.stdout)


def request_pages(*requests: tuple[str, dict[str, str]], **environment: str) -> Any:
    return run_script(REQUESTS, requests, environment)


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
    answers = request_pages(
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
    headers = {"X-Forwarded-Proto": "https"}
    (answers,) = request_pages(("/healthz", headers), **REAL | environment)["answers"]
    assert answers[1] == header


LOCAL_HOSTS = ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"]


@pytest.mark.parametrize(
    ("environment", "cached", "not_cached"),
    [
        ({}, LOCAL_HOSTS, ["127.0.0.1", "localhost:8001", "slip.example"]),
        (
            {"HOST": "0.0.0.0", "SITE_URL": "http://localhost:8000"},
            [*LOCAL_HOSTS, "0.0.0.0:8000"],
            ["0.0.0.0:80"],
        ),
        (REAL, ["slip.example", "SLIP.example"], [*LOCAL_HOSTS, "slip.example:8000", "other.example"]),
    ],
)
def test_pages_are_cached_for_the_allowed_hosts_with_the_port_of_the_site(
    environment: dict[str, str], cached: list[str], not_cached: list[str]
) -> None:
    assert run_script(CACHED_HOSTS, [*cached, *not_cached], {"PORT": "8000", **environment}) == cached
