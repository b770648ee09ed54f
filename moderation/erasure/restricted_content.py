"""Where sealed words lie: how they go there, and how they return.

All of it runs in the transaction of an act, around what that does to the states.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.erasure_log import Erasure, remember
from accounts.models import User
from comments.models import Comment, CommentRevision, Reason, Transition
from comments.services import lock
from comments.text_changes import Words, give_words, take_words
from moderation.models import Batch, Origin, Seal, SealedText


def why_not_undone(batch: Batch, actor: User | None) -> str:
    """A sentence where this act can't be taken back, or not by them; nothing where it can."""
    about = batch.root
    kind = about.kind
    if kind == Batch.Kind.EMPTYING:
        return _("What was deleted for good can't be brought back.")
    if "is_held" in about.parameters:
        return _("A legal hold is put and ended on the page of the sealed comment.")
    if kind == Batch.Kind.SEAL and not (actor and actor.is_administrator):
        return _("Only an administrator can lift a seal.")
    if kind == Batch.Kind.FILTER and not (actor and actor.is_administrator):
        return _("The filter is changed by administrators alone.")
    return ""


def put_away(seals: Sequence[Seal]) -> None:
    """Take the words of comments that were just sealed into these seals, which are not stored yet."""
    words = {own.comment: own for own in take_words([seal.comment_id for seal in seals])}
    origins = dict(Origin.objects.filter(comment__in=list(words)).values_list("comment", "ip_hash"))
    for seal in seals:
        own = words[seal.comment_id]
        seal.author_name, seal.author_email = own.author_name, own.author_email
        seal.ip_hash = origins.get(seal.comment_id)
    Seal.objects.bulk_create(seals, batch_size=2_000)
    SealedText.objects.bulk_create(
        [
            SealedText(
                seal=seal,
                revision=text.revision,
                body=text.body,
                is_redacted=text.is_redacted,
                replaced_at=text.replaced_at,
            )
            for seal in seals
            for text in words[seal.comment_id].others
        ]
        + [
            SealedText(seal=seal, revision=own.revision, body=own.body, is_redacted=own.is_redacted)
            for seal in seals
            for own in [words[seal.comment_id]]
        ],
        batch_size=2_000,
    )
    remember_seals([seal.comment_id for seal in seals])


def remember_seals(comments: Sequence[int]) -> None:
    """Outside of the database, for a restore of an older backup: sealed why, and whether held."""
    stand = Seal.objects.filter(comment__in=comments, lifted_at=None).select_related("comment")
    remember([erasure(seal) for seal in stand.defer("comment__body", "comment__body_html").order_by("pk")])


def erasure(seal: Seal) -> Erasure:
    made = seal.comment.created_at.isoformat()
    return Erasure("sealed", seal.comment_id, made, reason=seal.why, is_held=seal.is_held)


READ = """
SELECT id, seal_id, revision, body, is_redacted, replaced_at
FROM moderation_read_restricted(%s, %s, %s)"""


def read_texts(seals: Sequence[Seal], *, by: User | None, is_export: bool = False) -> list[SealedText]:
    """The texts of these seals, by seal and revision. The database logs the reading in the same statement."""
    return list(SealedText.objects.raw(READ, [[seal.pk for seal in seals], by and by.pk, is_export]))


@contextmanager
def unsealing(undoing: Batch, only: Sequence[int] | None) -> Iterator[None]:
    """Around the change of states of an undo: what it unseals has its words again before (a comment that is
    not sealed must have some), and what it seals anew loses them after. Of other acts nothing is asked."""
    assert undoing.undoes
    if undoing.root.kind != Batch.Kind.SEAL:
        yield
        return
    # No other decision is taken upon what is sealed, so each of these returns to its state; but under the
    # lock alone: who lifts or erases one at the same moment would leave it without its seal or its words.
    lines = Transition.objects.filter(batch=undoing.undoes_id).values_list("comment", flat=True)
    lock(list(lines if only is None else only))
    seals = Seal.objects.filter(batch=undoing.undoes, lifted_at=None, comment__erased_at=None)
    _bring_back(list(seals if only is None else seals.filter(comment__in=only)), undoing.actor)
    yield
    again = Comment.objects.filter(state_reason=Reason.SEALED, seals__isnull=False)
    again = again.exclude(seals__lifted_at=None).filter(transitions__batch=undoing.pk)
    last = Seal.objects.filter(comment__in=again.values("pk")).order_by("comment", "-id").distinct("comment")
    put_away(
        [Seal(comment_id=seal.comment_id, why=seal.why, is_held=seal.is_held, batch=undoing) for seal in last]
    )


def clear(seals: Sequence[Seal]) -> None:
    """Leave no word in these."""
    keys = [seal.pk for seal in seals]
    SealedText.objects.filter(seal__in=keys).delete()
    Seal.objects.filter(pk__in=keys).update(author_name="", author_email="", ip_hash=None)


def _bring_back(seals: Sequence[Seal], actor: User | None) -> None:
    """Give comments their words again; with that the seals are lifted. It is logged as a reading, too.

    An e-mail that was forgotten meanwhile, since nobody confirmed it, is not remembered, nor is who was
    blanked: what readers see has a name over it, which then is nobody's.
    """
    texts: defaultdict[int, list[SealedText]] = defaultdict(list)
    for text in read_texts(seals, by=actor):
        texts[text.seal_id].append(text)
    comments = Comment.objects.filter(pk__in=[seal.comment_id for seal in seals])
    blanked = set(comments.filter(Q(author__name="") | Q(guest__name="")).values_list("pk", flat=True))
    forgotten = blanked | set(comments.filter(guest__email="").values_list("pk", flat=True))
    give_words(
        [
            Words(
                comment=seal.comment_id,
                author_name=_("Somebody") if seal.comment_id in blanked else seal.author_name,
                author_email="" if seal.comment_id in forgotten else seal.author_email,
                body=shown.body,
                revision=shown.revision,
                is_redacted=shown.is_redacted,
                others=[
                    CommentRevision(
                        comment_id=seal.comment_id,
                        revision=text.revision,
                        body=text.body,
                        is_redacted=text.is_redacted,
                        replaced_at=text.replaced_at,
                    )
                    for text in texts[seal.pk]
                    if text.replaced_at
                ],
            )
            for seal in seals
            for shown in texts[seal.pk]
            if shown.replaced_at is None
        ]
    )
    clear(seals)
    Seal.objects.filter(pk__in=[seal.pk for seal in seals]).update(lifted_at=timezone.now())
    remember([Erasure("unsealed", comment.pk, comment.created_at.isoformat()) for comment in comments])
