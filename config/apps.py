"""The app of the project itself: settings, the server, the pages for administrators."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import system_checks  # noqa: F401  registers them
