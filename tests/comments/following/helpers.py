"""Incoming mails, and follows of an hour ago."""

import email
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

from django.utils import timezone

from comments.models import Follow


def reply(to: str, sender: str = "Jane <jane@example.org>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = "Re: Kofi commented"
    message["Message-ID"] = "<1@example.org>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Well said!")
    return message


def bounce(to: str, status: str = "5.1.1") -> EmailMessage:
    """Return a delivery status notification as Postfix writes it."""
    text = f"""From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; jane@example.org
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--b--
"""
    message = email.message_from_string(text, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def since_an_hour() -> None:
    """Let everybody follow since an hour ago: in a test, the database's clock stands still."""
    at = timezone.now() - timedelta(hours=1)
    Follow.objects.update(seen_at=at, mailed_at=at)
