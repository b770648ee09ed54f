"""The view that serves the files of images."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from accounts.authentication.second_factors import fully_authenticated_user
from articles.images.html import CONTENT_TYPES, find_previewed_article
from articles.images.stored_files import read_or_404
from articles.models import Article, Image, ImageUse, StandingPage
from articles.site.cached_pages import revalidate_always
from core.fallback_pages import unavailable_without_store
from core.query_forms import QueryForm


class ImageQuery(QueryForm):
    """The query string of an image: the token of the preview that shows it."""

    preview = forms.CharField(required=False)


@require_safe
@unavailable_without_store
def image(request: HttpRequest, pk: str, name: str, suffix: str) -> HttpResponse:
    """Serve one file of an image.

    An image is public while a published story, a standing page or a text of the site shows it. Otherwise
    only the newsroom may see it, and the reader of a preview of a story that shows it. The focal point in
    the name of a crop only tells browsers that the file has changed; the response is always the current crop.
    """
    uses = ImageUse.objects.filter(image=OuterRef("pk"))
    rows = Image.objects.only("digest", "sizes").annotate(
        in_article=Exists(uses.filter(article__in=Article.objects.published())),
        on_page=Exists(uses.filter(page__in=StandingPage.objects.shown())),
        in_site_text=Exists(uses.filter(site__isnull=False)),
    )
    found: Any = get_object_or_404(rows, pk=pk)
    shown = found.in_article or found.on_page or found.in_site_text
    if not shown and not _may_view(request, found):
        raise Http404
    if name.startswith(("c", "og")) and found.sizes:  # cropped around the focal point
        name = f"{name.partition('-')[0]}-{found.sizes['at'][0]}-{found.sizes['at'][1]}"
    etag = f'"{found.digest[:16]}-{name}-{suffix}"'
    response = get_conditional_response(request, etag)
    if response is None:
        data = read_or_404(f"{found.folder}/{name}.{suffix}")
        response = HttpResponse(data, content_type=CONTENT_TYPES[suffix])
    response["ETag"] = etag
    # Caches must revalidate before each use, because a story may be unpublished.
    if shown:
        revalidate_always(response)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _may_view(request: HttpRequest, found: Image) -> bool:
    if token := ImageQuery.read(request.GET)["preview"]:
        article = find_previewed_article(token)
        if article and ImageUse.objects.filter(article=article, image=found).exists():
            return True
    user = fully_authenticated_user(request)
    return user is not None and found.is_readable_by(user)
