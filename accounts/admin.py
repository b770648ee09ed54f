"""The admin of users and guests, and the admin's titles and log-in."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import conditional_escape
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult

from accounts.administrators import lock_administrators
from accounts.models import READER, Guest, User
from accounts.names import check_not_staff_name, clean_name

admin.site.site_header = _("Soundoff admin")
admin.site.site_title = _("Soundoff admin")
admin.site.index_title = _("Newsroom")
admin.site.enable_nav_sidebar = False  # lists need the width, and the front page has the same links


def login(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Send logged-in staff to the admin's front page.

    `secure_admin_login` sends other visitors to allauth's log-in page: the admin's own form does not throttle
    guesses.
    """
    return redirect("admin:index")


admin.site.login = secure_admin_login(login)  # type: ignore[method-assign]  # as allauth documents

admin.site.unregister(Group)  # migrations create the roles and their permissions
admin.site.unregister(Authenticator)  # its form would show secrets
admin.site.unregister([SocialAccount, SocialApp, SocialToken])  # providers come from the environment
admin.site.unregister(UserSession)  # it would show IP addresses and the keys of sessions
admin.site.unregister(EmailAddress)  # only the account's owner adds one, and confirms it
admin.site.unregister(DBTaskResult)  # its arguments hold e-mails; the system status shows failed jobs


class UserForm(forms.ModelForm[User]):
    """The form of one user in the admin."""

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():  # the constraint's own message says less
            raise forms.ValidationError(_("A person with this e-mail exists already."))
        return email

    def clean(self) -> dict[str, Any] | None:
        """Refuse a reader's name that looks like the name of a staff member."""
        cleaned = super().clean()
        groups = self.cleaned_data.get("groups")
        is_staff = self.instance.is_staff if groups is None else any(g.name != READER for g in groups)
        if (name := self.cleaned_data.get("name")) and not is_staff:
            try:
                check_not_staff_name(name, except_user=self.instance.pk)
            except forms.ValidationError as error:
                self.add_error("name", error)
        return cleaned


class RoleFilter(admin.RelatedFieldListFilter):
    """The filter by role. Roles are groups, so Django would name it “groups”."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("role")
        self.empty_value_display = conditional_escape(_("No role"))


class UserAdmin(admin.ModelAdmin[User]):
    """People and their roles. Moderators can view them, administrators can change them, nobody can delete.

    articles/site/user_admin.py registers it with invitations, which need the site.
    """

    list_display = ["name", "email", "role_names", "is_active", "date_joined", "last_login"]
    list_filter = [("groups", RoleFilter), "is_active", "date_joined"]
    search_fields = ["name", "email"]
    ordering = ["-date_joined"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["name", "email", "groups", "is_active", "date_joined", "last_login"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        """Return the fields, with `role_names` in place of `groups` if the roles cannot be changed.

        Django would show the untranslated names of read-only groups.
        """
        has_roles = obj != request.user and self.has_change_permission(request)
        return [name if has_roles or name != "groups" else "role_names" for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        always = ["role_names", "date_joined", "last_login"]
        if obj is None:
            return always
        if obj == request.user:  # otherwise the last administrator could lock everybody out
            return ["email", "is_active", *always]
        return ["email", *always]  # only the account's owner changes it, and confirms the new one

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {
                "widget": forms.CheckboxSelectMultiple,
                "label": _("Roles"),
                "help_text": "",
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "name":
            kwargs["help_text"] = _(
                "Shown beside later comments. Earlier ones keep the name with which they were posted."
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters on the password: they would reveal its hash letter by letter."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{"form": UserForm, **kwargs})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        _check_is_administrator(request.user)
        if not change:  # the account's owner chooses one
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        if "groups" in form.cleaned_data:  # writes the role log; afterwards super() finds nothing to change
            form.instance.set_roles([role.name for role in form.cleaned_data["groups"]], actor=request.user)
        super().save_related(request, form, formsets, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    @admin.display(description=_("roles"))
    def role_names(self, obj: User) -> str:
        return ", ".join(group.name for group in obj.groups.all())


def _check_is_administrator(user: Any) -> None:
    """Raise PermissionDenied if the user is no administrator any more, or was deactivated.

    Two administrators may deactivate each other, or take the role from each other, at the same moment. The
    second one waits for the lock, so that one of them is left.
    """
    lock_administrators()
    if not User.objects.administrators().active().filter(pk=user.pk).exists():
        raise PermissionDenied


@admin.register(Guest)
class GuestAdmin(admin.ModelAdmin[Guest]):
    """Guests, read-only, with the names and e-mails that they typed."""

    list_display = ["name", "email", "created_at", "confirmed_at"]
    list_filter = [("confirmed_at", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "email"]
    ordering = ["-created_at"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["name", "email", "created_at", "confirmed_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Guest | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Guest | None = None) -> bool:
        return False
