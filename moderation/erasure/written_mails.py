"""Erasure of a person from mails that are written to files, as they are while no mail server is set."""

import re
from collections.abc import Collection
from email import message_from_bytes, policy
from pathlib import Path

from django.conf import settings

_SEPARATOR = b"-" * 79 + b"\n"  # after each mail (django.core.mail.backends.filebased)


def delete_mails_about(words: Collection[str]) -> int:
    """Delete the mails in which one of these names and e-mails is, and return their number.

    Their files may be from a time before the mail server was set.
    """
    wanted = [re.escape(word) for word in words if word]
    if not wanted:
        return 0
    about = re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", re.IGNORECASE)
    deleted = 0
    for path in sorted((Path(settings.HOME) / "mail").glob("*.log")):
        mails = path.read_bytes().split(_SEPARATOR)
        staying = [mail for mail in mails if not about.search(_read_text(mail))]
        if len(staying) == len(mails):
            continue
        deleted += len(mails) - len(staying)
        if any(mail.strip() for mail in staying):
            path.write_bytes(_SEPARATOR.join(staying))
        else:
            path.unlink()
    return deleted


def _read_text(mail: bytes) -> str:
    """Return the headers and the text of a mail without its encodings."""
    message = message_from_bytes(mail, policy=policy.default)
    parts = [f"{name}: {value}" for name, value in message.items()]
    for part in message.walk():
        if part.get_content_maintype() == "text":
            parts.append(part.get_content())
    return "\n".join(parts)
