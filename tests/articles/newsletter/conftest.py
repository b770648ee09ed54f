"""Subscribers, and the job worker that mails them."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from articles.models import Article, Newsletter, Subscriber, Subscription, Topic
from articles.newsletter import drafts, sending, subscriptions
from tests.factories import make_article


@pytest.fixture
def topic(db: None) -> Topic:
    return Topic.objects.create(name="Harbour", slug="harbour")


@pytest.fixture
def article(topic: Topic) -> Article:
    """Return a published article of the topic, which every editor may edit."""
    article = make_article(
        "The slip closes", standfirst="It opens again in May.", body="The boats **leave**."
    )
    article.topics.add(topic)
    return article


def subscribe(email: str, topic: Topic | None = None, language: str = "en") -> Subscription:
    """Let the owner of this e-mail subscribe and confirm it."""
    subscriptions.subscribe(email, {topic.pk if topic else None}, language)
    return Subscription.objects.get(subscriber__email=email, topic=topic)


def manage_url(email: str) -> str:
    """Return the link of the newsletters to this e-mail."""
    token = subscriptions.subscriber_token(Subscriber.objects.get(email=email).pk)
    return f"/newsletter/mails/{token}/"


def draft_of(articles: Article | Sequence[Article], by: User, *, subject: str = "News") -> Newsletter:
    """Create the draft of a newsletter: with one article, or a digest of several."""
    is_digest = not isinstance(articles, Article)
    listed = [articles] if isinstance(articles, Article) else articles
    return drafts.create(
        subject=subject, introduction="Dear readers,", articles=listed, is_digest=is_digest, by=by
    )


def send(newsletter: Newsletter, **values: Any) -> int:
    """Send a draft, as its button does."""
    return sending.send(newsletter=newsletter, **({"seen": newsletter.version, "is_repeat": False} | values))


def run_jobs(job: Any) -> list[EmailMultiAlternatives]:
    """Run the jobs of this kind that wait. Returns the new mails."""
    before, now = len(mail.outbox), timezone.now()
    rows = DBTaskResult.objects.filter(task_path=job.module_path, status=TaskResultStatus.READY)
    for row in rows:
        row.status, row.started_at = TaskResultStatus.RUNNING, now
        row.save()
        job.func(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
    rows.delete()
    return [message for message in mail.outbox[before:] if isinstance(message, EmailMultiAlternatives)]


def run_sending() -> list[EmailMultiAlternatives]:
    """Run the job that sends newsletters. Returns the new mails."""
    return run_jobs(sending.send_newsletters)


def states(newsletter: Newsletter) -> dict[str, int]:
    return sending.count_by_state(newsletter)
