"""Imported files, and the files of personal data that people ask for."""

from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User, one_person_constraint
from articles.models import Article
from moderation.models import Action, ImportScreening


class ImportQuerySet(models.QuerySet["Import"]):
    def in_screening(self) -> Self:
        """Return the imports whose comments a job has yet to check."""
        unfinished = ImportScreening.objects.filter(action__root=OuterRef("action"), finished_at=None)
        return self.filter(Exists(unfinished))


class Import(models.Model):
    """An imported file: its counts and its warnings."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="imports")
    action = models.OneToOneField(Action, models.PROTECT, related_name="import_of", db_column="batch_id")
    format = models.CharField(_("format"), max_length=20)
    filename = models.CharField(_("file"), max_length=255)
    sha256 = models.CharField(max_length=64)
    declared_count = models.PositiveIntegerField(_("comments announced"), null=True)
    found_count = models.PositiveIntegerField(_("comments found"))
    created_count = models.PositiveIntegerField(_("new comments"))
    warnings = models.JSONField(_("warnings"), default=list)  # [{"line", "kind", "text"}]
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("imported"), default=timezone.now)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.filename

    @property
    def unfinished_screening(self) -> ImportScreening | None:
        """Return the unfinished screening of its comments, also after an undo brought them back."""
        unfinished = ImportScreening.objects.filter(action__root=self.action_id, finished_at=None)
        return unfinished.order_by("action__undos").last()


class PersonalDataFile(models.Model):
    """The last request of a person for a file with all their data, which personal_data/files.py makes.

    The file is in the data folder, named after the key.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.OneToOneField(User, models.CASCADE, null=True, related_name="+")
    guest = models.OneToOneField(Guest, models.CASCADE, null=True, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now, db_column="asked_at")
    ready_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("file of personal data")
        verbose_name_plural = _("files of personal data")
        constraints = [one_person_constraint(name="personaldatafile_of_one_person")]

    def __str__(self) -> str:
        return str(self.pk)
