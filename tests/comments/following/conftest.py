"""People who follow, and the scheduler and the job worker that notify them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.following.mails import mail_followers, notify_followers
from comments.models import Comment, Follow, LastUpdateSearch
from tests.factories import UserFactory, confirm_email, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _publish_at_once(moderation_without_checks: None) -> None:
    """Publish what is posted."""


@pytest.fixture(autouse=True)
def _updates_since_an_hour(db: None) -> None:
    """Let the last search for updates be an hour old."""
    LastUpdateSearch.objects.update_or_create(pk=1, defaults={"until": timezone.now() - timedelta(hours=1)})


@pytest.fixture
def article(db: None) -> Article:
    return make_article("The slip closes")


@pytest.fixture
def kofi(db: None) -> User:
    """Return another member with a confirmed e-mail."""
    return confirm_email(UserFactory.create(name="Kofi", email="kofi@example.org"))


def follow(person: Any, article: Article | None = None, kind: str = "comments", **fields: Any) -> Follow:
    """Let a user or a guest follow since an hour ago."""
    since = timezone.now() - timedelta(hours=1)
    who = {"user": person} if isinstance(person, User) else {"guest": person}
    values = {"delivery": "at_once", "seen_at": since, "mailed_at": since, "created_at": since}
    return Follow.objects.create(**who, article=article, kind=kind, **(values | fields))


@pytest.fixture
def jane_client(client: Client, jane: User) -> Client:
    client.force_login(jane)
    return client


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., datetime]:
    """Let the clock of the program be later by some minutes, as the undo window is over then."""

    def set_clock(minutes: float = 2) -> datetime:
        at = timezone.now() + timedelta(minutes=minutes)
        monkeypatch.setattr("django.utils.timezone.now", lambda: at)
        return at

    return set_clock


def send_due() -> list[EmailMultiAlternatives]:
    """Run the scheduler's job and the job that it enqueues. Returns the new mails."""
    before = len(mail.outbox)
    notify_followers()
    mail_followers.func()
    return [message for message in mail.outbox[before:] if isinstance(message, EmailMultiAlternatives)]


def reply_to(comment: Comment, author: User, body: str = "I saw it too.") -> Comment:
    return make_comment(comment.discussion.article, body, parent=comment, author=author)
