from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.jobs.scheduled import register_jobs


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")

    def ready(self) -> None:
        from archive.scheduled_jobs import JOBS

        register_jobs(JOBS)
