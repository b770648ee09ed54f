"""Operations that write a discussion. Each is one transaction that starts by locking the Discussion.

Only these modules write comments, their counters and their log: this one, imports.py (bulk import), edits.py
(edits by the author), text_changes.py (redaction, restriction, erasure), and the job in tasks.py that counts
recommendations.

Jobs are enqueued in the transaction that causes them, so that neither is stored without the other. Texts are
checked and rendered before the lock is taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Guest, User
from articles.markup.markdown import render_comment
from articles.models import Article
from articles.site.cached_pages import invalidate
from articles.site.current_site import read_site
from comments import tree
from comments.duplicates import fold
from comments.models import (
    MAX_DEPTH,
    Comment,
    CommentText,
    Discussion,
    Reason,
    Recommendation,
    State,
    Transition,
    check_body,
)
from comments.policy import Draft, policy
from comments.tasks import schedule_recommendation_count
from core.sql import execute_prepared

MEMBERS_ONLY = gettext_lazy("Only members can comment on this story.")
REPLIES_LOCKED = gettext_lazy("Replies to this comment are locked.")
SETTINGS_CHANGED = gettext_lazy(
    "The moderation settings were just changed. Your text is still here: try again."
)
MAX_ATTEMPTS = 5  # checks of one text, which is checked again if the moderation settings change meanwhile
STATE_BY_VERDICT = {"publish": State.PUBLISHED, "hold": State.PENDING, "spam": State.SPAM}


def post_comment(draft: Draft, *, nonce: UUID) -> Comment:
    """Check and store a new comment by exactly one of the draft's `author` and `guest`, and return it.

    A form sent twice (same `nonce`) returns the comment that it created the first time.

    Raises ValidationError with a message for the author if the text is empty or too long, the discussion is
    closed, the parent was removed, the nonce was used for another comment, or the policy refuses the text.
    """
    draft = replace(draft, body=check_body(draft.body))
    if draft.discussion._state.adding:
        draft = replace(draft, discussion=ensure_discussion(draft.discussion.article))
    for _attempt in range(MAX_ATTEMPTS):
        if comment := _check_and_insert(draft, nonce):
            return comment
        draft = replace(draft, discussion=reload_settings(draft.discussion), at=timezone.now())
    raise ValidationError(SETTINGS_CHANGED, code="settings")


def _check_and_insert(draft: Draft, nonce: UUID) -> Comment | None:
    """Check and store a new comment. Returns None if the moderation settings have changed meanwhile."""
    if not draft.discussion.is_open(draft.at):
        raise ValidationError(_("This discussion is closed."), code="closed")
    if draft.discussion.members_only and draft.author is None:
        raise ValidationError(MEMBERS_ONLY, code="members")
    try:
        verdict, findings = policy().examine(draft)
        if comment := _insert_comment(draft, nonce, STATE_BY_VERDICT[verdict], findings):
            return comment
    except (ValidationError, IntegrityError):
        # A second click on "Post comment" is not another comment, so no rate limit applies to it. And the
        # lock excludes the same nonce in this discussion, but not in another one at the same moment.
        if not Comment.objects.filter(nonce=nonce).exists():
            raise
    else:
        if not Comment.objects.filter(nonce=nonce).exists() and not settings_unchanged(draft):
            return None
    return _find_posted(nonce, draft)


def _insert_comment(draft: Draft, nonce: UUID, state: State, findings: list[Any]) -> Comment | None:
    """Insert the comment and the findings of the checks, and return the comment.

    Returns None if the discussion is closed, the parent is gone, the nonce is used, or the moderation
    settings have changed since the draft was checked.
    """
    person = draft.author or draft.guest
    values: dict[str, Any] = {
        "discussion": draft.discussion.pk,
        "parent": draft.parent and draft.parent.pk,
        "author": draft.author and draft.author.pk,
        "guest": draft.guest and draft.guest.pk,
        "name": draft.name,
        "email": person.email if person else "",
        "body": draft.body,
        "body_html": render_comment(draft.body),
        "folded": fold(draft.body),
        "at": draft.at,
        "state": state.value,
        "reason": Reason.POSTED if state == State.PUBLISHED else Reason.SCREENED,
        "visible": state == State.PUBLISHED,
        "moderation": draft.discussion.moderation,
        "review_everything": draft.discussion.site.review_everything,
        "nonce": nonce,
        **policy().get_extra_cte_values(draft, findings),
    }
    # Without follow-up work, the lock and the insert are one transaction in a single round trip. The lock is
    # then held only while Postgres runs, not until this thread is scheduled again and commits.
    needs_follow_up = state != State.PUBLISHED or policy().needs_review(findings)
    in_transaction = needs_follow_up or connection.in_atomic_block
    with transaction.atomic() if in_transaction else nullcontext(), connection.cursor() as cursor:
        statement = tree.insert_statement(is_reply=draft.parent is not None, extra_ctes=policy().extra_ctes)
        execute_prepared(cursor, statement, values, before=f"{tree.LOCK_DISCUSSION}; ")
        if not (row := cursor.fetchone()):
            return None
        comment = Comment.from_db("default", tree.COLUMNS, row)
        comment.discussion = draft.discussion
        if needs_follow_up:
            policy().open_case(comment, findings)
    return comment


def _find_posted(nonce: UUID, draft: Draft) -> Comment:
    """Return the comment that this form created before, or raise the reason why it was not inserted."""
    comment = Comment.objects.filter(nonce=nonce).first()
    # A different text is not a second click: it would be lost if the first comment were returned for it.
    if comment and comment.is_by(draft.author, draft.guest) and comment.body == draft.body:
        return comment
    if comment:
        raise ValidationError(
            _("This form was already used. Your text is still here: post it again."), code="nonce"
        )
    parent = Comment.objects.get(pk=draft.parent.pk) if draft.parent else None
    if parent and parent.is_locked:
        raise ValidationError(REPLIES_LOCKED, code="locked")
    state = parent.state if parent else State.PUBLISHED
    if state == State.PENDING:
        raise ValidationError(
            _("The comment you are replying to is waiting for review. You can reply once it is published."),
            code="waiting",
        )
    if state != State.PUBLISHED:
        raise ValidationError(_("The comment you are replying to was just removed."), code="gone")
    if draft.author is None and Discussion.objects.filter(pk=draft.discussion.pk, members_only=True).exists():
        raise ValidationError(MEMBERS_ONLY, code="members")
    raise ValidationError(_("This discussion was just closed."), code="closed")


def settings_unchanged(draft: Draft) -> bool:
    """Return whether the moderation settings by which the draft was checked still apply."""
    now, then = reload_settings(draft.discussion), draft.discussion
    return (now.moderation, now.site.review_everything) == (then.moderation, then.site.review_everything)


def reload_settings(discussion: Discussion) -> Discussion:
    """Read the discussion and the site's settings again, past the copies that the request holds."""
    stored = Discussion.objects.get(pk=discussion.pk)
    stored.article, stored.site = discussion.article, read_site()
    return stored


