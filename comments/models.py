"""The discussion. The parent of a comment is the truth; lft, rght, tree_id and level are its cache.

Only comments/services.py, and what it names, writes these tables: each change of a state or a parent needs
the lock on its Discussion, the counters and a Transition, all in one transaction.
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
from articles.search import weighed
from articles.site.current_site import current_site

BODY_MAX = 10_000  # characters
IMPORTED_BODY_MAX = 100_000  # of a comment that was written elsewhere
DEPTH_MAX = 64  # stored levels; a deeper answer stands beside whom it answers, its `in_reply_to`
EDIT_WINDOW = timedelta(minutes=15)


class State(models.TextChoices):
    PENDING = "pending", _("Waiting for review")
    PUBLISHED = "published", _("Published")
    REJECTED = "rejected", _("Removed by a moderator")
    SPAM = "spam", _("Removed as spam")
    DELETED = "deleted", _("Deleted by its author")


REMOVED = (State.REJECTED, State.SPAM)  # by somebody else than its author


class Reason(models.TextChoices):
    """Why a comment is in its state. The first few are given by the system, the rest by a person."""

    POSTED = "posted", _("posted")
    SCREENED = "screened", _("the checks asked for a look")
    IMPORTED = "imported", _("brought in")
    IMPORT_UNDONE = "import_undone", _("the import was undone")
    AUTHOR = "author", _("its author deleted it")
    APPROVED = "approved", _("approved")
    OFF_TOPIC = "off_topic", _("off topic")
    INSULT = "insult", _("insult")
    NAME = "name", _("name")
    REPEAT = "repeat", _("repeat")
    TEXT_MISSING = "text_missing", _("text missing")
    OTHER = "other", _("other")
    SPAM = "spam", _("spam")
    SEALED = "sealed", _("must not be seen")
    MOVED = "moved", _("moved under its true parent")


# Codes of the reasons to remove that a new site has, with words of ours.
OUR_REASONS = {"off_topic", "insult", "name", "repeat", "text_missing", "other"}


class RemovalReason(models.Model):
    """A reason that moderators can choose when they remove a comment. `code` stands on comments and in the
    log, so it never changes; a reason is switched off rather than deleted."""

    code = models.SlugField(
        _("code"), max_length=20, unique=True, help_text=_("It stays as it is, since the log names it.")
    )
    label = models.CharField(
        _("words"), max_length=60, blank=True, help_text=_("Empty: our own words for this code.")
    )
    told = models.TextField(
        _("what its author reads"), max_length=1_000, blank=True, help_text=_("One or two sentences.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("reason to remove")
        verbose_name_plural = _("reasons to remove")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label or (str(Reason(self.code).label) if self.code in Reason.values else self.code)

    def clean(self) -> None:
        """A code of the system's own would say that a person removed what was never removed."""
        if self.code in set(Reason.values) - OUR_REASONS:
            raise ValidationError({"code": _("This code has another meaning already.")})
        if not self.label and self.code not in OUR_REASONS:
            raise ValidationError({"label": _("Say it in a few words.")})


