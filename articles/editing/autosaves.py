"""Functions that autosave, discard unsaved changes, keep conflicting texts and restore revisions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from articles.models import Article, Autosave, Document, DocumentText, OpenForm, Revision
from articles.models.editing import document_key
from articles.services import StaleVersionError, lock_document, save_article, save_page

FormFields = dict[str, list[str]]


class UnsavedChanges(NamedTuple):
    """Changes to a document that a person typed and has not saved."""

    title: str
    url: str  # of the form that continues them
    at: datetime


def list_unsaved_changes(
    user: User, kind: type[Document], *, limit: int | None = None
) -> list[UnsavedChanges]:
    """Return the unsaved changes to documents of this kind that a person can continue, latest first.

    Those to a document that they can't edit any more are continued as a new document.
    """
    page = f"admin:articles_{kind._meta.model_name}"
    detached = set(Autosave.objects.offered(user, kind, None).values_list("pk", flat=True))
    found = []
    for row in Autosave.objects.of(user).filter(kind=kind._meta.model_name).order_by("-at")[:limit]:
        key = row.article_id or row.page_id
        url = reverse(f"{page}_add") if row.pk in detached else reverse(f"{page}_change", args=[key])
        found.append(UnsavedChanges(row.title, f"{url}?unsaved={row.nonce}", row.at))
    return found


@transaction.atomic
def autosave(
    *,
    forms: Sequence[OpenForm],
    editor: User,
    kind: type[Document],
    document: Document | None,
    fields: FormFields,
    snapshot: str,
) -> Autosave | None:
    """Store the unsaved fields of an open form; return None if there is nothing to keep.

    The last of `forms` is the open one. The others are earlier forms that it continues: their autosaves are
    discarded. A request with a lower change number than the stored one changes nothing. `fields` is empty
    where the form is as it was loaded, and then the autosave is discarded too. `snapshot` is the token of
    what the page had loaded (conflicts.FormSnapshot). Raises PermissionError for an autosave of another
    editor.
    """
    *before, form = forms
    discard_autosaves(forms=before, editor=editor)
    if not fields:
        discard_autosaves(forms=[form], editor=editor)
        return None
    values: dict[str, Any] = {"article": None, "page": None, **(document_key(document) if document else {})}
    values |= {"kind": kind._meta.model_name, "change_number": form.change_number, "at": timezone.now()}
    values |= {"fields": fields, "snapshot": snapshot}
    row, is_new = Autosave.objects.get_or_create(nonce=form.nonce, defaults={"editor": editor, **values})
    if row.editor_id != editor.pk:
        raise PermissionError(form.nonce)
    if not is_new:
        Autosave.objects.filter(nonce=form.nonce, change_number__lt=form.change_number).update(
            is_done=False, **values
        )
        row.refresh_from_db()
    return None if row.is_done else row


@transaction.atomic
def discard_autosaves(*, forms: Iterable[OpenForm], editor: User) -> None:
    """Empty the autosaves of these forms up to their change number: the text is saved, or kept elsewhere.

    The rows stay, marked as done. A browser sends an autosave once more when a page is left, and requests
    overtake each other: without the row a late one would bring the changes back.
    """
    for form in forms:
        if form.change_number:
            values = {"editor": editor, "change_number": form.change_number, "is_done": True}
            Autosave.objects.get_or_create(nonce=form.nonce, defaults=values)
        rows = Autosave.objects.filter(nonce=form.nonce, editor=editor, change_number__lte=form.change_number)
        empty: dict[str, Any] = {"article": None, "page": None, "fields": {}, "snapshot": ""}
        rows.update(change_number=form.change_number, is_done=True, at=timezone.now(), **empty)


@transaction.atomic
def keep_conflicting_copy(
    *, document: Document, text: DocumentText, by: User, base_number: int | None, nonce: UUID | None
) -> Revision:
    """Store a text that was not saved because a colleague had saved another one meanwhile.

    `base_number` is that of the revision that it was based on. The same text of one form is stored once.
    """
    lock_document(document)
    last = document.revisions.filter(is_conflicting_copy=True, by=by, nonce=nonce).first()
    if last and DocumentText.of(last) == text:
        return last
    number = document.revisions.next_number()
    return document.revisions.create(
        number=number, by=by, base_number=base_number, nonce=nonce, is_conflicting_copy=True, **text._asdict()
    )


@transaction.atomic
def restore_revision(*, revision: Revision, by: User, latest: int) -> Document:
    """Make the text of an earlier revision the current one; this creates a new revision.

    `latest` is the number of the current revision when the person looked at it. Raises StaleVersionError if
    another one has been saved since.
    """
    document = lock_document(revision.document)
    if document.revisions.latest_number() != latest:
        raise StaleVersionError
    for name, text in DocumentText.of(revision)._asdict().items():
        setattr(document, name, text)
    if isinstance(document, Article):
        return save_article(article=document, by=by, restored_number=revision.number)
    return save_page(page=document, by=by, restored_number=revision.number)
