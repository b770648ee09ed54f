"""Search pages: within one discussion, and of all stories and comments.

They are the same for every reader, except that comments by people whom a member muted are folded. They are
not cached: queries are endless, and private.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles import redirects
from articles.models import Article, Author, Topic
from articles.months import time_range
from articles.search import (
    MAX_QUERY_LENGTH,
    SearchBusyError,
    SearchError,
    SearchQuery,
    match_words,
    parse_query,
    search_slot,
)
from articles.site.current_site import current_site
from articles.site.requests import SiteRequest
from comments.loading import current_member
from comments.models import Discussion
from comments.search.excerpts import Passage, excerpt, highlight, read_passages, searchable_words
from comments.search.queries import (
    CommentResult,
    Results,
    SearchScope,
    StoryResult,
    find_comments,
    find_in_discussion,
    find_stories,
)
from core.database.replicas import read_from_replica
from core.query_forms import NumberField, QueryForm, SearchField
from core.rate_limits import set_retry_after

PAGE_SIZE = 20  # results
STORIES_SHOWN_FIRST = 5  # stories above the comments, if both are shown
MAX_TOPICS = MAX_AUTHORS = 200  # choices in the form

Named = TypeVar("Named", Topic, Author)


class SearchResult(NamedTuple):
    row: CommentResult | StoryResult
    title: SafeString  # of the story; with highlights if the story itself is the result
    text: SafeString


@dataclass(frozen=True)
class ResultSection:
    rows: list[SearchResult]
    count: int
    is_count_exact: bool  # False: there are more than `count` results
    next_url: str


class LaterResultsQuery(QueryForm):
    """The part of a query string that says after which result a page begins."""

    after = NumberField()
    must_be_valid = frozenset({"after"})


class DiscussionSearchQuery(LaterResultsQuery):
    """The query string of the search in a discussion."""

    q = SearchField(limit=None)


class SearchPageQuery(QueryForm):
    """The query string of the search of the site."""

    q = SearchField(limit=None)
    in_ = forms.ChoiceField(choices=[("stories", ""), ("comments", "")], required=False)
    topic = SearchField(limit=None)
    author = SearchField(limit=None)
    year = SearchField(limit=None)
    must_be_valid = frozenset({"in_"})


@require_safe
@read_from_replica
def search_discussion(request: SiteRequest, slug: str) -> HttpResponse:
    """Search the comments of a story for `?q=`, oldest first, after the result `?after=`."""
    stories = Article.objects.published(request.now).exclude(discussion__status=Discussion.Status.HIDDEN)
    if current_site().comment_status == Discussion.Status.HIDDEN:
        raise Http404
    article = get_object_or_404(stories.only("slug", "title", "published_at", "source_zone"), slug=slug)
    query = DiscussionSearchQuery.read(request.GET)
    text, after = query["q"], query["after"]
    context: dict[str, Any] = {"article": article, "zone": article.time_zone, "q": text, "comments": None}
    try:
        if text:
            with search_slot():
                parsed = parse_query(text)
                results = find_in_discussion(article, parsed, PAGE_SIZE, after, current_member(request))
                (rows,) = _present_results(parsed, results)
            context["comments"] = _build_section(rows, results, {"q": text})
    except SearchError as error:
        context["error"] = _explain_error(request, error)
    return _render_uncached(request, "search/find.jinja", context | {"is_later": after is not None})


@require_safe
@read_from_replica
def search_site(request: SiteRequest) -> HttpResponse:
    """Search stories and comments for `?q=`, filtered by `?topic=`, `?author=` and `?year=`.

    `?in=stories` or `?in=comments` shows one kind alone, then after the result `?after=`.
    """
    query = SearchPageQuery.read(request.GET)
    kind, text, year = query["in_"], query["q"], query["year"]
    after = LaterResultsQuery.read(request.GET)["after"] if kind else None  # without a kind it is ignored
    topics = list(Topic.objects.shown().with_articles()[:MAX_TOPICS])
    with_page = Author.objects.named().with_articles(Article.objects.published(request.now))
    authors = list(with_page[:MAX_AUTHORS])
    topic = _selected("topic", query["topic"], topics, request.now)
    author = _selected("author", query["author"], authors, request.now)
    chosen = {
        "q": text,
        "topic": topic.slug if topic else "",
        "author": author.slug if author else "",
        "year": year,
    }
    params = {key: value for key, value in chosen.items() if value}
    context: dict[str, Any] = {
        "q": text,
        "topics": topics,
        "topic": topic,
        "authors": authors,
        "author": author,
        "year": year,
        "start_url": "?" + urlencode(params) if kind else "",
        "stories": None,
        "comments": None,
    }
    try:
        scope = SearchScope(topic, author, _year_bounds(year))
        if text:
            with search_slot():
                context |= _search_site(request, text, scope, kind, after, params)
    except SearchError as error:
        context["error"] = _explain_error(request, error)
    return _render_uncached(request, "search/search.jinja", context)


def _explain_error(request: SiteRequest, error: SearchError) -> str:
    """Return the error's message. If too many searches are running, the response gets the status 429."""
    if isinstance(error, SearchBusyError):
        set_retry_after(request, error.seconds)
    return str(error)


