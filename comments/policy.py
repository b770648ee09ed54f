"""What a discussion asks before it takes a comment. settings.COMMENT_POLICY names the object that answers.

Policy here is complete and publishes everything; moderation/policy.py judges.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Guest, User
from comments.models import Comment, Discussion

Verdict = Literal["publish", "hold", "spam"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A text before it is a comment, with all that may be known of it; `comment` is set for an edit."""

    discussion: Discussion
    parent: Comment | None
    author: User | None
    guest: Guest | None
    name: str
    body: str
    at: datetime
    comment: Comment | None = None
    ip: str = ""  # from which it was sent; for the checks, and never to be stored as it is
    browser: Guest | None = None  # whom the browser's cookie names, while it signs as another guest


class Policy:
    # Queries of a WITH, each after a comma, that go with the insert of a comment and read its row as `ins`:
    # what is kept of a draft without a way there and back, or a commit, of its own.
    beside = ""

    def examine(self, draft: Draft) -> tuple[Verdict, list[Any]]:
        """The verdict and the findings behind it. May query; runs before the lock.

        Raises ValidationError to refuse the text with a sentence for the person who wrote it.
        """
        return "publish", []

    def beside_values(self, draft: Draft, findings: list[Any]) -> dict[str, Any]:
        """The parameters of `beside`, which stores the findings of a new comment."""
        return {}

    def asks(self, findings: list[Any]) -> bool:
        """Whether somebody is to look at a comment because of these, even where it is published at once."""
        return False

    def follow(self, comment: Comment, findings: list[Any]) -> None:
        """What follows where it waits, is removed, or somebody is asked: inside the transaction that wrote
        it."""

    def record(self, comment: Comment, findings: list[Any]) -> None:
        """Store the findings of another text of a comment, and do what follows; inside that transaction."""

    def standing(self, user: User | None, guest: Guest | None) -> list[str]:
        """What moderators hold this person to, as sentences to read before one writes."""
        return []

    def settle(self, ids: Sequence[int], *, batch: UUID, actor: User | None, undoes: UUID | None) -> None:
        """What follows from a change of states, in its transaction: `batch` names its lines in the log, and
        `undoes` those that it took back. Their discussions are locked."""

    def record_settings(self, before: Discussion, after: Discussion, actor: User) -> None:
        """What follows from settings that somebody changed in the admin, in its transaction. The discussion
        is locked."""

    def reasons(self, ids: Iterable[int], own: Collection[int] = ()) -> dict[int, list[str]]:
        """Why comments wait, as sentences by comment id; one query a page, for those who may see them. `own`:
        those that whoever reads it wrote."""
        return {}

    def account(self, discussion: Discussion) -> list[str]:
        """How this discussion was moderated, as sentences for every reader, from what its row tells alone:
        each reader of a story asks."""
        return []

    def presses(self, discussion: Discussion) -> list[dict[str, Any]]:
        """What can be set on this discussion by one press, for those who decide there: {label, url}."""
        return []

    def told(self, ids: Iterable[int]) -> dict[int, list[str]]:
        """What the authors of removed comments read of that, as sentences by comment id."""
        return {}

    def decision_url(self, comment: int) -> str:
        """Of the page that tells its author why it waits or was removed, and what to do; or nothing."""
        return ""

    def usual(self) -> str:
        """How long a review usually takes here, as a sentence; nothing while that is not known."""
        return ""

    def damage(self) -> dict[str, list[Any]]:
        """What is stored and can't be, by kind, as comments.integrity.check gives it; a kind without any may
        be left out."""
        return {}

    def repair(self, damage: Mapping[str, list[Any]]) -> None:
        """Write anew what of it is derived."""

    def actions(self, rows: Sequence[Any], user: User) -> dict[int, list[dict[str, Any]]]:
        """What this moderator may do with each comment (thread.Row), by its id, as comments/thread.jinja
        takes it: {label, url, post (bool), reasons ([(code, words, note)] or nothing)}."""
        return {}


@cache
def policy() -> Policy:
    found: Policy = import_string(settings.COMMENT_POLICY)()
    return found
