"""oEmbed 1.0 (https://oembed.com): how other sites show a link to one of our stories."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from articles.images.html import card
from articles.models import Article, Site
from articles.redirects import find_article
from core.xml import XmlWriter

WIDTH, HEIGHT = 600, 200  # pixels; what is shown is text that flows, so these are no more than a guess


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """`?url=` of a story whose rights are known, `format=json` (the default) or `xml`; 501 for any other."""
    if (kind := request.GET.get("format", "json")) not in {"json", "xml"}:
        return HttpResponse(status=501)
    stories = (
        Article.objects.syndicated().signed().only("slug", "title", "standfirst", "byline", "lead_image")
    )
    slug = _story_slug(request.GET.get("url", ""))
    story = stories.filter(slug=slug).first() or get_object_or_404(stories, pk=find_article("", slug) or 0)
    answer = _describe(story, request.site) | {  # type: ignore[arg-type]
        "width": _limited_size(WIDTH, request.GET.get("maxwidth", "")),
        "height": _limited_size(HEIGHT, request.GET.get("maxheight", "")),
    }
    response = _xml_response(answer) if kind == "xml" else JsonResponse(answer)
    patch_cache_control(response, public=True, no_cache=True)
    return response


def _story_slug(url: str) -> str:
    """That of the story at this URL of ours. Raises Http404 for any other."""
    try:
        parts = urlsplit(url)
        match = resolve(unquote(parts.path))
    except (ValueError, Resolver404) as error:
        raise Http404 from error
    ours = parts.scheme in {"http", "https"} and parts.netloc == urlsplit(settings.SITE_URL).netloc
    if not ours or match.url_name != "story":
        raise Http404
    slug: str = match.kwargs["slug"]
    return slug


def _limited_size(usual: int, asked: str) -> int:
    return min(usual, max(1, int(asked))) if asked.isdecimal() and len(asked) < 9 else usual


def _describe(story: Article, site: Site) -> dict[str, Any]:
    url = settings.SITE_URL + story.get_absolute_url()
    html = format_html(
        '<blockquote cite="{url}"><p><a href="{url}">{title}</a></p>{standfirst}</blockquote>',
        url=url,
        title=story.title,
        standfirst=format_html("<p>{}</p>", story.standfirst) if story.standfirst else "",
    )
    answer = {
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
        image = card(story.lead_image)
        answer |= {
            "thumbnail_url": settings.SITE_URL + image["path"],
            "thumbnail_width": image["width"],
            "thumbnail_height": image["height"],
        }
    return {key: value for key, value in answer.items() if value}


def _xml_response(answer: dict[str, Any]) -> HttpResponse:
    response = HttpResponse(content_type="text/xml; charset=utf-8")
    writer = XmlWriter(response, "utf-8")
    writer.startDocument()
    writer.startElement("oembed", {})
    for key, value in answer.items():
        writer.addQuickElement(key, str(value))
    writer.endElement("oembed")
    return response
