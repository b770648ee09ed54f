from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from articles.images.html import add_preview_tokens
from articles.markup.markdown import render_story
from articles.models import Article, ArticleQuerySet, Author, StandingPage, Topic, previewed
from articles.months import Month, Year, adjacent_times, count_months, group_by_year, time_range
from articles.paging import Place, asked_place, url_behind
from articles.redirects import OLD_KEYS, redirect_response
from articles.site.cached_pages import depends, keep
from articles.site.context_processors import THEMES

PAGE_SIZE = 20  # stories


@require_safe
@keep
def home(request: HttpRequest) -> HttpResponse:
    """What was pinned, in its order, and below it all else by time."""
    if not OLD_KEYS.isdisjoint(request.GET) and (response := redirect_response(request)):
        return response
    articles = Article.objects.published(request.now)  # type: ignore[attr-defined]
    pinned = list(articles.filter(pin__isnull=False).order_by("pin__place", "pin__pk").listed())
    page = _list_page(request, articles.exclude(pk__in=[story.pk for story in pinned]))
    if not request.GET.get("before"):
        _depend_on_counts(request, pinned)
        page["articles"] = pinned + page["articles"]
    return render(request, "articles/home.html", page)


@require_safe
@keep
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Topic.objects.shown(), slug=slug)
    articles = Article.objects.published(request.now).filter(topics=found)  # type: ignore[attr-defined]
    return render(request, "articles/topic.html", {"topic": found, **_list_page(request, articles)})


@require_safe
@keep
def author(request: HttpRequest, slug: str) -> HttpResponse:
    """Somebody of the staff and what they signed; who signed nothing that can be read has no page."""
    found = get_object_or_404(Author.objects.shown(request.now), slug=slug)  # type: ignore[attr-defined]
    stories = Article.objects.published(request.now).filter(authors=found)  # type: ignore[attr-defined]
    return render(request, "articles/author.html", {"author": found, **_list_page(request, stories)})


@require_safe
@keep
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """About, Rules, Contact: what stands, and is no story."""
    found = get_object_or_404(StandingPage.objects.shown(), slug=slug)
    return render(request, "articles/page.html", {"page": found})


@require_safe
@keep
def archive(request: HttpRequest) -> HttpResponse:
    """Every month under which there is a story, by year."""
    articles = Article.objects.published(request.now)  # type: ignore[attr-defined]
    years = group_by_year(count_months(articles, request.site.zone))  # type: ignore[attr-defined]
    return render(request, "articles/archive.html", {"years": years})


@require_safe
@keep
def archive_span(request: HttpRequest, year: str, month: str | None = None) -> HttpResponse:
    """The stories of a year or a month of the site's zone; one without stories is no page."""
    zone: ZoneInfo = request.site.zone  # type: ignore[attr-defined]
    now: datetime = request.now  # type: ignore[attr-defined]
    start, end = time_range(zone, int(year), int(month) if month else None)
    stories = Article.objects.published(now).within(start, end)
    page = _list_page(request, stories)
    if not page["articles"]:
        raise Http404
    earlier, later = (
        at and _period_of(at.astimezone(zone), by_month=bool(month)) for at in adjacent_times(now, start, end)
    )
    context = {
        "span": _period_of(start, by_month=bool(month)),
        "months": [] if month else count_months(stories, zone),
        "year": _period_of(start, by_month=False) if month else None,
        "earlier": earlier,
        "later": later,
        **page,
    }
    return render(request, "articles/archive_span.html", context)


@require_safe
@keep
def rules(request: HttpRequest) -> HttpResponse:
    """What is asked of those who comment, in full; no page while the owner has written none."""
    text: str = request.site.rules  # type: ignore[attr-defined]
    if not text:
        raise Http404
    return render(request, "articles/rules.html", {"rules": render_story(text)})


@csrf_exempt  # a kept page has no token, and all that another site could do is to change the colours
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the reader's system has it: remembered in a cookie. Back to the foot of
    the page where it was pressed."""
    response = HttpResponseRedirect(_local_path(request).partition("#")[0] + "#foot")
    if (chosen := request.POST.get("theme")) in THEMES:
        response.set_cookie(
            "theme",
            chosen,
            max_age=60 * 60 * 24 * 365,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@require_safe
def preview(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """A draft for whoever was sent the link: the story without its discussion, found by no search engine."""
    # A link that was sent goes on working while the story is called otherwise.
    named = Article.objects.filter(slug=slug).first()
    article = named or get_object_or_404(Article, pk=previewed(token))
    reader = request.user if isinstance(request.user, User) else None
    if not (until := article.preview_until(token, reader)):
        raise Http404
    if article.is_published():
        return redirect(article)
    context = {
        "article": article,
        "topics": article.topics.shown(),
        "authors": article.signed_by(),
        "zone": article.zone,
        "until": until,
        "corrections": article.corrections.all(),
        "is_embargoed": article.is_embargoed(),
    }
    response = render(request, "articles/preview.html", context)
    response["X-Robots-Tag"] = "noindex"
    add_preview_tokens(response, article)
    return response


def _period_of(local: datetime, *, by_month: bool) -> Month | Year:
    return Month(local.year, local.month) if by_month else Year(local.year)


def _local_path(request: HttpRequest) -> str:
    """The page of ours that the form names, else the one that it was sent from, else the front page."""
    host = f"//{request.get_host()}"
    _, _, sent_from = request.headers.get("Referer", "").partition("#")[0].partition(host)
    for path in (request.POST.get("next", ""), sent_from):
        if path.startswith("/") and url_has_allowed_host_and_scheme(path, None):
            return path
    return reverse("home")


def _list_page(request: HttpRequest, articles: ArticleQuerySet) -> dict[str, Any]:
    """One page of a list and the URL of the next, which a new story does not shift."""
    if place := asked_place(request):
        articles = articles.before(place)
    found = list(articles.listed()[: PAGE_SIZE + 1])  # one more than is shown tells of a next page
    shown = found[:PAGE_SIZE]
    next_url = ""
    if len(found) > PAGE_SIZE and (at := shown[-1].published_at):
        next_url = url_behind(request, Place(at, shown[-1].pk))
    _depend_on_counts(request, shown)
    return {"articles": shown, "next_url": next_url}


def _depend_on_counts(request: HttpRequest, shown: Iterable[Article]) -> None:
    """An article that changes grows the site's version; the counts of comments do not."""
    versions = {a.pk: a.discussion.version if hasattr(a, "discussion") else 0 for a in shown}
    depends(request, discussions=versions)
