"""Deletion of presence records and autosaves: of old ones daily, and of those of an erased account."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from articles.models import Autosave, Presence

PRESENCE_RETENTION = timedelta(days=1)
DONE_RETENTION = timedelta(days=7)  # of autosaves that were saved or discarded
AUTOSAVE_RETENTION = timedelta(days=365)  # since the last autosave


def delete_old_presence() -> int:
    """Delete old presence records. Returns how many."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - PRESENCE_RETENTION).delete()[0]


def delete_old_autosaves() -> int:
    """Delete autosaves after AUTOSAVE_RETENTION, and done ones after DONE_RETENTION. Returns how many."""
    now = timezone.now()
    done = Q(is_done=True, at__lt=now - DONE_RETENTION)  # no late autosave can arrive any more
    return Autosave.objects.filter(done | Q(at__lt=now - AUTOSAVE_RETENTION)).delete()[0]


def delete_autosaves_and_presence(*, user: User) -> None:
    """Delete the autosaves and the presence records of a person whose account is erased."""
    Autosave.objects.filter(editor=user).delete()
    Presence.objects.filter(editor=user).delete()
