"""The two pages that look for words. They write nothing and know no reader.

They show the same to everybody, and are kept nowhere: what people look for is without end, and their own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles import redirects
from articles.models import Article, Author, Topic
from articles.search import ASKED_MAX, Busy, Question, Unclear, find_words, limited, read_question
from articles.site.current_site import current_site
from comments.models import Discussion
from comments.search.excerpts import Passage, excerpt, mark, read_passages, words_of
from comments.search.queries import (
    Finds,
    FoundComment,
    FoundStory,
    Where,
    find_comments,
    find_in_discussion,
    find_stories,
)
from comments.views.loading import asked_number
from core.rate_limits import refuse

PAGE_SIZE = 50  # comments of a discussion
SITE_SIZE = 20  # stories, or comments, of the site
FIRST_STORIES = 5  # above the comments, where both are shown
TOPICS_MAX = AUTHORS_MAX = 200  # to choose from
BUSY_SECONDS = 5  # after which a search that found no turn may be tried again
KINDS = {"", "stories", "comments"}

Named = TypeVar("Named", Topic, Author)


class Shown(NamedTuple):
    find: FoundComment | FoundStory
    title: SafeString  # of its story, marked in a story's own entry
    text: SafeString


@dataclass(frozen=True)
class Section:
    rows: list[Shown]
    count: int
    is_all: bool  # else there are more than `count`
    next_url: str


@require_safe
def find(request: HttpRequest, slug: str) -> HttpResponse:
    """What the comments of a story say of `?q=`, as the discussion went; `?after=` the id of a find."""
    stories = Article.objects.published(request.now).exclude(  # type: ignore[attr-defined]
        discussion__status=Discussion.Status.HIDDEN
    )
    if current_site().comment_status == Discussion.Status.HIDDEN:
        raise Http404
    article = get_object_or_404(stories.defer("body", "body_html", "vector"), slug=slug)
    asked, after = _asked(request), asked_number(request, "after")
    context: dict[str, Any] = {"article": article, "zone": article.zone, "q": asked}
    try:
        if asked:
            with limited():
                question = read_question(asked)
                finds = find_in_discussion(article, question, PAGE_SIZE, after)
                (rows,) = _present(question, finds)
            context["comments"] = _section(rows, finds, {"q": asked})
    except Unclear as error:
        context["unclear"] = str(error)
        if isinstance(error, Busy):
            refuse(request, BUSY_SECONDS)
    return _answer(request, "search/find.html", context | {"is_later": after is not None})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What stories, and then comments, say of `?q=`: within `?topic=`, `?author=` and `?year=`. One
    of the two alone, and there `?after=` the id of a find, with `?in=stories|comments`."""
    kind, asked = request.GET.get("in", ""), _asked(request)
    if kind not in KINDS:
        raise Http404
    after = asked_number(request, "after") if kind else None
    topics = list(Topic.objects.shown().with_stories()[:TOPICS_MAX])
    authors = list(Author.objects.shown(request.now)[:AUTHORS_MAX])  # type: ignore[attr-defined]
    topic, author = _chosen(request, "topic", topics), _chosen(request, "author", authors)
    year = request.GET.get("year", "").strip()
    chosen = {
        "q": asked,
        "topic": topic.slug if topic else "",
        "author": author.slug if author else "",
        "year": year,
    }
    kept = {key: value for key, value in chosen.items() if value}
    context: dict[str, Any] = {
        "q": asked,
        "topics": topics,
        "topic": topic,
        "authors": authors,
        "author": author,
        "year": year,
        "start_url": "?" + urlencode(kept) if kind else "",
    }
    try:
        where = Where(topic, author, _year(year))
        if asked:
            with limited():
                context |= _search(asked, where, request.now, kind, after, kept)  # type: ignore[attr-defined]
    except Unclear as error:
        context["unclear"] = str(error)
        if isinstance(error, Busy):
            refuse(request, BUSY_SECONDS)
    return _answer(request, "search/search.html", context)


def _search(
    asked: str, where: Where, now: datetime, kind: str, after: int | None, kept: dict[str, str]
) -> dict[str, Section]:
    question = read_question(asked)
    none: Finds[Any] = Finds([], 0, True, None)
    size = SITE_SIZE if kind else FIRST_STORIES
    stories = none if kind == "comments" else find_stories(question, where, now, size, after)
    comments = none if kind == "stories" else find_comments(question, where, now, SITE_SIZE, after)
    story_rows, comment_rows = _present(question, stories, comments)
    return {
        "stories": _section(story_rows, stories, kept | {"in": "stories"}),
        "comments": _section(comment_rows, comments, kept | {"in": "comments"}),
    }


def _present(question: Question, *pages: Finds[Any]) -> list[list[Shown]]:
    """Each page's finds with their words marked; one statement for all."""
    read = [[(row, _passages(row)) for row in page.rows] for page in pages]
    texts = [
        text for page in read for row, passages in page for text in (row.title, *(p.text for p in passages))
    ]
    found = find_words(question, words_of(texts)) if texts else {}
    return [
        [
            Shown(
                row,
                mark(row.title, found if isinstance(row, FoundStory) else {}),
                excerpt(passages, found),
            )
            for row, passages in page
        ]
        for page in read
    ]


def _passages(row: FoundComment | FoundStory) -> list[Passage]:
    standfirst = [Passage(row.standfirst, False)] if isinstance(row, FoundStory) and row.standfirst else []
    return standfirst + read_passages(row.body_html)


def _section(rows: list[Shown], finds: Finds[Any], kept: dict[str, str]) -> Section:
    next_url = "?" + urlencode(kept | {"after": str(finds.next)}) if finds.next else ""
    return Section(rows, finds.count, finds.is_all, next_url)


def _asked(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", " ").strip()


def _chosen(request: HttpRequest, name: str, offered: Sequence[Named]) -> Named | None:
    """The one whose slug the URL names, or named before it got another. Raises Http404 where it is none of
    these."""
    if not (slug := request.GET.get(name, "").strip()):
        return None
    if found := next((each for each in offered if each.slug == slug), None):
        return found
    url = redirects.find(f"/{name}s/{slug}/", "", request.now)  # type: ignore[attr-defined]
    if not (found := next((each for each in offered if each.get_absolute_url() == url), None)):
        raise Http404
    return found


def _year(text: str) -> tuple[datetime, datetime] | None:
    """Its start and end in the newsroom's zone. Raises Unclear for anything but a year."""
    if not text:
        return None
    if not re.fullmatch(r"[12]\d{3}", text, re.ASCII):
        raise Unclear(_("A year has four digits, such as 2013."))
    zone = timezone.get_current_timezone()
    return datetime(int(text), 1, 1, tzinfo=zone), datetime(int(text) + 1, 1, 1, tzinfo=zone)


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context | {"q_max": ASKED_MAX})
    patch_cache_control(response, private=True, no_cache=True)
    return response
