"""What stands behind an article or a standing page and readers never see, but for its corrections."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models.articles import Article
from articles.models.lengths import longest
from articles.models.standing_pages import StandingPage

HERE_FOR = timedelta(minutes=2)  # since an open page was last heard of
NOTE_MAX, CORRECTION_MAX = 5000, 2000  # characters


Written = Article | StandingPage
ONE_OF_TWO = Q(article__isnull=False, page=None) | Q(article=None, page__isnull=False)


def of(thing: Written) -> dict[str, Any]:
    """By which column a row belongs to it."""
    return {"article" if isinstance(thing, Article) else "page": thing}


class HasText(Protocol):
    title: str
    body: str


class Text(NamedTuple):
    """What is compared, restored and never lost. A standing page has no standfirst."""

    title: str
    standfirst: str
    body: str

    @classmethod
    def of(cls, row: HasText) -> "Text":
        return cls(*(getattr(row, name, "").replace("\r\n", "\n").strip() for name in cls._fields))


class RevisionQuerySet(models.QuerySet["Revision"]):
    def saved(self) -> Self:
        """Those that were the article's text, and not only kept beside it."""
        return self.filter(is_aside=False)

    def next_number(self) -> int:
        """Of one text's versions."""
        return (self.aggregate(last=Max("number"))["last"] or 0) + 1


class Revision(models.Model):
    """The text as somebody saved it; services.save_article and save_page make one where it differs."""

    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="revisions")
    page = models.ForeignKey(StandingPage, models.CASCADE, null=True, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    standfirst = models.TextField(blank=True)
    body = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    # Never the article's text: somebody else had saved since it was read, and this was kept.
    is_aside = models.BooleanField(default=False)
    base = models.PositiveIntegerField(null=True)  # of what is kept aside: upon which number it was written
    restored = models.PositiveIntegerField(null=True)  # the number whose text came back by this one
    nonce = models.UUIDField(null=True)  # of the page on which it was written

    objects = RevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="revision_number_once"),
            models.UniqueConstraint(fields=["page", "number"], name="revision_number_once_a_page"),
            models.CheckConstraint(condition=ONE_OF_TWO, name="revision_of_one"),
        ]
        indexes = [models.Index(fields=["nonce"], name="revision_nonce", condition=Q(nonce__isnull=False))]

    def __str__(self) -> str:
        return f"{self.title} ({self.number})"

    @property
    def thing(self) -> Written:
        thing = self.article or self.page
        assert thing
        return thing


class Sheet(NamedTuple):
    """A form as one window shows it, and how often what is typed on it has changed."""

    nonce: UUID
    turn: int


class UnsavedQuerySet(models.QuerySet["Unsaved"]):
    def of(self, user: User) -> Self:
        return self.filter(editor=user, is_done=False)

    def offered(self, user: User, kind: type[Written], thing: Written | None) -> Self:
        """What somebody typed at this one. Where that is none: for new ones of its kind, and what has lost
        its place, because it is gone, or others edit it now."""
        own = self.of(user).filter(kind=kind._meta.model_name)
        if thing:
            return own.filter(**of(thing))
        placeless = Q(article=None, page=None)
        if kind is Article:
            placeless |= ~Q(article__in=Article.objects.editable_by(user))
        return own.filter(placeless)


class Unsaved(models.Model):
    """What somebody has typed on one sheet and not saved. Two windows of one person keep two texts."""

    nonce = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=20, default="article", db_default="article")  # article, standingpage
    # Both null: a new one.
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="unsaved")
    page = models.ForeignKey(StandingPage, models.SET_NULL, null=True, related_name="unsaved")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    typed = models.JSONField(default=dict)  # all fields of the form as a browser sends them: {name: [value]}
    read = models.TextField(blank=True)  # what the page knew of the article (conflicts.py)
    turn = models.PositiveIntegerField(default=0, db_default=0)  # of the sheet; an earlier one comes too late
    # Saved, thrown away, or gone over into another sheet: nothing is in it, and what comes late stays out.
    is_done = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(default=timezone.now)  # when it was typed, or done

    objects = UnsavedQuerySet.as_manager()

    class Meta:
        verbose_name = _("unsaved text")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return "".join(self.typed.get("title", []))


class PresenceQuerySet(models.QuerySet["Presence"]):
    def others(self, thing: Written, user: User, now: datetime) -> Self:
        """Who else has it open."""
        here = self.filter(**of(thing), seen_at__gt=now - HERE_FOR).exclude(editor=user)
        return here.select_related("editor").order_by("editor__name")


class Presence(models.Model):
    """Somebody has it open."""

    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="+")
    page = models.ForeignKey(StandingPage, models.CASCADE, null=True, related_name="+")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    typed_at = models.DateTimeField(null=True)

    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["article", "editor"], name="presence_once"),
            models.UniqueConstraint(fields=["page", "editor"], name="presence_once_a_page"),
            models.CheckConstraint(condition=ONE_OF_TWO, name="presence_of_one"),
        ]

    def __str__(self) -> str:
        return str(self.editor)


class Note(models.Model):
    """A word between editors, which readers never see."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    body = models.TextField(_("note"), max_length=NOTE_MAX)

    class Meta:
        verbose_name = _("note")
        ordering = ["at", "pk"]
        constraints = [longest("body", NOTE_MAX, name="note_length")]

    def __str__(self) -> str:
        return self.body


class Correction(models.Model):
    """What readers are told that was wrong, with its date."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="corrections")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(_("correction"), max_length=CORRECTION_MAX)

    class Meta:
        verbose_name = _("correction")
        ordering = ["at", "pk"]
        constraints = [longest("text", CORRECTION_MAX, name="correction_length")]

    def __str__(self) -> str:
        return self.text
