"""The scheduled jobs of this app."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from config.models import CacheEntry
from config.server.running_servers import requeue_lost_jobs
from core.jobs.scheduled import Job


def delete_expired_cache_entries() -> int:
    """Delete what has expired in Django's cache, such as IP addresses in rate limits. Returns the number."""
    return CacheEntry.objects.filter(expires__lt=timezone.now()).delete()[0]


JOBS = [
    Job(_("Continue the jobs of lost servers"), timedelta(seconds=50), requeue_lost_jobs),
    Job(_("Delete expired rate limits"), timedelta(hours=1), delete_expired_cache_entries),
]
