"""Proposed parents of imported replies: find them, accept them, dismiss them.

A proposal is accepted by moving its comment, so the undo of that action makes it open again.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from django.db import transaction

from accounts.models import User
from articles.models import Article
from comments.models import Comment, InferredParent
from comments.services.discussions import lock_discussions
from moderation.actions import setting_changes
from moderation.actions.decisions import move_all
from moderation.models import Batch, SettingChange
from moderation.reply_structure.inference import ThreadComment, infer_parents


class ProposalsChangedError(Exception):
    """The open proposals are not those that the person saw."""


def find_proposals(article: Article) -> int:
    """Infer the comments that the imported replies of a story answer, and store proposals. Moves nothing.

    Returns the number of open proposals. What was accepted or dismissed before stays as it is, so this may
    run again, also after an import of more comments. The discussion is locked only while they are stored: a
    large one takes a while to infer, and nobody could reply meanwhile. Proposals for comments that are
    imported in that time, which have larger ids, stay as they are.
    """
    comments = _imported_comments(article)
    inferred = infer_parents(
        comments, hosts=_author_names(article), story=f"{article.standfirst}\n{article.body}"
    )
    with transaction.atomic():
        lock_discussions([article.pk])
        stored = InferredParent.objects.filter(discussion=article.pk)
        stored.open().filter(comment__lte=comments[-1].number if comments else 0).delete()
        decided = set(stored.values_list("comment", flat=True))
        parents = {comment.number: comment.parent for comment in comments}
        InferredParent.objects.bulk_create(
            [
                InferredParent(
                    comment_id=one.comment,
                    discussion_id=article.pk,
                    imported_parent_id=parents[one.comment],
                    parent_id=one.parent,
                    confidence=one.confidence,
                    reason=one.reason,
                )
                for one in inferred
                if one.comment not in decided
            ],
            batch_size=2_000,
        )
        return stored.open().count()


def _author_names(article: Article) -> list[str]:
    return [article.byline, *(author.name for author in article.signed_by())]


def _imported_comments(article: Article) -> list[ThreadComment]:
    """Return the imported comments with the parents that their source gives, wherever they are now."""
    rows = Comment.objects.filter(discussion=article.pk).exclude(source="").order_by("pk")
    fields = ("pk", "source_id", "source_parent", "author_name", "body", "created_at")
    stored = list(rows.values_list(*fields))
    ids = {source_id: pk for pk, source_id, *_rest in stored}
    levels: dict[int | None, int] = {None: 0}
    comments = []
    for pk, _source_id, source_parent, name, body, at in stored:  # a parent has a smaller id
        parent = ids.get(source_parent) if source_parent else None
        levels[pk] = levels[parent] + 1
        comments.append(ThreadComment(pk, name, body, at, parent, levels[pk]))
    return comments


def fingerprint(proposals: Iterable[InferredParent]) -> str:
    """Return a text that differs for other proposals: one added, one decided on, or another parent."""
    rows = sorted((one.comment_id, one.parent_id, one.confidence) for one in proposals)
    return sha256(repr(rows).encode()).hexdigest()[:32]


def accept(
    *,
    article: Article,
    actor: User,
    least: float = 0,
    comments: Sequence[int] | None = None,
    seen: str | None = None,
) -> Batch | None:
    """Accept the open proposals of at least this confidence, or only those of some comments, as one action.

    `seen` is the fingerprint of all open proposals when the person saw them; None skips that check. Returns
    None if none is open any more. Raises ProposalsChangedError if `seen` is outdated.
    """
    with transaction.atomic():
        lock_discussions([article.pk])
        proposals = InferredParent.objects.filter(discussion=article.pk).open()
        if seen is not None and seen != fingerprint(proposals):
            raise ProposalsChangedError
        proposals = proposals.filter(confidence__gte=least)
        if comments is not None:
            proposals = proposals.filter(comment__in=comments)
        parents = dict(proposals.order_by("comment").values_list("comment", "parent"))
        return move_all(parents=parents, actor=actor, parameters={"is_inferred": True}) if parents else None


def dismiss(*, article: Article, actor: User, comment: int) -> Batch | None:
    """Dismiss the open proposal of a comment. Returns None if it is not open any more."""
    with transaction.atomic():
        lock_discussions([article.pk])
        if not InferredParent.objects.filter(discussion=article.pk, comment=comment).open().exists():
            return None
        batch = Batch.objects.create(
            kind=Batch.Kind.MOVE,
            actor=actor,
            parameters={"field": "is_dismissed", "value": True, "comment": comment},
        )
        changes = [(SettingChange.Target.INFERRED_PARENT, comment, "is_dismissed", True)]
        setting_changes.apply_changes(batch=batch, changes=changes)
        return batch