class Discussion(models.Model):
    """The comments under one article: the row that every write to its thread locks.

    It is made by the first verb that writes; until then `thread.read_story` gives one with the defaults.
    `version` grows with each change that a reader could see, and with no other.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        HIDDEN = "hidden", _("hidden")

    class Moderation(models.TextChoices):
        CONDITIONAL = "conditional", _("new people and what the checks find are reviewed first")
        PRE = "pre", _("review everything first")
        POST = "post", _("publish at once, review afterwards")

    article = models.OneToOneField(Article, models.PROTECT, primary_key=True, related_name="discussion")
    status = models.CharField(_("comments are"), max_length=10, choices=Status, default=Status.OPEN)
    closes_at = models.DateTimeField(
        _("closes at"), null=True, blank=True, help_text=_("Empty: so many days after its publication.")
    )
    close_after_days = models.PositiveSmallIntegerField(
        _("closes after (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("After its publication. Empty: as the site’s settings say."),
    )
    members_only = models.BooleanField(
        _("only people with an account"), default=False, db_default=False, help_text=_("No guests.")
    )
    moderation = models.CharField(
        _("moderation"), max_length=12, choices=Moderation, default=Moderation.CONDITIONAL
    )
    declared_count = models.PositiveIntegerField(
        _("comments claimed by the source"), null=True, blank=True, editable=False
    )
    copied_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # that it brought
    visible_count = models.PositiveIntegerField(default=0, editable=False)
    # How many were removed, by "<state>/<reason>/<by>", where by is person, confirmed (a check had proposed
    # it) or machine. The policy keeps it, in the transaction of each change of a state.
    tally = models.JSONField(default=dict, db_default={}, editable=False)
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("discussion")
        verbose_name_plural = _("discussions")

    def __str__(self) -> str:
        return self.article.title

    @classmethod
    def not_stored(cls, article: Article) -> Self:
        """That of an article under which nobody has written yet, as the first one will find it."""
        discussion = cls(article=article)
        discussion.moderation = discussion.site.moderation
        return discussion

    @property
    def end(self) -> datetime | None:
        """The moment from which no new comment is taken."""
        if self.closes_at or not self.article.published_at:
            return self.closes_at
        days = self.close_after_days or self.site.close_after_days
        return self.article.published_at + timedelta(days=days)

    @cached_property
    def site(self) -> Site:
        """Whose settings hold besides its own."""
        return current_site()

    @property
    def is_hidden(self) -> bool:
        return self.Status.HIDDEN in {self.status, self.site.comment_status}

    @property
    def has_pages(self) -> bool:
        """Whether a link to one of its comments leads somewhere: as CommentQuerySet.readable, for one."""
        return self.article.is_published() and not self.is_hidden

    def is_open(self, now: datetime | None = None) -> bool:
        end = self.end
        return self.status == self.site.comment_status == self.Status.OPEN and (
            end is None or (now or timezone.now()) < end
        )


class CommentQuerySet(TreeQuerySet["Comment"]):
    def visible(self) -> Self:
        """What any reader may read the words of."""
        return self.filter(state=State.PUBLISHED)

    def readable(self, now: datetime) -> Self:
        """Those of them that have a page: under a published story whose discussion is not hidden."""
        if current_site().comment_status == Discussion.Status.HIDDEN:
            return self.none()
        stories = Article.objects.published(now)
        return self.visible().filter(
            ~Q(discussion__status=Discussion.Status.HIDDEN), discussion__article__in=stories
        )

    def waiting(self) -> Self:
        return self.filter(state=State.PENDING)

    def moderated_by(self, user: User) -> Self:
        """What this person may decide on: moderators all, editors what stands under their own articles.

        Nobody what is sealed, not even administrators: it has a page of its own and is on no list.
        """
        return self.in_care_of(user).exclude(state_reason=Reason.SEALED)

    def in_care_of(self, user: User) -> Self:
        """The same with what is sealed: for telling of it by its number, and for nothing else."""
        if user.is_moderator:
            return self
        return self.filter(discussion__article__in=Article.objects.editable_by(user))

    def written_by(self, user: User | None, guest: Guest | None) -> Self:
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
    author_name = models.CharField(_("name"), max_length=255)  # a source may be more generous than we are
    author_email = models.EmailField(_("e-mail"), blank=True)  # never shown

    body = models.TextField(_("text"), blank=True)
    is_plain_text = models.BooleanField(default=False, editable=False)  # else Markdown
    body_html = models.TextField(editable=False, blank=True)
    text_missing = models.CharField(max_length=4, choices=Missing, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("posted"), default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)  # blanked for good

    state = models.CharField(_("state"), max_length=10, choices=State)
    state_reason = models.CharField(max_length=20, choices=Reason)
    reply_count = models.PositiveIntegerField(default=0, editable=False)  # published descendants
    recommend_count = models.PositiveIntegerField(default=0, editable=False)  # folded in by a job
    is_pick = models.BooleanField(default=False, db_default=False, editable=False)
    is_locked = models.BooleanField(default=False, db_default=False, editable=False)  # takes no replies
    is_redacted = models.BooleanField(default=False, db_default=False, editable=False)
    repeat_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False
    )
    shown = models.GeneratedField(
        expression=Q(state=State.PUBLISHED) | Q(reply_count__gt=0),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )

    nonce = models.UUIDField(null=True, editable=False)
    source = models.CharField(max_length=64, blank=True, editable=False)  # the article's source_key
    source_id = models.CharField(max_length=300, blank=True, editable=False)
    source_parent = models.CharField(max_length=300, blank=True, editable=False)  # what the source said
    source_number = models.PositiveIntegerField(null=True, blank=True, editable=False)  # order in the file

    objects: ClassVar["CommentManager[Comment]"] = CommentManager()

    class MPTTMeta:
        order_insertion_by: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        # Each shift of lft re-enters every index that holds the row: few, and partial where they can be.
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
                | Q(state_reason="sealed"),  # its words lie with its seal
                name="comment_body_or_missing",
            ),
            models.CheckConstraint(
                condition=Q(LessThanOrEqual(Length("body"), BODY_MAX)) | ~Q(source=""),
                name="comment_body_length",
            ),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="comment_lft_before_rght"),
            models.CheckConstraint(condition=Q(level__lt=DEPTH_MAX), name="comment_depth"),
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
        """No words and no name: the admin keeps it in a log of its own, where neither could be forgotten."""
        return f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("comment", args=[self.discussion.article.slug, self.pk])

    def is_by(self, user: Any, guest: Guest | None) -> bool:
        if user is not None and user.is_authenticated:
            return bool(self.author_id == user.pk)
        return self.guest_id == guest.pk if guest else False

    def can_be_edited_by(self, user: Any, guest: Guest | None, now: datetime | None = None) -> bool:
        """Its author, while it is published or waiting and no moderator has shortened it, for a quarter of an
        hour."""
        return (
            self.is_by(user, guest)
            and not self.is_redacted
            and self.state in {State.PUBLISHED, State.PENDING}
            and (now or timezone.now()) < self.created_at + EDIT_WINDOW
        )

    def next_revision(self) -> int:
        """The number of its next body; a redaction that was undone has kept its own."""
        last = self.revisions.aggregate(last=Max("revision"))["last"]
        return max(self.revision, last or 0) + 1

    def can_be_moderated_by(self, user: Any) -> bool:
        if self.state_reason == Reason.SEALED or not user.is_authenticated:
            return False
        return bool(user.is_moderator or self.discussion.article.can_be_edited_by(user))


# mptt adds (tree_id, lft), which the constraint above already has; each index slows every shift.
Comment._meta.indexes = [index for index in Comment._meta.indexes if index.fields[:1] != ["tree_id"]]


class CommentRevision(models.Model):
    """Another body of a comment: an earlier one, or the redacted one whose redaction was undone."""

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
    """What is searched in a comment. A table of its own: with a text index on Comment, each change of a
    state or a place re-enters that index too, and a bulk act took ten times as long.

    With a second copy of the name over the comment: check_integrity finds one that no verb has changed."""

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="text")
    folded = models.TextField()  # repeats.fold(body)
    author_name = models.CharField(max_length=255, blank=True, default="", db_default="")
    vector = models.GeneratedField(
        expression=weighed("folded", "D"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        indexes = [
            # New words at once: each post looks for its repeat, and would read the list of those pending.
            GinIndex(fields=["vector"], name="commenttext_vector", fastupdate=False),
            HashIndex(fields=["folded"], name="commenttext_same"),
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="commenttext_alike"),
        ]

    def __str__(self) -> str:
        return str(self.comment_id)


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def given_by(self, user: User | None, guest: Guest | None) -> Self:
        """This person's, also those taken back."""
        return self.filter(user=user) if user else self.filter(guest=guest)

    def uncounted(self) -> Self:
        """What the counts do not say yet."""
        return self.exclude(given=F("counted"))


