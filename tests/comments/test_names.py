"""A guest signs as nobody else does: neither as who works here, nor as somebody in the discussion."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import MODERATOR, Guest
from comments.models import Comment
from tests.comments.test_reply import url
from tests.factories import GuestFactory, UserFactory, make_article, say

pytestmark = pytest.mark.django_db


def sign(client: Client, article: Any, name: str, email: str = "eve@example.org") -> Any:
    sent = {"name": name, "email": email, "body": "Words to keep.", "nonce": uuid4()}
    return client.post(url(article), sent)


def refused(answer: Any, sentence: str, name: str) -> bool:
    page = answer.content.decode()
    return answer.status_code == 422 and all(
        words in page for words in (sentence, "Words to keep.", name, "eve@example.org")
    )


@pytest.mark.parametrize("name", ["Mona", "mona", "Моnа", "M0NA"])
def test_not_as_a_moderator_whoever_was_here_first(client: Client, name: str) -> None:
    article = make_article()
    assert sign(client, article, name).status_code == 302
    UserFactory.create(name="Mona", roles=(MODERATOR,))
    assert refused(sign(client, article, name), "A member of the staff has this name", name)
    assert Comment.objects.count() == Guest.objects.count() == 1


@pytest.mark.parametrize("name", ["Tollef", "Tоllef"])
def test_not_as_somebody_in_this_discussion(client: Client, name: str) -> None:
    here, elsewhere = make_article(), make_article("Another")
    say(here, guest=GuestFactory.create(name="Tollef", email="tollef@example.org"))
    assert refused(sign(client, here, name), "Somebody else in this discussion has this name", name)
    assert sign(client, elsewhere, name).status_code == 302


def test_not_as_a_member_or_an_imported_name(client: Client) -> None:
    article = make_article()
    say(article, author=UserFactory.create(name="Olav"))
    imported = say(article, guest=GuestFactory.create(name="Jun"))
    Comment.objects.filter(pk=imported.pk).update(guest=None, author_name="Eben", author_email="")
    for name in ("Olav", "Ebеn"):
        assert refused(sign(client, article, name), "Somebody else in this discussion", name)


def test_as_oneself_in_any_browser(client: Client) -> None:
    article = make_article()
    for browser, name in ((client, "Eve"), (client, "eve"), (Client(), "Eve")):
        assert sign(browser, article, name).status_code == 302
    assert sign(client, article, "Eve", "new@example.org").status_code == 302, "the same browser"


def test_with_nothing_that_cannot_be_seen(client: Client) -> None:
    article = make_article()
    assert refused(sign(client, article, "Ev\u202ee"), "hidden characters", "Ev\u202ee")
