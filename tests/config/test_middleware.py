"""Cache-Control of responses."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.administrators import make_setup_link
from accounts.authentication import sign_up
from accounts.guests import make_confirmation_token
from accounts.models import User
from articles.models import Article
from tests.factories import GuestFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

ANONYMOUS_PATHS = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/key/1-x/",
    "/accounts/confirm-email/x/",
    "/moderation/",
    "/owner/settings/",
    "/removal-request/",
    "/nothing/",
    "/healthz",
]
STAFF_PATHS = [
    "/moderation/",
    "/moderation/log/",
    "/moderation/people/",
    "/owner/status/",
    "/owner/settings/",
    "/admin/",
    "/admin/articles/article/",
    "/accounts/email/",
    "/accounts/page/",
    "/accounts/logout/",
]


@pytest.fixture
def story() -> Article:
    article = make_article()
    make_comment(article)
    return article


@pytest.mark.parametrize("path", ANONYMOUS_PATHS)
def test_account_pages_and_errors_are_not_stored(client: Client, path: str) -> None:
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", STAFF_PATHS)
def test_pages_behind_a_login_are_not_stored(client: Client, ada: User, path: str) -> None:
    client.force_login(ada)
    answer = client.get(path)
    assert answer.status_code in {200, 302}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "link",
    [
        lambda: make_setup_link().partition("8000")[2],
        lambda: f"/guests/confirm/{make_confirmation_token(GuestFactory.create())}/",
        lambda: (
            "/accounts/sign-up/"
            + sign_up.make_token(sign_up.create(name="A", email="a@b.org", password="x"))
            + "/"
        ),
    ],
)
def test_links_with_tokens_are_not_stored(client: Client, link: Callable[[], str]) -> None:
    answer = client.get(link())
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_responses_to_post_are_not_stored(client: Client, story: Article) -> None:
    for path in ("/accounts/login/", f"{story.get_absolute_url()}reply/"):
        assert "no-store" in client.post(path, {"body": "Words."})["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "{story}", "/search/?q=boat"])
def test_member_pages_are_private_but_stored_by_the_browser(
    client: Client, ada: User, story: Article, path: str
) -> None:
    """With no-store the browser would lose unsent text."""
    client.force_login(ada)
    answer = client.get(path.format(story=story.get_absolute_url()))
    assert answer["Cache-Control"] in {"private, no-cache", "no-cache, private"}


@pytest.mark.parametrize("path", ["/", "{story}", "/feed/", "/robots.txt", "/sitemap.xml"])
def test_anonymous_pages_are_public(client: Client, story: Article, path: str) -> None:
    answer = client.get(path.format(story=story.get_absolute_url()))
    assert answer["Cache-Control"] == "public, no-cache, max-age=0"


def test_opening_the_url_of_a_form_shows_a_page(
    client: Client, story: Article, caplog: pytest.LogCaptureFixture
) -> None:
    """Back leads there after a log-in, for instance."""
    path = reverse("comment-delete", args=[story.discussion.comments.get().pk])
    response = client.get(path)
    assert response.status_code == 405
    assert [record.getMessage() for record in caplog.records] == ["Method Not Allowed (GET): comment-delete"]
    assert response["Allow"] == "POST"
    assert "Nothing was sent or changed." in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert client.put(path).content == client.head(path).content == b""
    assert client.get(path, headers={"HX-Request": "true"}).content == b""
    assert client.get(path, headers={"Accept": "application/json"}).content == b""
