"""The admin page for the settings of moderation. The comment tree is in reply_structure/admin.py.

Rules, actions, log and scheduled jobs have pages of the site, where an action can be undone.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from moderation.models import ModerationSettings
from moderation.reply_structure.admin import CommentTreeAdmin as CommentTreeAdmin


@admin.register(ModerationSettings)
class ModerationSettingsAdmin(admin.ModelAdmin[ModerationSettings]):
    """Settings in a single row, so the list page redirects to it."""

    fields = ["alert_hours", "alert_from", "alert_until"]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        ModerationSettings.objects.get_or_create(pk=1)
        return redirect("admin:moderation_moderationsettings_change", 1)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModerationSettings | None = None) -> bool:
        return False
