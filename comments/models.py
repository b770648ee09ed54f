"""Discussions, comments, and the log of what was decided on them.

A comment's parent is authoritative; lft, rght, tree_id and level are derived from it. Only
comments/services.py and the modules that it names write these tables: each change of a state or a parent
needs the lock on its Discussion, the counters and a Transition, all in one transaction.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from mptt.managers import TreeManager
from mptt.models import MPTTModel, TreeForeignKey
from mptt.querysets import TreeQuerySet

from accounts.models import Guest, User
from articles.models import Article, Site
from articles.search import weighted_vector
from articles.site.current_site import current_site

BODY_MAX = 10_000  # characters
IMPORTED_BODY_MAX = 100_000  # characters of an imported comment
MAX_DEPTH = 64  # levels; a deeper reply becomes a sibling of the comment that it replies to (`in_reply_to`)
EDIT_WINDOW = timedelta(minutes=15)


class State(models.TextChoices):
    PENDING = "pending", _("Waiting for review")
    PUBLISHED = "published", _("Published")
    REJECTED = "rejected", _("Removed by a moderator")
    SPAM = "spam", _("Removed as spam")
    DELETED = "deleted", _("Deleted by its author")


REMOVED = (State.REJECTED, State.SPAM)  # by a moderator or the filter, not by the author


class Reason(models.TextChoices):
    """The reason why a comment is in its state. The system sets the first four, a person the others."""

    POSTED = "posted", _("posted")
    SCREENED = "screened", _("flagged by a check")
    IMPORTED = "imported", _("imported")
    IMPORT_UNDONE = "import_undone", _("import undone")
    AUTHOR = "author", _("deleted by its author")
    APPROVED = "approved", _("approved")
    OFF_TOPIC = "off_topic", _("off-topic")
    INSULT = "insult", _("insult")
    NAME = "name", _("offensive name")
    DUPLICATE = "repeat", _("duplicate")
    TEXT_MISSING = "text_missing", _("text missing")
    OTHER = "other", _("other")
    SPAM = "spam", _("spam")
    RESTRICTED = "sealed", _("access restricted")
    MOVED = "moved", _("moved to another parent")


# Codes of the removal reasons that a new site starts with. Their names are translated.
BUILT_IN_REASONS = {"off_topic", "insult", "name", "repeat", "text_missing", "other"}


class RemovalReason(models.Model):
    """A reason that moderators can choose when they remove a comment.

    Comments and the log refer to its `code`, so the code never changes, and a reason is deactivated rather
    than deleted.
    """

    code = models.SlugField(
        _("code"),
        max_length=20,
        unique=True,
        help_text=_("It can't be changed later: the audit log uses it."),
    )
    label = models.CharField(
        _("name"), max_length=60, blank=True, help_text=_("Leave empty to use the built-in name.")
    )
    message = models.TextField(
        _("message to the author"), max_length=1_000, blank=True, help_text=_("One or two sentences.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("removal reason")
        verbose_name_plural = _("removal reasons")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label or (str(Reason(self.code).label) if self.code in Reason.values else self.code)

    def clean(self) -> None:
        """Refuse codes that the system uses for anything else, and custom codes without a name."""
        if self.code in set(Reason.values) - BUILT_IN_REASONS:
            raise ValidationError({"code": _("This code is reserved. Choose another one.")})
        if not self.label and self.code not in BUILT_IN_REASONS:
            raise ValidationError({"label": _("Enter a name.")})


class Discussion(models.Model):
    """The settings and counters of the comments under one article. Every write to its thread locks this row.

    The first write creates it; until then, thread.story.read_story returns an unsaved one with the
    defaults. `version` grows with each change that readers can see, and with no other.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        HIDDEN = "hidden", _("hidden")

    class Moderation(models.TextChoices):
        CONDITIONAL = "conditional", _("First comment reviewed: newcomers and flagged comments wait")
        PRE = "pre", _("Pre-moderation: review everything first")
        POST = "post", _("Post-moderation: publish at once, review afterwards")

    article = models.OneToOneField(Article, models.PROTECT, primary_key=True, related_name="discussion")
    status = models.CharField(_("comments are"), max_length=10, choices=Status, default=Status.OPEN)
    closes_at = models.DateTimeField(
        _("closes at"), null=True, blank=True, help_text=_("Leave empty to close by the number of days.")
    )
    close_after_days = models.PositiveSmallIntegerField(
        _("closes after (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Counted from publication. Leave empty to use the site’s setting."),
    )
    members_only = models.BooleanField(
        _("members only"), default=False, db_default=False, help_text=_("Guests can't comment.")
    )
    moderation = models.CharField(
        _("moderation"), max_length=12, choices=Moderation, default=Moderation.CONDITIONAL
    )
    declared_count = models.PositiveIntegerField(
        _("comments announced by the source"), null=True, blank=True, editable=False
    )
    copied_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # imported comments
    visible_count = models.PositiveIntegerField(default=0, editable=False)
    # Number of removed comments by "<state>/<reason>/<by>", where by is "person", "confirmed" (proposed by a
    # check, confirmed by a person) or "machine". The policy updates it in the transaction of each change.
    tally = models.JSONField(default=dict, db_default={}, editable=False)
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("discussion")
        verbose_name_plural = _("discussions")

    def __str__(self) -> str:
        return self.article.title

    @classmethod
    def default_for(cls, article: Article) -> Self:
        """Return an unsaved discussion with the defaults, for an article without comments."""
        discussion = cls(article=article)
        discussion.moderation = discussion.site.moderation
        return discussion

    @property
    def closing_time(self) -> datetime | None:
        """Return the time from which no new comments are accepted, or None."""
        if self.closes_at or not self.article.published_at:
            return self.closes_at
        days = self.close_after_days or self.site.close_after_days
        return self.article.published_at + timedelta(days=days)

    @cached_property
    def site(self) -> Site:
        """Return the site, whose settings apply as well."""
        return current_site()

    @property
    def is_hidden(self) -> bool:
        return self.Status.HIDDEN in {self.status, self.site.comment_status}

    @property
    def is_readable(self) -> bool:
        """Return whether readers can open its comments; CommentQuerySet.readable is the same as a query."""
        return self.article.is_published() and not self.is_hidden

    def is_open(self, now: datetime | None = None) -> bool:
        closing_time = self.closing_time
        return self.status == self.site.comment_status == self.Status.OPEN and (
            closing_time is None or (now or timezone.now()) < closing_time
        )


