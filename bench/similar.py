"""Measure groups of similar comments. Parts of bench.moderation."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from bench import flood, sets, soundoff
from bench.report import Goal
from bench.soundoff import Soundoff
from bench.threads import thread

WHOLE = 50_000  # comments on the site
SPUN, REAL = 10_000, 2_000
SPUN_LEFT, REAL_WRONGED = 200, 30
IN_A_STORY = 1_000


def groups(site: Soundoff) -> Iterator[Goal]:
    """Measure a scan of 50,000 comments: the flood, real comments, and made-up threads around them."""
    from moderation.models import CommentGroup, CommentGroupMember
    from moderation.similar import pages as shown
    from moderation.similar import scan

    rest = WHOLE - SPUN - REAL
    flood.bring_in([*_flood(), *(_made_up(n, IN_A_STORY) for n in range(rest // IN_A_STORY))])
    soundoff.tidy()
    began, worked = time.perf_counter(), time.process_time()
    found = scan.run_scan()
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    yield Goal(f"a scan of {WHOLE:,} comments, until its groups are stored", seconds, most=10, unit="s")
    yield Goal("… processor time of Python in it", busy, unit="s")
    yield Goal("groups", len(found.proposals), unit="")
    yield Goal("comments in them", CommentGroupMember.objects.count(), least=SPUN - SPUN_LEFT, unit="")
    user = soundoff.moderator()
    largest = shown.open_groups(user).first()
    assert isinstance(largest, CommentGroup)
    listing = _seconds(lambda: shown.group_rows(list(shown.open_groups(user)[: shown.GROUPS_PER_PAGE]), user))
    yield Goal("the list of groups: median", 1_000 * listing, unit="ms")
    one = _seconds(lambda: shown.load_page(largest, None))
    yield Goal(f"the page of a group of {largest.size:,}: median", 1_000 * one, unit="ms")


def cleaning(site: Soundoff) -> Iterator[Goal]:
    """Measure removing the flood with the proposed actions of the groups, and the undo."""
    spun = flood.bring_in(_flood())
    soundoff.tidy()
    user = soundoff.moderator()
    numbers, pages = flood.numbers(), flood.pages()
    cleared = flood.clear(user, most=10, least=20)
    yield Goal(f"actions ({', '.join(cleared.kinds)})", len(cleared.acts), most=10, unit="")
    left, wronged = len(spun - cleared.gone), len(cleared.gone - spun)
    yield Goal(f"spun comments left, of {len(spun):,}", left, most=SPUN_LEFT, unit="")
    yield Goal(f"real comments caught, of {REAL:,}", wronged, most=REAL_WRONGED, unit="")
    yield Goal("the largest action", max(cleared.seconds), most=5, unit="s")
    began = time.perf_counter()
    flood.take_back(cleared, user)
    yield Goal("undo of all actions", time.perf_counter() - began, unit="s")
    yield Goal(
        "numbers and states that differ afterwards", _differ(numbers, flood.numbers()), most=0, unit=""
    )
    after = flood.pages()
    yield Goal("stories whose page differs", sum(pages[s] != after[s] for s in pages), most=0, unit="")


def _flood() -> list[flood.Story]:
    return flood.stories(sets.DATA, spun=SPUN, real=REAL)


def _made_up(number: int, count: int) -> flood.Story:
    published = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=30 * number)
    story = flood.Story(f"A made-up story, {number}", published)
    for comment in thread(count + number)[:count]:
        at = soundoff.moment(published, 20, comment.at)
        story.comments.append(flood.Written(comment.name, comment.body, at, False, False))
    return story


def _differ(one: list[Any], other: list[Any]) -> int:
    return len(set(map(repr, one)) ^ set(map(repr, other)))


def _seconds(ask: Callable[[], object]) -> float:
    """Return the median of five times."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return median(took)
