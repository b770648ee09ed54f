"""comments/names.py: guests can't use the names of the staff or of others in the discussion."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import MODERATOR, Guest
from comments.models import Comment
from tests.comments.views.helpers import url
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

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
def test_the_name_of_a_moderator_is_refused(client: Client, name: str) -> None:
    article = make_article()
    assert sign(client, article, name).status_code == 302
    UserFactory.create(name="Mona", roles=(MODERATOR,))
    assert refused(sign(client, article, name), "A member of the staff has this name", name)
    assert Comment.objects.count() == Guest.objects.count() == 1


@pytest.mark.parametrize("name", ["Tollef", "Tоllef"])
def test_the_name_of_another_guest_in_the_discussion_is_refused(client: Client, name: str) -> None:
    here, elsewhere = make_article(), make_article("Another")
    make_comment(here, guest=GuestFactory.create(name="Tollef", email="tollef@example.org"))
    assert refused(sign(client, here, name), "Someone else in this discussion uses this name", name)
    assert sign(client, elsewhere, name).status_code == 302


def test_the_name_of_a_member_or_an_imported_author_is_refused(client: Client) -> None:
    article = make_article()
    make_comment(article, author=UserFactory.create(name="Olav"))
    imported = make_comment(article, guest=GuestFactory.create(name="Jun"))
    Comment.objects.filter(pk=imported.pk).update(guest=None, author_name="Eben", author_email="")
    for name in ("Olav", "Ebеn"):
        assert refused(sign(client, article, name), "Someone else in this discussion", name)


def test_the_same_guest_keeps_the_name_in_any_browser(client: Client) -> None:
    article = make_article()
    for browser, name in ((client, "Eve"), (client, "eve"), (Client(), "Eve")):
        assert sign(browser, article, name).status_code == 302
    assert sign(client, article, "Eve", "new@example.org").status_code == 302, "the same browser"


def test_invisible_characters_in_names_are_refused(client: Client) -> None:
    article = make_article()
    assert refused(sign(client, article, "Ev\u202ee"), "hidden characters", "Ev\u202ee")
