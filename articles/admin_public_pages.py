"""Admin pages of the front page, authors, pages and redirects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.requests import request_user
from articles.editing.concurrent_editing import ConcurrentEditingAdmin
from articles.editing.conflicts import ConflictAwareForm, DocumentForm
from articles.editing.editor_page import DocumentAdmin
from articles.images.forms import check_images
from articles.models import MAX_AUTHORS, Article, Author, Pin, Redirect, StandingPage
from articles.publishing import front_page
from articles.redirects import add_redirect, page_exists, plan_redirect
from articles.services import save_author, save_page
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies
from core.dates.formats import zone_label
from core.forms import MultilineField, remove_maxlength
from core.query_forms import QueryForm, SearchField, parse_number_or_zero

MAX_PINNABLE = 20  # stories listed for pinning; the search finds the others


class AuthorsWidget(forms.MultiWidget):
    """A select for each position in the byline, with the staff as its options."""

    use_fieldset = True

    def __init__(self) -> None:
        names = [_("First author"), _("Second author"), _("Third author"), _("Fourth author")]
        super().__init__([forms.Select(attrs={"aria-label": name}) for name in names])

    def decompress(self, value: Any) -> list[Any]:
        return list(value or [])


class AuthorsField(forms.MultiValueField):
    """The authors of a story, in the order of the byline, each once."""

    def __init__(self) -> None:
        super().__init__(
            [forms.ModelChoiceField(User.objects.none(), required=False) for _place in range(MAX_AUTHORS)],
            widget=AuthorsWidget(),
            label=_("Authors"),
            required=False,
            require_all_fields=False,
            help_text=_("In this order. Each has an author page with their bio and stories."),
        )

    def set_choices(self, current_authors: Sequence[int]) -> None:
        """Set the choices: the staff, and the present authors (`current_authors`, ids of users)."""
        people = {user.pk: str(user) for user in User.objects.staff().active()}
        people |= {user.pk: str(user) for user in User.objects.filter(pk__in=current_authors)}
        choices = [("", "—"), *sorted(people.items(), key=lambda row: row[1].casefold())]
        for field, widget in zip(self.fields, self.widget.widgets, strict=True):
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = User.objects.filter(pk__in=people)
            widget.choices = choices

    def compress(self, data_list: Sequence[User | None]) -> list[User]:
        return list(dict.fromkeys(filter(None, data_list or [])))


class EditorAccessAdmin(admin.ModelAdmin[Any]):
    """A ModelAdmin that every editor may use."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_editor", False))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)


def pin_button(article: Article) -> Any:
    """Return the button that pins a story, for the list of stories; it sends the list's form to PinAdmin."""
    if hasattr(article, "pin"):
        return format_html('<a href="{}">{}</a>', reverse("admin:articles_pin_changelist"), _("Pinned"))
    if not article.is_published():
        return ""
    return format_html(
        '<button class="button" formaction="{}" name="pin" value="{}" aria-label="{}">{}</button>',
        reverse("admin:articles_pin_changelist"),
        article.pk,
        _("Pin “%(title)s”") % {"title": article.title},
        _("Pin"),
    )


class PinQuery(QueryForm):
    """The query string of the front page's admin: words of the titles of stories to pin."""

    q = SearchField()


@admin.register(Pin)
class PinAdmin(EditorAccessAdmin):
    """The front page: the pinned stories in their order, and those that can be pinned."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow deletion only together with the article: the admin asks for this permission then as well."""
        return super().has_delete_permission(request) and obj is not None

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise PermissionDenied

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._change_pins(request)
        query = PinQuery.read(request.GET)["q"]
        pinned = (
            Article.objects.filter(pin__isnull=False)
            .select_related("pin")
            .order_by("pin__position", "pin__pk")
        )
        pinnable = Article.objects.published().filter(pin=None).listed()
        if query:
            pinnable = pinnable.filter(title__icontains=query)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Front page"),
            "opts": Pin._meta,
            "pinned": pinned.defer("body", "body_html", "search_vector"),
            "pinnable": pinnable[:MAX_PINNABLE],
            "query": query,
            "zone_label": zone_label(),
        }
        return TemplateResponse(request, "admin/articles/front_page.html", context)

    def _change_pins(self, request: HttpRequest) -> HttpResponse:
        action = next((name for name in ("pin", "unpin", "up", "down") if name in request.POST), "")
        # Nobody may pin the draft of another editor.
        articles = Article.objects.published() | Article.objects.filter(pin__isnull=False)
        article = get_object_or_404(articles, pk=parse_number_or_zero(request.POST.get(action)))
        title = article.title_for(request_user(request))
        try:
            if action == "pin":
                front_page.pin(article=article)
                self.message_user(request, _("Pinned: %(title)s") % {"title": title})
            elif action == "unpin":
                front_page.unpin(article=article)
                self.message_user(request, _("Unpinned: %(title)s") % {"title": title})
            else:
                front_page.move_pin(article=article, up=action == "up")
        except front_page.TooManyPinsError as error:
            self.message_user(request, str(error), messages.ERROR)
        # A story is often moved several times: the focus stays on the button.
        fragment = f"#{action}-{article.pk}" if action in {"up", "down"} else ""
        return redirect(reverse("admin:articles_pin_changelist") + fragment)


