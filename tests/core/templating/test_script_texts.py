"""The texts of scripts: loaded for translated languages only, and cached forever."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from articles.models import Site

pytestmark = pytest.mark.django_db

SCRIPTS = re.compile(r'<script src="([^"]+)"')


def test_english_pages_load_no_texts() -> None:
    assert "/texts/" not in Client().get("/").content.decode()


def test_arabic_pages_load_them_before_the_scripts(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    Site.objects.update(language="ar")
    for path in ("/", "/accounts/login/"):
        texts, script = SCRIPTS.findall(Client().get(path).content.decode())[:2]
        assert re.fullmatch(r"/texts/ar/[0-9a-f]{12}\.js", texts)
        assert script.startswith("/static/js/site")
    with django_assert_num_queries(0):
        response = Client().get(texts)
    assert response["Content-Type"].startswith("text/javascript")
    assert "immutable" in response["Cache-Control"]
    assert '"just now": "\\u0627\\u0644\\u0622\\u0646"' in response.content.decode()


@pytest.mark.parametrize("path", ["/texts/en/0.js", "/texts/xx/0.js"])
def test_other_urls_do_not_exist(path: str) -> None:
    assert Client().get(path).status_code == 404
