"""The transition log: changes of a comment's state or parent."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments.models.comments import Comment
from comments.models.discussions import Discussion
from comments.models.states import Reason, state_label

# The id of the last change of the state of a comment c, as an expression for SQL.
LAST_TRANSITION_ID = """(
  SELECT t.id FROM comments_transition t
  WHERE t.comment_id = c.id AND t.kind = 'state' ORDER BY t.id DESC LIMIT 1)"""


class Transition(models.Model):
    """One entry of the transition log.

    It is a change of a comment's state or parent, or a person's confirmation of its state.

    A comment's first entry and its moves name its parent in `new_parent`; other entries leave it empty. A
    trigger keeps the table append-only, and fills `seq` and `hash`, which chain the entries of a discussion.
    Entries hold only ids, codes and times, so that texts can be erased and the chain still verifies.
    """

    class Kind(models.TextChoices):
        STATE = "state", _("state")
        MOVE = "move", _("move")

    kind = models.CharField(max_length=5, choices=Kind, default=Kind.STATE)
    # One constraint, in a migration, checks both: the comment is in this discussion (transition_of_comment).
    discussion = models.ForeignKey(
        Discussion, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    comment = models.ForeignKey(
        Comment, models.PROTECT, related_name="transitions", db_index=False, db_constraint=False
    )
    revision = models.PositiveIntegerField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, blank=True)
    from_reason = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=20, choices=Reason)
    old_parent = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+", db_index=False)
    new_parent = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+", db_index=False)
    action_id = models.UUIDField(null=True, db_column="batch")  # moderation.models.Action
    # Of an undo: the decision whose state it restored, through any number of undos. It follows from the
    # actions, so it is not part of the hash, and check_integrity compares it with them. A constraint would
    # lock the row of each restored decision.
    restores = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        editable=False,
    )
    at = models.DateTimeField(db_default=Now())
    seq = models.PositiveBigIntegerField(editable=False)
    hash = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            models.Index(fields=["comment", "id"], name="transition_comment"),
            models.Index(fields=["at", "id"], name="transition_at"),
            models.Index(
                fields=["discussion", "comment"], condition=Q(kind="move"), name="transition_moved"
            ),  # for the page of each story: thread/story.py
            models.Index(fields=["actor", "at", "id"], condition=~Q(actor=None), name="transition_actor"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["discussion", "seq"], name="transition_seq_once"),
            models.UniqueConstraint(
                fields=["action_id", "comment"],
                condition=~Q(action_id=None),
                name="transition_once_a_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}: {self.state_before or '–'} → {self.state_after or '–'}"

    @property
    def state_before(self) -> str:
        """Return the state before the change in words, or "" for a first entry and a move."""
        return state_label(self.from_state, self.from_reason) if self.from_state else ""

    @property
    def state_after(self) -> str:
        """Return the state after the change in words, or "" for a move."""
        return state_label(self.to_state, self.reason) if self.to_state else ""
