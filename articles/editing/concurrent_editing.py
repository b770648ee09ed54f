"""Admin pages that several people may use at once, without overwriting what another has saved."""

import json
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from articles.editing.conflicts import ConflictAwareForm, FormSnapshot
from articles.models.articles import token_signing_time
from articles.site.requests import site_request
from core.dates.relative_time import time_or_date
from core.query_forms import parse_number_or_zero


class ConcurrentEditingAdmin(admin.ModelAdmin[Any]):
    """A ModelAdmin that finds conflicting changes. Its form is a ConflictAwareForm."""

    change_form_template = "admin/articles/conflict_form.html"

    @transaction.atomic
    def response_action(self, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """Run an action of the list, such as "Delete selected", and its log entries in one transaction."""
        response: HttpResponse | None = super().response_action(*args, **kwargs)
        return response

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name only the objects in the confirmation, and count what is deleted with them.

        Django also lists each row of their relations, such as "Article-topic relationship: Article_topics
        object (1)".
        """
        names, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        names = [name for name in names if not isinstance(name, list)]
        models = apps.get_models(include_auto_created=True)
        unnamed = {str(model._meta.verbose_name_plural) for model in models if model._meta.auto_created}
        counts = {label: count for label, count in counts.items() if str(label) not in unnamed}
        return names, counts, perms_needed, protected

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return the object, locked on POST: nobody may save between the check for conflicts and the save.

        Pages that change nothing, such as the history, have no transaction that could hold a lock.
        """
        key = parse_number_or_zero(object_id)
        if key and request.method == "POST" and connection.in_atomic_block:
            self.lock(key)
        return super().get_object(request, object_id, from_field)

    def lock(self, key: int) -> None:
        self.model._default_manager.select_for_update(no_key=True).filter(pk=key).values_list("pk").first()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        checked = [
            checked_form
            for checked_form in (form, *_formset_forms(formsets))
            if isinstance(checked_form, ConflictAwareForm)
        ]
        if fields := "; ".join(
            label for checked_form in checked for label in checked_form.fields_from_colleague
        ):
            message = _(
                "Somebody else changed these fields meanwhile, and their values were kept: %(fields)s."
            )
            self.message_user(request, message % {"fields": fields})
            site_request(request).has_fields_from_colleague = True

    def has_fields_from_colleague(self, request: HttpRequest) -> bool:
        """Return whether this request saved a form with values of a colleague that nobody has seen in it."""
        return bool(getattr(request, "has_fields_from_colleague", False))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Render the form with what it has loaded, and the conflicts between which the person has to choose.

        In the context, `snapshot` is the token of what the page has loaded, `conflicts` has the fields, and
        `other_person` and `other_saved_at` say who saved the other values and when, if that is known.
        """
        main = context["adminform"].form
        inlines = _formset_forms(inline.formset for inline in context["inline_admin_formsets"])
        checked = [form for form in (main, *inlines) if isinstance(form, ConflictAwareForm)]
        if all(
            form.only_needs_choices() if form in checked else not form.errors for form in (main, *inlines)
        ):
            context["errors"] = []  # the section on the conflict says what to do
        digests = {name: digest for form in checked for name, digest in form.prefixed_digests().items()}
        snapshot = main.data.get("read") or context.get("snapshot")
        context["snapshot"] = snapshot or FormSnapshot(main.revision_number, digests).token()
        for form in checked:
            form.fill_with_unsaved(context.get("unsaved_fields") or {})
        context["conflicts"] = [conflict for form in checked for conflict in form.conflicts]
        if context["conflicts"]:
            saved = LogEntry.objects.filter(
                content_type=get_content_type_for_model(main.instance),
                object_id=str(main.instance.pk),
                change_message__startswith="[",  # logged by a form, not by an action
                action_time__gte=token_signing_time(context["snapshot"]),
            )
            labels = {conflict.label for conflict in context["conflicts"]}
            latest = saved.select_related("user")[:20]
            if last := next((entry for entry in latest if labels & _changed_labels(entry)), None):
                now = site_request(request).now
                context |= {"other_person": last.user, "other_saved_at": time_or_date(last.action_time, now)}
        return super().render_change_form(request, context, *args, **kwargs)


def _changed_labels(entry: LogEntry) -> set[str]:
    """Return the labels of the fields that a form has changed. The log has them without translation."""
    changes = (details for change in json.loads(entry.change_message) for details in change.values())
    return {_(label) for details in changes for label in details.get("fields", [])}


def _formset_forms(formsets: Iterable[Any]) -> list[Any]:
    return [form for formset in formsets for form in formset.forms]
