"""Comments with their earlier texts and their search texts."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Length
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from mptt.managers import TreeManager
from mptt.models import MPTTModel, TreeForeignKey
from mptt.querysets import TreeQuerySet

from accounts.models import Guest, User
from articles.models import Article
from articles.search import weighted_vector
from articles.site.current_site import current_site
from comments.models.discussions import Discussion
from comments.models.states import Reason, State, state_label
from core.forms import check_length

MAX_BODY_LENGTH = 10_000  # characters
MAX_IMPORTED_BODY_LENGTH = 100_000  # characters of an imported comment
MAX_DEPTH = 64  # levels; a deeper reply becomes a sibling of the comment that it replies to (`in_reply_to`)
EDIT_WINDOW = timedelta(minutes=15)
UNDO_WINDOW = timedelta(minutes=1)  # after posting


# SQL for the id of the comment that the author of comment `c` replied to. A reply to a comment of the deepest
# level is stored as its sibling; it replies to that sibling until one of the two is moved. Any other comment
# replies to its parent.
REPLIED_TO_ID = """coalesce(
  (SELECT sibling.id FROM comments_comment sibling
   WHERE sibling.id = c.in_reply_to_id AND sibling.parent_id = c.parent_id),
  c.parent_id)"""


class CommentQuerySet(TreeQuerySet["Comment"]):
    """Queries of comments by state, article, moderator and author."""

    def visible(self) -> Self:
        """Return the comments in the state PUBLISHED. Their article or discussion may be hidden."""
        return self.filter(state=State.PUBLISHED)

    def readable(self, now: datetime) -> Self:
        """Return the published comments of published articles whose discussions are not hidden.

        There are none while the site hides all discussions.
        """
        if current_site().comment_status == Discussion.Status.HIDDEN:
            return self.none()
        articles = Article.objects.published(now)
        return self.visible().filter(
            ~Q(discussion__status=Discussion.Status.HIDDEN), discussion__article__in=articles
        )

    def pending(self) -> Self:
        return self.filter(state=State.PENDING)

    def not_erased_or_restricted(self) -> Self:
        """Return the comments that are neither erased nor restricted, so `body` holds their text."""
        return self.filter(erased_at=None).exclude(state_reason=Reason.RESTRICTED)

    def with_story(self) -> Self:
        """Join the stories of the comments without their texts, which a list of comments does not show."""
        texts = ("standfirst", "body", "body_html", "search_vector")
        deferred = (f"discussion__article__{name}" for name in texts)
        return self.select_related("discussion__article").defer(*deferred)

    def moderatable_by(self, user: User, *, include_restricted: bool = False) -> Self:
        """Return the comments that this user may moderate.

        Moderators may moderate all, editors those under their own articles. Restricted comments are left out,
        even for administrators: they are on no list, only on a page of their own. With `include_restricted`
        they are returned as well; pages may then show nothing but their numbers.
        """
        comments = self if include_restricted else self.exclude(state_reason=Reason.RESTRICTED)
        if user.is_moderator:
            return comments
        return comments.filter(discussion__article__in=Article.objects.editable_by(user))

    def written_by(self, user: User | None, guest: Guest | None) -> Self:
        """Return the comments of a user, or else of a guest; none for anonymous visitors."""
        if user is not None and user.is_authenticated:
            return self.filter(author=user)
        return self.filter(guest=guest) if guest else self.none()


CommentManager = TreeManager.from_queryset(CommentQuerySet)


def moderatable_article_ids(user: User) -> list[int] | None:
    """Return the ids of the articles whose comments this user may moderate, or None for all articles.

    It is the rule of CommentQuerySet.moderatable_by, without reading comments. A discussion has the id of its
    article.
    """
    if user.is_moderator:
        return None
    return list(Article.objects.editable_by(user).values_list("pk", flat=True))


class Comment(MPTTModel):
    """A comment with its place in the tree of a discussion, its text as it is shown and its state."""

    class Missing(models.TextChoices):
        ALL = "all", _("Text missing in the original")
        REST = "rest", _("The rest is missing in the original")

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="comments", db_index=False)
    parent = TreeForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replies", db_index=False
    )
    # Set if it was written as a reply to a comment at the deepest level: that comment, stored as its sibling.
    # Ignored once one of the two is moved (REPLIED_TO_ID).
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
    author_email = models.EmailField(_("e-mail"), blank=True)  # not published; moderators can see it

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
    # All published descendants, not only direct replies.
    reply_count = models.PositiveIntegerField(default=0, editable=False)
    recommend_count = models.PositiveIntegerField(default=0, editable=False)  # updated by a job
    is_pick = models.BooleanField(default=False, db_default=False, editable=False)
    is_locked = models.BooleanField(default=False, db_default=False, editable=False)  # no replies
    is_redacted = models.BooleanField(default=False, db_default=False, editable=False)
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False
    )
    # Published, or a placeholder above published replies.
    is_in_public_thread = models.GeneratedField(
        expression=Q(state=State.PUBLISHED) | Q(reply_count__gt=0),  # type: ignore[arg-type]  # Django takes a Q
        output_field=models.BooleanField(),
        db_persist=True,
        db_column="shown",
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
        # Each change of an indexed column updates every index that contains the row. So there are few
        # indexes, most of them partial. None holds lft or rght: a reply shifts them in half of its tree, and
        # Postgres then writes new versions of the rows alone (HOT), in half the time.
        indexes = [
            models.Index(fields=["tree_id"], name="comment_tree"),
            models.Index(fields=["discussion", "created_at", "id"], name="comment_discussion"),
            models.Index(
                fields=["discussion", "created_at", "id"],
                condition=Q(parent=None, is_in_public_thread=True),
                name="comment_roots",
            ),
            models.Index(
                fields=["discussion", "recommend_count", "id"],
                condition=Q(parent=None, is_in_public_thread=True),
                name="comment_roots_recommended",
            ),
            models.Index(
                fields=["discussion", "reply_count", "id"],
                condition=Q(parent=None, is_in_public_thread=True),
                name="comment_roots_discussed",
            ),
            models.Index(fields=["created_at", "id"], condition=Q(state="pending"), name="comment_waiting"),
            models.Index(
                fields=["discussion", "created_at", "id"], condition=Q(is_pick=True), name="comment_picks"
            ),
            models.Index(fields=["parent"], condition=~Q(parent=None), name="comment_parent"),
            models.Index(fields=["author", "created_at"], condition=~Q(author=None), name="comment_author"),
            models.Index(fields=["guest", "created_at"], condition=~Q(guest=None), name="comment_guest"),
            models.Index(
                fields=["author", "discussion"],
                condition=~Q(author=None) & ~Q(state__in=["published", "deleted"]),
                name="comment_private",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="comment_state_known"),
            models.CheckConstraint(
                condition=~Q(body__regex=r"^\s*$")
                | Q(text_missing="all")
                | Q(erased_at__isnull=False)
                | Q(state_reason=Reason.RESTRICTED),  # its text is in the restricted content store
                name="comment_body_or_missing",
            ),
            models.CheckConstraint(
                condition=Q(LessThanOrEqual(Length("body"), MAX_BODY_LENGTH)) | ~Q(source=""),
                name="comment_body_length",
            ),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="comment_lft_before_rght"),
            models.CheckConstraint(condition=Q(level__lt=MAX_DEPTH), name="comment_depth"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="comment_not_its_own_parent"),
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

    @property
    def state_label(self) -> str:
        """Return the label of the state. An undone posting or import has its own label."""
        return state_label(self.state, self.state_reason)

    def is_by(self, user: Any, guest: Guest | None) -> bool:
        """Return whether this user, or else this guest, wrote the comment."""
        if user is not None and user.is_authenticated:
            return bool(self.author_id == user.pk)
        return bool(guest and guest.pk and self.guest_id == guest.pk)  # a guest may not be stored yet

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

    def posting_can_be_undone_by(self, user: Any, guest: Guest | None, now: datetime | None = None) -> bool:
        """Return whether this is the author of an editable comment, within UNDO_WINDOW after the posting."""
        at = now or timezone.now()
        return self.can_be_edited_by(user, guest, at) and at < self.created_at + UNDO_WINDOW

    def can_be_deleted_by(self, user: Any, guest: Guest | None) -> bool:
        """Return whether this is the author of a published or pending comment."""
        return self.is_by(user, guest) and self.state in {State.PUBLISHED, State.PENDING}

    def next_revision(self) -> int:
        """Return the number of the next revision. An undone redaction keeps its number."""
        last = self.revisions.aggregate(last=Max("revision"))["last"]
        return max(self.revision, last or 0) + 1

    def can_be_moderated_by(self, user: Any) -> bool:
        """Return whether this user may moderate the comment, as CommentQuerySet.moderatable_by does."""
        if self.state_reason == Reason.RESTRICTED or not user.is_authenticated:
            return False
        return self.discussion.can_be_moderated_by(user)


# mptt adds an index on (tree_id, lft), with which each shift of a tree would write all indexes of its rows.
Comment._meta.indexes = [index for index in Comment._meta.indexes if index.fields != ["tree_id", "lft"]]


def replied_to_id() -> Coalesce:
    """Return REPLIED_TO_ID as an expression to annotate comments with."""
    sibling = Comment.objects.filter(pk=OuterRef("in_reply_to"), parent=OuterRef("parent"))
    return Coalesce(Subquery(sibling.values("pk")), "parent_id")


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


class CommentSearchText(models.Model):
    """The search text of a comment.

    It is a separate table: with a text index on Comment, each change of a state or a position would update
    that index too, and a bulk action took ten times as long. It holds a second copy of the author name, by
    which check_integrity finds names that were changed outside of services.states.rename_author.
    """

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="search_text")
    normalized_body = models.TextField(db_column="folded")  # duplicates.normalize_text(body)
    author_name = models.CharField(max_length=255, blank=True, default="", db_default="")
    search_vector = models.GeneratedField(
        expression=weighted_vector("normalized_body", "D"),
        output_field=SearchVectorField(),
        db_persist=True,
        db_column="vector",
    )

    class Meta:
        db_table = "comments_commenttext"
        indexes = [
            # No fastupdate: each new comment is compared with the others, and would scan the pending list.
            GinIndex(fields=["search_vector"], name="commenttext_vector", fastupdate=False),
            HashIndex(fields=["normalized_body"], name="commenttext_same"),
            GinIndex(fields=["normalized_body"], opclasses=["gin_trgm_ops"], name="commenttext_alike"),
        ]

    def __str__(self) -> str:
        return str(self.comment_id)


def check_body(body: str) -> str:
    """Return the body as it will be stored. Raises ValidationError if it is empty or too long."""
    if not any(letter.isprintable() and not letter.isspace() for letter in body):
        raise ValidationError(_("Write something first."), code="required")
    check_length(body, MAX_BODY_LENGTH)
    return body.replace("\x00", "")
