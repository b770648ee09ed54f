"""Mails that come back: bounces and replies."""

import email
import io
import sys
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from accounts import undeliverable
from accounts.models import User
from articles.models import Article
from comments.following.incoming import Outcome, receive
from comments.following.tokens import follow_token
from core.mail.tokens import incoming_email
from tests.comments.following.conftest import follow
from tests.comments.following.helpers import bounce, reply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _incoming(settings: Any) -> None:
    settings.INCOMING_EMAIL = "comments@example.net"


def test_a_bounce_is_noted(article: Article, jane: User) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    assert receive(bounce(address)) == Outcome.BOUNCE
    found = undeliverable.find_one("jane@example.org")
    assert found
    assert found.server_response == "smtp; 550 5.1.1 No such user here"
    assert mail.outbox == []


@pytest.mark.parametrize("status", ["4.2.2", "5.7.1", "5.2.2"])
def test_temporary_errors_and_our_own_mistakes_are_no_bounces(
    article: Article, jane: User, status: str
) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    assert receive(bounce(address, status)) == Outcome.DELAY
    assert undeliverable.find(["jane@example.org"]) == set()


def test_a_late_bounce_of_an_earlier_address_is_ignored(article: Article, jane: User) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    User.objects.filter(pk=jane.pk).update(email="jane@example.com")
    assert receive(bounce(address)) == Outcome.STRANGER
    assert undeliverable.find(["jane@example.org", "jane@example.com"]) == set()


def test_a_forged_token_does_nothing(article: Article, jane: User) -> None:
    own = follow(jane, article)
    forged = f"comments+f{own.pk}-{'0' * 20}@example.net"
    assert receive(bounce(forged)) == Outcome.NOT_FOR_US
    assert receive(bounce("comments@example.net")) == Outcome.NOT_FOR_US
    assert undeliverable.find(["jane@example.org"]) == set()


def test_a_reply_is_answered_with_the_link(article: Article, jane: User) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    assert receive(reply("somebody@example.net"), address.upper()) == Outcome.ANSWERED
    (answer,) = mail.outbox
    assert answer.to == ["jane@example.org"]
    assert answer.subject == "Your reply was not published"
    assert article.get_absolute_url() in answer.body
    assert "Well said" not in answer.body
    assert answer.extra_headers["Auto-Submitted"] == "auto-replied"
    assert answer.extra_headers["In-Reply-To"] == "<1@example.org>"


@pytest.mark.parametrize(
    ("sender", "headers", "outcome"),
    [
        ("Kofi <kofi@example.org>", {}, Outcome.STRANGER),
        ("Jane <jane@example.org>", {"Auto_Submitted": "auto-replied"}, Outcome.AUTOMATIC),
        ("Jane <jane@example.org>", {"Precedence": "bulk"}, Outcome.AUTOMATIC),
        ("Jane <jane@example.org>", {"Return_Path": "<>"}, Outcome.AUTOMATIC),
        ("Postmaster <postmaster@example.org>", {}, Outcome.AUTOMATIC),
    ],
)
def test_other_mails_are_not_answered(
    article: Article, jane: User, sender: str, headers: dict[str, str], outcome: Outcome
) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    assert receive(reply(address, sender, **headers)) == outcome
    assert mail.outbox == []


def test_a_reply_with_line_breaks_in_its_headers_is_answered(article: Article, jane: User) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    text = f"From: jane@example.org\nTo: {address}\nSubject: =?utf-8?q?a=0D=0Ab?=\n"
    message = email.message_from_string(text + "Message-ID: =?utf-8?q?=0D=0Ac?=\n\nHello", policy=default)
    assert isinstance(message, EmailMessage)
    assert receive(message) == Outcome.ANSWERED


def test_the_command_answers_a_mail_from_standard_input(
    article: Article, jane: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = incoming_email(follow_token(follow(jane, article)))
    content = reply("somebody@example.net").as_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    printed = io.StringIO()
    call_command("receive_mail", address, stdout=printed)
    assert printed.getvalue().strip() == Outcome.ANSWERED
    assert len(mail.outbox) == 1


def test_the_command_refuses_an_empty_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\n")))
    with pytest.raises(CommandError, match="no mail"):
        call_command("receive_mail")
