from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.jobs.scheduled import register_jobs


class ModerationConfig(AppConfig):
    name = "moderation"
    verbose_name = _("Moderation")

    def ready(self) -> None:
        from moderation.scheduled_jobs import JOBS

        register_jobs(JOBS)
