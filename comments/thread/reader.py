"""The reader of a thread: the comments that they see, and the data that is shown only to them."""

from dataclasses import dataclass, field
from math import ceil
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext

from accounts.models import Guest, User
from comments.models import MUTED_COMMENTS, REMOVED_BY_MODERATION, UNDO_WINDOW, Comment, Recommendation, State
from comments.policy import ExplainedDecision, policy
from comments.thread.rows import ThreadRow
from core.database.sql import fetch_rows

LOWERED_AFTER_COLON = {"A", "All", "It", "No", "Some", "The", "There", "This", "You", "Your"}


@dataclass(frozen=True)
class Reader:
    """The reader of a page, who may see comments of their own or pending ones besides the public ones."""

    user: User | None = None
    guest: Guest | None = None
    moderates: bool = False
    deleted: int | None = None  # of their own deleted comments, the one whose place they see

    @property
    def thread_condition(self) -> str:
        """Return an SQL condition over `c`: comments with a place in the thread for this reader."""
        return f"(c.shown OR {self.private_condition})" if self.private_condition else "c.shown"

    @property
    def private_condition(self) -> str:
        """Return an SQL condition over `c`: comments that this reader sees and the public does not.

        These are the reader's own, unless deleted, except `deleted`, and for moderators those that are
        pending. Returns "" for an anonymous reader.
        """
        conditions = []
        remains = "c.state <> 'deleted'"
        if self.deleted:  # a posting that was undone leaves no place
            remains = f"({remains} OR c.id = %(deleted)s AND c.state_reason = 'author')"
        if self.user:
            conditions.append(f"(c.author_id = %(user)s AND {remains})")
        elif self.guest:
            conditions.append(f"(c.guest_id = %(guest)s AND {remains})")
        if self.moderates:
            conditions.append("c.state = 'pending'")
        return " OR ".join(conditions)

    @property
    def parameters(self) -> dict[str, int | None]:
        return {
            "user": self.user.pk if self.user else None,
            "guest": self.guest.pk if self.guest else None,
            "deleted": self.deleted,
        }

    @property
    def may_recommend(self) -> bool:
        """Return whether the reader is a member, or a guest whose e-mail address is confirmed."""
        return self.user is not None or (self.guest is not None and self.guest.confirmed_at is not None)

    def wrote(self, row: "ThreadRow") -> bool:
        if self.user:
            return row.author_id == self.user.pk
        return self.guest is not None and row.guest_id == self.guest.pk


@dataclass(frozen=True)
class ViewerContext:
    """The data that comments/_trees.jinja shows to one person only. Sets and keys are comment ids."""

    moderates: bool
    is_guest: bool = False
    own: set[int] = field(default_factory=set)
    editable: set[int] = field(default_factory=set)
    # Sentences that say why comments are pending, or why the reader sees a removed one.
    reasons: dict[int, list[str]] = field(default_factory=dict)
    decisions: dict[int, ExplainedDecision] = field(default_factory=dict)  # of their own removed comments
    decision_urls: dict[int, str] = field(default_factory=dict)  # of their own pending or removed comments
    pending_label: str = ""  # the beginning of the notice on their own pending comments
    seconds_to_undo_posting: dict[int, int] = field(default_factory=dict)  # how long it can still be undone
    recommended: set[int] = field(default_factory=set)
    may_recommend: bool = False
    may_mute: bool = False
    muted: set[int] = field(default_factory=set)  # comments of people whom the reader muted


