from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")

    def ready(self) -> None:
        from archive.nightly import NIGHTLY_JOB
        from moderation.scheduled_jobs import JOBS

        JOBS.append(NIGHTLY_JOB)  # the last, as it may take long; the clock, which runs it, can't import us
