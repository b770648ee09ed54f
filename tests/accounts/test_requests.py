"""The paths to which a page may redirect, and the IP addresses of clients."""

from typing import Any

import pytest
from django.test import RequestFactory

from accounts.requests import client_ip, safe_local_path


@pytest.mark.parametrize("path", ["/", "/stories/a/?b=c#d", "/a//b", "/a\\b"])
def test_a_path_of_this_site_is_safe(path: str) -> None:
    assert safe_local_path(RequestFactory().get("/"), path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "stories/",
        " /",
        "//",
        "/\\",
        "//?a",
        "//testserver/",
        "/\\testserver/",
        "//evil.example/",
        "/\\evil.example/",
        "///evil.example/",
        "/\t/evil.example/",
        "http://testserver/",
        "javascript:go()",
    ],
)
def test_anything_else_is_not(path: str) -> None:
    assert safe_local_path(RequestFactory().get("/"), path) == ""


@pytest.mark.parametrize(
    ("proxies", "address", "ip"),
    [(0, "192.0.2.1", "192.0.2.1"), (1, "192.0.2.1", "198.51.100.7"), (0, "", ""), (0, "unix:", "")],
)
def test_the_ip_address_of_a_client(settings: Any, proxies: int, address: str, ip: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert client_ip(RequestFactory(REMOTE_ADDR=address).get("/", headers=headers)) == ip
