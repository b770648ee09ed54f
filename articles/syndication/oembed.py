"""The oEmbed 1.0 endpoint (https://oembed.com), by which other sites show a link to a story of this site."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import Resolver404, resolve, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from articles.images.html import social_image
from articles.models import Article, Site
from articles.redirects import find_redirected_article
from articles.site.cached_pages import revalidate_always
from articles.site.requests import SiteRequest
from core.query_forms import NumberField, QueryForm
from core.xml import XmlWriter

WIDTH, HEIGHT = 600, 200  # pixels; only an estimate, because the content is flowing text


class OEmbedQuery(QueryForm):
    """The parameters of the endpoint, as the standard names them."""

    url = forms.CharField(required=False)
    format = forms.ChoiceField(choices=[("json", "json"), ("xml", "xml")], initial="json")
    maxwidth = NumberField(digits=8, initial=WIDTH)
    maxheight = NumberField(digits=8, initial=HEIGHT)


@require_safe
def oembed(request: SiteRequest) -> HttpResponse:
    """Return the oEmbed data of the story at `?url=`, whose rights must be known.

    `format` is `json` (the default) or `xml`. Another format gets 501.
    """
    form = OEmbedQuery(request.GET)
    if "format" in form.errors:
        return HttpResponse(status=501)
    query = form.values()
    articles = (
        Article.objects.syndicated()
        .with_author_names()
        .only("slug", "title", "standfirst", "byline", "lead_image")
    )
    slug = _story_slug(query["url"])
    article = articles.filter(slug=slug).first() or get_object_or_404(
        articles, pk=find_redirected_article("", slug) or 0
    )
    data = _describe(article, request.site) | {
        "width": min(WIDTH, max(1, query["maxwidth"])),
        "height": min(HEIGHT, max(1, query["maxheight"])),
    }
    response = _xml_response(data) if query["format"] == "xml" else JsonResponse(data)
    revalidate_always(response)
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


def _describe(article: Article, site: Site) -> dict[str, Any]:
    url = settings.SITE_URL + article.get_absolute_url()
    html = format_html(
        '<blockquote cite="{url}"><p><a href="{url}">{title}</a></p>{standfirst}</blockquote>',
        url=url,
        title=article.title,
        standfirst=format_html("<p>{}</p>", article.standfirst) if article.standfirst else "",
    )
    data = {
        "version": "1.0",
        "type": "rich",
        "title": article.title,
        "author_name": article.byline_text,
        "provider_name": site.name,
        "provider_url": settings.SITE_URL + reverse("home"),
        "url": url,
        "html": html,
    }
    if article.lead_image:
        image = social_image(article.lead_image)
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