class AuthorForm(ConflictAwareForm):
    """The form of an author. The name of the bio in HTML is `line`."""

    def add_prefix(self, field_name: str) -> str:
        # Servers of the previous version, and forms that they sent, use this name.
        return super().add_prefix("line" if field_name == "bio" else field_name)


@admin.register(Author)
class AuthorAdmin(EditorAccessAdmin, ConcurrentEditingAdmin):
    """Authors and their bios. An author is created here, or by being chosen for a story."""

    form = AuthorForm
    list_display = ["name", "slug", "bio"]
    search_fields = ["user__name", "bio"]
    list_select_related = ["user"]
    fields = ["user", "slug", "bio"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        bio = forms.Textarea(attrs={"rows": 3, "cols": 60})
        return super().get_form(request, obj, change=change, widgets={"bio": bio}, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Author | None = None) -> list[str]:
        return ["user"] if obj else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.staff().active().filter(author=None).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Author, form: Any, change: bool) -> None:
        save_author(author=obj)

    @admin.display(description=_("name"), ordering="user__name")
    def name(self, obj: Author) -> str:
        return str(obj)


class StandingPageForm(DocumentForm):
    """The form of a page in the editor."""

    class Meta:
        field_classes = {"body": MultilineField}

    def clean_body(self) -> str:
        return check_images(self.cleaned_data["body"])


@admin.register(StandingPage)
class StandingPageAdmin(EditorAccessAdmin, DocumentAdmin):
    """Pages that are not stories: About, Contact."""

    new_title = _("New page")
    edit_title = _("Edit page")
    form = StandingPageForm
    list_display = ["title", "menu", "place", "shown"]
    search_fields = ["title", "body"]
    fieldsets = [
        (None, {"fields": ["title", "body"]}),
        (_("URL slug"), {"fields": ["slug"], "classes": ["slug"]}),
        (_("Menu"), {"fields": ["menu", "place", "shown"], "classes": ["menu"]}),
    ]

    def save_document(self, obj: StandingPage, *, by: User, nonce: UUID) -> None:
        save_page(page=obj, by=by, nonce=nonce)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[StandingPage]) -> None:
        super().delete_queryset(request, queryset)
        invalidate_outage_copies()
        increment_site_version()


class RedirectForm(forms.ModelForm[Redirect]):
    """A redirect from an old URL to a path of this site."""

    to = forms.CharField(
        label=_("Redirects to"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("The path of a page on this site, such as /stories/slug/ or /topics/slug/."),
    )

    class Meta:
        model = Redirect
        fields = ["old"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove_maxlength(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "old" in cleaned and "to" in cleaned:
            cleaned["old"], _fields = plan_redirect(old=cleaned["old"], target_url=cleaned["to"])
            if page_exists(cleaned["old"]):
                self.add_error("old", _("There is a page at this URL, so the redirect would never be used."))
        return cleaned


@admin.register(Redirect)
class RedirectAdmin(admin.ModelAdmin[Redirect]):
    """Redirects of old URLs. Most are created by a change of a slug, or by an import."""

    form = RedirectForm
    list_display = ["old", "target_link", "created_at"]
    list_select_related = ["article", "topic", "page", "author"]
    search_fields = ["old", "path"]
    list_per_page = 100
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Redirect, form: Any, change: bool) -> None:
        obj.pk = add_redirect(old=form.cleaned_data["old"], target_url=form.cleaned_data["to"]).pk

    @admin.display(description=_("Redirects to"))
    def target_link(self, obj: Redirect) -> Any:
        url = obj.target_url
        return format_html('<a href="{}">{}</a>', url, url)
