"""The image library as a picture chooser: the pages of its dialog, and the field that it fills."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from articles.images import html
from articles.models import Image
from core.query_forms import PageField, QueryForm, SearchField, parse_number_or_zero

PAGE_SIZE = 24


class LibraryQuery(QueryForm):
    """The query string of the library: the searched words and the number of the page."""

    q = SearchField()
    page = PageField()


def library_view(model_admin: Any, request: HttpRequest) -> TemplateResponse:
    """Return a page of images as a part of HTML: the newest, or those that a search finds."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    query = LibraryQuery.read(request.GET)
    rows, _has_duplicates = model_admin.get_search_results(request, Image.objects.all(), query["q"])
    page = Paginator(rows, PAGE_SIZE).get_page(query["page"])
    context = {
        "page": page,
        "images": [(image, html.small_url(image)) for image in page],
        "searched": query["q"],
    }
    return TemplateResponse(request, "admin/articles/image/_library.html", context)


class LibraryInput(forms.TextInput):
    """The number of an image, with its picture. library.js replaces the number by the picture chooser."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        image = Image.objects.filter(pk=parse_number_or_zero(str(value or ""))).first()
        if image:
            attrs = {**(attrs or {}), "data-text": image.alt or image.filename}  # for the closed row
        return format_html(
            '<div class="chosen">{}</div><div class="number">{} <a href="{}">{}</a></div>',
            _picture(image) if image else _("None yet."),
            super().render(name, value, attrs, renderer),
            reverse("admin:articles_image_changelist"),
            _("Image library"),
        )


def _picture(image: Image) -> SafeString:
    """Return an image with a link to its form, as HTML."""
    return format_html(
        '<img class="lead-image" src="{}" alt="{}"> <a href="{}">{}</a>',
        html.small_url(image),
        image.alt,
        reverse("admin:articles_image_change", args=[image.pk]),
        _("Alternative text, credit and crop"),
    )
