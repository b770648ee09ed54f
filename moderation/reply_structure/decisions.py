"""Decisions on the proposed parents of imported replies: accept them, dismiss them.

A proposal is accepted by moving its comment, so the undo of that action makes it open again.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from django.db import transaction

from accounts.models import User
from articles.models import Article
from comments.models import InferredParent
from comments.services.discussions import lock_discussions
from moderation.actions import setting_changes
from moderation.actions.decisions import move_all
from moderation.models import Action, SettingChange


class ProposalsChangedError(Exception):
    """The open proposals are not those that the person saw."""


def fingerprint(proposals: Iterable[InferredParent]) -> str:
    """Return a text that differs for other proposals: one added, one decided on, or another parent."""
    rows = sorted((proposal.comment_id, proposal.parent_id, proposal.confidence) for proposal in proposals)
    return sha256(repr(rows).encode()).hexdigest()[:32]


def accept(
    *,
    article: Article,
    actor: User,
    least: float = 0,
    only: Mapping[int, int] | None = None,
    seen: str | None = None,
) -> Action | None:
    """Accept the open proposals of at least this confidence, or only some, as one action.

    `only` maps comments to their proposed parents as the person saw them. `seen` is the fingerprint of all
    open proposals when the person saw them; None skips that check. Returns None if none is open any more.
    Raises ProposalsChangedError if `only` or `seen` is outdated.
    """
    with transaction.atomic():
        lock_discussions([article.pk])
        proposals = InferredParent.objects.filter(discussion=article.pk).open()
        if seen is not None and seen != fingerprint(proposals):
            raise ProposalsChangedError
        proposals = proposals.filter(confidence__gte=least)
        if only is not None:
            proposals = proposals.filter(comment__in=only)
        parents = dict(proposals.order_by("comment").values_list("comment", "parent"))
        if only is not None and not parents.items() <= only.items():
            raise ProposalsChangedError
        return move_all(parents=parents, actor=actor, parameters={"is_inferred": True}) if parents else None


def dismiss(*, article: Article, actor: User, comment: int, parent: int) -> Action | None:
    """Dismiss the proposal that this is the parent of a comment. Returns None if it is not open any more.

    Raises ProposalsChangedError if another parent is proposed now.
    """
    with transaction.atomic():
        lock_discussions([article.pk])
        proposal = InferredParent.objects.filter(discussion=article.pk, comment=comment).open().first()
        if proposal is None:
            return None
        if proposal.parent_id != parent:
            raise ProposalsChangedError
        return setting_changes.apply_as_action(
            Action.Kind.MOVE,
            actor,
            {"field": "is_dismissed", "value": True, "comment": comment},
            [(SettingChange.Target.INFERRED_PARENT, comment, "is_dismissed", True)],
        )