def rename_author(*, comment: Comment, name: str) -> None:
    """Change the author name shown on one comment; the account or guest keeps theirs.

    Raises ValidationError if the name is empty. Nothing is logged: the log is append-only and holds only ids
    and codes, so that a name can be erased.
    """
    if not (name := " ".join(name.split())):
        raise ValidationError(_("A comment needs a name."), code="required")
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        rows = Comment.objects.filter(pk=comment.pk, erased_at=None).exclude(state_reason=Reason.RESTRICTED)
        renamed = rows.exclude(author_name=name).update(author_name=name)
        if renamed:
            CommentText.objects.filter(comment=comment).update(author_name=name)
        if renamed and Comment.objects.filter(pk=comment.pk, shown=True).exists():
            bump_versions([comment.discussion_id])
            invalidate()


def delete_comment(*, comment: Comment, user: Any, guest: Guest | None) -> bool:
    """Delete a comment as its author. Return False if it was already gone, or was written by someone else."""
    if not comment.is_by(user, guest):
        return False
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        if Comment.objects.get(pk=comment.pk).state not in {State.PUBLISHED, State.PENDING}:
            return False
        return bool(
            change_states(
                ids=[comment.pk],
                to=State.DELETED,
                reason=Reason.AUTHOR,
                actor=comment.author,
            )
        )


def change_states(
    *,
    ids: Sequence[int],
    to: State,
    reason: str,
    actor: User | None,
    batch: UUID | None = None,
    expected: Mapping[int, int] | None = None,
    undoes: UUID | None = None,
) -> list[int]:
    """Set the state of comments, one or thousands, and return the ids of those that were decided on.

    `expected` maps comment ids to the id of the last decision that the moderator saw; a comment with a newer
    decision is left alone. `undoes` is the batch that this one reverses. Runs in the caller's transaction.
    """
    expected = expected or {}
    values = {
        "ids": list(ids),
        "expected": [expected.get(pk) for pk in ids],
        "to_state": to.value,
        "to_reason": str(reason),
        "undoes": undoes,
    }
    return _run_change(tree.CHANGE_CHOSEN, ids, values, actor, batch)


