"""Measure groups of similar comments: a scan of many comments, and the removal of a flood of spam."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

from bench import fixture
from bench.filter.sets import DATA
from bench.moderation import flood
from bench.runner import Goal, Run

SIZES = {"comments": 50_000, "spun": 10_000, "real": 2_000, "in_a_story": 1_000}
SMALLEST = {"comments": 700, "spun": 300, "real": 200, "in_a_story": 100}
SPUN_LEFT, REAL_WRONGED = 200, 30


def measure_scan(bench: Run) -> Iterator[Goal]:
    """Measure a scan of 50,000 comments: the flood, real comments, and made-up threads around them."""
    from moderation.models import CommentGroupMember
    from moderation.similar import pages, scan

    sizes = bench.sizes
    flood.import_stories(flood.stories(DATA, spun=sizes.spun, real=sizes.real))
    for number in range((sizes.comments - sizes.spun - sizes.real) // sizes.in_a_story):
        published = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=30 * number)
        thread = fixture.thread(sizes.in_a_story + number)[: sizes.in_a_story]
        comments = (row._replace(parent=None) for row in thread)
        fixture.import_story(f"A made-up story, {number}", fixture.timed(comments, published, 20), published)
    fixture.analyze()
    began, worked = time.perf_counter(), time.process_time()
    found = scan.run_scan()
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    yield Goal(
        f"a scan of {sizes.comments:,} comments, until its groups are stored", seconds, most=10, unit="s"
    )
    yield Goal("… processor time of Python in it", busy, unit="s")
    yield Goal("groups", len(found.groups), unit="")
    yield Goal("comments in them", CommentGroupMember.objects.count(), least=sizes.spun - SPUN_LEFT, unit="")
    user = fixture.moderator()
    largest = pages.open_groups(user).first()
    assert largest
    listing = _milliseconds(
        lambda: pages.group_rows(list(pages.open_groups(user)[: pages.GROUPS_PER_PAGE]), user)
    )
    yield Goal("the list of groups: median", listing, unit="ms")
    one = _milliseconds(lambda: pages.load_page(largest, None))
    yield Goal(f"the page of a group of {largest.size:,}: median", one, unit="ms")


def measure_removal(bench: Run) -> Iterator[Goal]:
    """Measure removing the flood with the proposed actions of the groups, and the undo."""
    spun, real = flood.import_stories(flood.stories(DATA, spun=bench.sizes.spun, real=bench.sizes.real))
    fixture.analyze()
    user = fixture.moderator()
    numbers, pages = flood.numbers(), flood.pages()
    cleared = flood.clear(user, most=10, least=20)
    yield Goal(f"actions ({', '.join(cleared.kinds)})", len(cleared.actions), most=10, unit="")
    left, caught = len(spun - cleared.gone), len(real & cleared.gone)  # not the spam of the sample
    yield Goal(f"spun comments left, of {len(spun):,}", left, most=SPUN_LEFT, unit="")
    yield Goal(f"real comments caught, of {len(real):,}", caught, most=REAL_WRONGED, unit="")
    yield Goal("the largest action", max(cleared.seconds), most=5, unit="s")
    began = time.perf_counter()
    flood.take_back(cleared, user)
    yield Goal("undo of all actions", time.perf_counter() - began, unit="s")
    differ = len({*map(repr, numbers)} ^ {*map(repr, flood.numbers())})
    yield Goal("numbers and states that differ afterwards", differ, most=0, unit="")
    after = flood.pages()
    yield Goal("stories whose page differs", sum(pages[s] != after[s] for s in pages), most=0, unit="")


def _milliseconds(function: Callable[[], object]) -> float:
    """Return the median of five times."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        function()
        took.append(1_000 * (time.perf_counter() - began))
    return median(took)
