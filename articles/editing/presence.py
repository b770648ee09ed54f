"""Functions that record who has a document open in the editor."""

from django.utils import timezone

from accounts.models import User
from articles.models import Document, Presence
from articles.models.editing import document_key


def record_presence(*, document: Document, editor: User, has_typed: bool) -> None:
    """Record that the editor has the document open, and whether they have just typed."""
    now = timezone.now()
    values = {"seen_at": now, **({"typed_at": now} if has_typed else {})}
    Presence.objects.update_or_create(**document_key(document), editor=editor, defaults=values)


def remove_presence(*, document: Document, editor: User) -> None:
    """Record that the editor has closed the document."""
    Presence.objects.filter(**document_key(document), editor=editor).delete()
