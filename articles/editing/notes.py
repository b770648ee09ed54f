"""Functions that write notes for editors and corrections for readers."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import normalize_newlines

from accounts.models import User
from articles.models import Article, Correction, EditorNote
from articles.services import StaleVersionError
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies


def add_note(*, article: Article, by: User, body: str) -> EditorNote:
    """Add a note that only editors see. The article keeps its version."""
    return EditorNote.objects.create(article=article, by=by, body=body)


@transaction.atomic
def add_correction(*, article: Article, by: User, text: str) -> Correction:
    """Publish a correction with the story, dated now."""
    correction = Correction.objects.create(article=article, by=by, text=text)
    _update_correction_date(article)
    return correction


@transaction.atomic
def change_correction(*, correction: Correction, text: str, seen: str) -> None:
    """Change the text of a correction, or delete it where `text` is empty; its date stays.

    `seen` is the text that the person looked at. Raises StaleVersionError if the stored one is another.
    """
    locked = Correction.objects.select_for_update().filter(pk=correction.pk).first()
    if locked is None or _normalize(locked.text) != _normalize(seen):
        raise StaleVersionError
    if text:
        locked.text = text
        locked.save(update_fields=["text"])
    else:
        locked.delete()
    _update_correction_date(locked.article)
    invalidate_outage_copies()


def _normalize(text: str) -> str:
    """Return the text with the line ends that were stored: browsers send others."""
    return normalize_newlines(text).strip()


def _update_correction_date(article: Article) -> None:
    last = article.corrections.last()
    changes = {"corrected_at": last.at if last else None, "updated_at": timezone.now()}
    Article.objects.filter(pk=article.pk).update(**changes, version=F("version") + 1)
    increment_site_version()
