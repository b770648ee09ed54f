"""The site of Django's admin."""

from typing import Any

from django.contrib import admin

from accounts.requests import return_form_if_logged_out


class AdminSite(admin.AdminSite):
    """Django's site, which returns a form to somebody who was logged out while they filled it in."""

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return return_form_if_logged_out(super().admin_view(view, cacheable))
