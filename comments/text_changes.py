"""What others than its author do to the words of a comment: taken away with a seal and given back, erased
for good, shortened by a moderator.

All of it runs in the transaction of an act, which holds the locks on the discussions or takes them here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.erasure_log import Erasure, remember
from articles.markup.markdown import render_comment, render_plain
from articles.site.cached_pages import withhold
from comments import tree
from comments.duplicates import fold
from comments.models import Comment, CommentRevision, CommentText, Reason, State
from comments.services import lock, touch


@dataclass(frozen=True)
class Words:
    """All that somebody wrote as one comment, with the bodies that it does not show."""

    comment: int
    author_name: str
    author_email: str
    body: str
    revision: int
    is_redacted: bool  # of this body, as of the others
    others: list[CommentRevision]


def render(body: str, *, is_plain_text: bool) -> str:
    """Return the body of a comment as HTML."""
    return (render_plain if is_plain_text else render_comment)(body)


def search_text(comment: Comment) -> CommentText:
    """Make the row beside a comment of what stands in it now; it is not stored."""
    return CommentText(comment=comment, folded=fold(comment.body), author_name=comment.author_name)


def take_words(ids: Sequence[int]) -> list[Words]:
    """Leave nothing of what was written in sealed comments, and give it to whoever keeps it, by comment.

    In one transaction with seal_states, which holds the locks: no page shows a name or a word of them.
    """
    others: dict[int, list[CommentRevision]] = {pk: [] for pk in ids}
    for version in CommentRevision.objects.filter(comment__in=ids).order_by("comment", "revision"):
        others[version.comment_id].append(version)
    rows = Comment.objects.filter(pk__in=ids).order_by("pk")
    taken = [
        Words(*row, others[row[0]])
        for row in rows.values_list("pk", "author_name", "author_email", "body", "revision", "is_redacted")
    ]
    blank(ids)
    return taken


def give_words(words: Sequence[Words]) -> None:
    """The way back of take_words."""
    ids = [own.comment for own in words]
    lock(ids)
    is_plain = dict(Comment.objects.filter(pk__in=ids).values_list("pk", "is_plain_text"))
    values: dict[str, Any] = {
        "ids": ids,
        "bodies": [own.body for own in words],
        "htmls": [render(own.body, is_plain_text=is_plain[own.comment]) for own in words],
        "names": [own.author_name for own in words],
        "emails": [own.author_email for own in words],
    }
    with connection.cursor() as cursor:
        cursor.execute(tree.GIVE_WORDS, values)
    CommentRevision.objects.bulk_create(
        [version for own in words for version in own.others], batch_size=2_000
    )
    CommentText.objects.bulk_create(
        [
            CommentText(comment_id=own.comment, folded=fold(own.body), author_name=own.author_name)
            for own in words
        ],
        batch_size=2_000,
    )


def erase_comments(*, ids: Sequence[int], at: datetime, sealed: bool = False) -> list[int]:
    """Blank comments for good: text, earlier texts, what is searched, name and e-mail.

    The rows stay with their states, places and lines in the log, so every number stays what it was; no
    decision brings an erased one back. Only what no reader may read is erased, so that no page changes: a
    comment that is published or waiting stays as it is, and so does one that is sealed, upon which a legal
    hold may lie (`sealed`: the caller knows of none). In the caller's transaction. Returns the ids.

    They are remembered outside of the database, for a restore of an older backup.
    """
    lock(ids)
    rows = Comment.objects.filter(pk__in=ids, erased_at=None).exclude(
        state__in=[State.PUBLISHED, State.PENDING]
    )
    if not sealed:
        rows = rows.exclude(state_reason=Reason.SEALED)
    erased = list(rows.values_list("pk", "created_at", "state", "state_reason"))
    ids = [pk for pk, *_ in erased]
    blank(ids, erased_at=at)
    remember([Erasure("comment", pk, made.isoformat(), state, reason) for pk, made, state, reason in erased])
    return ids


def blank(ids: Sequence[int], **values: Any) -> None:
    """Leave no word of these, which are removed and locked; `values` is set besides."""
    values |= {"body": "", "body_html": "", "author_name": "", "author_email": ""}
    Comment.objects.filter(pk__in=ids).update(**values)
    CommentRevision.objects.filter(comment__in=ids).delete()
    CommentText.objects.filter(comment__in=ids).delete()


def keep_redaction(*, comment: Comment, body: str) -> int:
    """Store a shortened body of a comment beside its own, for show_revisions to show. Returns its number."""
    number = comment.next_revision()
    CommentRevision.objects.create(comment=comment, revision=number, body=body, is_redacted=True)
    return number


def show_revisions(values: Mapping[int, int]) -> None:
    """Show another stored body of each comment, by its number, and keep the one that was shown: a redaction,
    or the way back of one. It is no edit of its author's. In the caller's transaction, whose discussions are
    locked. A comment whose body is not kept any more stays as it is.
    """
    rows = CommentRevision.objects.filter(comment__in=values, revision__in=set(values.values()))
    kept = {row.comment_id: row for row in rows if values[row.comment_id] == row.revision}
    comments = list(Comment.objects.filter(pk__in=kept))
    texts = []
    for comment in comments:
        other = kept[comment.pk]
        comment.body, other.body = other.body, comment.body
        comment.revision, other.revision = other.revision, comment.revision
        comment.is_redacted, other.is_redacted = other.is_redacted, comment.is_redacted
        comment.body_html = render(comment.body, is_plain_text=comment.is_plain_text)
        texts.append(search_text(comment))
    Comment.objects.bulk_update(comments, ["body", "body_html", "revision", "is_redacted"], batch_size=500)
    CommentRevision.objects.bulk_update(kept.values(), ["body", "revision", "is_redacted"], batch_size=500)
    CommentText.objects.bulk_create(
        texts, update_conflicts=True, unique_fields=["comment"], update_fields=["folded"], batch_size=2_000
    )
    if shown := {comment.discussion_id for comment in comments if comment.state == State.PUBLISHED}:
        touch(shown)
        withhold()
