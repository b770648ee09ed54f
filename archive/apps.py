from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")

    def ready(self) -> None:
        from archive.kept_uploads import CLEANUP_JOB
        from archive.nightly import NIGHTLY_JOB
        from archive.personal_data import files
        from moderation.scheduled_jobs import JOBS

        # The scheduler is in moderation, which must not import archive. The backup is last: it may take long.
        JOBS.extend([CLEANUP_JOB, files.CLEANUP_JOB, NIGHTLY_JOB])
