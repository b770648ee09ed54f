"""Mails that come back to the site: messages that a mail is undeliverable, and replies to notifications.

The mail server gives them to `manage.py receive_mail`. The address that they were sent to has the token of
the mail that they answer, so nobody can stop another person's mails or find out whose address it is. Replies
to a newsletter do not come here: they go to the site's contact address.
"""

import re
from email.message import EmailMessage, Message
from email.utils import getaddresses, parseaddr
from enum import StrEnum

from django.conf import settings
from django.core import mail
from django.utils.translation import gettext as _

from accounts import undeliverable
from articles.newsletter import sending
from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from comments.following import tokens
from comments.models import Follow
from core.mail.composition import compose_mail
from core.mail.tokens import MailToken

RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
NO_PERSON = {"mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply"}  # local parts


class Outcome(StrEnum):
    """The result of receiving a mail."""

    NOT_FOR_US = "not for us"  # its address has no token, or it replies to a newsletter
    BOUNCE = "address noted as undeliverable"
    DELAY = "failure that may pass ignored"
    AUTOMATIC = "automatic answer ignored"
    STRANGER = "sender is not the recipient of the notification"
    ANSWERED = "answered with the link"


def receive(message: EmailMessage, recipient: str = "") -> Outcome:
    """Note an undeliverable e-mail, or answer a reply with the link to the page.

    `recipient` is the address of the envelope; without it the headers are searched for ours. A mail is
    answered only to the person whom the notification was sent to, and never one that a program sent.
    """
    token = _find_token(message, recipient)
    if token is None:
        return Outcome.NOT_FOR_US
    is_newsletter = token.kind == sending.RECIPIENT_KIND
    email = sending.email_of(token) if is_newsletter else tokens.email_of(token)
    if status := _delivery_status(message):
        if not undeliverable.is_unknown_recipient(status.get("Status", "")):
            return Outcome.DELAY
        # A late bounce may be about an address that the person has changed since.
        if not email or _recipient_of(status) not in {"", email.lower()}:
            return Outcome.STRANGER
        response = status.get("Diagnostic-Code", status.get("Status", ""))
        undeliverable.add(email, response)
        if is_newsletter:
            sending.record_bounce(token, response)
        return Outcome.BOUNCE
    if _is_automatic(message):
        return Outcome.AUTOMATIC
    if is_newsletter:
        return Outcome.NOT_FOR_US
    sender = parseaddr(str(message.get("From", "")))[1]
    if not email or sender.lower() != email.lower():
        return Outcome.STRANGER
    _answer(message, token, email)
    return Outcome.ANSWERED


def _find_token(message: EmailMessage, recipient: str) -> MailToken | None:
    local, at, domain = settings.INCOMING_EMAIL.lower().rpartition("@")
    if not at:
        return None
    ours = re.compile(rf"{re.escape(local)}\+(.+)@{re.escape(domain)}")
    headers = [str(value) for name in RECIPIENT_HEADERS for value in message.get_all(name, [])]
    for _name, address in getaddresses([recipient, *headers]):
        if (found := ours.fullmatch(address.lower())) and (
            token := MailToken.parse(found[1], kinds=tokens.TOKEN_KINDS + sending.RECIPIENT_KIND)
        ):
            return token
    return None


def _delivery_status(message: EmailMessage) -> Message | None:
    """Return the fields about the recipient in a delivery status notification (RFC 3464), or None."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else ():
                if isinstance(block, Message) and "Status" in block:
                    return block
    return None


def _recipient_of(status: Message) -> str:
    """Return the address in a delivery status, in lower case, or "" if there is none."""
    field = status.get("Original-Recipient") or status.get("Final-Recipient") or ""
    return str(field).rpartition(";")[2].strip().lower()


def _is_automatic(message: EmailMessage) -> bool:
    """Return whether a program sent the mail, which must not be answered (RFC 3834)."""
    sender = parseaddr(str(message.get("From", "")))[1].lower()
    return (
        str(message.get("Auto-Submitted", "no")).strip().lower() != "no"
        or str(message.get("Precedence", "")).strip().lower() in {"bulk", "list", "junk"}
        or "List-Id" in message
        or str(message.get("Return-Path", "")).strip() == "<>"
        or sender.partition("@")[0] in NO_PERSON
    )


def _answer(message: EmailMessage, token: MailToken, email: str) -> None:
    """Tell the sender that nobody reads replies by mail, with the link to the page where to reply."""
    follow = tokens.follows_of(token).select_related("article", "topic", "user").first()
    site, template = read_site(), "comments/mail/reply_on_the_site.txt"
    with in_language_of(follow.user if follow else None, site):
        subject = _("Your reply was not published")  # not the sender's subject, which failures would store
        answer = compose_mail(template, subject, email, site=site, **_target(follow))
    answer.extra_headers["Auto-Submitted"] = "auto-replied"
    if message_id := " ".join(str(message.get("Message-ID", "")).split()):
        answer.extra_headers |= {"In-Reply-To": message_id, "References": message_id}
    mail.get_connection().send_messages([answer])


def _target(follow: Follow | None) -> dict[str, str]:
    if follow and follow.article and follow.article.is_published():
        return {"title": follow.article.title_for(None), "link": follow.article.get_absolute_url()}
    if follow and follow.topic:
        return {"title": follow.topic.name, "link": follow.topic.get_absolute_url()}
    return {"title": "", "link": "/"}
