"""What the editors' room leaves behind, cleared up by jobs of the day."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from articles.models import Presence, Unsaved

PRESENCE_KEPT = timedelta(days=1)
SAVED_KEPT = timedelta(days=7)  # the row of what was typed and is saved
UNSAVED_KEPT = timedelta(days=365)  # since it was typed


def forget_presence() -> int:
    """Who had an article open tells nobody anything a day later."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - PRESENCE_KEPT).delete()[0]


def forget_unsaved() -> int:
    """Throw away what was typed and not saved, a year later, and the rows of what is done.
    Returns how many."""
    now = timezone.now()
    done = Q(is_done=True, at__lt=now - SAVED_KEPT)  # nothing of it is on its way any more
    return Unsaved.objects.filter(done | Q(at__lt=now - UNSAVED_KEPT)).delete()[0]
