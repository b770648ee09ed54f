"""Pages of the admin on which two people may change the same: neither overwrites what the other has saved."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import User
from articles.editing.conflicts import Read, WrittenForm
from articles.models.articles import signed_at
from core.relative_time import at_desk


class SharedPages(admin.ModelAdmin[Any]):
    """Its forms are WrittenForms, those of its inlines may be."""

    change_form_template = "admin/articles/shared.html"

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Locked where it is changed, so that nobody saves between the look at what is new and the save.

        Pages that change nothing, such as the history, begin no transaction in which a lock could be held.
        """
        if request.method == "POST" and connection.in_atomic_block and (key := number_of(object_id)):
            self.lock(key)
        return super().get_object(request, object_id, from_field)

    def lock(self, key: int) -> None:
        self.model._default_manager.select_for_update(no_key=True).filter(pk=key).values_list("pk").first()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        written = [each for each in (form, *_forms_of(formsets)) if isinstance(each, WrittenForm)]
        if fields := "; ".join(label for each in written for label in each.taken_over):
            told = _("Somebody else has changed this meanwhile, and it was left so: %(fields)s.")
            self.message_user(request, told % {"fields": fields})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With what the page knows (`read`), what is to be chosen (`contested`), and if that is known by whom
        it was changed, and when (`by`, `by_at`)."""
        main = context["adminform"].form
        inlines = _forms_of(each.formset for each in context["inline_admin_formsets"])
        written = [form for form in (main, *inlines) if isinstance(form, WrittenForm)]
        if all(form.is_undecided() if form in written else not form.errors for form in (main, *inlines)):
            context["errors"] = []  # the page says what there is to do
        known = {name: digest for form in written for name, digest in form.known().items()}
        context["read"] = main.data.get("read") or context.get("read") or Read(main.number, known).token()
        for form in written:
            form.fill(context.get("typed") or {})
        context["contested"] = [one for form in written for one in form.contested]
        if context["contested"]:
            saved = LogEntry.objects.filter(
                content_type=get_content_type_for_model(main.instance),
                object_id=str(main.instance.pk),
                change_message__startswith="[",  # by a form, and not by an act
                action_time__gte=signed_at(context["read"]),
            )
            labels = [f'"{one.label}"' for one in context["contested"]]
            named = (entry for entry in saved.select_related("user")[:20] if _has_any(entry, labels))
            if last := next(named, None):
                now = request.now  # type: ignore[attr-defined]
                context |= {"by": last.user, "by_at": at_desk(last.action_time, now)}
        return super().render_change_form(request, context, *args, **kwargs)


def _has_any(entry: LogEntry, labels: list[str]) -> bool:
    return any(label in entry.change_message for label in labels)


def _forms_of(formsets: Iterable[Any]) -> list[Any]:
    return [form for each in formsets for form in each.forms]


def number_of(text: str | None) -> int:
    """Keys, versions and numbers begin with 1: 0 is none that there is."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
