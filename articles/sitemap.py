"""What search engines may find: /sitemap.xml and /robots.txt, which names it.

The sitemap names one file for the lists and one for each 1,000 keys of stories, so that a new story changes
the last of them only.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles.calendar import by_year, count_months
from articles.kept import keep
from articles.models import Article, Topic
from articles.xml import XmlWriter

SITEMAP_SIZE = 1_000  # keys in one file: it is made anew after each publication, in 40 ms
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

# Forms, and answers to what somebody typed or did. Pages that say "noindex" themselves must stay readable.
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
Disallow: /stories/*/version/

Sitemap: {}
"""


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    text = ROBOTS.format(settings.SITE_URL + reverse("sitemap"))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@keep
def index(request: HttpRequest) -> HttpResponse:
    stories = Article.objects.syndicated(request.now).order_by()  # type: ignore[attr-defined]
    files = (
        stories.annotate(file=(F("pk") - 1) / SITEMAP_SIZE + 1)
        .values("file")
        .annotate(last=Max(Greatest("published_at", "updated_at")))
        .order_by("file")
        .values_list("file", "last")
    )
    lists: list[tuple[str, datetime | None]] = [(reverse("sitemap-lists"), None)]
    named = [(reverse("sitemap-stories", args=[file]), last) for file, last in files]
    return _write("sitemapindex", "sitemap", lists + named)


@require_safe
@keep
def lists(request: HttpRequest) -> HttpResponse:
    """The front page, topics, years and months that hold stories whose rights are known."""
    now: datetime = request.now  # type: ignore[attr-defined]
    stories = Article.objects.syndicated(now)
    topics = Topic.objects.shown().with_stories(stories)[: SITEMAP_SIZE // 2]
    urls = [reverse("home"), *(topic.get_absolute_url() for topic in topics)]
    for year in by_year(count_months(stories, request.site.zone)):  # type: ignore[attr-defined]
        urls += [year.get_absolute_url(), *(month.get_absolute_url() for month in year.months)]
    return _write("urlset", "url", ((url, None) for url in urls[:SITEMAP_SIZE]))


@require_safe
@keep
def stories(request: HttpRequest, file: str) -> HttpResponse:
    last = int(file) * SITEMAP_SIZE
    found = (
        Article.objects.syndicated(request.now)  # type: ignore[attr-defined]
        .filter(pk__gt=last - SITEMAP_SIZE, pk__lte=last)
        .only("slug", "published_at", "updated_at")
        .order_by("pk")
    )
    if not found:
        raise Http404
    return _write("urlset", "url", ((story.get_absolute_url(), story.changed_at) for story in found))


def _write(root: str, entry: str, urls: Iterable[tuple[str, datetime | None]]) -> HttpResponse:
    """`urls`: paths, each with the moment of its last change, if that is known."""
    response = HttpResponse(content_type="application/xml; charset=utf-8")
    writer = XmlWriter(response, "utf-8")
    writer.startDocument()
    writer.startElement(root, {"xmlns": NAMESPACE})
    for path, changed_at in urls:
        writer.startElement(entry, {})
        writer.addQuickElement("loc", settings.SITE_URL + path)
        if changed_at:
            writer.addQuickElement("lastmod", f"{changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        writer.endElement(entry)
    writer.endElement(root)
    return response
