"""Revisions, autosaves, presence, notes and corrections of articles and pages."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.text import normalize_newlines
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models.articles import Article
from articles.models.lengths import max_length_constraint
from articles.models.standing_pages import StandingPage

PRESENCE_TIMEOUT = timedelta(minutes=2)  # after the last request of an open editor page
MAX_NOTE_LENGTH, MAX_CORRECTION_LENGTH = 5000, 2000  # characters


Document = Article | StandingPage
ARTICLE_OR_PAGE = Q(article__isnull=False, page=None) | Q(article=None, page__isnull=False)


def document_key(document: Document) -> dict[str, Any]:
    """Return the document as the foreign key of related rows: {"article": …} or {"page": …}."""
    return {"article" if isinstance(document, Article) else "page": document}


class HasText(Protocol):
    """An article, a page or a revision."""

    title: str
    body: str


class DocumentText(NamedTuple):
    """The text of a document, as its revisions store it. A page has no standfirst."""

    title: str
    standfirst: str
    body: str

    @classmethod
    def of(cls, row: HasText) -> "DocumentText":
        """Return the text of an article, a page or a revision, with plain line ends."""
        return cls(*(normalize_newlines(getattr(row, name, "")).strip() for name in cls._fields))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "DocumentText":
        """Return the text in the fields of a form, with plain line ends."""
        return cls(*(normalize_newlines(fields.get(name, "")).strip() for name in cls._fields))


class RevisionQuerySet(models.QuerySet["Revision"]):
    def saved(self) -> Self:
        """Return the revisions that were the text of the document, without conflicting copies."""
        return self.filter(is_conflicting_copy=False)

    def latest_number(self) -> int:
        """Return the number of the revision that is the current text of one document; 0 if there is none."""
        return self.saved().order_by("-number").values_list("number", flat=True).first() or 0

    def next_number(self) -> int:
        """Return the number of the next revision of one document."""
        return (self.aggregate(last=Max("number"))["last"] or 0) + 1


class Revision(models.Model):
    """A saved text of a document; services.save_article and save_page create one for each change."""

    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="revisions")
    page = models.ForeignKey(StandingPage, models.CASCADE, null=True, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    standfirst = models.TextField(blank=True)
    body = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    # A conflicting copy, which never was the document's text: a colleague had saved another one meanwhile.
    is_conflicting_copy = models.BooleanField(default=False)
    # Numbers of the revision that a conflicting copy is based on, and of the one that this one restored.
    base_number = models.PositiveIntegerField(null=True, db_column="base")
    restored_number = models.PositiveIntegerField(null=True, db_column="restored")
    nonce = models.UUIDField(null=True)  # of the form in which it was written

    objects = RevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="revision_number_once"),
            models.UniqueConstraint(fields=["page", "number"], name="revision_number_once_a_page"),
            models.CheckConstraint(condition=ARTICLE_OR_PAGE, name="revision_of_one"),
        ]
        indexes = [models.Index(fields=["nonce"], name="revision_nonce", condition=Q(nonce__isnull=False))]

    def __str__(self) -> str:
        return f"{self.title} ({self.number})"

    @property
    def document(self) -> Document:
        document = self.article or self.page
        assert document
        return document


class OpenForm(NamedTuple):
    """An editor form in one browser window."""

    nonce: UUID
    change_number: int  # of the last change that was typed there


class AutosaveQuerySet(models.QuerySet["Autosave"]):
    def of(self, user: User) -> Self:
        """Return this person's unsaved changes."""
        return self.filter(editor=user, is_done=False)

    def offered(self, user: User, kind: type[Document], document: Document | None) -> Self:
        """Return the autosaves that this person can continue in the editor of the document.

        Where `document` is None (a new one): those of new documents, and those whose document was deleted
        or may no longer be edited by this person.
        """
        own = self.of(user).filter(kind=kind._meta.model_name)
        if document:
            return own.filter(**document_key(document))
        detached = Q(article=None, page=None)
        if kind is Article:
            detached |= ~Q(article__in=Article.objects.editable_by(user))
        return own.filter(detached)


class Autosave(models.Model):
    """The unsaved changes of one OpenForm. Two windows of one person have two rows."""

    nonce = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=20, default="article", db_default="article")  # article, standingpage
    # Both are null for a new document.
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="autosaves")
    page = models.ForeignKey(StandingPage, models.SET_NULL, null=True, related_name="autosaves")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # The fields of the form as a browser sends them: {name: [value]}.
    fields = models.JSONField(default=dict, db_column="typed")
    snapshot = models.TextField(blank=True, db_column="read")  # token of a conflicts.FormSnapshot
    change_number = models.PositiveIntegerField(default=0, db_default=0, db_column="turn")  # of the OpenForm
    # Saved, discarded, or continued in another form: the row is empty, and late autosaves are ignored.
    is_done = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(default=timezone.now)  # of the last autosave, or when it was done

    objects = AutosaveQuerySet.as_manager()

    class Meta:
        verbose_name = _("unsaved changes")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return "".join(self.fields.get("title", []))


class PresenceQuerySet(models.QuerySet["Presence"]):
    def others(self, document: Document, user: User, now: datetime) -> Self:
        """Return the presence of the other editors who have the document open."""
        present = self.filter(**document_key(document), seen_at__gt=now - PRESENCE_TIMEOUT)
        return present.exclude(editor=user).select_related("editor").order_by("editor__name")


class Presence(models.Model):
    """An editor who has a document open."""

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
            models.CheckConstraint(condition=ARTICLE_OR_PAGE, name="presence_of_one"),
        ]

    def __str__(self) -> str:
        return str(self.editor)


class EditorNote(models.Model):
    """A note for the editors of an article, which readers never see."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    body = models.TextField(_("note"), max_length=MAX_NOTE_LENGTH)

    class Meta:
        verbose_name = _("note")
        ordering = ["at", "pk"]
        constraints = [max_length_constraint("body", MAX_NOTE_LENGTH, name="editor_note_length")]

    def __str__(self) -> str:
        return self.body


class Correction(models.Model):
    """A correction that readers see with the story, with its date."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="corrections")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(_("correction"), max_length=MAX_CORRECTION_LENGTH)

    class Meta:
        verbose_name = _("correction")
        ordering = ["at", "pk"]
        constraints = [max_length_constraint("text", MAX_CORRECTION_LENGTH, name="correction_length")]

    def __str__(self) -> str:
        return self.text
