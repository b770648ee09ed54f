"""Rate limits: the response is 429 with Retry-After, and the form keeps its text."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import SignUp
from articles import search
from comments.models import Comment, Discussion
from comments.services.discussions import change_discussion
from moderation.reports import reporting
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def refused(answer: Any, *words: str) -> int:
    """Return the seconds of Retry-After, and check that these words are on the page."""
    page = answer.content.decode()
    assert answer.status_code == 429
    assert [word for word in words if word not in page] == []
    return int(answer["Retry-After"])


@pytest.mark.usefixtures("rate_limits_on")
@pytest.mark.parametrize("htmx", [{}, {"HX-Request": "true"}])
def test_too_many_comments_are_refused_and_the_form_keeps_the_text(
    client: Client, htmx: dict[str, str]
) -> None:
    article = make_article()
    url = f"{article.get_absolute_url()}reply/"
    sent = {"name": "Ida", "email": "ida@example.org"}
    answers = [
        client.post(url, {**sent, "body": f"A word, {n}.", "nonce": uuid4()}, headers=htmx) for n in range(4)
    ]
    assert [answer.status_code for answer in answers[:3]] == [204 if htmx else 302] * 3
    # The wait ends when the first comment no longer counts. The test itself may have taken a part of it.
    assert 0 < refused(answers[3], "A word, 3.", "Please try again in") <= 600
    assert Comment.objects.count() == 3


def test_too_many_sign_ups_are_refused() -> None:
    fields = {"name": "Ruth", "password1": "nine-quiet-otters"}
    for n in range(20):
        Client().post("/accounts/signup/", {**fields, "email": f"ruth{n}@example.org"})
    answer = Client().post("/accounts/signup/", {**fields, "email": "last@example.org"})
    assert refused(answer, 'value="Ruth"', 'value="last@example.org"', "Wait a minute") == 60
    assert "nine-quiet-otters" not in answer.content.decode()
    assert SignUp.objects.count() == 20


def test_too_many_password_resets_are_refused() -> None:
    for n in range(20):
        Client().post("/accounts/password/reset/", {"email": f"ruth{n}@example.org"})
    answer = Client().post("/accounts/password/reset/", {"email": "last@example.org"})
    assert refused(answer, 'value="last@example.org"', "Wait a minute") == 60


def test_too_many_added_emails_are_refused(client: Client) -> None:
    client.force_login(UserFactory.create())
    for n in range(10):
        client.post("/accounts/email/", {"action_add": "", "email": f"ruth{n}@example.org"})
    answer = client.post("/accounts/email/", {"action_add": "", "email": "last@example.org"})
    assert refused(answer, 'value="last@example.org"', "Wait 60 seconds") == 60


def test_too_many_reports_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MAX_REPORTS_PER_HOUR", 1)
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    client.force_login(UserFactory.create())
    for comment in (make_comment(article), last := make_comment(article)):
        url = reverse("report", args=[article.slug, comment.pk])
        answer = client.post(url, {"why": "other", "details": f"About {comment.pk}."})
    assert refused(answer, f"About {last.pk}.", "within an hour") == 3600


def test_too_many_searches_at_once_are_refused(client: Client) -> None:
    taken = [search._running.acquire(blocking=False) for _ in range(search.MAX_CONCURRENT)]
    try:
        answer = client.get("/search/?q=boat")
    finally:
        for _ in filter(None, taken):
            search._running.release()
    assert refused(answer, 'value="boat"', "Too many searches") == 5
