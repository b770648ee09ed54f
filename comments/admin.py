"""Discussions in the admin: a list of them, and each one's settings on the page of its article.

The comments themselves, as a tree, are in moderation/reply_structure/admin.py: a move can be undone.
"""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.admin import ArticleAdmin
from articles.editing.concurrent_editing import SharedPages
from articles.editing.conflicts import WrittenForm
from articles.models import Article, known_to
from articles.publishing.status import moment_widget
from articles.services import touch_site
from articles.site.current_site import current_site
from comments.models import Comment, Discussion, RemovalReason
from comments.services import change_discussion
from core.forms import leave_whole
from core.relative_time import check_year, time_of

SETTINGS = ["moderation", "status", "members_only", "close_after_days", "closes_at"]
RADIOS: dict[str, Any] = {"moderation": admin.VERTICAL, "status": admin.HORIZONTAL}  # one press each


class DiscussionForm(WrittenForm):
    actor: Any = None  # who sends it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if moderation := self.fields.get("moderation"):
            moderation.help_text = _("A trial, a death, all that is sensitive: review everything first.")
            if self.instance._state.adding:
                self.initial["moderation"] = current_site().moderation
        if closes_at := self.fields.get("closes_at"):
            # The admin's own fields count in a server's time, and name no zone.
            widget = moment_widget(date=_("Closes at, date"), time=_("Closes at, time"))
            widget.widgets[1].format = "%H:%M:%S"
            if self.instance.closes_at and self.instance.closes_at.second:
                widget.widgets[1].attrs["step"] = 1  # else browsers refuse what stands there
            closes_at.widget = widget
            words = {"zone": time_of(), "help": self._meta.model._meta.get_field("closes_at").help_text}
            closes_at.help_text = _("%(zone)s. %(help)s") % words

    def clean_closes_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["closes_at"]
        if at:
            check_year(at)
        return at

    def clean(self) -> dict[str, Any]:
        """Of the row as it is now: a moderator sets it, and the first comment makes it, with no look at the
        article that this page has locked. Not earlier, since nobody can comment meanwhile."""
        rows = Discussion.objects.select_for_update(no_key=True).filter(pk=self.instance.article_id)
        if stored := rows.first():
            self.instance = stored
            self.initial.update(model_to_dict(stored, SETTINGS))
        return super().clean()

    def save(self, commit: bool = True) -> Discussion:
        """By the verb, which makes the row if nobody has written here yet; unchanged, nothing is written."""
        discussion: Discussion = super().save(commit=False)
        sent = {name: value for name, value in self.cleaned_data.items() if name in SETTINGS}
        values = {name: value for name, value in sent.items() if value != self.initial.get(name)}
        if commit and values:
            change_discussion(article=discussion.article, actor=self.actor, **values)
        return discussion


class DiscussionInline(admin.StackedInline[Discussion, Article]):
    model = Discussion
    form = DiscussionForm
    radio_fields = RADIOS
    fields = [*SETTINGS, "counts", "links"]
    readonly_fields = ["counts", "links"]
    can_delete = False
    max_num = 1
    verbose_name_plural = _("discussion")

    def get_formset(self, request: HttpRequest, obj: Article | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.actor = request.user  # a class of this request alone
        return formset

    def has_add_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """An article has its discussion from the start, stored or not: to set it is to change it."""
        return self.has_change_permission(request, None)

    @admin.display(description=_("comments"))
    def counts(self, discussion: Discussion) -> Any:
        if not discussion.pk:
            return 0
        waiting = Comment.objects.waiting().filter(discussion=discussion.pk).count()
        if discussion.declared_count is None:
            return _("%(shown)s shown, %(waiting)s waiting for review") % {
                "shown": discussion.visible_count,
                "waiting": waiting,
            }
        return _("%(shown)s shown; the source announced %(declared)s") % {
            "shown": discussion.visible_count,
            "declared": discussion.declared_count,
        }

    @admin.display(description=_("go to"))
    def links(self, discussion: Discussion) -> Any:
        """Where one answers, picks and decides, once readers see it."""
        if not discussion.pk:
            return _("It begins with the first comment.")
        if not discussion.article.is_published():
            return tree_link(discussion)
        url = f"{discussion.article.get_absolute_url()}#comments"
        return format_html('<a href="{}">{}</a> · {}', url, _("The discussion"), tree_link(discussion))


ArticleAdmin.inlines = [*ArticleAdmin.inlines, DiscussionInline]


@admin.register(Discussion)
class DiscussionAdmin(SharedPages):
    form = DiscussionForm
    radio_fields = RADIOS
    list_display = ["article", "tree", "shown", "waiting", "stored", "status", "closes_at", "moderation"]
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
        assert isinstance(request.user, User)
        return discussions_of(request.user).annotate(
            waiting_count=_count(Comment.objects.waiting()), stored_count=_count(Comment.objects.all())
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

    @admin.display(description=_("waiting"), ordering="waiting_count")
    def waiting(self, discussion: Any) -> int:
        count: int = discussion.waiting_count
        return count

    @admin.display(description=_("all comments"), ordering="stored_count")
    def stored(self, discussion: Any) -> int:
        count: int = discussion.stored_count
        return count

    @admin.display(description=_("tree"))
    def tree(self, discussion: Discussion) -> str:
        return tree_link(discussion)


class RemovalReasonForm(forms.ModelForm[RemovalReason]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        leave_whole(self)


@admin.register(RemovalReason)
class RemovalReasonAdmin(admin.ModelAdmin[RemovalReason]):
    """Switched off rather than deleted: what was removed for it stays explained. Its words stand on pages."""

    form = RemovalReasonForm
    list_display = ["words", "code", "is_active", "position"]
    list_editable = ["is_active", "position"]
    fields = ["code", "label", "told", "position", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: RemovalReason | None = None) -> list[str]:
        return ["code"] if obj else []

    def save_model(self, request: HttpRequest, obj: RemovalReason, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            touch_site()

    def has_delete_permission(self, request: HttpRequest, obj: RemovalReason | None = None) -> bool:
        return False

    @admin.display(description=_("words"))
    def words(self, reason: RemovalReason) -> str:
        return str(reason)


def discussions_of(user: User) -> QuerySet[Discussion]:
    """Moderators see those of published stories, editors those of their own articles."""
    own = Q(article__in=Article.objects.editable_by(user))
    return Discussion.objects.filter(own | known_to(user, "article__") if user.is_moderator else own)


def tree_link(discussion: Discussion) -> str:
    url = f"{reverse('admin:comments_comment_changelist')}?discussion={discussion.pk}"
    return format_html('<a href="{}">{}</a>', url, _("Reply structure"))


def _count(comments: QuerySet[Comment]) -> Coalesce:
    """Comments of each discussion, as a subquery: it reads an index and multiplies no rows."""
    own = comments.filter(discussion=OuterRef("pk")).order_by().values("discussion")
    return Coalesce(Subquery(own.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)