class Recommendation(models.Model):
    """One person's "recommended" on one comment. It locks no discussion: a job folds into
    Comment.recommend_count what is `given` and not yet `counted`, or counted and no longer given."""

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
        """This person's row, given or taken back."""
        if not (user or guest):
            return None
        return cls.objects.given_by(user, guest).filter(comment=comment).first()


class DiscussionDay(models.Model):
    """How many published comments of a discussion were written on one day (UTC); kept by every change of a
    state, as a thread of 100,000 can't be counted for each reader."""

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="days", db_index=False)
    day = models.DateField()
    visible_count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["discussion", "day"], name="discussionday_once")]

    def __str__(self) -> str:
        return f"{self.discussion_id} {self.day}: {self.visible_count}"


class Transition(models.Model):
    """One line of the log: a state or a parent that changed, or that a person confirmed.

    A comment's first line and its moves say in `new_parent` what it hangs from; the others say nothing of it.
    Append-only by trigger, chained per discussion by `seq` and `hash`, which a trigger fills. It holds
    ids, codes and times only, so that a text can be forgotten and the chain still verifies.
    """

    class Kind(models.TextChoices):
        STATE = "state", _("state")
        MOVE = "move", _("move")

    kind = models.CharField(max_length=5, choices=Kind, default=Kind.STATE)
    # One constraint holds both: the comment is in that discussion (transition_of_comment, in a migration).
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
    """The body as it will be stored. Raises ValidationError, with the count, for an empty or too long one."""
    if not any(letter.isprintable() and not letter.isspace() for letter in body):
        raise ValidationError(_("Write something first."), code="required")
    if len(body) > BODY_MAX:
        raise ValidationError(
            _("This has %(count)s characters; the maximum is %(limit)s. Shorten it; your text is kept."),
            code="max_length",
            params={"count": f"{len(body):,}", "limit": f"{BODY_MAX:,}"},
        )
    return body.replace("\x00", "")