class CommentQuerySet(TreeQuerySet["Comment"]):
    def visible(self) -> Self:
        """Return published comments, whose text any reader may read."""
        return self.filter(state=State.PUBLISHED)

    def readable(self, now: datetime) -> Self:
        """Return visible comments that readers can open: published article, discussion not hidden."""
        if current_site().comment_status == Discussion.Status.HIDDEN:
            return self.none()
        stories = Article.objects.published(now)
        return self.visible().filter(
            ~Q(discussion__status=Discussion.Status.HIDDEN), discussion__article__in=stories
        )

    def waiting(self) -> Self:
        return self.filter(state=State.PENDING)

    def moderated_by(self, user: User, *, include_restricted: bool = False) -> Self:
        """Return the comments that this user may moderate.

        Moderators may moderate all, editors those under their own articles. Restricted comments are left out,
        even for administrators: they are on no list, only on a page of their own. Of comments that are found
        with `include_restricted`, other pages may name only the number.
        """
        found = self if include_restricted else self.exclude(state_reason=Reason.RESTRICTED)
        if user.is_moderator:
            return found
        return found.filter(discussion__article__in=Article.objects.editable_by(user))

    def written_by(self, user: User | None, guest: Guest | None) -> Self:
        """Return the comments of a user, or else of a guest; none for anonymous visitors."""
        if user is not None and user.is_authenticated:
            return self.filter(author=user)
        return self.filter(guest=guest) if guest else self.none()


CommentManager = TreeManager.from_queryset(CommentQuerySet)


