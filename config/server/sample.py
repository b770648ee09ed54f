"""The sample data that `serve` puts into an empty database: a story, and one account of each role."""

import json
import os
import secrets
from pathlib import Path
from typing import TypedDict

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, User
from archive.services import create_sample
from articles.models import Article

SAMPLE_PEOPLE = {READER: "Ruth", MODERATOR: "Mona", EDITOR: "Emil", ADMINISTRATOR: "Ada"}


class Account(TypedDict):
    """An account of the sample data, with its password in plain text."""

    role: str
    email: str
    password: str


class AccountsFile(TypedDict):
    """The content of the file in the data folder, which only its owner can read."""

    article: int
    accounts: list[Account]


def create_sample_data(home: Path) -> None:
    """Create the sample data if the database is empty, in one transaction."""
    if User.objects.exists() or Article.objects.exists():
        return
    with transaction.atomic():
        accounts = [_create_account(role, name) for role, name in SAMPLE_PEOPLE.items()]
        article = create_sample()
        _write(home, AccountsFile(article=article.pk, accounts=accounts))


def accounts(home: Path) -> list[Account]:
    """Return the accounts of the sample data, as long as its story exists."""
    try:
        note: AccountsFile = json.loads(path(home).read_text())
    except FileNotFoundError:
        return []
    return note["accounts"] if Article.objects.filter(pk=note["article"]).exists() else []


def active_emails() -> list[str]:
    """Return the e-mails of the sample accounts that can still log in."""
    users = User.objects.filter(email__in=map(_email, SAMPLE_PEOPLE), is_active=True)
    return list(users.order_by("email").values_list("email", flat=True))


def path(home: Path) -> Path:
    """Return the file with the accounts and their passwords."""
    return home / "sample-accounts.json"


def _email(role: str) -> str:
    return f"{role.lower()}@example.org"


def _create_account(role: str, name: str) -> Account:
    email, password = _email(role), secrets.token_urlsafe(9)
    user = User.objects.create_user(email, password, roles=(role,), name=name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return Account(role=role, email=email, password=password)


def _write(home: Path, note: AccountsFile) -> None:
    path(home).unlink(missing_ok=True)
    with os.fdopen(os.open(path(home), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(note, file, indent=2)
