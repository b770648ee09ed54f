"""Counts and failures of mails."""

from django.db import models
from django.utils import timezone


class MailDay(models.Model):
    """The numbers of mails that were sent and that failed on a day (UTC)."""

    day = models.DateField(primary_key=True)
    sent = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.sent} sent, {self.failed} failed"


class MailFailure(models.Model):
    """A failure to send mails: the mail server's answer, without e-mail addresses. Kept for 30 days."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    subject = models.CharField(max_length=200, blank=True)  # of the first mail
    count = models.PositiveIntegerField(default=1)
    error = models.TextField()

    def __str__(self) -> str:
        return f"{self.at}: {self.error}"
