"""Receive one mail from the mail server on the standard input."""

import email
import sys
from email.message import EmailMessage
from email.policy import default
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from articles.site.languages import in_site_language
from comments.following.incoming import receive

MAX_BYTES = 10 * 1024 * 1024  # a longer mail is cut off here


class Command(BaseCommand):
    help = (
        "Receive a mail to INCOMING_EMAIL from the standard input: note an undeliverable address, or answer "
        "a reply to a notification with the link. Let the mail server run it for each mail, as in an alias."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recipient", nargs="?", default="", help="the address of the envelope")

    def handle(self, *, recipient: str, **options: Any) -> None:
        content = sys.stdin.buffer.read(MAX_BYTES)
        if not content.strip():
            raise CommandError("There is no mail on the standard input.")
        message = email.message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        with in_site_language():
            self.stdout.write(str(receive(message, recipient)))
