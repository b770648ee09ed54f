"""The store of restricted content: moves the texts of comments into it and back.

All of it runs in the transaction of an action, before or after the action changes the states.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, Reason, Transition
from comments.services.discussions import lock_discussions_of
from comments.services.text_changes import (
    CommentContent,
    TextVersion,
    remove_content,
    restore_content,
    stored_deleted_name,
)
from core.erasure_log import Erasure, append_on_commit
from moderation.models import Action, Origin, RestrictedText, Restriction


def store_texts(restrictions: Sequence[Restriction]) -> None:
    """Save new restrictions, and move the texts of their comments into them."""
    contents = {
        content.comment: content
        for content in remove_content([restriction.comment_id for restriction in restrictions])
    }
    origins = dict(Origin.objects.filter(comment__in=list(contents)).values_list("comment", "ip_hash"))
    rows = []
    for restriction in restrictions:
        content = contents[restriction.comment_id]
        restriction.author_name, restriction.author_email = content.author_name, content.author_email
        restriction.ip_hash = origins.get(restriction.comment_id)
        rows += [RestrictedText(restriction=restriction, **version._asdict()) for version in content.versions]
    Restriction.objects.bulk_create(restrictions, batch_size=2_000)
    RestrictedText.objects.bulk_create(rows, batch_size=2_000)
    log_restrictions([restriction.comment_id for restriction in restrictions])


def log_restrictions(comments: Sequence[int]) -> None:
    """Add the restrictions of these comments to the erasure log, for the restore of an older backup."""
    restricted = Restriction.objects.filter(comment__in=comments, lifted_at=None).select_related("comment")
    rows = restricted.defer("comment__body", "comment__body_html").order_by("pk")
    append_on_commit([restriction_erasure(restriction) for restriction in rows])


def restriction_erasure(restriction: Restriction) -> Erasure:
    """Return a restriction as an entry of the erasure log."""
    made = restriction.comment.created_at.isoformat()
    return Erasure(
        "sealed", restriction.comment_id, made, reason=restriction.why, is_held=restriction.is_legal_hold
    )


READ_TEXTS = """
SELECT id, restriction_id, revision, body, is_redacted, replaced_at
FROM moderation_read_restricted(%s, %s, %s)"""


def read_texts(
    restrictions: Sequence[Restriction], *, by: User | None, is_export: bool = False
) -> list[RestrictedText]:
    """Return the texts of these restrictions, by restriction and revision.

    The database logs the reading in the same statement.
    """
    return list(
        RestrictedText.objects.raw(
            READ_TEXTS, [[restriction.pk for restriction in restrictions], by and by.pk, is_export]
        )
    )


@contextmanager
def moving_texts(undoing: Action, only: Sequence[int] | None) -> Iterator[None]:
    """Move the texts around an undo that changes restrictions, with the change of the states as the body.

    Texts of comments whose restriction is lifted are restored before it, since an unrestricted comment must
    have a text. Texts of comments that are restricted again are moved after it. `only` limits it to these
    comments. For other actions it does nothing.
    """
    assert undoing.undoes
    if undoing.root.kind != Action.Kind.RESTRICTION:
        yield
        return
    # Nothing else changes the state of a restricted comment, so each of these returns to its earlier state.
    # The lock is needed for a colleague who lifts or erases one at the same moment.
    changed = Transition.objects.filter(action_id=undoing.undoes_id).values_list("comment", flat=True)
    lock_discussions_of(list(changed if only is None else only))
    restrictions = Restriction.objects.filter(action=undoing.undoes, lifted_at=None, comment__erased_at=None)
    _restore_texts(
        list(restrictions if only is None else restrictions.filter(comment__in=only)), undoing.actor
    )
    yield
    restricted_again = Comment.objects.filter(state_reason=Reason.RESTRICTED, restrictions__isnull=False)
    restricted_again = restricted_again.exclude(restrictions__lifted_at=None).filter(
        transitions__action_id=undoing.pk
    )
    last = (
        Restriction.objects.filter(comment__in=restricted_again.values("pk"))
        .order_by("comment", "-id")
        .distinct("comment")
    )
    store_texts(
        [
            Restriction(
                comment_id=restriction.comment_id,
                why=restriction.why,
                is_legal_hold=restriction.is_legal_hold,
                action=undoing,
            )
            for restriction in last
        ]
    )


def clear_texts(restrictions: Sequence[Restriction]) -> None:
    """Delete the texts, names, e-mails and IP address hashes of these restrictions."""
    keys = [restriction.pk for restriction in restrictions]
    RestrictedText.objects.filter(restriction__in=keys).delete()
    Restriction.objects.filter(pk__in=keys).update(author_name="", author_email="", ip_hash=None)


def _restore_texts(restrictions: Sequence[Restriction], actor: User | None) -> None:
    """Move the texts back into the comments and lift the restrictions. The database logs this as a reading.

    E-mails that were deleted in the meantime as unconfirmed, and names of erased people, are not restored.
    """
    texts: defaultdict[int, list[TextVersion]] = defaultdict(list)
    for text in read_texts(restrictions, by=actor):
        version = TextVersion(text.revision, text.body, text.is_redacted, text.replaced_at)
        texts[text.restriction_id].append(version)
    comments = Comment.objects.filter(pk__in=[restriction.comment_id for restriction in restrictions])
    by_erased = set(comments.filter(Q(author__name="") | Q(guest__name="")).values_list("pk", flat=True))
    without_email = by_erased | set(comments.filter(guest__email="").values_list("pk", flat=True))
    restore_content(
        [
            CommentContent(
                comment=restriction.comment_id,
                author_name=stored_deleted_name()
                if restriction.comment_id in by_erased
                else restriction.author_name,
                author_email="" if restriction.comment_id in without_email else restriction.author_email,
                versions=texts[restriction.pk],
            )
            for restriction in restrictions
            if texts[restriction.pk]
        ]
    )
    clear_texts(restrictions)
    Restriction.objects.filter(pk__in=[restriction.pk for restriction in restrictions]).update(
        lifted_at=timezone.now()
    )
    append_on_commit(
        [Erasure("unsealed", comment.pk, comment.created_at.isoformat()) for comment in comments]
    )
