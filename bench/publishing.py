"""Measure what readers find among many stories: python -m bench.publishing

The same pages of one site are requested when it has few stories and again when it has 10,000. The newest
stories are the same, so the pages show the same, and a ratio of one means that the cost does not grow. Each
page is rendered anew, because the site's version grows before each request. bench.reading measures cached
pages.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bench import fixture, servers
from bench.fixture import Words, Written
from bench.load import Measured, request_page
from bench.runner import Goal, Run, in_turn, report, rows, run

if TYPE_CHECKING:
    from articles.models import Article

SIZES = {"rounds": 3, "requests": 60, "few": 100, "stories": 10_000, "warm_up": True}
SMALLEST = {"rounds": 1, "requests": 1, "few": 25, "stories": 50, "warm_up": False}
COMMENTS = 10  # for each story, up to MAX_COMMENTS on the site
MAX_COMMENTS = 20_000
IN_A_THREAD = 500
TOPICS, AUTHORS = 4, 4
TICK = 0.01  # seconds


class Page(NamedTuple):
    """A page to request, and its goals."""

    path: str
    status: int = 200
    most: float | None = None  # times the cost on the small site
    cpu: float | None = None  # maximum milliseconds on the large site


PAGES = {
    "front page, five pinned": Page("/", most=1.5),
    "a story with its related ones": Page("/stories/{slug}/", most=1.5),
    "topic": Page("/topics/topic-1/", most=1.5),
    "author": Page("/authors/author-1/", most=1.5),
    "standing page": Page("/pages/about/", most=1.5),
    "archive": Page("/archive/", cpu=20),
    "a month": Page("/archive/{month}/", most=1.5),
    "feed, whole texts": Page("/feed/", most=1.5),
    "news sitemap": Page("/sitemap/news.xml", most=1.5),
    "sitemap's index": Page("/sitemap.xml", cpu=25),
    "sitemap's lists": Page("/sitemap/lists.xml", cpu=25),
    "search, a rare word": Page("/search/?q=zephyrine", most=2),
    "search, a word of half the stories": Page("/search/?q=would", cpu=60),
    "… by topic, author and year": Page("/search/?q=would&topic=topic-1&author=author-1&year={year}", cpu=60),
    "an old address": Page("/{year}/01/02/story-7/", 301, most=1.5),
    "an earlier name": Page("/stories/once-7/", 301, most=1.5),
    "no page": Page("/nothing/of/this/name/", 404, most=1.5),
}
Figures = dict[str, tuple[Measured, int]]  # with the number of statements, by page


def measure(bench: Run) -> Iterator[str | Goal]:
    """Request the pages of the small site and of the large one."""
    few, many = bench.sizes.few, bench.sizes.stories
    places = _create_stories(0, few)
    small = _ask_all(bench, places)
    report(f"{many:,} stories …")
    _create_stories(few, many)
    large = _ask_all(bench, places)
    head = f"page, made anew | {few}: p50 ms | CPU | {many:,}: p50 ms | CPU | ratio | statements | kB"
    yield from rows(head, (_row(name, *small[name], *large[name]) for name in PAGES))
    more = [name for name in PAGES if large[name][1] > small[name][1]]
    yield Goal(f"pages that take more statements at {many:,} stories", len(more), most=0, unit="")
    most = max(large[name][1] for name in PAGES if "search" not in name and "…" not in name)
    yield Goal("most statements of a page other than search", most, most=6, unit="")
    for name, page in PAGES.items():
        before, after = small[name][0].processor, large[name][0].processor
        if page.most:
            yield Goal(f"{name}: CPU against {few} stories", _ratio(before, after), most=page.most)
        if page.cpu:
            yield Goal(f"{name}, {many:,} stories: CPU", after, most=page.cpu, unit="ms")
    counted = _keyword_milliseconds()
    yield Goal("words of a story counted, when it is saved: CPU", counted, most=100, unit="ms")


def _row(name: str, small: Measured, before: int, large: Measured, after: int) -> str:
    figures = " | ".join(f"{one.p50:.1f} | {one.processor:.1f}" for one in (small, large))
    sizes = f"{small.size / 1000:.1f}, {large.size / 1000:.1f}"
    return (
        f"{name} | {figures} | {_ratio(small.processor, large.processor):.2f} | {before}, {after} | {sizes}"
    )


def _ratio(small: float, large: float) -> float:
    """Return the ratio of the processor times. A time below one kernel clock tick counts as one tick."""
    return max(large, TICK) / max(small, TICK)


def _ask_all(bench: Run, places: dict[str, str]) -> Figures:
    fixture.analyze()
    change = servers.change_site()
    targets = {name: bench.site.target(name, page.path.format(**places)) for name, page in PAGES.items()}
    requests = {
        name: partial(request_page, target, bench.sizes.requests, change, PAGES[name].status)
        for name, target in targets.items()
    }
    figures = in_turn(requests, bench.sizes.rounds, warm_up=bench.sizes.warm_up)
    if wrong := {name: one.failed for name, one in figures.items() if one.errors}:
        raise RuntimeError(f"wrong answers: {wrong}")
    statements = bench.site.page_statements(targets, dict.fromkeys(targets, change))
    return {name: (figures[name], statements[name]) for name in PAGES}


def _keyword_milliseconds() -> float:
    """Return the database's processor milliseconds for counting the words of one story."""
    from django.db import connection

    from articles.models import Article
    from articles.related import store_keywords

    connection.ensure_connection()
    database = [connection.connection.info.backend_pid]
    stories = list(Article.objects.published().only("pk")[:20])
    spent = servers.processor_seconds(database)
    for story in stories:
        store_keywords(article=story)
    return 1000 * (servers.processor_seconds(database) - spent) / len(stories)