def _search_site(
    request: SiteRequest,
    text: str,
    scope: SearchScope,
    kind: str,
    after: int | None,
    params: dict[str, str],
) -> dict[str, ResultSection]:
    query, now, user = parse_query(text), request.now, current_member(request)
    none: Results[Any] = Results([], 0, True, None)
    size = PAGE_SIZE if kind else STORIES_SHOWN_FIRST
    stories = none if kind == "comments" else find_stories(query, scope, now, size, after)
    comments = none if kind == "stories" else find_comments(query, scope, now, PAGE_SIZE, after, user)
    story_rows, comment_rows = _present_results(query, stories, comments)
    return {
        "stories": _build_section(story_rows, stories, params | {"in": "stories"}),
        "comments": _build_section(comment_rows, comments, params | {"in": "comments"}),
    }


def _present_results(query: SearchQuery, *pages: Results[Any]) -> list[list[SearchResult]]:
    """Return the results of each page with highlighted matches. One query finds the matches of all."""
    read = [[(row, _passages(row)) for row in page.rows] for page in pages]
    texts = [
        text for page in read for row, passages in page for text in (row.title, *(p.text for p in passages))
    ]
    matches = match_words(query, searchable_words(texts)) if texts else {}
    return [
        [
            SearchResult(
                row,
                highlight(row.title, matches if isinstance(row, StoryResult) else {}),
                excerpt(passages, matches),
            )
            for row, passages in page
        ]
        for page in read
    ]


def _passages(row: CommentResult | StoryResult) -> list[Passage]:
    standfirst = [Passage(row.standfirst, False)] if isinstance(row, StoryResult) and row.standfirst else []
    return standfirst + read_passages(row.body_html)


def _build_section(rows: list[SearchResult], results: Results[Any], params: dict[str, str]) -> ResultSection:
    next_url = "?" + urlencode(params | {"after": str(results.next)}) if results.next else ""
    return ResultSection(rows, results.count, results.is_count_exact, next_url)


def _selected(name: str, slug: str, offered: Sequence[Named], now: datetime) -> Named | None:
    """Return the item that has this slug or had it earlier, or None if `slug` is empty.

    Raises Http404 if it is none of those offered.
    """
    if not slug:
        return None
    if selected := next((item for item in offered if item.slug == slug), None):
        return selected
    url = redirects.find_target_url(f"/{name}s/{slug}/", "", now)
    if not (selected := next((item for item in offered if item.get_absolute_url() == url), None)):
        raise Http404
    return selected


def _year_bounds(text: str) -> tuple[datetime, datetime] | None:
    """Return the start and end of a year in the site's time zone. Raises SearchError."""
    if not text:
        return None
    if not re.fullmatch(r"[12]\d{3}", text, re.ASCII):
        raise SearchError(_("A year has four digits, such as 2013."))
    return time_range(timezone.get_current_timezone(), int(text))


def _render_uncached(request: SiteRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context | {"q_max": MAX_QUERY_LENGTH})
    patch_cache_control(response, private=True, no_cache=True)
    return response
