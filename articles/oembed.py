"""The oEmbed 1.0 endpoint (https://oembed.com), by which other sites show a link to a story of this site."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from articles.images.html import social_image
from articles.models import Article, Site
from articles.redirects import find_redirected_article
from articles.site.requests import SiteRequest
from core.xml import XmlWriter

WIDTH, HEIGHT = 600, 200  # pixels; only an estimate, because the content is flowing text


@require_safe
def oembed(request: SiteRequest) -> HttpResponse:
    """Return the oEmbed data of the story at `?url=`, whose rights must be known.

    `format` is `json` (the default) or `xml`. Another format gets 501.
    """
    if (kind := request.GET.get("format", "json")) not in {"json", "xml"}:
        return HttpResponse(status=501)
    stories = (
        Article.objects.syndicated().signed().only("slug", "title", "standfirst", "byline", "lead_image")
    )
    slug = _story_slug(request.GET.get("url", ""))
    story = stories.filter(slug=slug).first() or get_object_or_404(
        stories, pk=find_redirected_article("", slug) or 0
    )
    data = _describe(story, request.site) | {
        "width": _limited_size(WIDTH, request.GET.get("maxwidth", "")),
        "height": _limited_size(HEIGHT, request.GET.get("maxheight", "")),
    }
    response = _xml_response(data) if kind == "xml" else JsonResponse(data)
    patch_cache_control(response, public=True, no_cache=True)
    return response


def _story_slug(url: str) -> str:
    """Return the slug of the story at this URL. Raises Http404 for any other URL."""
    try:
        parts = urlsplit(url)
        match = resolve(unquote(parts.path))
    except (ValueError, Resolver404) as error:
        raise Http404 from error
    is_local = parts.scheme in {"http", "https"} and parts.netloc == urlsplit(settings.SITE_URL).netloc
    if not is_local or match.url_name != "story":
        raise Http404
    slug: str = match.kwargs["slug"]
    return slug


def _limited_size(default: int, limit: str) -> int:
    return min(default, max(1, int(limit))) if limit.isdecimal() and len(limit) < 9 else default


def _describe(story: Article, site: Site) -> dict[str, Any]:
    url = settings.SITE_URL + story.get_absolute_url()
    html = format_html(
        '<blockquote cite="{url}"><p><a href="{url}">{title}</a></p>{standfirst}</blockquote>',
        url=url,
        title=story.title,
        standfirst=format_html("<p>{}</p>", story.standfirst) if story.standfirst else "",
    )
    data = {
        "version": "1.0",
        "type": "rich",
        "title": story.title,
        "author_name": story.signature,
        "provider_name": site.name,
        "provider_url": settings.SITE_URL + reverse("home"),
        "url": url,
        "html": html,
    }
    if story.lead_image:
        image = social_image(story.lead_image)
        data |= {
            "thumbnail_url": settings.SITE_URL + image["path"],
            "thumbnail_width": image["width"],
            "thumbnail_height": image["height"],
        }
    return {key: value for key, value in data.items() if value}


def _xml_response(data: dict[str, Any]) -> HttpResponse:
    response = HttpResponse(content_type="text/xml; charset=utf-8")
    writer = XmlWriter(response, "utf-8")
    writer.startDocument()
    writer.startElement("oembed", {})
    for key, value in data.items():
        writer.addQuickElement(key, str(value))
    writer.endElement("oembed")
    return response
