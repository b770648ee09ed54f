"""The app of Django's admin. Its pages are registered with the URLs: most commands and jobs need none."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class AdminConfig(SimpleAdminConfig):
    """The configuration of the admin, which checks its pages and does not load them."""

    default_site = "config.admin_site.AdminSite"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_registered_pages, Tags.admin)


def check_registered_pages(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Run Django's checks of the registered pages. They may run before the URLs are loaded."""
    admin.autodiscover()
    return check_admin_app(app_configs, **kwargs)
