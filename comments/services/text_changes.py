"""Changes of a comment's text by others than its author: restriction and its lifting, erasure, redaction.

All of these run in the caller's transaction, which holds the locks on the discussions, or takes them here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import translation

from accounts.models import deleted_name
from articles.markup.markdown import render_comment, render_plain
from articles.site.cached_pages import invalidate_outage_copies
from articles.site.current_site import current_site
from comments.duplicates import normalize_text
from comments.models import Comment, CommentRevision, CommentSearchText, Reason, State
from comments.services import sql
from comments.services.discussions import increment_versions, lock_discussions_of
from core.database.sql import execute
from core.erasure_log import Erasure, append_on_commit


class TextVersion(NamedTuple):
    """A version of a comment's text."""

    revision: int
    body: str
    is_redacted: bool
    replaced_at: datetime | None = None  # None: it is the text that the comment shows


class CommentContent(NamedTuple):
    """The content of one comment: name, e-mail address, and all versions of its text."""

    comment: int
    author_name: str
    author_email: str
    versions: Sequence[TextVersion]

    @property
    def body(self) -> str:
        """Return the text that the comment shows."""
        return next(version.body for version in self.versions if version.replaced_at is None)


def render_body(body: str, *, is_plain_text: bool) -> str:
    """Return the body of a comment as HTML."""
    return (render_plain if is_plain_text else render_comment)(body)


def store_search_texts(comments: Iterable[Comment]) -> None:
    """Store the search texts of these comments. Names that are stored already do not change."""
    texts = [
        CommentSearchText(
            comment=comment, normalized_body=normalize_text(comment.body), author_name=comment.author_name
        )
        for comment in comments
    ]
    CommentSearchText.objects.bulk_create(
        texts,
        update_conflicts=True,
        unique_fields=["comment"],
        update_fields=["normalized_body"],
        batch_size=2_000,
    )


def remove_content(ids: Sequence[int]) -> list[CommentContent]:
    """Remove the content of restricted comments from them, and return it for the restricted content store.

    Runs in one transaction with restrict_states, which holds the locks, so that no page shows any of it.
    """
    fields = ("revision", "body", "is_redacted")
    earlier: dict[int, list[TextVersion]] = defaultdict(list)
    stored = CommentRevision.objects.filter(comment__in=ids).order_by("comment", "revision")
    for pk, *version in stored.values_list("comment", *fields, "replaced_at"):
        earlier[pk].append(TextVersion(*version))
    rows = Comment.objects.filter(pk__in=ids).order_by("pk")
    contents = [
        CommentContent(pk, name, email, [*earlier[pk], TextVersion(*current)])
        for pk, name, email, *current in rows.values_list("pk", "author_name", "author_email", *fields)
    ]
    delete_content(ids)
    return contents


def restore_content(contents: Sequence[CommentContent]) -> None:
    """Write the content back that remove_content removed."""
    ids = [content.comment for content in contents]
    lock_discussions_of(ids)
    plain_text_flags = dict(Comment.objects.filter(pk__in=ids).values_list("pk", "is_plain_text"))
    values: dict[str, Any] = {
        "ids": ids,
        "bodies": [content.body for content in contents],
        "htmls": [
            render_body(content.body, is_plain_text=plain_text_flags[content.comment]) for content in contents
        ],
        "names": [content.author_name for content in contents],
        "emails": [content.author_email for content in contents],
    }
    execute(sql.RESTORE_CONTENT, values)
    CommentRevision.objects.bulk_create(
        [
            CommentRevision(comment_id=content.comment, **version._asdict())
            for content in contents
            for version in content.versions
            if version.replaced_at
        ],
        batch_size=2_000,
    )
    store_search_texts(Comment.objects.filter(pk__in=ids))


