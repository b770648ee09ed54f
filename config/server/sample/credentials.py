"""The accounts of the sample: one of each role, and the file with their passwords."""

import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from allauth.account.models import EmailAddress

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, User
from articles.models import Article
from config.server.sample.content import account_people

ROLES = (READER, MODERATOR, EDITOR, ADMINISTRATOR)


class Account(TypedDict):
    """An account of the sample, with its password in plain text."""

    role: str
    email: str
    password: str


class AccountsFile(TypedDict):
    """The content of the file in the data folder, which only its owner can read."""

    article: int
    accounts: list[Account]


def create_accounts() -> tuple[dict[str, User], list[Account]]:
    """Create the accounts with confirmed e-mails. Return the users by role, and the accounts."""
    users, listed = {}, []
    for role in ROLES:
        email, password = _email(role), secrets.token_urlsafe(9)
        name = account_people()[role]["name"]
        users[role] = User.objects.create_user(email, password, roles=(role,), name=name)
        EmailAddress.objects.create(user=users[role], email=email, verified=True, primary=True)
        listed.append(Account(role=role, email=email, password=password))
    return users, listed


def accounts(home: Path) -> list[Account]:
    """Return the accounts of the sample, as long as its story exists."""
    note = _read(home)
    return note["accounts"] if note and Article.objects.filter(pk=note["article"]).exists() else []


def creation_time() -> datetime | None:
    """Return the time that all rows of the sample have in common, or None if there is no sample.

    It is found in the database, as a file may be of another one. No person can give a story the time at which
    an account was created, to the microsecond.
    """
    found = Article.objects.filter(created_at__in=User.objects.values("date_joined"))
    return found.order_by("created_at").values_list("created_at", flat=True).first()


def emails() -> set[str]:
    """Return the e-mails with which the accounts are created."""
    return {_email(role) for role in ROLES}


def active_emails() -> list[str]:
    """Return the e-mails of the sample accounts that can still log in."""
    users = User.objects.filter(email__in=emails(), is_active=True)
    return list(users.order_by("email").values_list("email", flat=True))


def path(home: Path) -> Path:
    """Return the file with the accounts and their passwords."""
    return home / "sample-accounts.json"


def write_file(home: Path, article: Article, listed: list[Account]) -> None:
    """Write the file with the accounts. The existence of `article` tells that it is of this database."""
    _write(home, AccountsFile(article=article.pk, accounts=listed))


def keep_in_file(home: Path, emails: set[str]) -> None:
    """Keep only these accounts in the file, and delete it without any."""
    note = _read(home)
    if note and (kept := [account for account in note["accounts"] if account["email"] in emails]):
        _write(home, AccountsFile(article=note["article"], accounts=kept))
    else:
        path(home).unlink(missing_ok=True)


def _write(home: Path, note: AccountsFile) -> None:
    path(home).unlink(missing_ok=True)
    with os.fdopen(os.open(path(home), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(note, file, indent=2)


def _read(home: Path) -> AccountsFile | None:
    try:
        note: AccountsFile = json.loads(path(home).read_text())
    except FileNotFoundError:
        return None
    return note


def _email(role: str) -> str:
    return f"{role.lower()}@example.org"
