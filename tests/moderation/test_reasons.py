"""Reasons for removal: administrators edit them, and pages and forms show the new text at once."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ADMINISTRATOR
from comments import removal_reasons
from comments.models import Comment, RemovalReason, State
from moderation.actions.decisions import decide
from tests.factories import UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks", "fresh_reasons")]


@pytest.fixture
def fresh_reasons(monkeypatch):
    """Drop the reasons that tests with a rolled-back transaction left in this process."""
    monkeypatch.setattr(removal_reasons, "_cache", None)


@pytest.fixture
def admin(client):
    user = UserFactory.create(roles=(ADMINISTRATOR,))
    client.force_login(user)
    return user


def change(client: Any, reason_code: str, **values: Any) -> int:
    reason = RemovalReason.objects.get(code=reason_code)
    form = {
        "label": reason.label,
        "message": reason.message,
        "position": reason.position,
        "is_active": "on",
    } | values
    url = reverse("admin:comments_removalreason_change", args=[reason.pk])
    status: int = client.post(
        url, {key: value for key, value in form.items() if value is not None}
    ).status_code
    return status


def test_a_new_label_is_shown_everywhere_at_once(client, admin):
    article = make_article()
    comment = make_comment(article)
    make_comment(article, parent=comment)
    decide(ids=[comment.pk], to=State.REJECTED, reason="off_topic", actor=admin)
    assert "Removed by a moderator: off-topic" in client.get(article.get_absolute_url()).content.decode()

    assert change(client, "off_topic", label="beside the point") == 302

    client.logout()
    page = client.get(article.get_absolute_url()).content.decode()
    assert "Removed by a moderator: beside the point" in page
    gone = client.get(reverse("comment", args=[article.slug, comment.pk])).content.decode()
    assert "Removed by a moderator: beside the point." in gone
    client.force_login(admin)
    page = client.get(article.get_absolute_url()).content.decode()
    assert "beside the point</button>" in page or "beside the point <small>" in page


def test_a_custom_reason_works_until_it_is_switched_off(client, admin):
    add = reverse("admin:comments_removalreason_add")
    taken = {"code": "spam", "label": "Spam", "position": 1, "is_active": "on"}
    assert client.post(add, taken).status_code == 200  # a code of the system's
    assert client.post(add, {**taken, "code": "mine", "label": ""}).status_code == 200  # without words
    assert client.post(add, {**taken, "code": "shouting", "label": "shouting"}).status_code == 302
    article = make_article()
    comment = make_comment(article)
    make_comment(article, parent=comment)

    def remove(reason: str) -> int:
        status: int = client.post(
            reverse("moderation:decide"), {"ids": comment.pk, "reason": reason}
        ).status_code
        return status

    assert [remove(code) for code in ("nonsense", "sealed", "imported", "")] == [400] * 4
    assert remove("shouting") == 302
    assert Comment.objects.get(pk=comment.pk).state_reason == "shouting"
    assert change(client, "shouting", is_active=None) == 302
    assert remove("shouting") == 400
    assert "Removed by a moderator: shouting" in client.get(article.get_absolute_url()).content.decode()
    assert "shouting" in client.get(reverse("moderation:history")).content.decode()


def test_the_code_stays_and_no_reason_is_deleted(client, admin):
    reason = RemovalReason.objects.get(code="insult")
    assert change(client, "insult", code="other_code", label="insult") == 302
    assert RemovalReason.objects.get(pk=reason.pk).code == "insult"
    assert client.post(reverse("admin:comments_removalreason_delete", args=[reason.pk])).status_code == 403


def test_a_page_loads_only_the_reasons_that_it_shows_and_each_once(client, admin):
    article = make_article()
    comment = make_comment(article)
    make_comment(article, parent=comment)
    client.logout()

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(article.get_absolute_url())
        return len(queries)

    statements()  # makes the frame of the page
    first = statements()
    decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=admin)
    assert statements() == first + 1
    assert statements() == first


def test_each_built_in_reason_has_a_sentence_for_the_author():
    codes = [code for code, _label in removal_reasons.choices()]
    expected = "off_topic insult hate threat personal_info name repeat text_missing other"
    assert codes == expected.split()
    assert all(removal_reasons.author_message(code).endswith(".") for code in codes)
