"""The sitemap, /sitemap.xml, and /robots.txt, which links to it.

The sitemap index links to one file of lists, one of news and one for each 1,000 keys of stories, so a new
story changes only the last file. Stories that were first published on another site are left out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles.models import Article, Author, StandingPage, Topic
from articles.months import count_months, group_by_year
from articles.site.cached_pages import add_dependencies, cache_for_anonymous, revalidate_always
from articles.site.requests import SiteRequest
from core.dates.formats import utc_text
from core.xml import XmlWriter

SITEMAP_SIZE = 1_000  # keys in one file, which is made again after each publication, in 40 ms
NEWS_PERIOD = timedelta(hours=48)
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS_NAMESPACE = "http://www.google.com/schemas/sitemap-news/0.9"

# Forms and their results. Pages with "noindex" must not be listed, or search engines could not read it.
ROBOTS = """\
User-agent: *
Disallow: /accounts/
Disallow: /admin/
Disallow: /comments/
Disallow: /guests/
Disallow: /moderation/
Disallow: /search/
Disallow: /setup/
Disallow: /stories/*/find/
Disallow: /stories/*/new/
Disallow: /stories/*/order/
Disallow: /stories/*/recommend/
Disallow: /stories/*/reply/
Disallow: /stories/*/report/
Disallow: /stories/*/version/

Sitemap: {}
"""


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Return robots.txt."""
    text = ROBOTS.format(settings.SITE_URL + reverse("sitemap"))
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    revalidate_always(response)
    return response


@require_safe
@cache_for_anonymous
def index(request: SiteRequest) -> HttpResponse:
    """Return the sitemap index."""
    articles = Article.objects.syndicated(request.now).filter(canonical_url="").order_by()
    files = (
        articles.annotate(file=(F("pk") - 1) / SITEMAP_SIZE + 1)
        .values("file")
        .annotate(last=Max(Greatest("published_at", "updated_at")))
        .order_by("file")
        .values_list("file", "last")
    )
    others: list[tuple[str, datetime | None]] = [
        (reverse("sitemap-lists"), None),
        (reverse("sitemap-news"), None),
    ]
    article_files = [(reverse("sitemap-stories", args=[file]), last) for file, last in files]
    return _xml_response("sitemapindex", "sitemap", others + article_files)


@require_safe
@cache_for_anonymous
def lists(request: SiteRequest) -> HttpResponse:
    """Return the sitemap of all pages that are not stories.

    It has the front page, the standing pages, and the topics, authors, years and months of stories whose
    rights are known.
    """
    now = request.now
    articles = Article.objects.syndicated(now)
    topics = Topic.objects.shown().with_articles(articles)[: SITEMAP_SIZE // 4]
    authors = Author.objects.named().with_articles(articles)
    pages = StandingPage.objects.shown()[: SITEMAP_SIZE // 4]
    rows = [*pages, *topics, *authors[: SITEMAP_SIZE // 4]]
    urls = [reverse("home"), *(row.get_absolute_url() for row in rows)]
    for year in group_by_year(count_months(articles, request.site.zone)):
        urls += [year.get_absolute_url(), *(month.get_absolute_url() for month in year.months)]
    return _xml_response("urlset", "url", ((url, None) for url in urls[:SITEMAP_SIZE]))


@require_safe
@cache_for_anonymous
def news(request: SiteRequest) -> HttpResponse:
    """Return the news sitemap, in Google's format: stories first published here in the last two days."""
    now = request.now
    recent = (
        Article.objects.syndicated(now)
        .filter(published_at__gt=now - NEWS_PERIOD, canonical_url="")
        .only("slug", "title", "published_at")[:SITEMAP_SIZE]
    )
    response = HttpResponse(content_type="application/xml; charset=utf-8")
    writer = XmlWriter(response, "utf-8")
    writer.startDocument()
    writer.startElement("urlset", {"xmlns": NAMESPACE, "xmlns:news": NEWS_NAMESPACE})
    for article in recent:
        assert article.published_at
        add_dependencies(request, until=article.published_at + NEWS_PERIOD)
        writer.startElement("url", {})
        writer.addQuickElement("loc", settings.SITE_URL + article.get_absolute_url())
        writer.startElement("news:news", {})
        writer.startElement("news:publication", {})
        writer.addQuickElement("news:name", request.site.name)
        writer.addQuickElement("news:language", request.site.story_language.partition("-")[0])
        writer.endElement("news:publication")
        writer.addQuickElement("news:publication_date", utc_text(article.published_at))
        writer.addQuickElement("news:title", article.title)
        writer.endElement("news:news")
        writer.endElement("url")
    writer.endElement("urlset")
    return response


@require_safe
@cache_for_anonymous
def stories(request: SiteRequest, file: str) -> HttpResponse:
    """Return one sitemap file of stories, by its number. Raises Http404 if it is empty."""
    last = int(file) * SITEMAP_SIZE
    articles = (
        Article.objects.syndicated(request.now)
        .filter(pk__gt=last - SITEMAP_SIZE, pk__lte=last, canonical_url="")
        .only("slug", "published_at", "updated_at")
        .order_by("pk")
    )
    if not articles:
        raise Http404
    return _xml_response(
        "urlset", "url", ((article.get_absolute_url(), article.changed_at) for article in articles)
    )


def _xml_response(root: str, child: str, urls: Iterable[tuple[str, datetime | None]]) -> HttpResponse:
    """Return a sitemap of these paths, each with the time of its last change or None."""
    response = HttpResponse(content_type="application/xml; charset=utf-8")
    writer = XmlWriter(response, "utf-8")
    writer.startDocument()
    writer.startElement(root, {"xmlns": NAMESPACE})
    for path, changed_at in urls:
        writer.startElement(child, {})
        writer.addQuickElement("loc", settings.SITE_URL + path)
        if changed_at:
            writer.addQuickElement("lastmod", utc_text(changed_at))
        writer.endElement(child)
    writer.endElement(root)
    return response
