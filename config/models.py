"""Counts and failures of mails, the servers that run the site, and the table of Django's cache."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _


class MailDay(models.Model):
    """The numbers of mails that were sent and that failed on a day (UTC)."""

    day = models.DateField(primary_key=True)
    sent = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.sent} sent, {self.failed} failed"


class MailFailure(models.Model):
    """A failure to send mails. `error` is its explanation, with e-mail addresses masked. Kept for 30 days."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    subject = models.CharField(max_length=200, blank=True)  # of the first mail
    count = models.PositiveIntegerField(default=1)
    error = models.TextField()

    def __str__(self) -> str:
        return f"{self.at}: {self.error}"


class RunningServer(models.Model):
    """A `manage.py serve` that runs the site on some machine (config/server/running_servers.py)."""

    name = models.CharField(primary_key=True, max_length=64)  # also that of its job worker
    host = models.CharField(max_length=255)
    roles = models.CharField(max_length=100)  # such as "web worker scheduler"
    version = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)  # digests of what all servers share, by name
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host}: {self.roles}"

    @property
    def is_silent(self) -> bool:
        """Return whether the server has not renewed its row for a minute, which it does every 20 seconds."""
        return timezone.now() - self.seen_at > timedelta(minutes=1)

    @property
    def role_labels(self) -> str:
        """Return the labels of the processes that the server runs, for the system status."""
        labels = {"web": _("web server"), "worker": _("job worker"), "scheduler": _("scheduler")}
        return ", ".join(labels[role] for role in self.roles.split())


class CacheEntry(models.Model):
    """A row of Django's cache, in the columns that its database backend expects."""

    cache_key = models.CharField(primary_key=True, max_length=255)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key
