"""Admin of discussions: a list of them, and the settings of each on the page of its article.

The admin of comments is in moderation/reply_structure/admin.py, since moving a comment can be undone.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.requests import request_user
from articles.admin import ArticleAdmin
from articles.editing.concurrent_editing import ConcurrentEditingAdmin
from articles.editing.conflicts import ConflictAwareForm
from articles.models import Article, title_visible_to
from articles.publishing.forms import date_time_widget
from articles.site.cached_pages import increment_site_version
from articles.site.current_site import current_site
from comments.models import Comment, Discussion, RemovalReason
from comments.services.discussions import change_discussion
from core.database.subqueries import count_subquery
from core.dates.fields import SiteSplitDateTimeField
from core.dates.formats import zone_label
from core.forms import remove_maxlength

SETTINGS = ["moderation", "status", "members_only", "close_after_days", "closes_at"]
RADIO_FIELDS: dict[str, Any] = {"moderation": admin.VERTICAL, "status": admin.HORIZONTAL}


class DiscussionForm(ConflictAwareForm):
    """The form of a discussion's settings, on the page of its article and on its own."""

    actor: Any = None  # the user who saves the form

    class Meta:
        field_classes: ClassVar[dict[str, Any]] = {"closes_at": SiteSplitDateTimeField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if moderation := self.fields.get("moderation"):
            moderation.help_text = _(
                "With “First comment reviewed”, flagged comments wait for review, too. For sensitive "
                "subjects, such as trials or deaths, use pre-moderation."
            )
            if self.instance._state.adding:
                self.initial["moderation"] = current_site().moderation
        if closes_at := self.fields.get("closes_at"):
            # The admin's own widget uses the server's time zone, and does not name it.
            widget = date_time_widget(date=_("Closes at, date"), time=_("Closes at, time"))
            widget.widgets[1].format = "%H:%M:%S"
            if self.instance.closes_at and self.instance.closes_at.second:
                widget.widgets[1].attrs["step"] = 1  # otherwise browsers refuse the stored value
            closes_at.widget = widget
            parts = {"zone": zone_label(), "help": self._meta.model._meta.get_field("closes_at").help_text}
            closes_at.help_text = _("%(zone)s. %(help)s") % parts

    def clean(self) -> dict[str, Any]:
        """Lock and use the stored row.

        Moderators change it, and the first comment creates it, without regard to the article that this page
        has locked. It is not locked earlier, since nobody can comment while it is.
        """
        rows = Discussion.objects.select_for_update(no_key=True).filter(pk=self.instance.article_id)
        if stored := rows.first():
            self.instance = stored
            self.initial.update(model_to_dict(stored, SETTINGS))
        return super().clean()

    def save(self, commit: bool = True) -> Discussion:
        """Save changed settings with change_discussion, which creates the row if there is none yet."""
        discussion: Discussion = super().save(commit=False)
        submitted = {name: value for name, value in self.cleaned_data.items() if name in SETTINGS}
        values = {name: value for name, value in submitted.items() if value != self.initial.get(name)}
        if commit and values:
            change_discussion(article=discussion.article, actor=self.actor, **values)
        return discussion


class DiscussionInline(admin.StackedInline[Discussion, Article]):
    model = Discussion
    form = DiscussionForm
    radio_fields = RADIO_FIELDS
    fields = [*SETTINGS, "counts", "links"]
    readonly_fields = ["counts", "links"]
    can_delete = False
    max_num = 1
    verbose_name_plural = _("discussion")

    def get_formset(self, request: HttpRequest, obj: Article | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.actor = request.user  # the class is created for this request only
        return formset

    def has_add_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """Adding counts as changing: every article has a discussion, whether its row is stored or not."""
        return self.has_change_permission(request, None)

    @admin.display(description=_("comments"))
    def counts(self, discussion: Discussion) -> Any:
        if not discussion.pk:
            return 0
        pending = Comment.objects.pending().filter(discussion=discussion.pk).count()
        if discussion.declared_count is None:
            return _("%(shown)s shown, %(waiting)s waiting for review") % {
                "shown": discussion.visible_count,
                "waiting": pending,
            }
        return _("%(shown)s shown, %(waiting)s waiting for review; the source announced %(declared)s") % {
            "shown": discussion.visible_count,
            "waiting": pending,
            "declared": discussion.declared_count,
        }

    @admin.display(description=_("links"))
    def links(self, discussion: Discussion) -> Any:
        """Link to the discussion on the site, if it is published, and to its reply structure."""
        if not discussion.pk:
            return _("No comments yet.")
        if not discussion.article.is_published():
            return tree_link(discussion)
        url = f"{discussion.article.get_absolute_url()}#comments"
        return format_html('<a href="{}">{}</a> · {}', url, _("The discussion"), tree_link(discussion))


ArticleAdmin.inlines = [*ArticleAdmin.inlines, DiscussionInline]


@admin.register(Discussion)
class DiscussionAdmin(ConcurrentEditingAdmin):
    """The list of discussions and the page of their settings."""

    form = DiscussionForm
    radio_fields = RADIO_FIELDS
    list_display = ["article", "tree", "shown", "pending", "stored", "status", "closes_at", "moderation"]
    list_filter = ["status", "moderation", "article__topics"]
    search_fields = ["article__title", "article__source_name"]
    list_select_related = ["article"]
    ordering = ["-article__published_at", "-pk"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    fields = ["article", *SETTINGS, "shown", "declared_count", "tree"]
    readonly_fields = ["article", "shown", "declared_count", "tree"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Discussion]:
        return discussions_of(request_user(request)).annotate(
            pending_count=count_subquery(Comment.objects.pending(), "discussion"),
            stored_count=count_subquery(Comment.objects.all(), "discussion"),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Discussion | None = None) -> bool:
        user: Any = request.user
        return super().has_change_permission(request, obj) and (
            obj is None or obj.article.can_be_edited_by(user)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Discussion | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Discussion, form: Any, change: bool) -> None:
        form.actor = request.user
        form.save()

    @admin.display(description=_("shown"), ordering="visible_count")
    def shown(self, discussion: Discussion) -> int:
        return discussion.visible_count

    @admin.display(description=_("waiting for review"), ordering="pending_count")
    def pending(self, discussion: Any) -> int:
        count: int = discussion.pending_count
        return count

    @admin.display(description=_("all comments"), ordering="stored_count")
    def stored(self, discussion: Any) -> int:
        count: int = discussion.stored_count
        return count

    @admin.display(description=_("reply structure"))
    def tree(self, discussion: Discussion) -> str:
        return tree_link(discussion)


class RemovalReasonForm(forms.ModelForm[RemovalReason]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove_maxlength(self)


@admin.register(RemovalReason)
class RemovalReasonAdmin(admin.ModelAdmin[RemovalReason]):
    """Admin of removal reasons. They are deactivated instead of deleted, as comments refer to them."""

    form = RemovalReasonForm
    list_display = ["name", "code", "is_active", "position"]
    list_editable = ["is_active", "position"]
    fields = ["code", "label", "message", "position", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: RemovalReason | None = None) -> list[str]:
        return ["code"] if obj else []

    def save_model(self, request: HttpRequest, obj: RemovalReason, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            increment_site_version()

    def has_delete_permission(self, request: HttpRequest, obj: RemovalReason | None = None) -> bool:
        return False

    @admin.display(description=_("name"))
    def name(self, reason: RemovalReason) -> str:
        return str(reason)


def discussions_of(user: User) -> QuerySet[Discussion]:
    """Return the discussions a user may see: moderators those of published articles, editors their own."""
    editable = Q(article__in=Article.objects.editable_by(user))
    return Discussion.objects.filter(
        editable | title_visible_to(user, "article__") if user.is_moderator else editable
    )


def tree_link(discussion: Discussion) -> str:
    url = f"{reverse('admin:comments_comment_changelist')}?discussion={discussion.pk}"
    return format_html('<a href="{}">{}</a>', url, _("Reply structure"))
