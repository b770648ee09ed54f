"""Measure how many actions remove all spam from real discussions, and which good comments are proposed.

Each discussion is imported alone, into a transaction that is rolled back. A script accepts what the groups of
similar comments propose. When no group is left it marks the first spam comment that is still there, as a
moderator would who reads from the top, and scans again: what it decided may be evidence for a group.

The discussions come from the example data ($SOUNDOFF_DATA), with labels: saved pages, and each article of
spam/sources/ below which are at least three spam comments.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from bench import fixture
from bench.filter.sets import DATA
from bench.moderation import flood
from bench.runner import Goal, Run, rows

SIZES = {"threads": 100}
SMALLEST = {"threads": 2}
MIN_SPAM = 3  # spam comments of an article of spam/sources/ that is measured
TEST_SOURCE = "copywritingblog"  # nobody looked at this source while the groups were developed
SEED_PAGE = Path("seed", "story.txt")
FLOOD_PAGE = Path("import", "soundoff_spam", "flood_in_time.txt")
# Numbers in the file of the seed's comments: late spam, text missing in the original, duplicates.
SEED_LATE = frozenset({57, 58, 60, 61, *range(63, 68), *range(69, 75)})
SEED_MISSING = frozenset({31, 56, 59, 62, 68})
SEED_REPEATS = frozenset({33, 34})
# Half of the 22 actions that 42 removals from four discussions like the chosen ones once took.
MAX_ACTIONS = 11


class Imported(NamedTuple):
    """The comments of imported discussions."""

    ids: list[int]
    spam: set[int]


@dataclass
class Cleared:
    """The result of removing all spam from one discussion, or from a site."""

    name: str
    comments: int
    good: int
    spam: int
    in_groups: int  # spam comments that a group proposed
    removed: int  # comments, also duplicates and those without text
    actions: int
    wrongly_proposed: int  # good comments that were proposed as spam
    kinds: list[str]

    def __str__(self) -> str:
        """Return the row of the table."""
        share = f"{self.in_groups} of {self.spam}"
        figures = (self.name, self.comments, share, self.removed, self.actions, self.wrongly_proposed)
        return " | ".join(map(str, figures))


def measure(bench: Run) -> Iterator[str | Goal]:
    """Remove the spam from each discussion, and what the groups propose from each site of spam/sources/."""
    command = [sys.executable, "manage.py", "sample", "--remove", "--yes"]  # the sample has spam of its own
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    sources = [path.stem for path in sorted((DATA / "spam" / "sources").glob("*.csv"))]
    pages = [clear(page.stem, page_importer(page)) for page in _pages()]
    blogs = {
        source: [
            clear(f"{source}, {len(rows)} comments", _stories_importer([rows]))
            for rows in _articles(source)
            if sum(row["label"] == "spam" for row in rows) >= MIN_SPAM
        ]
        for source in sources[: bench.sizes.threads]
    }
    threads = [
        *pages,
        *(thread for source, found in blogs.items() if source != TEST_SOURCE for thread in found),
    ]
    test_threads = blogs.get(TEST_SOURCE, [])
    yield from _table(threads)
    yield from _goals(threads)
    yield ""
    yield f"The test source {TEST_SOURCE}:"
    yield ""
    yield from _table(test_threads)
    sites = [
        clear(source, _stories_importer(list(_articles(source))), all_spam=False)
        for source in sources[: bench.sizes.threads]
    ]
    yield ""
    yield "All articles of a source as one site, and only what the groups propose:"
    yield ""
    yield from _table(sites)
    good, wrongly_proposed = sum(site.good for site in sites), sum(site.wrongly_proposed for site in sites)
    yield Goal(
        f"good comments that are proposed as spam on these sites, of {good:,}",
        wrongly_proposed,
        most=0,
        unit="",
    )


def _goals(threads: Sequence[Cleared]) -> Iterator[Goal]:
    """Yield the goals of the seed, of four discussions like those that were measured before, and of all."""
    seed = next(thread for thread in threads if thread.name == SEED_PAGE.stem)
    for kind, wanted in (("late", SEED_LATE), ("missing", SEED_MISSING), ("repeat", SEED_REPEATS)):
        count = sum(int(text.split()[1]) for text in seed.kinds if text.split()[0] == kind)
        yield Goal(
            f"comments of the seed in its group “{kind}”", count, least=len(wanted), most=None, unit=""
        )
    like_before = _like_before(threads)
    chosen = [thread for thread in threads if thread in like_before]
    names = ", ".join(thread.name for thread in chosen)
    removed = sum(thread.removed for thread in chosen)
    actions = sum(thread.actions for thread in chosen)
    yield Goal(f"actions for {removed} removals ({names})", actions, most=MAX_ACTIONS, unit="")
    spam = sum(thread.spam for thread in threads)
    yield Goal("share of spam in groups", 100 * sum(t.in_groups for t in threads) / spam, unit="%")
    yield Goal("actions for all discussions", sum(thread.actions for thread in threads), unit="")
    wrongly_proposed = sum(thread.wrongly_proposed for thread in threads)
    good = sum(thread.good for thread in threads)
    yield Goal(f"good comments that are proposed as spam, of {good:,}", wrongly_proposed, most=0, unit="")


def _like_before(threads: Sequence[Cleared]) -> list[Cleared]:
    """Return the seed, the saved flood, the smallest other flood among good comments, a page without spam."""
    mixed = [t for t in threads if t.spam >= MIN_SPAM and t.good >= MIN_SPAM]
    by_name = {thread.name: thread for thread in threads}
    pages = [by_name[page.stem] for page in (SEED_PAGE, FLOOD_PAGE)]
    rest = [t for t in mixed if t not in pages]
    without_spam = [t for t in threads if not t.spam]
    return [
        *pages,
        *sorted(rest, key=attrgetter("spam"))[:1],
        *sorted(without_spam, key=attrgetter("comments"))[-1:],
    ]


def _table(cleared: Sequence[Cleared]) -> Iterator[str]:
    """Yield a table with the totals in its last row."""
    total = Cleared("all", 0, 0, 0, 0, 0, 0, 0, [])
    for one in cleared:
        for field in ("comments", "good", "spam", "in_groups", "removed", "actions", "wrongly_proposed"):
            setattr(total, field, getattr(total, field) + getattr(one, field))
    head = "discussion | comments | spam in groups | removed | actions | good proposed"
    yield from rows(head, map(str, [*cleared, total]))


# The data


def _pages() -> list[Path]:
    without_spam = sorted((DATA / "import" / "soundoff_text").glob("*.txt"))
    return [SEED_PAGE, FLOOD_PAGE, *(path.relative_to(DATA) for path in without_spam)]


def _spam_numbers(page: Path) -> frozenset[int]:
    """Return the numbers of the comments of a saved page that are spam."""
    if page == SEED_PAGE:
        return SEED_LATE
    labels = json.loads((DATA / page.with_suffix(".json")).read_text()).get("labels", {})
    return frozenset(labels.get("spam", ()))


def _articles(source: str) -> Iterator[list[dict[str, str]]]:
    """Yield the comments of each article of a source, ordered by time."""
    with (DATA / "spam" / "sources" / f"{source}.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["comment_date"]]

    def article(row: dict[str, str]) -> tuple[str, str, str]:
        return row["article_title"], row["article_date"], row["article_text"]

    found.sort(key=lambda row: (article(row), row["comment_date"], row["comment_id"]))
    for _article, of_it in groupby(found, key=article):
        yield list(of_it)


# These need Django


def page_importer(page: Path) -> Callable[[], Imported]:
    """Return a function that imports a saved page of the example data."""

    def import_threads() -> Imported:
        from archive.services import import_page
        from comments.models import Comment

        article = import_page(data=(DATA / page).read_bytes(), filename=page.name).article
        of_it = Comment.objects.filter(discussion__article=article)
        numbers = dict(of_it.values_list("source_number", "pk"))
        return Imported(list(numbers.values()), {numbers[n] for n in _spam_numbers(page)})

    return import_threads


def _stories_importer(articles: Sequence[Sequence[dict[str, str]]]) -> Callable[[], Imported]:
    """Return a function that imports the comments of these articles."""

    def import_threads() -> Imported:
        imported = Imported([], set())
        for of_it in articles:
            first = of_it[0]
            comments = [
                fixture.Written(
                    row["author"][:200] or "–", row["body"][:10_000] or "–", _time(row["comment_date"])
                )
                for row in of_it
            ]
            published = _time(first["article_date"] or first["comment_date"])
            title = first["article_title"][:200] or "–"
            ids = fixture.import_story(title, comments, published, first["article_text"]).ids
            imported.ids.extend(ids)
            imported.spam.update(pk for pk, row in zip(ids, of_it, strict=True) if row["label"] == "spam")
        return imported

    return import_threads


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def _alone() -> Iterator[None]:
    """Roll back what is done in the block."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def clear(name: str, import_threads: Callable[[], Imported], *, all_spam: bool = True) -> Cleared:
    """Accept what the groups propose. With `all_spam`, mark all other spam too, one comment after another."""
    from comments.models import Comment, State
    from moderation.actions import decisions

    with _alone():
        imported = import_threads()
        user = fixture.moderator()
        mine = Comment.objects.filter(pk__in=imported.ids)
        actions, in_groups = 0, 0
        kinds: list[str] = []
        while True:
            accepted = flood.clear(user, most=1_000, least=1)
            actions += len(accepted.actions)
            kinds += accepted.kinds
            in_groups += len(accepted.gone & imported.spam)
            left = mine.filter(pk__in=imported.spam, state=State.PUBLISHED).order_by("created_at", "pk")
            if not all_spam or not (first := left.first()):
                break
            decisions.decide(ids=[first.pk], to=State.SPAM, reason="spam", actor=user)
            actions += 1
        return Cleared(
            name=name,
            comments=len(imported.ids),
            good=len(imported.ids) - len(imported.spam),
            spam=len(imported.spam),
            in_groups=in_groups,
            removed=mine.exclude(state=State.PUBLISHED).count(),
            actions=actions,
            wrongly_proposed=mine.filter(state=State.SPAM).exclude(pk__in=imported.spam).count(),
            kinds=kinds,
        )
