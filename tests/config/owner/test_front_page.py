"""The admin's front page links to what each role may do, and each link works for that role."""

import re

import pytest
from django.test import Client

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

WRITE, ANSWER, KEEP = "Write a story", "Waiting for review", "System status"


@pytest.mark.parametrize(
    ("role", "shown"),
    [(EDITOR, {WRITE, ANSWER}), (MODERATOR, {ANSWER}), (ADMINISTRATOR, {WRITE, ANSWER, KEEP})],
)
def test_the_front_page_shows_what_each_role_may_do(client: Client, role: str, shown: set[str]) -> None:
    client.force_login(UserFactory.create(roles=(role,)))
    page = client.get("/admin/").content.decode()
    block = page[page.index('class="may-do"') : page.index('class="all-lists"')]
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', block))
    assert {WRITE, ANSWER, KEEP} & set(links.values()) == shown
    for url in links:
        assert client.get(url, follow=True).status_code == 200, url