def erase_comments(*, ids: Sequence[int], at: datetime, include_restricted: bool = False) -> list[int]:
    """Delete the content of comments for good, and return the ids of those that were erased.

    Text, revisions, search text, name and e-mail address are deleted. The rows stay with their states,
    positions and log entries, so no count changes; no decision restores an erased comment.

    Published and pending comments are skipped, so that no page changes. Restricted comments are skipped as
    well, since a legal hold may apply, unless the caller knows of none (`include_restricted`).

    The erasures are also recorded outside of the database, to be repeated after a restore of an older backup.
    Runs in the caller's transaction.
    """
    lock_discussions_of(ids)
    rows = Comment.objects.filter(pk__in=ids, erased_at=None).exclude(
        state__in=[State.PUBLISHED, State.PENDING]
    )
    if not include_restricted:
        rows = rows.exclude(state_reason=Reason.RESTRICTED)
    erased = list(rows.values_list("pk", "created_at", "state", "state_reason"))
    ids = [pk for pk, *_ in erased]
    delete_content(ids, erased_at=at)
    append_on_commit(
        [Erasure("comment", pk, created.isoformat(), state, reason) for pk, created, state, reason in erased]
    )
    return ids


def stored_deleted_name() -> str:
    """Return the name that replaces an erased one in comments, in the language of the site.

    A person who erases a name, or lifts a restriction, may read the site in another language.
    """
    with translation.override(current_site().language):
        return deleted_name()


def erase_names(ids: Sequence[int]) -> None:
    """Replace the names above comments by "Deleted account"; delete e-mail addresses and earlier texts.

    Restricted and erased comments have none. Runs in the caller's transaction, which holds the locks.
    """
    rows = Comment.objects.not_erased_or_restricted().filter(pk__in=ids)
    increment_versions(set(rows.filter(is_in_public_thread=True).values_list("discussion", flat=True)))
    name = stored_deleted_name()
    rows.update(author_name=name, author_email="")
    CommentSearchText.objects.filter(comment__in=ids).update(author_name=name)
    CommentRevision.objects.filter(comment__in=ids).update(body="")  # the rows have the numbers
    invalidate_outage_copies()


def delete_content(ids: Sequence[int], **values: Any) -> None:
    """Delete name, e-mail address, text, revisions and search text of removed, locked comments.

    `values` are further fields to set.
    """
    values |= {"body": "", "body_html": "", "author_name": "", "author_email": ""}
    Comment.objects.filter(pk__in=ids).update(**values)
    CommentRevision.objects.filter(comment__in=ids).delete()
    CommentSearchText.objects.filter(comment__in=ids).delete()


def store_redaction(*, comment: Comment, body: str) -> int:
    """Store a redacted body as a revision, for swap_revisions to show, and return its number."""
    number = comment.next_revision()
    CommentRevision.objects.create(comment=comment, revision=number, body=body, is_redacted=True)
    return number


def swap_revisions(values: Mapping[int, int]) -> None:
    """Replace the shown body of each comment by another revision of it, to apply or undo a redaction.

    `values` maps comment ids to revision numbers. The body that was shown becomes a revision. A comment
    without that revision, or whose earlier texts were erased, stays as it is. This does not count as an edit
    by the author. Runs in the caller's transaction, which holds the locks.
    """
    rows = CommentRevision.objects.filter(comment__in=values, revision__in=set(values.values()))
    rows = rows.exclude(body="")
    revisions = {row.comment_id: row for row in rows if values[row.comment_id] == row.revision}
    comments = list(Comment.objects.filter(pk__in=revisions))
    for comment in comments:
        other = revisions[comment.pk]
        comment.body, other.body = other.body, comment.body
        comment.revision, other.revision = other.revision, comment.revision
        comment.is_redacted, other.is_redacted = other.is_redacted, comment.is_redacted
        comment.body_html = render_body(comment.body, is_plain_text=comment.is_plain_text)
    Comment.objects.bulk_update(comments, ["body", "body_html", "revision", "is_redacted"], batch_size=500)
    CommentRevision.objects.bulk_update(
        revisions.values(), ["body", "revision", "is_redacted"], batch_size=500
    )
    store_search_texts(comments)
    if changed := {comment.discussion_id for comment in comments if comment.state == State.PUBLISHED}:
        increment_versions(changed)
        invalidate_outage_copies()
