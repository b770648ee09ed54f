"""Admin pages of articles and topics."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.requests import request_user
from articles.admin_public_pages import AuthorsField, pin_button
from articles.editing.concurrent_editing import ConcurrentEditingAdmin
from articles.editing.conflicts import ConflictAwareForm
from articles.editing.drawer import DrawerRow, drawer_row
from articles.editing.editor_page import DocumentAdmin
from articles.images import admin as images  # noqa: F401  registers them
from articles.images.forms import check_images
from articles.images.lead_image import LEAD_IMAGE_FIELDS, LeadImageFields, lead_image_fieldset
from articles.models import (
    Article,
    ArticleQuerySet,
    Subscription,
    Topic,
    slug_from_title,
    unique_slug,
    unique_topic_slug,
)
from articles.newsletter import admin as newsletter  # registers the newsletters, too
from articles.newsletter import subscriptions
from articles.publishing import pages as publication_pages
from articles.publishing.actions import respond_after_save
from articles.publishing.pages import NotesForm
from articles.redirects import find_redirected_article
from articles.services import save_article, save_topic, set_article_authors
from articles.site import user_admin  # noqa: F401  registers the users' admin
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from core.dates.formats import time_formatter
from core.dates.relative_time import until
from core.forms import MultilineField

ROW_TEMPLATES = {
    "notes": "admin/articles/article/_notes.html",
    "corrections": "admin/articles/article/_corrections.html",
}


class PublicationFilter(admin.SimpleListFilter):
    """Filter of articles by their publication status."""

    title = _("publication")
    parameter_name = "publication"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("draft", _("Not published")),
            ("ready", _("Ready for review")),
            ("scheduled", _("Scheduled")),
            ("published", _("Published")),
            ("unpublished", _("Unpublished")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "draft":
                return queryset.filter(published_at=None)
            case "ready":
                return queryset.filter(published_at=None, stage=Article.Stage.READY)
            case "unpublished":
                return queryset.filter(published_at=None).exclude(unpublished_at=None)
            case "scheduled":
                return queryset.filter(published_at__gt=timezone.now())
            case "published":
                return queryset.published()
        return queryset


class ArticleForm(NotesForm, LeadImageFields):
    """The form of an article in the editor."""

    class Meta:
        field_classes = {"standfirst": MultilineField, "body": MultilineField}

    signed = AuthorsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if slug := self.fields.get("slug"):
            slug.required = False
            slug.help_text = _(
                "Leave empty to make it from the title. Old slugs of a published story redirect here."
            )
        if isinstance(editors := self.fields.get("editors"), forms.ModelMultipleChoiceField):
            # People who have lost the role stay: to save without them could open the article to all editors.
            chosen = self.instance.editors.values("pk") if self.instance.pk else []
            is_offered = Q(pk__in=User.objects.editors().values("pk")) | Q(pk__in=chosen)
            editors.queryset = User.objects.filter(is_offered).order_by("name")
        if isinstance(authors := self.fields.get("signed"), AuthorsField):
            current_authors = (
                list(self.instance.bylines.values_list("author__user", flat=True)) if self.instance.pk else []
            )
            self.initial.setdefault("signed", current_authors)
            authors.set_choices(current_authors)

    def submitted_value(self, name: str) -> Any:
        return (name == "lead_image" and self.cleaned_data.get("lead_file")) or super().submitted_value(name)

    def use_stored_value(self, name: str) -> None:
        super().use_stored_value(name)
        if name == "lead_image":
            self.cleaned_data |= dict.fromkeys(LEAD_IMAGE_FIELDS.values())

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        title: str = self.cleaned_data.get("title", "")
        if not slug or (not self.instance.pk and slug == slug_from_title(title)):
            slug = unique_slug(title, exclude=self.instance.pk or 0)
        if (redirected := find_redirected_article("", slug)) and redirected != self.instance.pk:
            raise forms.ValidationError(_("This slug redirects to another story, which had it before."))
        return slug

    def clean_body(self) -> str:
        return check_images(self.cleaned_data["body"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_lead_image()
        return cleaned


@admin.register(Article)
class ArticleAdmin(DocumentAdmin):
    """The articles of the newsroom. Editors see and edit their own, and those without editors."""

    form = ArticleForm
    change_form_template = "admin/articles/article/change_form.html"
    new_title = _("New story")
    edit_title = _("Edit story")
    list_display = [
        "title",
        "publication",
        "editor_names",
        "comments",
        "rights",
        "front_page",
    ]
    list_filter = [PublicationFilter, "rights", "topics", ("editors", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["title", "standfirst", "byline", "source_name"]
    list_per_page = 50
    show_full_result_count = False
    actions = None  # the only one would delete many stories at once
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_queryset(self, request: HttpRequest) -> ArticleQuerySet:
        return (
            Article.objects.editable_by(request_user(request))
            .select_related("discussion", "pin")
            .prefetch_related("editors")
        )

    def get_fieldsets(self, request: HttpRequest, obj: Article | None = None) -> Any:
        # The field stays if somebody has unpublished the article while a correction was typed.
        is_published = (
            "new_correction" in request.POST
            or (obj is not None and obj.is_published())
            or self.has_unsaved(request, obj, "new_correction")
        )
        correction = (_("Corrections"), {"fields": ["new_correction"], "classes": ["corrections"]})
        stage = (_("Status"), {"fields": ["stage"], "classes": ["stage"]})
        return [
            (None, {"fields": ["title", "standfirst", "body"]}),
            (_("Topics"), {"fields": ["topics"], "classes": ["topics"]}),
            lead_image_fieldset(),
            (_("URL slug"), {"fields": ["slug"], "classes": ["slug"]}),
            (_("Authors"), {"fields": ["signed", "byline"], "classes": ["authors"]}),
            (
                _("Source and rights"),
                {
                    "fields": ["rights", "source_name", "source_url", "canonical_url"],
                    "classes": ["rights"],
                    "description": _(
                        "While rights are unknown, the story names its source, search engines are asked not "
                        "to index it, and feeds leave it out."
                    ),
                },
            ),
            (_("Notes"), {"fields": ["new_note"], "classes": ["notes"]}),
            correction if is_published else stage,
            (_("Editors"), {"fields": ["editors"], "classes": ["editors"]}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"signed": [request_user(request).pk], **super().get_changeform_initial_data(request)}

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = forms.CheckboxSelectMultiple  # one tap each, also on a phone
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        return [*publication_pages.urls(self), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        article = kwargs["obj"]
        context |= publication_pages.form_context(request, article)
        context["newsletter_url"] = newsletter.newsletter_url(article) if article else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def drawer_rows(self, fieldsets: list[Any], obj: Article | None) -> list[DrawerRow]:
        """Return the rows of the drawer. Those that almost every story needs are open for a new one."""
        image = obj.lead_image if obj else None
        values = {
            "lead-image": image.alt or image.filename if image else "",
            "notes": str(obj.notes.count() or "") if obj else "",
            "corrections": str(obj.corrections.count() or "") if obj else "",
        }
        empty = {"slug": _("From the title"), "editors": _("All editors") if obj else _("You")}
        open_rows = set() if obj else {"lead-image", "topics"}
        if values["notes"] or fieldsets[0].form["new_note"].value():
            open_rows.add("notes")
        return [
            drawer_row(
                fieldset,
                value=values.get(fieldset.classes),
                empty=empty.get(fieldset.classes, _("None")),
                is_open=fieldset.classes in open_rows,
                template=ROW_TEMPLATES.get(fieldset.classes, ""),
            )
            for fieldset in fieldsets
        ]

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        user = request_user(request)
        if note := form.add_lead_image(obj, user):
            self.message_user(request, note)
        super().save_model(request, obj, form, change)
        publication_pages.add_notes(obj, form, user)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return super().construct_change_message(request, form, formsets, add) + form.added_entries()

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        response = respond_after_save(self, request, obj)
        return response or super().response_change(request, obj)

    def save_document(self, obj: Article, *, by: User, nonce: UUID) -> None:
        save_article(article=obj, by=by, nonce=nonce)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            form.instance.editors.add(request.user)
        if "signed" in form.cleaned_data:
            set_article_authors(article=form.instance, people=form.cleaned_data["signed"])

    def has_delete_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """Refuse to delete an article with a discussion (the reverse of comments.Discussion.article)."""
        return super().has_delete_permission(request, obj) and not (obj and hasattr(obj, "discussion"))

    def view_on_site(self, obj: Article) -> str:
        return obj.get_absolute_url() if obj.is_published() else obj.preview_url()

    @admin.display(description=_("publication"), ordering="published_at")
    def publication(self, obj: Article) -> Any:
        if at := obj.published_at:
            if obj.is_published():
                return format_html("{} {}", _("Published"), time_formatter().moment(at))
            when = {"until": until(at, timezone.now()), "at": time_formatter().moment(at)}
            return format_html(str(_("Scheduled, {until}: {at}")), **when)
        return _("Unpublished") if obj.unpublished_at else capfirst(obj.get_stage_display())

    @admin.display(description=_("editors"))
    def editor_names(self, obj: Article) -> Any:
        return ", ".join(str(editor) for editor in obj.editors.all()) or _("All editors")

    @admin.display(description=_("comments"), ordering="discussion__visible_count")
    def comments(self, obj: Article) -> int:
        return obj.discussion.visible_count if hasattr(obj, "discussion") else 0

    @admin.display(description=_("front page"))
    def front_page(self, obj: Article) -> Any:
        return pin_button(obj)


class TopicForm(ConflictAwareForm):
    """The form of a topic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if slug := self.fields.get("slug"):
            slug.required = False
            slug.help_text = _("Leave empty to make it from the name. Old slugs redirect here.")

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        return slug or unique_topic_slug(self.cleaned_data.get("name", ""), exclude=self.instance.pk or 0)


@admin.register(Topic)
class TopicAdmin(ConcurrentEditingAdmin):
    """The topics of stories."""

    form = TopicForm
    list_display = ["name", "shown", "stories"]
    list_filter = ["shown"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        published = Q(articles__published_at__lte=timezone.now())
        rows: QuerySet[Topic] = super().get_queryset(request)
        return rows.annotate(article_count=Count("articles", filter=published))

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: bool) -> None:
        save_topic(topic=obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        names, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        article_count = Article.objects.filter(topics__in=objs).distinct().count()
        counts[_("Stories that stay, without the topic")] = article_count
        return names, counts, perms_needed, protected

    def delete_model(self, request: HttpRequest, obj: Topic) -> None:
        self.delete_queryset(request, Topic.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        # Deletes also the e-mail addresses of those who have no other subscription.
        subscriptions.end_subscriptions(Subscription.objects.filter(topic__in=queryset))
        super().delete_queryset(request, queryset)
        invalidate_outage_copies()
        increment_site_version()

    @admin.display(description=_("published stories"), ordering="article_count")
    def stories(self, obj: Any) -> int:
        count: int = obj.article_count
        return count