def personalize(
    rows: list[ThreadRow], reader: Reader, recommendations: dict[int, tuple[bool, bool]] | None = None
) -> tuple[list[ThreadRow], ViewerContext | None]:
    """Return the rows and the context for this reader (no context for anonymous readers).

    `recommendations` are the reader's own, {comment id: (is_given, is_counted)}; they are read if None. The
    counts in the rows include them, even if the job has not counted them yet.
    """
    if not (reader.user or reader.guest):
        return rows, None
    now = timezone.now()
    own_rows = [row for row in rows if reader.wrote(row)]
    pending = {r.id for r in (rows if reader.moderates else own_rows) if r.state == State.PENDING}
    reasons = policy().explain_pending(pending, {row.id for row in own_rows}) if pending else {}
    # Two findings of one check may give the same sentence.
    reasons = {pk: _after_colon(list(dict.fromkeys(sentences))) for pk, sentences in reasons.items()}
    # Only its author sees a removed comment in its place, and reads why.
    own_removed = {r.id: [gettext("You wrote it.")] for r in own_rows if r.state in REMOVED_BY_MODERATION}
    decisions = policy().explain_decisions(own_removed) if own_removed else {}
    explained = [*decisions, *(r.id for r in own_rows if r.id in pending)]
    decision_urls = {pk: policy().get_decision_url(pk) for pk in explained}
    own_recommendations, muted = recommendations or {}, set[int]()
    if recommendations is None and reader.may_recommend:
        own_recommendations, muted = _read_own_choices([row.id for row in rows], reader)
    viewer = ViewerContext(
        moderates=reader.moderates,
        is_guest=reader.user is None,
        own={row.id for row in own_rows},
        editable={row.id for row in own_rows if _as_comment(row).can_be_edited_by(reader.user, reader.guest)},
        seconds_to_undo_posting={
            row.id: ceil((row.created_at + UNDO_WINDOW - now).total_seconds())
            for row in own_rows
            if _as_comment(row).posting_can_be_undone_by(reader.user, reader.guest, now)
        },
        reasons=reasons | own_removed,
        decisions=decisions,
        decision_urls={pk: url for pk, url in decision_urls.items() if url},
        pending_label=_pending_label() if pending else "",
        recommended={pk for pk, (is_given, _is_counted) in own_recommendations.items() if is_given},
        may_recommend=reader.may_recommend,
        may_mute=reader.user is not None,
        muted=muted,
    )
    uncounted = {
        pk: is_given - is_counted
        for pk, (is_given, is_counted) in own_recommendations.items()
        if is_given != is_counted
    }
    if uncounted:
        rows = [
            row._replace(recommend_count=max(0, row.recommend_count + uncounted.get(row.id, 0)))
            for row in rows
        ]
    return rows, viewer


def _read_own_choices(ids: list[int], reader: Reader) -> tuple[dict[int, tuple[bool, bool]], set[int]]:
    """Return {comment id: (whether this reader recommends it, whether that is counted)}, and muted comments.

    It is one statement. Only members mute.
    """
    muted: list[int] = []
    if not ids:
        return {}, set()
    if reader.user:
        values: dict[str, Any] = {"user": reader.user.pk, "comments": ids}
        recommendations, muted = fetch_rows(f"SELECT {OWN_RECOMMENDATIONS}, {MUTED_COMMENTS}", values)[0]
    else:
        stored = Recommendation.objects.given_by(None, reader.guest).filter(comment__in=ids)
        recommendations = stored.values_list("comment", "is_given", "is_counted")
    return {pk: (is_given, is_counted) for pk, is_given, is_counted in recommendations or ()}, set(muted)


# The rows of the member %(user)s for %(comments)s: comment id, is_given, is_counted.
OWN_RECOMMENDATIONS = """
(SELECT json_agg(json_build_array(r.comment_id, r.given, r.counted)) FROM comments_recommendation r
 WHERE r.user_id = %(user)s AND r.comment_id = ANY (%(comments)s::bigint[]))"""


def _after_colon(sentences: list[str]) -> list[str]:
    """Return the sentences as they follow "Waiting for review:".

    In English the first one loses its capital letter, unless it begins with a name or the like.
    """
    first, *others = sentences
    if (get_language() or "").startswith("en") and first.partition(" ")[0] in LOWERED_AFTER_COLON:
        first = first[:1].lower() + first[1:]
    return [first, *others]


def _pending_label() -> str:
    """Return "Waiting for review, usually 2 h", or without the time if that is not known yet."""
    if not (delay := policy().describe_usual_delay()):
        return gettext("Waiting for review")
    return gettext("Waiting for review, %(delay)s") % {"delay": delay}


def _as_comment(row: ThreadRow) -> Comment:
    """Return the comment of a row with the fields that its author's rights depend on."""
    return Comment(
        author_id=row.author_id,
        guest_id=row.guest_id,
        state=row.state,
        created_at=row.created_at,
        is_redacted=row.is_redacted,
    )
