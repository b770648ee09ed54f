"""Pages for forms that were refused: a wrong CSRF token, and too many attempts."""

import pytest
from django.test import Client

from articles.models import Site

pytestmark = pytest.mark.django_db


def test_a_form_with_a_wrong_token_is_refused_on_a_page_of_this_site():
    Site.objects.update(name="The Harbour Post", accent="#7a1f3d")
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ida"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "<title>Not sent · The Harbour Post</title>" in " ".join(page.split())
    assert "/accent-7a1f3d.css" in page
    assert '<meta name="robots" content="noindex">' in page
    assert "This form was not sent" in page
