"""The admin of users, which mails invitations. It is here because that mail needs the site."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin import UserAdmin
from accounts.models import User
from articles.site.cached_pages import increment_site_version
from articles.site.invitations import invite
from core.mail.failures import mail_server


@admin.register(User)
class InvitingUserAdmin(UserAdmin):
    """A UserAdmin that mails an invitation to a new user. It outdates cached pages, which show roles."""

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            return
        invite.enqueue(obj.pk)
        if mail_server():
            self.message_user(
                request,
                _("%(email)s will get an e-mail with a link to choose a password.") % {"email": obj.email},
            )
            return
        warning = _(
            "No mail server is set up. The link for %(email)s was written to a file in %(folder)s. "
            "Pass it on yourself."
        )
        folder = getattr(settings, "EMAIL_FILE_PATH", "")
        self.message_user(request, warning % {"email": obj.email, "folder": folder}, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        increment_site_version()

    actions = ["invite_again"]

    @admin.action(description=_("Send the invitation again"), permissions=["change"])
    def invite_again(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        waiting = [user.pk for user in queryset if user.can_be_invited]
        for pk in waiting:
            invite.enqueue(pk)
        sent = ngettext("%(n)s invitation will be sent.", "%(n)s invitations will be sent.", len(waiting))
        others = _("People who have logged in or have a password get none.")
        self.message_user(request, f"{sent % {'n': len(waiting)}} {others}")
        if waiting and not mail_server():
            warning = _(
                "No mail server is set up. They were written to files in %(folder)s. Pass them on yourself."
            )
            folder = getattr(settings, "EMAIL_FILE_PATH", "")
            self.message_user(request, warning % {"folder": folder}, messages.WARNING)
