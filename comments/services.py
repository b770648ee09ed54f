"""The verbs that write a discussion. Each is one transaction that starts with the lock on the Discussion.

Nothing else writes comments, their counters or their log, but for imports.py, which brings many in at once,
texts.py, which takes words away and gives them back, edits.py, by which a writer says it otherwise, and the
job that counts recommendations.
Jobs are enqueued in the transaction that they follow from, so that one is not stored without the other; texts
are examined and rendered before the lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
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
from articles.site.cached_pages import withhold
from articles.site.current_site import read_site
from comments import tree
from comments.duplicates import fold
from comments.models import (
    DEPTH_MAX,
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
from comments.tasks import fold_later
from core.sql import execute_planned

MEMBERS_ONLY = gettext_lazy("Only people with an account take part in this discussion.")
REPLIES_LOCKED = gettext_lazy("Replies to this comment are locked.")
STATE_OF = {"publish": State.PUBLISHED, "hold": State.PENDING, "spam": State.SPAM}


def post_comment(
    *,
    article: Article,
    body: str,
    nonce: UUID,
    parent: Comment | None = None,
    author: User | None = None,
    guest: Guest | None = None,
    discussion: Discussion | None = None,
    ip: str = "",
    browser: Guest | None = None,
) -> Comment:
    """The one way in for a comment that somebody writes here: exactly one of author and guest.

    `discussion` is the article's as it was just read, if it was; `ip` and `browser` are as in policy.Draft.
    The same nonce again gives the comment that it made the first time. Raises ValidationError with a sentence
    for the writer: text empty or too long, discussion closed, comment to answer gone, nonce used by somebody
    else, or refused by the policy.
    """
    body, now = check_body(body), timezone.now()
    if discussion is None or discussion._state.adding:
        discussion = ensure_discussion(article)
    if not discussion.is_open(now):
        raise ValidationError(_("This discussion is closed."), code="closed")
    if discussion.members_only and author is None:
        raise ValidationError(MEMBERS_ONLY, code="members")
    person = author or guest
    draft = Draft(
        discussion=discussion,
        parent=parent,
        author=author,
        guest=guest,
        name=person.name if person else "",
        body=body,
        at=now,
        ip=ip,
        browser=browser,
    )
    try:
        verdict, findings = policy().examine(draft)
    except ValidationError:
        # A second click on "Send" is no further comment, and so not one too many.
        if Comment.objects.filter(nonce=nonce).exists():
            return _already_posted(nonce, draft)
        raise
    try:
        if made := _insert(draft, nonce, STATE_OF[verdict], findings):
            return made
    except IntegrityError:
        # The lock keeps out a twin in this discussion, not one that is posted to another at the same time.
        if not Comment.objects.filter(nonce=nonce).exists():
            raise
        return _already_posted(nonce, draft)
    if not Comment.objects.filter(nonce=nonce).exists() and not is_examined_as_set(draft):
        return post_comment(
            article=article,
            body=body,
            nonce=nonce,
            parent=parent,
            author=author,
            guest=guest,
            discussion=as_set_now(discussion),
            ip=ip,
            browser=browser,
        )
    return _already_posted(nonce, draft)


def _insert(draft: Draft, nonce: UUID, state: State, findings: list[Any]) -> Comment | None:
    """The comment, with what was found in it; None where its place is closed or gone, the nonce used, or the
    discussion not moderated any more as it was when this was examined."""
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
        **policy().beside_values(draft, findings),
    }
    # If nothing follows, the lock and the insert are a transaction by themselves, in one round trip. The
    # lock is then held for as long as Postgres takes, not until this thread has its turn again and commits.
    follows = state != State.PUBLISHED or policy().asks(findings)
    whole = transaction.atomic() if follows or connection.in_atomic_block else nullcontext()
    with whole, connection.cursor() as cursor:
        statement = tree.insert(is_reply=draft.parent is not None, beside=policy().beside)
        execute_planned(cursor, statement, values, before=f"{tree.LOCK}; ")
        if not (row := cursor.fetchone()):
            return None
        comment = Comment.from_db("default", tree.COLUMNS, row)
        comment.discussion = draft.discussion
        if follows:
            policy().follow(comment, findings)
    return comment


def _already_posted(nonce: UUID, draft: Draft) -> Comment:
    comment = Comment.objects.filter(nonce=nonce).first()
    # Other words are no second click on "Send": they would be lost if the first comment answered for them.
    if comment and comment.is_by(draft.author, draft.guest) and comment.body == draft.body:
        return comment
    if comment:
        raise ValidationError(
            _("This form was already used. Your text is kept here: send it again."), code="nonce"
        )
    answered = Comment.objects.get(pk=draft.parent.pk) if draft.parent else None
    if answered and answered.is_locked:
        raise ValidationError(REPLIES_LOCKED, code="locked")
    state = answered.state if answered else State.PUBLISHED
    if state == State.PENDING:
        raise ValidationError(
            _("The comment that you answer is waiting for review; it takes replies once it is published."),
            code="waiting",
        )
    if state != State.PUBLISHED:
        raise ValidationError(_("The comment that you answer was removed meanwhile."), code="gone")
    if draft.author is None and Discussion.objects.filter(pk=draft.discussion.pk, members_only=True).exists():
        raise ValidationError(MEMBERS_ONLY, code="members")
    raise ValidationError(_("This discussion was closed meanwhile."), code="closed")


def is_examined_as_set(draft: Draft) -> bool:
    """Whether its discussion and the site are still moderated as they were when the draft was examined."""
    now, then = as_set_now(draft.discussion), draft.discussion
    return (now.moderation, now.site.review_everything) == (then.moderation, then.site.review_everything)


def as_set_now(discussion: Discussion) -> Discussion:
    """As it is stored, beside the site as it is, whatever a request has read of both."""
    stored = Discussion.objects.get(pk=discussion.pk)
    stored.article, stored.site = discussion.article, read_site()
    return stored


def rename_author(*, comment: Comment, name: str) -> None:
    """Correct the name over one comment; an account keeps its own. Raises ValidationError for an empty name.

    No line in the log, which holds ids and codes only: a name must be forgettable.
    """
    if not (name := " ".join(name.split())):
        raise ValidationError(_("A comment needs a name."), code="required")
    with transaction.atomic():
        lock([comment.pk])
        rows = Comment.objects.filter(pk=comment.pk, erased_at=None).exclude(state_reason=Reason.SEALED)
        renamed = rows.exclude(author_name=name).update(author_name=name)
        if renamed:
            CommentText.objects.filter(comment=comment).update(author_name=name)
        if renamed and Comment.objects.filter(pk=comment.pk, shown=True).exists():
            touch([comment.discussion_id])
            withhold()


def delete_comment(*, comment: Comment, user: Any, guest: Guest | None) -> bool:
    """Take one's own comment back. False if it was already gone or removed, or is somebody else's."""
    if not comment.is_by(user, guest):
        return False
    with transaction.atomic():
        lock([comment.pk])
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
    """Bring comments into one state: one press or ten thousand, in the same two statements.

    `expected` gives, by comment, the id of the last decision that the person saw; where another has come
    since, nothing changes. `undoes`: see confirm_states. Returns the ids that were decided on. Runs in the
    caller's transaction.
    """
    expected = expected or {}
    values = {
        "ids": list(ids),
        "expected": [expected.get(pk) for pk in ids],
        "to_state": to.value,
        "to_reason": str(reason),
        "undoes": undoes,
    }
    return _change(tree.CHANGE_CHOSEN, ids, values, actor, batch)


def confirm_states(
    *,
    ids: Sequence[int],
    actor: User | None,
    batch: UUID,
    undoes: UUID | None = None,
    expected: Mapping[int, int] | None = None,
) -> list[int]:
    """A line in the log for each of these comments, that they stay what they are: whoever is about to decide
    on what they said before must not. `undoes`: the act of which this is the way back; `expected` and what is
    returned are as in change_states. In the caller's transaction."""
    lock(ids)
    rows = Comment.objects.filter(pk__in=ids).values_list("state", "state_reason", "pk")
    grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
    for state, reason, pk in rows:
        grouped[state, reason].append(pk)
    return [
        pk
        for (state, reason), some in grouped.items()
        for pk in change_states(
            ids=some,
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
    """Take a batch's changes of state back (`only`: of these comments), but for what was decided or edited
    since. Returns the ids."""
    ids = list(only or Transition.objects.filter(batch=undoes).values_list("comment_id", flat=True))
    return _change(tree.CHANGE_REVERTED, ids, {"undoes": undoes, "only": only}, actor, batch)


def return_states(*, ids: Sequence[int], actor: User | None, batch: UUID) -> list[int]:
    """Publish those again that were taken back with their import. Returns their ids."""
    return _change(tree.CHANGE_RETURNED, ids, {"ids": list(ids)}, actor, batch)


def seal_states(*, ids: Sequence[int], actor: User | None, batch: UUID) -> list[int]:
    """Remove comments as sealed, whatever their state; their words are still to be taken: texts.take_words.
    Returns the ids of those that were not sealed and not erased. Runs in the caller's transaction."""
    return _change(tree.CHANGE_SEALED, ids, {"ids": list(ids)}, actor, batch)


def _change(
    statement: str, ids: Iterable[int], values: dict[str, Any], actor: User | None, batch: UUID | None
) -> list[int]:
    batch = batch or uuid4()  # what follows from the act finds its lines in the log by that
    lock(ids)
    with connection.cursor() as cursor:
        cursor.execute(statement, values | {"actor": actor and actor.pk, "batch": batch})
        changed = [row[0] for row in cursor.fetchall()]
        if changed:
            policy().settle(changed, batch=batch, actor=actor, undoes=values.get("undoes"))
    if changed and values.get("to_state") != State.PUBLISHED:
        withhold()
    return changed


def recommend(
    *, comment: Comment, user: User | None = None, guest: Guest | None = None, given: bool
) -> Recommendation | None:
    """Recommend a comment, or take that back, as exactly one of user and guest; twice is the same as once.

    It locks no discussion: tasks.fold_recommendations counts it a few seconds later. Gives the row, or None
    where nothing changed. Raises ValidationError: one's own comment, a guest with an unproved e-mail, a
    comment that is not published.
    """
    if comment.is_by(user, guest):
        raise ValidationError(_("You can't recommend your own comment."), code="own")
    if guest and not guest.confirmed_at:
        raise ValidationError(
            _("Confirm your e-mail first: open the link that we mailed you."), code="unconfirmed"
        )
    if comment.state != State.PUBLISHED:
        raise ValidationError(_("This comment is no longer here."), code="gone")
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
    # Once it is committed (see there); that it can't be enqueued is no reason to say that nothing was stored.
    transaction.on_commit(partial(fold_later, recommendation), robust=True)
    return recommendation


def move_comment(
    *,
    comment: Comment,
    parent: Comment | None,
    actor: User | None,
    batch: UUID | None = None,
) -> bool:
    """Hang a comment, with its replies, under another of its discussion, or (None) at the first level.

    False if it hangs there already. Raises ValidationError: other discussion, under its own reply, too deep.
    """
    with transaction.atomic():
        lock([comment.pk])
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
            cursor.execute(tree.NUMBER, {"trees": [moved.tree_id, to_tree]})
        if moved.shown:
            touch([moved.discussion_id])
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
    if target.level + 1 + deepest >= DEPTH_MAX:
        raise ValidationError(
            _("There it would stand deeper than %(n)s levels.") % {"n": DEPTH_MAX}, code="deep"
        )


def ensure_discussion(article: Article) -> Discussion:
    """The stored Discussion of an article, made with the defaults if nobody has written here yet."""
    discussion = Discussion.objects.filter(pk=article.pk).first()
    if discussion is None:
        _ensure([article.pk])
        discussion = Discussion.objects.get(pk=article.pk)
    discussion.article = article
    return discussion


def _ensure(articles: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(tree.ENSURE, {"discussions": sorted(articles)})


# Of what can be set, what a reader sees: the others leave every page as it is.
SHOWN = {"status", "closes_at", "close_after_days", "members_only", "declared_count"}


def change_discussion(*, article: Article, actor: User | None = None, **values: Any) -> Discussion:
    """Set what its editors or moderators set, or declared_count. `actor`: whose act it is, by itself."""
    with transaction.atomic():
        lock_discussions([article.pk])
        before = Discussion.objects.get(pk=article.pk)
        change_discussions(ids=[article.pk], **values)
        after = Discussion.objects.get(pk=article.pk)
        if actor:
            policy().record_settings(before, after, actor)
    return after


def change_discussions(*, ids: Sequence[int], **values: Any) -> None:
    """The same for the discussions of many articles, in three statements."""
    if shown := {name: value for name, value in values.items() if name in SHOWN}:
        # Judged by the database in the same statement: another administrator may save at this moment.
        values["version"] = Case(When(**shown, then=F("version")), default=F("version") + 1)
    with transaction.atomic():
        lock_discussions(ids)
        Discussion.objects.filter(pk__in=ids).update(**values)
        if values.get("status") == Discussion.Status.HIDDEN:
            withhold()


def mark_comments(*, field: str, values: Mapping[int, Any]) -> None:
    """Set is_pick, is_locked or repeat_of (an id, or None) of comments whose discussions are locked."""
    column, type_ = tree.MARKS[field]
    parameters = {"ids": list(values), "values": list(values.values())}
    with connection.cursor() as cursor:
        cursor.execute(tree.MARK.format(column=column, type=type_), parameters)
        touch({discussion for (discussion,) in cursor.fetchall() if discussion})


def lock_discussions(articles: Iterable[int]) -> None:
    """Lock the discussions of these articles, made where they are not stored yet, in order of their ids."""
    values = {"discussions": sorted(articles)}
    _ensure(values["discussions"])
    with connection.cursor() as cursor:
        cursor.execute(tree.LOCK_THESE, values)


def lock(ids: Iterable[int]) -> None:
    """Lock the discussions of these comments, in order of their ids, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(tree.LOCK_OF, {"ids": list(ids)})


def touch(discussions: Iterable[int]) -> None:
    """Say that a reader sees something else in these, which are locked."""
    Discussion.objects.filter(pk__in=discussions).update(version=F("version") + 1)
