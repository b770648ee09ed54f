"""The paths to which a page may redirect."""

import pytest
from django.test import RequestFactory

from accounts.requests import safe_local_path


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
