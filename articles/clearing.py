"""What the editors' room leaves behind, cleared up by jobs of the day."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from articles.models import Presence, Revision, Text, Unsaved

PRESENCE_KEPT = timedelta(days=1)
SAVED_KEPT = timedelta(days=7)  # of what was typed and stands in a version as well
UNSAVED_KEPT = timedelta(days=365)  # since it was typed


def forget_presence() -> int:
    """Who had an article open tells nobody anything a day later."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - PRESENCE_KEPT).delete()[0]


def forget_unsaved() -> int:
    """Throw away what was typed and not saved, a year later, and after a week what stands in a version of the
    story as well: its page did not tell that it was saved. Returns how many."""
    now = timezone.now()
    done = Q(is_done=True, at__lt=now - SAVED_KEPT)  # nothing of it is on its way any more
    gone = Unsaved.objects.filter(done | Q(at__lt=now - UNSAVED_KEPT)).delete()[0]
    old = Unsaved.objects.filter(at__lt=now - SAVED_KEPT, article__isnull=False).select_related("article")
    for row in old.iterator(100):
        if _is_saved(row):
            # Not if it was typed in since it was read.
            gone += Unsaved.objects.filter(pk=row.pk, at=row.at).delete()[0]
    return gone


def _is_saved(row: Unsaved) -> bool:
    """Whether its text is the article's, or one of its versions'."""
    text = Text.of(row)
    if row.article and Text.of(row.article) == text:
        return True
    versions = Revision.objects.filter(article=row.article_id, title=text.title)
    return any(Text.of(version) == text for version in versions.iterator(20))
