"""What the site notes of its own running."""

from django.db import models
from django.utils import timezone


class MailDay(models.Model):
    """How many mails left on a day (UTC), and how many did not."""

    day = models.DateField(primary_key=True)
    sent = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.sent} sent, {self.failed} failed"


class MailFailure(models.Model):
    """Why mails did not leave, for 30 days: what the server said, without anybody's e-mail."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    subject = models.CharField(max_length=200, blank=True)  # of the first of them
    count = models.PositiveIntegerField(default=1)
    error = models.TextField()

    def __str__(self) -> str:
        return f"{self.at}: {self.error}"
