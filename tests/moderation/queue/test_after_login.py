"""After a log-in people are where they work, and readers where they came from."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.authentication import sign_up
from accounts.models import SignUp
from comments.models import State
from moderation.actions.decisions import decide
from moderation.similar.scan import run_scan
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

PASSWORD = "a boat without a clock"


@pytest.mark.parametrize(
    ("roles", "arrives", "arrives_without_work"),
    [
        (("Moderator",), "/moderation/", "/moderation/"),
        (("Moderator", "Editor"), "/moderation/", "/admin/"),
        (("Administrator",), "/moderation/", "/admin/"),
        (("Editor",), "/admin/", "/admin/"),
        ((), "/", "/"),
    ],
)
def test_the_log_in_leads_to_where_a_person_works(client, roles, arrives, arrives_without_work):
    UserFactory.create(email="a@example.org", password=PASSWORD, roles=roles)

    def log_in() -> str:
        form = {"login": "a@example.org", "password": PASSWORD}
        return client.post(reverse("account_login"), form, follow=True).redirect_chain[-1][0]

    assert log_in() == arrives_without_work
    decide(ids=[make_comment(make_article()).pk], to=State.PENDING, reason="", actor=None)
    client.logout()
    assert log_in() == arrives


@pytest.mark.parametrize("roles", [("Moderator",), ("Administrator",)])
@pytest.mark.usefixtures("moderation_without_checks")
def test_the_log_in_leads_to_similar_comments_if_nothing_else_waits(client, roles):
    article = make_article()
    for _ in range(4):
        make_comment(article, "Cheap watches for every captain at https://watches.example/buy today.")
    run_scan()
    client.force_login(UserFactory.create(roles=roles))
    assert client.get(reverse("after-login")).url == "/moderation/similar/?first=on"


def test_the_log_in_of_a_story_leads_a_reader_back_and_a_moderator_to_the_queue(client):
    story = make_article().get_absolute_url()
    link = f"/accounts/login/?next=/accounts/start/%3Fnext%3D{story}"
    assert f'href="{link}"' in client.get(story).content.decode()
    for roles, arrives in (((), story), (("Moderator",), "/moderation/")):
        client.force_login(UserFactory.create(roles=roles))
        assert client.get(reverse("after-login"), {"next": story}).url == arrives


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "stories/", "javascript:x", ""])
def test_the_log_in_does_not_redirect_to_other_sites(client, path):
    client.force_login(UserFactory.create())
    assert client.get(reverse("after-login"), {"next": path}).url == "/"


def test_the_masthead_leads_back_after_a_sign_up(client):
    article = make_article()
    page = client.get(article.get_absolute_url()).content.decode()
    (link,) = re.findall(r'class="btn sign-up" href="([^"]+)"', page)
    assert link == f"/accounts/signup/?next={article.get_absolute_url()}"
    client.post(link, {"name": "Ruth", "email": "ruth@example.org", "password1": "nine-quiet-otters"})
    answer = client.post(f"/accounts/sign-up/{sign_up.make_token(SignUp.objects.get())}/", follow=True)
    assert answer.redirect_chain[-1] == (article.get_absolute_url(), 302)
    assert 'href="/accounts/signup/"' in Client().get("/").content.decode()
