"""The interface through which comments use moderation. settings.COMMENT_POLICY names the implementation.

moderation/policy.py has the implementation in use.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import Guest, User
from comments.models import Comment, Discussion

Verdict = Literal["publish", "hold", "spam"]


class PickEvent(NamedTuple):
    """The event that a comment became an editor's pick."""

    comment: int
    at: datetime
    editor: int | None


class Nudge(StrEnum):
    """Kind of advice that a writer reads once, before a text is posted."""

    LONG = "long_text"
    MANY_LINKS = "many_links"
    SAME_TEXT = "same_text"


class NudgeError(ValidationError):
    """The error that the writer has to read advice first. `sentences`: the advice by kind."""

    def __init__(self, sentences: Mapping[Nudge, str]) -> None:
        super().__init__(list(sentences.values()))
        self.sentences = dict(sentences)


@dataclass(frozen=True)
class ActionButton:
    """A button that applies a moderator's quick action."""

    label: str
    url: str


class Screening(NamedTuple):
    """The verdict on a submission and the findings behind it."""

    verdict: Verdict
    findings: list[Any]
    is_flagged: bool = False  # a moderator should review it even if it is published
    limits: Sequence[Any] = ()  # rate limits that the policy found not to be exceeded


class ExplainedDecision(NamedTuple):
    """The explanation of a removal for the author of the comment."""

    sentences: list[str]
    body_html: str  # of the comment; "" if it must not be shown
    can_appeal: bool


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A text to be checked before it is stored, with its context. A new comment has an author or a guest."""

    discussion: Discussion
    parent: Comment | None = None
    removed_parent: Comment | None = None  # the comment of the reply form, if it was removed meanwhile
    author: User | None = None
    guest: Guest | None = None
    name: str
    body: str
    at: datetime = field(default_factory=timezone.now)
    comment: Comment | None = None  # the comment whose text this replaces, if it is not a new one
    ip: str = ""  # the sender's address, for the checks; never stored in plain form
    nudges: Collection[Nudge] = ()  # those that the writer has not read yet
    browser_guest: Guest | None = None  # the guest of the browser's cookie, who may be another than `guest`


class Policy:
    """A policy that publishes every comment."""

    # Extra CTEs, each after a comma, for the statement that inserts a comment. They can read its row as
    # `inserted`, and store the findings without a round trip or a commit of their own.
    extra_ctes = ""
    # SQL that runs before the discussion is locked, and a condition of the insert. With these, a policy can
    # repeat a check while no other comment of this person can be inserted.
    insert_lock = ""
    insert_condition = "true"

    def examine(self, submission: Submission) -> Screening:
        """Return the verdict on a submission and the findings behind it. May query; runs before the lock.

        Raises ValidationError, with a message for the author, to refuse the text, and NudgeError if one of
        the submission's `nudges` applies.
        """
        return Screening("publish", [])

    def find_nudges(self, submission: Submission) -> dict[Nudge, str]:
        """Return those of the submission's nudges that apply, each with its sentence, as for a preview.

        Raises ValidationError for a person who may not write, or not now.
        """
        return {}

    def get_insert_values(self, submission: Submission, screening: Screening) -> dict[str, Any]:
        """Return the parameters of `extra_ctes`, `insert_lock` and `insert_condition` for a new comment."""
        return {}

    def open_case(self, comment: Comment, findings: list[Any]) -> None:
        """Open a case for a new or edited comment that is pending or flagged, and count one that is spam.

        Runs in the comment's transaction. The caller has checked that the comment is one of these.
        """

    def record_findings(self, comment: Comment, findings: list[Any]) -> None:
        """Store the findings on an edited comment, in the transaction of the edit."""

    def explain_sanctions(self, user: User | None, guest: Guest | None) -> list[str]:
        """Return the sanctions on this person as sentences, shown above the reply form."""
        return []

    def sync_cases(
        self, ids: Sequence[int], *, action_id: UUID, actor: User | None, undoes: UUID | None
    ) -> None:
        """Update cases and counters after a change of states, in its transaction.

        The log entries of the change have this `action_id`. `undoes` is the id of the action that it
        reverses. The discussions are locked.
        """

    def record_settings(self, before: Discussion, after: Discussion, actor: User) -> None:
        """Log settings that a person changed in the admin, in the same transaction, with the lock held."""

    def explain_pending(self, ids: Iterable[int], own: Collection[int] = ()) -> dict[int, list[str]]:
        """Return the reasons why comments are pending, as sentences by comment id, in one query.

        `own` are the ids of those that the reader wrote.
        """
        return {}

    def summarize_moderation(self, discussion: Discussion) -> list[str]:
        """Return a summary of the moderation of this discussion, as sentences for all readers.

        Uses only the discussion's row, as it is called on every view of a story.
        """
        return []

    def list_quick_actions(self, discussion: Discussion) -> list[ActionButton]:
        """Return the buttons of the quick actions that moderators have on this discussion."""
        return []

    def explain_decisions(self, ids: Iterable[int]) -> dict[int, ExplainedDecision]:
        """Return explanations for the authors of removed comments, by comment id."""
        return {}

    def get_decision_url(self, comment: int) -> str:
        """Return the URL of the page that explains a decision to the comment's author, or ""."""
        return ""

    def get_report_url(self, guest: Guest) -> str:
        """Return the URL of the page about the last comment that this guest reported, or ""."""
        return ""

    def read_picks_between(self, since: datetime, until: datetime) -> list[PickEvent]:
        """Return the picks that editors made in this time, also those that were taken back, in one query."""
        return []

    def describe_usual_delay(self) -> str:
        """Return the usual time of a review, such as "usually 2 h", or "" if that is not known yet."""
        return ""

    def list_unscreened_discussions(self) -> set[int]:
        """Return the discussions with imported comments whose search texts a job has yet to store."""
        return set()

    def find_damage(self) -> dict[str, list[Any]]:
        """Return inconsistent data by kind, as comments.integrity.check does. Empty kinds may be left out."""
        return {}

    def repair_damage(self, damage: Mapping[str, list[Any]]) -> None:
        """Recompute the derived data that `damage` lists."""

    def list_actions(self, rows: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
        """Return the actions of a moderator on each comment, by comment id, for comments/_trees.jinja.

        `rows` are rows of a thread or comments. Each action is {label, url, post (bool), reasons ([(code,
        label, message to the author)] or nothing)}.
        """
        return {}


@cache
def policy() -> Policy:
    """Return the policy that settings.COMMENT_POLICY names."""
    instance: Policy = import_string(settings.COMMENT_POLICY)()
    return instance