class Comment(MPTTModel):
    class Missing(models.TextChoices):
        ALL = "all", _("Text missing in the original")
        REST = "rest", _("The rest is missing in the original")

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="comments", db_index=False)
    parent = TreeForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replies", db_index=False
    )
    in_reply_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    tree_id = models.PositiveIntegerField(editable=False)
    lft = models.PositiveIntegerField(editable=False)
    rght = models.PositiveIntegerField(editable=False)
    level = models.PositiveIntegerField(editable=False)

    author = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="comments", db_index=False
    )
    guest = models.ForeignKey(
        Guest, models.PROTECT, null=True, blank=True, related_name="comments", db_index=False
    )
    author_name = models.CharField(_("name"), max_length=255)  # imported names may be longer than ours
    author_email = models.EmailField(_("e-mail"), blank=True)  # never shown

    body = models.TextField(_("text"), blank=True)
    is_plain_text = models.BooleanField(default=False, editable=False)  # False: Markdown
    body_html = models.TextField(editable=False, blank=True)
    text_missing = models.CharField(max_length=4, choices=Missing, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("posted"), default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)  # text and name deleted for good

    state = models.CharField(_("state"), max_length=10, choices=State)
    state_reason = models.CharField(max_length=20, choices=Reason)
    reply_count = models.PositiveIntegerField(default=0, editable=False)  # published descendants
    recommend_count = models.PositiveIntegerField(default=0, editable=False)  # updated by a job
    is_pick = models.BooleanField(default=False, db_default=False, editable=False)
    is_locked = models.BooleanField(default=False, db_default=False, editable=False)  # no replies
    is_redacted = models.BooleanField(default=False, db_default=False, editable=False)
    repeat_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False
    )
    shown = models.GeneratedField(
        expression=Q(state=State.PUBLISHED) | Q(reply_count__gt=0),  # type: ignore[arg-type]  # Django takes a Q
        output_field=models.BooleanField(),
        db_persist=True,
    )

    nonce = models.UUIDField(null=True, editable=False)
    source = models.CharField(max_length=64, blank=True, editable=False)  # the article's source_key
    source_id = models.CharField(max_length=300, blank=True, editable=False)
    source_parent = models.CharField(
        max_length=300, blank=True, editable=False
    )  # the source_id of its parent
    source_number = models.PositiveIntegerField(null=True, blank=True, editable=False)  # position in the file

    objects: ClassVar["CommentManager[Comment]"] = CommentManager()

    class MPTTMeta:
        order_insertion_by: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        # Each shift of lft updates every index that contains the row: so there are few, and partial ones.
        indexes = [
            models.Index(fields=["discussion", "created_at", "id"], name="comment_discussion"),
            models.Index(
                fields=["discussion", "created_at", "id"],
                condition=Q(parent=None, shown=True),
                name="comment_roots",
            ),
            models.Index(
                fields=["discussion", "recommend_count", "id"],
                condition=Q(parent=None, shown=True),
                name="comment_roots_recommended",
            ),
            models.Index(
                fields=["discussion", "reply_count", "id"],
                condition=Q(parent=None, shown=True),
                name="comment_roots_discussed",
            ),
            models.Index(fields=["created_at", "id"], condition=Q(state="pending"), name="comment_waiting"),
            models.Index(
                fields=["discussion", "created_at", "id"], condition=Q(is_pick=True), name="comment_picks"
            ),
            models.Index(fields=["parent"], condition=~Q(parent=None), name="comment_parent"),
            models.Index(fields=["author", "created_at"], condition=~Q(author=None), name="comment_author"),
            models.Index(fields=["guest", "created_at"], condition=~Q(guest=None), name="comment_guest"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="comment_state_known"),
            models.CheckConstraint(
                condition=~Q(body__regex=r"^\s*$")
                | Q(text_missing="all")
                | Q(erased_at__isnull=False)
                | Q(state_reason="sealed"),  # its text is in the restricted content store
                name="comment_body_or_missing",
            ),
            models.CheckConstraint(
                condition=Q(LessThanOrEqual(Length("body"), BODY_MAX)) | ~Q(source=""),
                name="comment_body_length",
            ),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="comment_lft_before_rght"),
            models.CheckConstraint(condition=Q(level__lt=MAX_DEPTH), name="comment_depth"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="comment_not_its_own_parent"),
            models.UniqueConstraint(
                fields=["tree_id", "lft"], deferrable=models.Deferrable.IMMEDIATE, name="comment_place"
            ),
            models.UniqueConstraint(
                fields=["tree_id"], condition=Q(parent=None), name="comment_one_root_a_tree"
            ),
            models.UniqueConstraint(fields=["id", "discussion"], name="comment_in_discussion"),
            models.UniqueConstraint(fields=["nonce"], condition=~Q(nonce=None), name="comment_nonce_once"),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="comment_source_once"
            ),
        ]

    def __str__(self) -> str:
        """Return the number only: the admin stores this in its log, where text and names can't be erased."""
        return f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("comment", args=[self.discussion.article.slug, self.pk])

    def is_by(self, user: Any, guest: Guest | None) -> bool:
        """Return whether this user, or else this guest, wrote the comment."""
        if user is not None and user.is_authenticated:
            return bool(self.author_id == user.pk)
        return self.guest_id == guest.pk if guest else False

    def can_be_edited_by(self, user: Any, guest: Guest | None, now: datetime | None = None) -> bool:
        """Return whether this is the author, within EDIT_WINDOW, of a published or pending comment.

        A redacted comment can't be edited.
        """
        return (
            self.is_by(user, guest)
            and not self.is_redacted
            and self.state in {State.PUBLISHED, State.PENDING}
            and (now or timezone.now()) < self.created_at + EDIT_WINDOW
        )

    def next_revision(self) -> int:
        """Return the number of the next revision. An undone redaction keeps its number."""
        last = self.revisions.aggregate(last=Max("revision"))["last"]
        return max(self.revision, last or 0) + 1

    def can_be_moderated_by(self, user: Any) -> bool:
        """Return whether this user may moderate the comment, by the rule of CommentQuerySet.moderated_by."""
        if self.state_reason == Reason.RESTRICTED or not user.is_authenticated:
            return False
        return bool(user.is_moderator or self.discussion.article.can_be_edited_by(user))


