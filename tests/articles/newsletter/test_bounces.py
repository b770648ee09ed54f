"""Messages that a newsletter could not be delivered."""

from typing import Any

import pytest

from accounts import undeliverable
from accounts.models import User
from articles.models import Article
from articles.newsletter import sending, subscriptions
from comments.following.incoming import Outcome, receive
from config.scheduler.jobs import delete_undeliverable
from core.mail.tokens import MailToken, incoming_email
from tests.articles.newsletter.conftest import draft_of, run_sending, send, states, subscribe
from tests.comments.following.helpers import bounce, reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def return_path(article: Article, emil: User, settings: Any) -> str:
    """Return the return path of a newsletter that was sent to Jane."""
    settings.INCOMING_EMAIL = "comments@example.net"
    subscribe("jane@example.org")
    newsletter = draft_of(article, emil)
    send(newsletter)
    (message,) = run_sending()
    path = incoming_email(MailToken(sending.RECIPIENT_KIND, newsletter.recipients.get().pk))
    assert message.return_path == path  # type: ignore[attr-defined]
    return path


def test_a_bounce_is_noted_with_its_newsletter(return_path: str, article: Article, emil: User) -> None:
    assert receive(bounce(return_path)) == Outcome.BOUNCE
    newsletter = article.newsletters.get()
    assert states(newsletter) == {"bounced": 1}
    assert newsletter.recipients.get().failure_details
    assert delete_undeliverable() == 0  # a subscriber has the e-mail
    send(draft_of(article, emil), is_repeat=True)
    assert run_sending() == []
    subscriptions.unsubscribe(["jane@example.org"])
    assert delete_undeliverable() == 1


def test_a_temporary_failure_is_no_bounce(return_path: str) -> None:
    assert receive(bounce(return_path, "4.4.7")) == Outcome.DELAY
    assert undeliverable.find(["jane@example.org"]) == set()


def test_a_bounce_after_unsubscribing_is_ignored(return_path: str) -> None:
    subscriptions.unsubscribe(["jane@example.org"])
    assert receive(bounce(return_path)) == Outcome.STRANGER
    assert undeliverable.find(["jane@example.org"]) == set()


def test_a_reply_to_the_return_path_is_not_answered(return_path: str) -> None:
    assert receive(reply(return_path)) == Outcome.NOT_FOR_US