def confirm_states(
    *,
    ids: Sequence[int],
    actor: User | None,
    batch: UUID,
    undoes: UUID | None = None,
    expected: Mapping[int, int] | None = None,
) -> list[int]:
    """Log for each comment that its state stays as it is, and return the ids as change_states does.

    The new log entry makes decisions fail that other people are about to take on an earlier version of these
    comments. Arguments are as in change_states. Runs in the caller's transaction.
    """
    lock_discussions_of(ids)
    rows = Comment.objects.filter(pk__in=ids).values_list("state", "state_reason", "pk")
    grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
    for state, reason, pk in rows:
        grouped[state, reason].append(pk)
    return [
        pk
        for (state, reason), group in grouped.items()
        for pk in change_states(
            ids=group,
            to=State(state),
            reason=reason,
            actor=actor,
            batch=batch,
            expected=expected,
            undoes=undoes,
        )
    ]


def revert_states(
    *, undoes: UUID, actor: User | None, batch: UUID, only: Sequence[int] | None = None
) -> list[int]:
    """Undo the state changes of the batch `undoes`, and return the ids of the comments that changed.

    `only` limits it to these comments. Comments that were decided on or edited since are left alone.
    """
    ids = list(only or Transition.objects.filter(batch=undoes).values_list("comment_id", flat=True))
    return _run_change(tree.CHANGE_REVERTED, ids, {"undoes": undoes, "only": only}, actor, batch)


def republish_imported(*, ids: Sequence[int], actor: User | None, batch: UUID) -> list[int]:
    """Publish comments again whose import was undone, and return their ids."""
    return _run_change(tree.CHANGE_REPUBLISHED, ids, {"ids": list(ids)}, actor, batch)


def restrict_states(*, ids: Sequence[int], actor: User | None, batch: UUID) -> list[int]:
    """Remove comments as restricted, whatever their state, and return the ids of those that changed.

    Comments that are restricted already or erased are left alone. The caller then moves their content away
    with text_changes.remove_content. Runs in the caller's transaction.
    """
    return _run_change(tree.CHANGE_RESTRICTED, ids, {"ids": list(ids)}, actor, batch)


def _run_change(
    statement: str, ids: Iterable[int], values: dict[str, Any], actor: User | None, batch: UUID | None
) -> list[int]:
    batch = batch or uuid4()  # policy().sync_cases finds the log entries of this change by their batch
    lock_discussions_of(ids)
    with connection.cursor() as cursor:
        values = {"undoes": None, "actor": actor and actor.pk, "batch": batch} | values
        cursor.execute(statement, values)
        changed = [row[0] for row in cursor.fetchall()]
        if changed:
            policy().sync_cases(changed, batch=batch, actor=actor, undoes=values["undoes"])
    if changed and values.get("to_state") != State.PUBLISHED:
        invalidate()
    return changed


def recommend(
    *, comment: Comment, user: User | None = None, guest: Guest | None = None, given: bool
) -> Recommendation | None:
    """Recommend a comment (`given`) or withdraw that, as exactly one of user and guest.

    Returns the stored row, or None if nothing changed. No discussion is locked: the job
    tasks.count_recommendations updates the count a few seconds later.

    Raises ValidationError for one's own comment, a guest with an unconfirmed e-mail address, or a comment
    that is not published.
    """
    if comment.is_by(user, guest):
        raise ValidationError(_("You can't recommend your own comment."), code="own")
    if guest and not guest.confirmed_at:
        raise ValidationError(_("Confirm your e-mail first: open the link we sent you."), code="unconfirmed")
    if comment.state != State.PUBLISHED:
        raise ValidationError(_("This comment is no longer available."), code="gone")
    values: dict[str, Any] = {
        "comment": comment.pk,
        "user": user and user.pk,
        "guest": guest and guest.pk,
        "given": given,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tree.RECOMMEND_AS_USER if user else tree.RECOMMEND_AS_GUEST, values)
        row = cursor.fetchone()
    if not row:
        return None
    recommendation = Recommendation.objects.get(pk=row[0])
    # After the commit, as the job must see the row. Robust: the recommendation is stored even if it fails.
    transaction.on_commit(partial(schedule_recommendation_count, recommendation), robust=True)
    return recommendation


