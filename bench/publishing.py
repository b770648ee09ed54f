"""Measure what readers find among many stories: python -m bench.publishing

The same pages of one site are requested when it has few stories and again when it has 10,000. The newest
stories are the same, so the pages show the same, and a ratio of one means that the cost does not grow. Each
page is rendered anew, because the site's version grows before each request. bench.reading measures cached
pages.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from bench import machine, soundoff
from bench.load import Measured, Wire, ask, middle
from bench.report import Goal, goals, publish, rows
from bench.soundoff import Soundoff
from bench.threads import Words

if TYPE_CHECKING:
    from datetime import datetime

    from articles.models import Article

FEW, MANY = 100, 10_000  # stories
COMMENTS = 1_000  # at first; grows with the stories up to MOST_COMMENTS
MOST_COMMENTS = 20_000
TOPICS, AUTHORS = 4, 4


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
    "search, a rare word": Page("/search/?q={rare}", most=2),
    "search, a word of half the stories": Page("/search/?q={common}", cpu=60),
    "… by topic, author and year": Page(
        "/search/?q={common}&topic=topic-1&author=author-1&year={year}", cpu=60
    ),
    "an old address": Page("/{year}/01/02/story-7/", 301, most=1.5),
    "an earlier name": Page("/stories/once-7/", 301, most=1.5),
    "no page": Page("/nothing/of/this/name/", 404, most=1.5),
}


@dataclass
class Figures:
    """The figures of one page."""

    measured: Measured
    statements: int


TICK = 0.01  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.publishing", description=__doc__)
    parser.add_argument("--stories", type=int, default=MANY)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asked", type=int, default=60, help="questions to each page and round")
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--write", action="store_true", help="put the table into docs/measured.md")
    options = parser.parse_args()
    if options.smallest:
        options.stories, options.rounds, options.asked = 2 * FEW, 1, 1
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        site = stack.enter_context(soundoff.running(folder / "soundoff"))
        publish(
            "publishing", _sections(site, options.stories, options.rounds, options.asked), write=options.write
        )


def _sections(site: Soundoff, many: int, rounds: int, asked: int) -> Iterator[str]:
    yield f"{rounds} rounds of {asked}, medians. Load average before: {machine.load()}."
    places = _fill(0, FEW)
    small = _ask_all(site, places, rounds, asked)
    _say(f"{many:,} stories …")
    began = time.monotonic()
    _fill(FEW, many)
    _say(f"… in {time.monotonic() - began:.0f} s")
    large = _ask_all(site, places, rounds, asked)
    yield ""
    yield from rows(
        ("page, made anew", f"{FEW}: p50 ms", "CPU", f"{many:,}: p50 ms", "CPU", "ratio", "statements", "kB"),
        (
            (
                name,
                f"{small[name].measured.p50:.1f}",
                f"{small[name].measured.processor:.1f}",
                f"{large[name].measured.p50:.1f}",
                f"{large[name].measured.processor:.1f}",
                f"{_ratio(small[name], large[name]):.2f}",
                f"{small[name].statements}, {large[name].statements}",
                f"{small[name].measured.size / 1000:.1f}, {large[name].measured.size / 1000:.1f}",
            )
            for name in PAGES
        ),
    )
    yield ""
    yield from goals(_judge(small, large, many))
    yield ""
    yield f"Load average after: {machine.load()}."


def _judge(small: dict[str, Figures], large: dict[str, Figures], many: int) -> Iterator[Goal]:
    more = [name for name in PAGES if large[name].statements > small[name].statements]
    yield Goal(f"pages that take more statements at {many:,} stories", len(more), most=0, unit="")
    most = max(large[name].statements for name in PAGES if "search" not in name and "…" not in name)
    yield Goal("most statements of a page other than search", most, most=6, unit="")
    for name, page in PAGES.items():
        if page.most:
            yield Goal(f"{name}: CPU against {FEW} stories", _ratio(small[name], large[name]), most=page.most)
        if page.cpu:
            yield Goal(
                f"{name}, {many:,} stories: CPU", large[name].measured.processor, most=page.cpu, unit="ms"
            )
    yield Goal(
        "words of a story counted, when it is saved: CPU", _keyword_milliseconds(), most=100, unit="ms"
    )


def _ratio(small: Figures, large: Figures) -> float:
    """Return the ratio of the processor times. A time below one kernel clock tick counts as one tick."""
    return max(large.measured.processor, TICK) / max(small.measured.processor, TICK)


def _ask_all(site: Soundoff, places: dict[str, str], rounds: int, asked: int) -> dict[str, Figures]:
    soundoff.tidy()
    bump = soundoff.bump_site()
    targets = {name: site.target(name, page.path.format(**places)) for name, page in PAGES.items()}
    found: dict[str, list[Measured]] = {}
    for number in range(rounds + 1):
        for name, target in targets.items():
            measured = ask(target, asked, bump)
            wrong = {status: n for status, n in measured.errors.items() if status != str(PAGES[name].status)}
            if wrong:
                raise RuntimeError(f"{name} ({target.url}) answered {wrong}")
            if number:  # the first round warms up
                found.setdefault(name, []).append(measured)
                _say(f"{number} {name}: p50 {measured.p50:.1f} ms, CPU {measured.processor:.1f}")
    figures = {}
    for name, target in targets.items():
        wire = Wire(target.port)

        def ask_once(wire: Wire = wire, question: bytes = target.question()) -> None:
            bump()
            wire.exchange(question)

        ask_once()
        seen = site.statements(ask_once)
        statements = sum(not line.startswith("UPDATE articles_site") for line in seen)
        figures[name] = Figures(middle(found[name]), statements)
    return figures


def _keyword_milliseconds() -> float:
    """Return the database's processor milliseconds for counting the words of one story."""
    from django.db import connection

    from articles.models import Article
    from articles.related import store_keywords

    connection.ensure_connection()
    database = [connection.connection.info.backend_pid]
    stories = list(Article.objects.published().only("pk")[:20])
    spent = machine.processor_seconds(database)
    for story in stories:
        store_keywords(article=story)
    return 1000 * (machine.processor_seconds(database) - spent) / len(stories)


