"""The page on which a member ticks the comments that they wrote as a guest, and the ways to it."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client

from accounts.authentication import sign_up
from accounts.models import User
from comments.models import Comment
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL = "/account/guest-comments/"
PASSWORD = "nine-quiet-otters"


@pytest.fixture
def comments() -> list[Comment]:
    """Return two comments with one e-mail, from two browsers. Somebody else typed it in the second."""
    article = make_article("The slip closes")
    return [
        make_comment(article, "The boat is late.", guest=GuestFactory.create(email="ruth@example.org")),
        make_comment(article, "It never came.", guest=GuestFactory.create(email="ruth@example.org")),
    ]


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_member_ticks_their_comments(ruth: User, comments: list[Comment]) -> None:
    client = client_of(ruth)
    page = text_of(client.get(URL))
    assert "The boat is late." in page
    assert "It never came." in page
    assert "The slip closes" in page
    assert "checked" not in page.partition("<main")[2]
    answer = client.post(URL, {"comment": [comments[0].pk, "x"], "next": "/archive/"}, follow=True)
    assert answer.redirect_chain == [("/archive/", 302)]
    assert "1 comment is yours now." in text_of(answer)
    assert list(Comment.objects.filter(author=ruth)) == [comments[0]]
    assert "The boat is late." not in text_of(client.get(URL))


def test_the_text_is_shown_without_markdown(ruth: User) -> None:
    guest = GuestFactory.create(email="ruth@example.org")
    make_comment(make_article(), r"I *counted* the \*lamps\*.", guest=guest)
    assert 'dir="auto">I counted the *lamps*.</label>' in text_of(client_of(ruth).get(URL))


def test_nothing_ticked_changes_nothing_and_shows_the_page_again(ruth: User, comments: list[Comment]) -> None:
    answer = client_of(ruth).post(URL, {"next": "/archive/"})
    assert answer.status_code == 422
    assert "Tick at least one comment" in text_of(answer)
    assert 'href="/archive/">None of them is mine' in text_of(answer)
    assert "Tick at least one comment" not in text_of(client_of(ruth).get(URL))
    assert not Comment.objects.filter(author=ruth).exists()


def test_others_see_nothing_and_claim_nothing(comments: list[Comment]) -> None:
    assert Client().get(URL)["Location"] == f"/accounts/login/?next={URL}"
    client = client_of(confirm_email(UserFactory.create()))
    assert "No comments were written as a guest" in text_of(client.get(URL))
    client.post(URL, {"comment": comments[0].pk})
    assert not Comment.objects.exclude(author=None).exists()


@pytest.mark.parametrize("path", ["https://example.net/", "//example.net/", "javascript:alert(1)"])
def test_the_page_leads_to_this_site_only(ruth: User, path: str) -> None:
    assert client_of(ruth).get(URL, {"next": path}).status_code == 200
    assert client_of(ruth).post(URL, {"next": path})["Location"] == "/"


def test_a_sign_up_leads_to_the_page_if_there_is_something_to_tick(comments: list[Comment]) -> None:
    pending = sign_up.create(name="Ruth", email="ruth@example.org", password=PASSWORD, next_url="/archive/")
    answer = Client().post(
        f"/accounts/sign-up/{sign_up.make_token(pending)}/", {"password": PASSWORD}, follow=True
    )
    assert "The boat is late." in text_of(answer)
    assert 'name="next" value="/archive/"' in text_of(answer)


def test_a_sign_up_without_such_comments_leads_on(db: None) -> None:
    pending = sign_up.create(name="Ruth", email="ruth@example.org", password=PASSWORD, next_url="/archive/")
    answer = Client().post(
        f"/accounts/sign-up/{sign_up.make_token(pending)}/", {"password": PASSWORD}, follow=True
    )
    assert answer.redirect_chain[-1] == ("/archive/", 302)


def test_a_further_email_leads_to_the_page(comments: list[Comment]) -> None:
    ida = confirm_email(UserFactory.create())
    address = EmailAddress.objects.create(user=ida, email="ruth@example.org", verified=False)
    key = EmailConfirmationHMAC.create(address).key
    answer = client_of(ida).post(f"/accounts/confirm-email/{key}/", follow=True)
    assert "It never came." in text_of(answer)
    assert URL in text_of(client_of(ida).get("/accounts/email/"))
