"""The tag by which pages of Django’s engine show Jinja templates."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_article, make_comment


@pytest.mark.django_db
def test_all_forms_of_a_page_have_one_token_and_each_page_another(maria):
    make_comment(make_article(), "Words that wait")
    client = Client(enforce_csrf_checks=True)
    client.force_login(maria)

    def tokens() -> list[str]:
        page = client.get(reverse("moderation:queue") + "?queue=recent").content.decode()
        return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)

    first, second = tokens(), tokens()
    assert len(first) > 3
    assert len({*first}) == len({*second}) == 1
    assert first[0] != second[0]
    logout = reverse("account_logout")
    assert client.post(logout, {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert client.post(logout, {"csrfmiddlewaretoken": first[0]}).status_code == 302
