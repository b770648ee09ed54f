"""Tests of the theme (light or dark), which is stored in a cookie only."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", ["dark", "light"])
def test_a_choice_is_remembered_and_shown(client, chosen):
    response = client.post("/theme/", {"theme": chosen})
    assert (response.status_code, response["Location"]) == (302, "/#foot")
    assert list(response.cookies) == ["theme"]
    cookie = response.cookies["theme"]
    assert (cookie.value, cookie["samesite"], bool(cookie["httponly"])) == (chosen, "Lax", True)

    page = client.get("/").content.decode()

    assert f' data-theme="{chosen}">' in page
    assert f'<meta name="color-scheme" content="{chosen}">' in page
    assert page.count('name="theme-color"') == 1
    assert "prefers-color-scheme" not in page
    assert f'value="{chosen}" aria-pressed="true"' in page


@pytest.mark.parametrize("chosen", ["auto", "", "purple", '"><script>'])
def test_another_value_selects_the_system_theme(client, chosen):
    client.cookies["theme"] = "dark"
    response = client.post("/theme/", {"theme": chosen})
    assert response.cookies["theme"]["max-age"] == 0
    page = client.get("/").content.decode()
    assert "data-theme" not in page
    assert page.count('name="theme-color" content="#fbfaf7"') == 1
    assert page.count('name="theme-color" content="#11171b"') == 1
    assert 'value="auto" aria-pressed="true"' in page


def test_a_forged_cookie_is_no_theme(client):
    client.cookies["theme"] = 'x"onload="go()'
    page = client.get("/").content.decode()
    assert "data-theme" not in page
    assert "onload" not in page


def test_the_theme_needs_no_token_and_no_session():
    response = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert response.status_code == 302
    assert list(response.cookies) == ["theme"]


@pytest.mark.parametrize(
    ("sent", "referer", "to"),
    [
        ("/archive/", "", "/archive/"),
        ("/archive/", "http://testserver/feed/", "/archive/"),
        ("", "http://testserver/topics/harbour/?before=x#y", "/topics/harbour/?before=x"),
        ("", "http://evil.example/page/", "/"),
        ("https://evil.example/", "", "/"),
        ("//evil.example/", "", "/"),
        ("/\\evil.example/", "", "/"),
        ("javascript:go()", "", "/"),
        ("", "http://testserver//evil.example/", "/"),
        ("", "nonsense", "/"),
        ("", "http://[", "/"),
        ("", "http://evil.example/?http://testserver.evil.example/", "/"),
        ("/a\r\nSet-Cookie: x=y", "", "/a%0D%0ASet-Cookie:%20x=y"),
    ],
)
def test_it_redirects_back_to_the_same_page_of_this_site_only(client, sent, referer, to):
    response = client.post("/theme/", {"theme": "dark", "next": sent}, headers={"referer": referer})
    assert response["Location"] == f"{to}#foot"


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_other_methods_are_not_allowed(client, method):
    assert getattr(client, method)("/theme/").status_code == 405