def move_comment(
    *,
    comment: Comment,
    parent: Comment | None,
    actor: User | None,
    batch: UUID | None = None,
) -> bool:
    """Move a comment with its replies under another parent, or to the top level if `parent` is None.

    Returns False if it is there already. Raises ValidationError if the parent belongs to another discussion,
    is the comment itself or one of its replies, or if the thread would become too deep.
    """
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        moved = Comment.objects.get(pk=comment.pk)
        target = parent and Comment.objects.get(pk=parent.pk)
        if moved.parent_id == (target and target.pk):
            return False
        _check_move(moved, target)
        with connection.cursor() as cursor:
            if target:
                to_tree = target.tree_id
            else:
                cursor.execute("SELECT nextval('comments_tree_seq')")
                to_tree = cursor.fetchone()[0]
            values: dict[str, Any] = {
                "id": moved.pk,
                "parent": target and target.pk,
                "to_tree": to_tree,
                "actor": actor and actor.pk,
                "batch": batch,
            }
            cursor.execute(tree.MOVE, values)
            cursor.execute(tree.NUMBER_TREES, {"trees": [moved.tree_id, to_tree]})
        if moved.shown:
            bump_versions([moved.discussion_id])
    return True


def _check_move(moved: Comment, target: Comment | None) -> None:
    if not target:
        return
    if target.discussion_id != moved.discussion_id:
        raise ValidationError(_("That comment belongs to another discussion."), code="discussion")
    if target.tree_id == moved.tree_id and moved.lft <= target.lft <= moved.rght:
        raise ValidationError(_("A comment can't be moved under itself or its own replies."), code="own")
    branch = Comment.objects.filter(tree_id=moved.tree_id, lft__gte=moved.lft, lft__lte=moved.rght)
    deepest = max(branch.values_list("level", flat=True)) - moved.level
    if target.level + 1 + deepest >= MAX_DEPTH:
        raise ValidationError(_("A thread can have at most %(n)s levels.") % {"n": MAX_DEPTH}, code="deep")


def ensure_discussion(article: Article) -> Discussion:
    """Return the stored Discussion of an article, created with the defaults if there is none yet."""
    discussion = Discussion.objects.filter(pk=article.pk).first()
    if discussion is None:
        _create_missing_discussions([article.pk])
        discussion = Discussion.objects.get(pk=article.pk)
    discussion.article = article
    return discussion


def _create_missing_discussions(articles: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(tree.CREATE_MISSING_DISCUSSIONS, {"discussions": sorted(articles)})


# Settings that change what readers see. The others do not invalidate any page.
READER_SETTINGS = {"status", "closes_at", "close_after_days", "members_only", "declared_count"}


def change_discussion(*, article: Article, actor: User | None = None, **values: Any) -> Discussion:
    """Change settings of an article's discussion, and return it. `actor` is logged as having done so."""
    with transaction.atomic():
        lock_discussions([article.pk])
        before = Discussion.objects.get(pk=article.pk)
        change_discussions(ids=[article.pk], **values)
        after = Discussion.objects.get(pk=article.pk)
        if actor:
            policy().record_settings(before, after, actor)
    return after


def change_discussions(*, ids: Sequence[int], **values: Any) -> None:
    """Change settings of the discussions of many articles, in three statements."""
    if shown := {name: value for name, value in values.items() if name in READER_SETTINGS}:
        # The database compares in the same statement, as another administrator may save at the same moment.
        values["version"] = Case(When(**shown, then=F("version")), default=F("version") + 1)
    with transaction.atomic():
        lock_discussions(ids)
        Discussion.objects.filter(pk__in=ids).update(**values)
        if values.get("status") == Discussion.Status.HIDDEN:
            invalidate()


def set_comment_field(*, field: str, values: Mapping[int, Any]) -> None:
    """Set is_pick, is_locked or repeat_of (an id or None) on comments, by comment id.

    The caller has locked their discussions.
    """
    column, type_ = tree.FIELD_COLUMNS[field]
    parameters = {"ids": list(values), "values": list(values.values())}
    with connection.cursor() as cursor:
        cursor.execute(tree.SET_FIELD.format(column=column, type=type_), parameters)
        bump_versions({discussion for (discussion,) in cursor.fetchall() if discussion})


def lock_discussions(articles: Iterable[int]) -> None:
    """Lock the discussions of these articles, in order of their ids. Create those that are not stored yet."""
    values = {"discussions": sorted(articles)}
    _create_missing_discussions(values["discussions"])
    with connection.cursor() as cursor:
        cursor.execute(tree.LOCK_DISCUSSIONS, values)


def lock_discussions_of(ids: Iterable[int]) -> None:
    """Lock the discussions of these comments, in order of their ids, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(tree.LOCK_DISCUSSIONS_OF_COMMENTS, {"ids": list(ids)})


def bump_versions(discussions: Iterable[int]) -> None:
    """Increment the version of these locked discussions, so that cached pages of them are made again."""
    Discussion.objects.filter(pk__in=discussions).update(version=F("version") + 1)
