"""Admin pages for rules, actions and the log. The comment tree is in reply_structure/admin.py."""

from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.requests import request_user
from articles.models import title_for
from comments import removal_reasons
from comments.models import Reason, State, Transition
from core.database.subqueries import count_subquery
from moderation.models import Batch, Finding, JobRun, ModerationSettings, Rule
from moderation.queue import explanations
from moderation.reply_structure.admin import CommentTreeAdmin as CommentTreeAdmin

M = TypeVar("M", bound=Model)


class ReadOnlyAdmin(admin.ModelAdmin[M]):
    """A read-only admin for tables that only services write."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin[Rule]):
    """Rules, read-only: they are created, tested and switched in moderation, where this can be undone."""

    list_display = ["value", "kind", "is_active", "found", "note", "added_by", "added_at", "page"]
    list_filter = ["kind", "is_active"]
    list_select_related = ["added_by"]
    search_fields = ["value", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return super().get_queryset(request).annotate(found=count_subquery(Finding.objects.all(), "rule"))

    @admin.display(description=_("found"), ordering="found")
    def found(self, rule: Any) -> int:
        count: int = rule.found
        return count

    @admin.display(description=_("page"))
    def page(self, rule: Rule) -> str:
        return _link("rule", rule.pk, _("Page in moderation"))


class ReasonFilter(admin.SimpleListFilter):
    """A filter by all reasons of this site, also those that are no longer active.

    To list only those that occur would read the whole log: no index has the reasons.
    """

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = dict.fromkeys([*Reason.values, *removal_reasons.all_reasons()])
        return [(code, removal_reasons.label(code)) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> QuerySet[M]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class StateFilter(admin.SimpleListFilter):
    """A filter of the log by the state of the comment after the entry."""

    title = _("state after")
    parameter_name = "to_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transition]) -> QuerySet[Transition]:
        return queryset.filter(to_state=self.value()) if self.value() else queryset


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin[Batch]):
    """Actions, read-only, with a link to the page that can undo them."""

    list_display = ["description", "actor", "at", "comments", "page"]
    list_filter = ["kind", ReasonFilter, "at"]
    list_select_related = ["actor", "root"]
    search_fields = ["id", "actor__name"]
    fields = ["description", "actor", "at", "comments", "page"]
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        comments = count_subquery(Transition.objects.all(), "batch")
        return super().get_queryset(request).annotate(comments=comments)

    @admin.display(description=_("action"))
    def description(self, batch: Batch) -> str:
        return explanations.describe_action(batch)

    @admin.display(description=_("comments"), ordering="comments")
    def comments(self, batch: Any) -> int:
        count: int = batch.comments
        return count

    @admin.display(description=_("page"))
    def page(self, batch: Batch) -> str:
        return _link("action", batch.pk, _("Page with Undo"))


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin[Transition]):
    """The log of comment states and places, read-only."""

    list_display = ["comment_number", "kind", "before", "after", "reason_label", "actor", "at", "story"]
    list_filter = ["kind", StateFilter, ReasonFilter, "at"]
    list_select_related = ["actor", "discussion__article"]
    search_fields = ["=comment__id", "=batch", "actor__name"]
    ordering = ["-id"]
    fields = [
        "comment",
        "kind",
        "before",
        "after",
        "reason_label",
        "revision",
        "old_parent",
        "new_parent",
        "actor",
        "at",
        "action",
        "story",
    ]
    show_full_result_count = False  # the log only grows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transition]:
        title = title_for(request_user(request), "discussion__article__")
        return super().get_queryset(request).annotate(title=title)

    @admin.display(description=_("comment"))
    def comment_number(self, transition: Transition) -> str:
        return f"#{transition.comment_id}"

    @admin.display(description=_("state before"))
    def before(self, transition: Transition) -> str:
        return transition.state_before or self.get_empty_value_display()

    @admin.display(description=_("state after"))
    def after(self, transition: Transition) -> str:
        return transition.state_after or self.get_empty_value_display()

    @admin.display(description=_("reason"), ordering="reason")
    def reason_label(self, transition: Transition) -> str:
        return removal_reasons.label(transition.reason)

    @admin.display(description=_("action"))
    def action(self, transition: Transition) -> str:
        """Return a link to the action that made the entry."""
        batch = transition.batch and Batch.objects.select_related("root").filter(pk=transition.batch).first()
        if not batch:
            return self.get_empty_value_display()
        url = reverse("admin:moderation_batch_change", args=[batch.pk])
        return format_html('<a href="{}">{}</a>', url, explanations.describe_action(batch))

    @admin.display(description=_("story"))
    def story(self, transition: Any) -> str:
        title: str = transition.title
        return title


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


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin[JobRun]):
    """Runs of scheduled jobs, read-only."""

    list_display = ["name", "started_at", "finished_at", "error"]


def _link(page: str, key: object, text: Any) -> str:
    return format_html('<a href="{}">{}</a>', reverse(f"moderation:{page}", args=[key]), text)
