"""The app of the project itself: settings, the server, the pages for administrators."""

from typing import Any

from django.apps import AppConfig
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from django_tasks.signals import task_finished

from core.memory.release import release_freed_memory


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import system_checks  # noqa: F401  registers them

        # Django's own sentence begins with "Ensure this value is greater than or equal to".
        MinValueValidator.message = _("Enter %(limit_value)s or more.")
        MaxValueValidator.message = _("Enter %(limit_value)s or less.")
        task_finished.connect(release_memory_of_task)


def release_memory_of_task(**kwargs: Any) -> None:
    """Release the memory of a task in the job worker, which would otherwise keep that of its largest task."""
    release_freed_memory()
