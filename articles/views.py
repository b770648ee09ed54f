"""The public pages of stories: authors, standing pages, archive, rules and previews."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication.second_factors import fully_authenticated_user
from accounts.requests import next_path, referring_path
from articles.article_lists import read_list_page
from articles.images.html import add_preview_tokens
from articles.markup.markdown import render_document
from articles.models import Article, Author, StandingPage, preview_article_id
from articles.months import Month, Year, adjacent_times, count_months, group_by_year, time_range
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest
from core.appearance.tokens import THEMES
from core.cookies import set_cookie_for_a_year


@require_safe
@cache_for_anonymous
def author(request: SiteRequest, slug: str) -> HttpResponse:
    """Show a staff author and their stories. An author without a published story has no page."""
    authors = Author.objects.named().with_articles(Article.objects.published(request.now))
    author = get_object_or_404(authors, slug=slug)
    articles = Article.objects.published(request.now).filter(authors=author)
    return render(request, "articles/author.jinja", {"author": author, **read_list_page(request, articles)})


@require_safe
@cache_for_anonymous
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a standing page, such as About or Contact."""
    page = get_object_or_404(StandingPage.objects.shown(), slug=slug)
    return render(request, "articles/page.jinja", {"page": page})


@require_safe
@cache_for_anonymous
def archive(request: SiteRequest) -> HttpResponse:
    """Show all months with stories, by year."""
    articles = Article.objects.published(request.now)
    years = group_by_year(count_months(articles, request.site.zone))
    return render(request, "articles/archive.jinja", {"years": years})


@require_safe
@cache_for_anonymous
def archive_span(request: SiteRequest, year: str, month: str | None = None) -> HttpResponse:
    """Show the stories of a year or a month in the site's time zone. Raises Http404 if there are none."""
    zone, now = request.site.zone, request.now
    start, end = time_range(zone, int(year), int(month) if month else None)
    articles = Article.objects.published(now).within(start, end)
    page = read_list_page(request, articles)
    if not page["articles"]:
        raise Http404
    earlier, later = (
        at and _period_of(at.astimezone(zone), by_month=bool(month)) for at in adjacent_times(now, start, end)
    )
    context = {
        "period": _period_of(start, by_month=bool(month)),
        "months": [] if month else count_months(articles, zone),
        "year": _period_of(start, by_month=False) if month else None,
        "earlier": earlier,
        "later": later,
        **page,
    }
    return render(request, "articles/archive_span.jinja", context)


@require_safe
@cache_for_anonymous
def rules(request: SiteRequest) -> HttpResponse:
    """Show the full rules of commenting. Raises Http404 if there are none."""
    if not (text := request.site.rules):
        raise Http404
    return render(request, "articles/rules.jinja", {"rules": render_document(text)})


@csrf_exempt  # a cached page has no token, and another site could change no more than the theme
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store the chosen theme (light, dark or the system's) in a cookie, and return to the page's footer."""
    response = HttpResponseRedirect(_local_path(request).partition("#")[0] + "#foot")
    if (chosen := request.POST.get("theme")) in THEMES:
        set_cookie_for_a_year(response, "theme", chosen)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@require_safe
def preview(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Show a draft to everybody who has its preview link: the story without its discussion, with noindex."""
    # The token names the story: its slug may have changed since, and be that of another story now.
    article = get_object_or_404(Article, pk=preview_article_id(token))
    if not (until := article.preview_until(token, fully_authenticated_user(request))):
        raise Http404
    if article.is_published():
        return redirect(article)
    context = {
        "article": article,
        "topics": article.topics.shown(),
        "authors": article.byline_authors(),
        "zone": article.time_zone,
        "until": until,
        "corrections": article.corrections.all(),
        "is_embargoed": article.is_embargoed(),
    }
    response = render(request, "articles/preview.jinja", context)
    response["X-Robots-Tag"] = "noindex"
    add_preview_tokens(response, article)
    return response


def _period_of(local: datetime, *, by_month: bool) -> Month | Year:
    return Month(local.year, local.month) if by_month else Year(local.year)


def _local_path(request: HttpRequest) -> str:
    """Return the path in the field `next`, or else that of the Referer, or else the front page."""
    return next_path(request) or referring_path(request) or reverse("home")
