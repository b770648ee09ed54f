"""After a log-in people are where they work, and readers where they came from."""

import pytest
from django.urls import reverse

from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

PASSWORD = "a boat without a clock"


@pytest.mark.parametrize(
    ("roles", "arrives"),
    [
        (("Moderator",), "/moderation/"),
        (("Moderator", "Editor"), "/moderation/"),
        (("Administrator",), "/moderation/"),
        (("Editor",), "/admin/"),
        ((), "/"),
    ],
)
def test_the_log_in_leads_to_where_a_person_works(client, roles, arrives):
    UserFactory.create(email="a@example.org", password=PASSWORD, roles=roles)
    form = {"login": "a@example.org", "password": PASSWORD}
    answer = client.post(reverse("account_login"), form, follow=True)
    assert answer.redirect_chain[-1][0] == arrives


def test_the_log_in_of_a_story_leads_a_reader_back_and_a_moderator_to_the_desk(client):
    story = make_article().get_absolute_url()
    link = f"/accounts/login/?next=/accounts/start/%3Fnext%3D{story}"
    assert f'href="{link}"' in client.get(story).content.decode()
    for roles, arrives in (((), story), (("Moderator",), "/moderation/")):
        client.force_login(UserFactory.create(roles=roles))
        assert client.get(reverse("after-login"), {"next": story}).url == arrives


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "stories/", "javascript:x", ""])
def test_another_site_is_no_place_to_come_from(client, path):
    client.force_login(UserFactory.create())
    assert client.get(reverse("after-login"), {"next": path}).url == "/"