def _fill(there: int, wanted: int) -> dict[str, str]:
    """Create stories number `there` to `wanted`, the first one the newest. Return the parts of their URLs."""
    from django.db import transaction
    from django.utils import timezone

    from accounts.models import EDITOR, User
    from articles.models import Article, Author, Byline, Redirect, StandingPage, Topic
    from articles.publishing.front_page import pin
    from articles.related import store_keywords
    from articles.services import save_page

    words = Words(there)
    if not there:
        Topic.objects.bulk_create(Topic(name=f"Topic {n}", slug=f"topic-{n}") for n in range(TOPICS))
        for n in range(AUTHORS):
            user = User.objects.create_user(f"author{n}@example.org", name=f"Author {n}", roles=(EDITOR,))
            Author.objects.create(user=user, slug=f"author-{n}", line="Writes about what there is.")
        save_page(page=StandingPage(title="About", slug="about", body=words.body()))
    topics = list(Topic.objects.filter(slug__startswith="topic-").order_by("pk"))
    authors = list(Author.objects.order_by("pk"))
    now = timezone.now()
    for first in range(there, wanted, 1_000):
        numbers = range(first, min(first + 1_000, wanted))
        with transaction.atomic():
            made = Article.objects.bulk_create(_story(n, now, words) for n in numbers)
            under = Article.topics.through
            under.objects.bulk_create(
                under(article=story, topic=topics[n % TOPICS]) for n, story in zip(numbers, made, strict=True)
            )
            Byline.objects.bulk_create(
                Byline(article=story, author=authors[n % AUTHORS], place=1)
                for n, story in zip(numbers, made, strict=True)
            )
            Redirect.objects.bulk_create(
                Redirect(old=old, article=story)
                for n, story in zip(numbers, made, strict=True)
                for old in (f"/{now.year}/01/02/story-{n}/", f"/stories/once-{n}/")
            )
    _create_comments(there, wanted, words)
    newest = list(Article.objects.published().order_by("-published_at")[:60])
    if not there:
        for story in newest[10:15]:
            pin(article=story)
    for story in newest:
        store_keywords(article=story)
    month = newest[7].published_at
    assert month
    return {
        "slug": newest[7].slug,
        "month": f"{month:%Y/%m}",
        "year": str(now.year),
        "rare": "zephyrine",
        "common": "would",
    }


def _story(number: int, now: "datetime", words: Words) -> "Article":
    from articles.models import Article

    paragraphs = [words.body() for _ in range(6)]
    if number % 40 == 7:
        paragraphs.append("The zephyrine was seen again.")
    title = " ".join(words.random.choices(words.words, cum_weights=words.weights, k=7)).capitalize()
    is_hidden = number % 50 == 49
    return Article(
        title=title,
        slug=f"story-{number}",
        standfirst=words.body()[:160],
        body="\n\n".join(paragraphs),
        body_html="".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs),
        published_at=None if is_hidden else now - timedelta(hours=6 * number + 1),
    )


def _create_comments(there: int, wanted: int, words: Words) -> None:
    """Create comments in threads of 500, under the newest stories first."""
    from uuid import uuid4

    from articles.models import Article
    from comments.services.imports import ImportedComment, import_comments

    total = min(MOST_COMMENTS, COMMENTS * wanted // FEW)
    stories = Article.objects.published().order_by("-published_at")
    first = 20 + (min(MOST_COMMENTS, COMMENTS * there // FEW) // 500)
    for story in stories[first : 20 + total // 500]:
        comments = [
            ImportedComment(
                str(n), f"Reader {n % 90}", words.body(), story.published_at, n - n % 5 if n % 5 else None
            )
            for n in range(500)
        ]
        import_comments(article=story, comments=comments, actor=None, batch=uuid4())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
