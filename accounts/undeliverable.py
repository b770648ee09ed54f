"""E-mails to which nothing can be delivered."""

from collections.abc import Iterable

from accounts.models import UndeliverableEmail

ANSWER_MAX = 500  # characters


def add(email: str, answer: str) -> None:
    """Note that the mail server of this e-mail rejects it for good, with its answer."""
    UndeliverableEmail.objects.update_or_create(
        email=email.lower(), defaults={"answer": " ".join(answer.split())[:ANSWER_MAX]}
    )


def find(emails: Iterable[str]) -> set[str]:
    """Return those of these e-mails that are undeliverable, in lower case."""
    found = UndeliverableEmail.objects.filter(email__in={email.lower() for email in emails})
    return set(found.values_list("email", flat=True))


def explain(email: str) -> UndeliverableEmail | None:
    """Return when and with which answer mails to this e-mail were rejected, or None if they were not."""
    return UndeliverableEmail.objects.filter(email=email.lower()).first()


def remove(email: str) -> None:
    """Send mails to this e-mail again."""
    UndeliverableEmail.objects.filter(email=email.lower()).delete()
