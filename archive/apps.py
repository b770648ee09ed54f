from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")

    def ready(self) -> None:
        from archive.nightly import NIGHTLY_JOB
        from moderation.scheduled_jobs import JOBS

        # Last, as it may take long. The scheduler is in moderation, which must not import archive.
        JOBS.append(NIGHTLY_JOB)
