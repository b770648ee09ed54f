"""Deletion of presence records and drafts: old ones daily, those of a person when their account is erased."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from articles.models import Autosave, Presence

PRESENCE_RETENTION = timedelta(days=1)
SAVED_DRAFT_RETENTION = timedelta(days=7)  # rows of drafts that are saved or discarded
DRAFT_RETENTION = timedelta(days=365)  # since the last autosave


def delete_old_presence() -> int:
    """Delete old presence records. Returns how many."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - PRESENCE_RETENTION).delete()[0]


def delete_old_drafts() -> int:
    """Delete drafts that are a year old, and the rows of drafts that are done. Returns how many."""
    now = timezone.now()
    done = Q(is_done=True, at__lt=now - SAVED_DRAFT_RETENTION)  # no late autosave can arrive any more
    return Autosave.objects.filter(done | Q(at__lt=now - DRAFT_RETENTION)).delete()[0]


def delete_unsaved_texts(*, user: User) -> None:
    """Delete the drafts and the presence records of a person whose account is erased."""
    Autosave.objects.filter(editor=user).delete()
    Presence.objects.filter(editor=user).delete()
