"""Proposed parents of imported replies: find and store them (decisions.py accepts and dismisses them)."""

from django.db import transaction

from articles.models import Article
from comments.models import Comment, InferredParent
from comments.services.discussions import lock_discussions
from moderation.reply_structure.inference import ThreadComment, infer_parents


def find_proposals(article: Article) -> int:
    """Infer the comments that the imported replies of a story answer, and store proposals. Moves nothing.

    Returns the number of open proposals. Accepted and dismissed proposals stay as they are, so this may
    run again, also after an import of more comments. The discussion is locked only while they are stored: a
    large one takes a while to infer, and nobody could reply meanwhile. Proposals for comments that are
    imported in that time, which have larger ids, stay as they are.
    """
    comments = _imported_comments(article)
    inferred = infer_parents(comments, story_authors=_author_names(article), story=article.full_text)
    with transaction.atomic():
        lock_discussions([article.pk])
        stored = InferredParent.objects.filter(discussion=article.pk)
        stored.open().filter(comment__lte=comments[-1].number if comments else 0).delete()
        decided = set(stored.values_list("comment", flat=True))
        parents = {comment.number: comment.parent for comment in comments}
        InferredParent.objects.bulk_create(
            [
                InferredParent(
                    comment_id=inferred_parent.comment,
                    discussion_id=article.pk,
                    imported_parent_id=parents[inferred_parent.comment],
                    parent_id=inferred_parent.parent,
                    confidence=inferred_parent.confidence,
                    reason=inferred_parent.reason,
                )
                for inferred_parent in inferred
                if inferred_parent.comment not in decided
            ],
            batch_size=2_000,
        )
        return stored.open().count()


def _author_names(article: Article) -> list[str]:
    return [article.byline, *(author.name for author in article.byline_authors())]


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