def _create_stories(first: int, last: int) -> dict[str, str]:
    """Create the stories from number `first` to before `last`, of which 0 is the newest.

    Return the parts of the URLs to request.
    """
    from django.db import transaction
    from django.utils import timezone

    from articles.models import Article, Author, Byline, Redirect, Topic
    from articles.publishing.front_page import pin
    from articles.related import store_keywords

    words = Words(first)
    if not first:
        _add_people(words)
    topics = list(Topic.objects.filter(slug__startswith="topic-").order_by("pk"))
    authors = list(Author.objects.order_by("pk"))
    now = timezone.now()
    under = Article.topics.through
    for start in range(first, last, 1_000):
        numbers = range(start, min(start + 1_000, last))
        with transaction.atomic():
            made = Article.objects.bulk_create(_story(n, now, words) for n in numbers)
            some = list(zip(numbers, made, strict=True))
            under.objects.bulk_create(under(article=story, topic=topics[n % TOPICS]) for n, story in some)
            Byline.objects.bulk_create(
                Byline(article=story, author=authors[n % AUTHORS], position=1) for n, story in some
            )
            Redirect.objects.bulk_create(
                Redirect(old=old, article=story)
                for n, story in some
                for old in (f"/{now.year}/01/02/story-{n}/", f"/stories/once-{n}/")
            )
    _add_comments(first, last, words)
    newest = list(Article.objects.published().order_by("-published_at")[:60])
    if not first:
        for story in newest[10:15]:
            pin(article=story)
    for story in newest:
        store_keywords(article=story)
    return {"slug": newest[7].slug, "month": f"{newest[7].published_at:%Y/%m}", "year": str(now.year)}


def _add_people(words: Words) -> None:
    """Create topics, authors and a standing page."""
    from accounts.models import EDITOR, User
    from articles.models import Author, StandingPage, Topic
    from articles.services import save_page

    Topic.objects.bulk_create(Topic(name=f"Topic {n}", slug=f"topic-{n}") for n in range(TOPICS))
    for n in range(AUTHORS):
        user = User.objects.create_user(f"author{n}@example.org", name=f"Author {n}", roles=(EDITOR,))
        Author.objects.create(user=user, slug=f"author-{n}", bio="Writes about what there is.")
    save_page(page=StandingPage(title="About", slug="about", body=words.body()))


def _story(number: int, now: datetime, words: Words) -> "Article":
    from articles.models import Article

    paragraphs = [words.body() for _ in range(6)]
    if number % 40 == 7:
        paragraphs.append("The zephyrine was seen again.")
    is_hidden = number % 50 == 49
    return Article(
        title=words.sentence(7),
        slug=f"story-{number}",
        standfirst=words.body()[:160],
        body="\n\n".join(paragraphs),
        body_html="".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs),
        published_at=None if is_hidden else now - timedelta(hours=6 * number + 1),
    )


def _add_comments(first: int, last: int, words: Words) -> None:
    """Create comments in threads of 500, under the newest stories first."""
    from articles.models import Article

    start, end = (20 + min(MAX_COMMENTS, COMMENTS * n) // IN_A_THREAD for n in (first, last))
    for story in Article.objects.published().order_by("-published_at")[start:end]:
        assert story.published_at
        fixture.import_comments(
            story,
            [
                Written(f"Reader {n % 90}", words.body(), story.published_at, n - n % 5 if n % 5 else None)
                for n in range(IN_A_THREAD)
            ],
        )


if __name__ == "__main__":
    run("publishing", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