# mptt adds an index on (tree_id, lft), which the constraint above already has. Each index slows every shift.
Comment._meta.indexes = [index for index in Comment._meta.indexes if index.fields[:1] != ["tree_id"]]


class CommentRevision(models.Model):
    """A body that a comment does not show: an earlier one, or a redacted one whose redaction was undone."""

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="revisions")
    revision = models.PositiveIntegerField()
    body = models.TextField()
    is_redacted = models.BooleanField(default=False, db_default=False)
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "revision"], name="commentrevision_once")]

    def __str__(self) -> str:
        return f"{self.comment_id}/{self.revision}"


class CommentText(models.Model):
    """The search text of a comment.

    It is a table of its own: with a text index on Comment, each change of a state or a position would update
    that index too, and a bulk action took ten times as long. It holds a second copy of the author name, by
    which check_integrity finds names that were changed outside of services.rename_author.
    """

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="text")
    folded = models.TextField()  # duplicates.fold(body)
    author_name = models.CharField(max_length=255, blank=True, default="", db_default="")
    vector = models.GeneratedField(
        expression=weighted_vector("folded", "D"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        indexes = [
            # No fastupdate: each new comment is compared with the others, and would scan the pending list.
            GinIndex(fields=["vector"], name="commenttext_vector", fastupdate=False),
            HashIndex(fields=["folded"], name="commenttext_same"),
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="commenttext_alike"),
        ]

    def __str__(self) -> str:
        return str(self.comment_id)


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def given_by(self, user: User | None, guest: Guest | None) -> Self:
        """Return the rows of a user, or else of a guest, including withdrawn ones."""
        return self.filter(user=user) if user else self.filter(guest=guest)

    def uncounted(self) -> Self:
        """Return the rows that Comment.recommend_count does not reflect yet."""
        return self.exclude(given=F("counted"))


class Recommendation(models.Model):
    """One person's recommendation of one comment.

    Storing it locks no discussion: a job adds rows that are `given` and not yet `counted` to
    Comment.recommend_count, and subtracts those that are counted and no longer given.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="recommendations", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="+", db_index=False)
    given = models.BooleanField(default=True)
    counted = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["comment"], condition=~Q(given=F("counted")), name="recommendation_to_fold")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, guest__isnull=False) | Q(user__isnull=False, guest=None),
                name="recommendation_by_one_person",
            ),
            models.UniqueConstraint(
                fields=["comment", "user"], condition=~Q(user=None), name="recommendation_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["comment", "guest"], condition=~Q(guest=None), name="recommendation_once_a_guest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id} by {self.user_id or self.guest_id}"

    @classmethod
    def of(cls, comment: Comment, user: User | None, guest: Guest | None) -> "Recommendation | None":
        """Return this person's row for a comment, given or withdrawn, or None."""
        if not (user or guest):
            return None
        return cls.objects.given_by(user, guest).filter(comment=comment).first()


class DiscussionDay(models.Model):
    """The number of published comments of a discussion that were written on one day (UTC).

    Every change of a state updates it, as a thread of 100,000 comments can't be counted for each reader.
    """

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="days", db_index=False)
    day = models.DateField()
    visible_count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["discussion", "day"], name="discussionday_once")]

    def __str__(self) -> str:
        return f"{self.discussion_id} {self.day}: {self.visible_count}"


class Transition(models.Model):
    """One entry of the log: a change of a comment's state or parent, or a person's confirmation of its state.

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
    batch = models.UUIDField(null=True)
    # Of an undo: the decision whose state it restored, through any number of undos. It follows from the
    # batches, so it is not part of the hash, and check_integrity compares it with them. A constraint would
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
            models.Index(fields=["actor", "at", "id"], condition=~Q(actor=None), name="transition_actor"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["discussion", "seq"], name="transition_seq_once"),
            models.UniqueConstraint(
                fields=["batch", "comment"], condition=~Q(batch=None), name="transition_once_a_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.from_state or '–'} → {self.to_state or '–'}"


def check_body(body: str) -> str:
    """Return the body as it will be stored. Raises ValidationError if it is empty or too long."""
    if not any(letter.isprintable() and not letter.isspace() for letter in body):
        raise ValidationError(_("Write something first."), code="required")
    if len(body) > BODY_MAX:
        raise ValidationError(
            _("This has %(count)s characters; the maximum is %(limit)s. Shorten it; your text is kept."),
            code="max_length",
            params={"count": f"{len(body):,}", "limit": f"{BODY_MAX:,}"},
        )
    return body.replace("\x00", "")
