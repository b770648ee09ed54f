"""The admin of images: the list, the form, and the upload endpoint that the article editor uses."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.requests import request_user
from articles.editing.concurrent_editing import ConcurrentEditingAdmin
from articles.images import html
from articles.images.forms import ImageForm, UploadForm
from articles.images.library import library_view
from articles.images.rerender import lock_uses
from articles.images.services import delete_image
from articles.markup.markdown import referenced_images
from articles.models import Article, Image, ImageUse, Site, StandingPage
from core.dates.formats import time_formatter

IS_LOGO_OR_ICON = Exists(Site.objects.filter(Q(logo=OuterRef("pk")) | Q(icon=OuterRef("pk"))))
IS_USED = Exists(ImageUse.objects.filter(image=OuterRef("pk"))) | IS_LOGO_OR_ICON


class UsedFilter(admin.SimpleListFilter):
    """Filter images by whether a story, a page, a text of the site or its header shows them."""

    title = _("use")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Used")), ("no", _("Not used"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> QuerySet[Image]:
        match self.value():
            case "yes":
                return queryset.filter(IS_USED)
            case "no":
                return queryset.filter(~IS_USED)
        return queryset


@admin.register(Image)
class ImageAdmin(ConcurrentEditingAdmin):
    list_display = ["thumbnail", "alt_text", "credit", "use_count", "uploaded"]
    list_display_links = ["thumbnail", "alt_text"]
    list_filter = [UsedFilter, "uploaded_at"]
    list_select_related = ["uploaded_by"]
    list_per_page = 30
    search_fields = ["alt", "caption", "credit", "filename"]
    show_full_result_count = False
    actions = None
    change_form_template = "admin/articles/image/change_form.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("upload/", view(self.upload_view), name="articles_image_upload"),
            path("library/", view(partial(library_view, self)), name="articles_image_library"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        rows: QuerySet[Image] = super().get_queryset(request)
        return rows.annotate(all_uses=Count("uses") + Case(When(IS_LOGO_OR_ICON, then=1), default=0))

    def get_form(
        self, request: HttpRequest, obj: Image | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = ImageForm if change else UploadForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Image | None = None) -> Any:
        description = ["alt", "is_decorative", "caption", "credit"]
        crop = (
            _("Crop"),
            {
                "fields": ["focal_x", "focal_y"],
                "description": _(
                    "Lists and link previews on other sites show the image cropped around its focal point."
                ),
            },
        )
        if obj is None:
            return [(None, {"fields": ["file", *description]}), crop]
        return [
            (None, {"fields": description}),
            crop,
            (_("File"), {"fields": ["file_line", "used_in", "markdown_line"]}),
        ]

    def lock(self, key: int) -> None:
        if image := Image.objects.filter(pk=key).first():
            lock_uses(image)  # all code locks articles and pages before the image
        super().lock(key)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found:
            found.viewer = request.user  # used_in shows only what this person may see
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> list[str]:
        return ["file_line", "used_in", "markdown_line"] if obj else []

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        stored = form.save_as(request_user(request))
        obj.pk = stored.pk
        if not change and form.decoded.note:
            self.message_user(request, form.decoded.note)

    def has_delete_permission(self, request: HttpRequest, obj: Image | None = None) -> bool:
        """Refuse to delete an image that is in use.

        An image that only an earlier revision of a text shows can be deleted by an administrator alone, since
        that revision could then not be restored completely.
        """
        if not super().has_delete_permission(request, obj):
            return False
        user: Any = request.user
        if obj is None:
            return True
        is_used = Image.objects.filter(IS_USED, pk=obj.pk).exists()
        return not (is_used or (obj.is_in_history() and not user.is_administrator))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if image := context.get("original"):
            context["picture"] = html.image_url(image, f"full.{image.suffix}")
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        delete_image(image=obj)

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Store an uploaded image and return the Markdown that shows it.

        `POST /admin/articles/image/upload/` takes multipart/form-data, with the CSRF token in the form or in
        the header X-CSRFToken, from a user who may add images:

            file            the image
            alt             its alternative text; or
            is_decorative   "on": screen readers skip the image
            caption, credit, focal_x, focal_y (per cent from the left and from the top)     optional

        Returns 201 and {"id", "markdown", "url", "alt", "width", "height", "note"}: `markdown` belongs on a
        line of its own, `url` is the full image, which its uploader can see at once, and `note` is a sentence
        to show to them, or "". Returns 400 and {"errors": {field: [sentence]}} for invalid data, and stores
        nothing then; 403 without the permission, 405 for another method.
        """
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            return JsonResponse({"errors": {"file": [_("Only editors can add images.")]}}, status=403)
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return JsonResponse({"errors": form.errors}, status=400)
        image = form.save_as(request_user(request))
        data = {
            "id": image.pk,
            "markdown": image.markdown,
            "url": html.image_url(image, f"full.{image.suffix}"),
            "alt": image.alt,
            "width": image.width,
            "height": image.height,
            "note": form.decoded.note,
        }
        return JsonResponse(data, status=201)

    @admin.display(description=_("image"))
    def thumbnail(self, image: Image) -> str:
        # The image is the only content of a link, so it needs a text.
        text = image.alt or image.filename
        return format_html(
            '<img class="small-image" src="{}" alt="{}" loading="lazy">', html.small_url(image), text
        )

    @admin.display(description=_("alternative text"), ordering="alt")
    def alt_text(self, image: Image) -> Any:
        return image.alt or _("decorative")

    @admin.display(description=_("used"), ordering="all_uses")
    def use_count(self, image: Any) -> int:
        count: int = image.all_uses
        return count

    @admin.display(description=_("uploaded"), ordering="uploaded_at")
    def uploaded(self, image: Image) -> str:
        day = time_formatter().date_text(timezone.localtime(image.uploaded_at))
        return f"{day}, {image.uploaded_by}" if image.uploaded_by else day

    @admin.display(description=_("file"))
    def file_line(self, image: Image) -> str:
        return f"{image.filename} · {image.width} × {image.height}"

    @admin.display(description=_("used in"))
    def used_in(self, image: Any) -> Any:
        """Return links to all uses of an image. A draft that this person may not edit is counted only."""
        own = Article.objects.editable_by(image.viewer).filter(image_uses__image=image)
        shown = Article.objects.published().filter(image_uses__image=image)
        articles = Article.objects.filter(Q(pk__in=own.values("pk")) | Q(pk__in=shown.values("pk")))
        pages = StandingPage.objects.filter(image_uses__image=image).only("pk", "title")
        links = [
            (reverse(f"admin:articles_{each._meta.model_name}_change", args=[each.pk]), each.title)
            for each in (*articles.only("pk", "title"), *pages)
        ]
        if use := image.uses.filter(site__isnull=False).select_related("site").first():
            is_in_rules = image.pk in referenced_images(use.site.rules)
            rules, privacy = (reverse("rules"), _("Rules of commenting")), (reverse("privacy"), _("Privacy"))
            links.append(rules if is_in_rules else privacy)
        items: list[str] = [format_html('<a href="{}">{}</a>', url, title) for url, title in links]
        if Image.objects.filter(IS_LOGO_OR_ICON, pk=image.pk).exists():
            items.append(str(_("Logo or icon of the site")))  # only administrators can open the settings
        if others := image.all_uses - len(items):
            text = ngettext("%(n)s that you can’t edit", "%(n)s that you can’t edit", others)
            items.append(text % {"n": others})
        return format_html_join(", ", "{}", ((item,) for item in items)) or _("no story and no page")

    @admin.display(description=_("Markdown"))
    def markdown_line(self, image: Image) -> str:
        return format_html("<code>{}</code>", image.markdown)
