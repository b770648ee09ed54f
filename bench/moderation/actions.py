"""Measure bulk actions over many comments, compared with WordPress' own function."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import fixture, profiles
from bench.load import wait_until_idle
from bench.peers import wordpress
from bench.runner import Goal, Run

SIZES = {"stories": 200, "in_a_story": 250, "chosen": 10_000, "thread": 10_000, "ticked": 1_000, "rounds": 7}
SMALLEST = {"stories": 4, "in_a_story": 25, "chosen": 40, "thread": 100, "ticked": 20, "rounds": 2}
DAYS = 30


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure actions on 10,000 of 50,000 comments, and on 1,000 of a thread, in turn with WordPress."""
    yield from _measure_many(bench.sizes.stories, bench.sizes.in_a_story, bench.sizes.chosen)
    yield from _measure_ticked(bench, bench.sizes.thread, bench.sizes.ticked)


def _measure_many(stories: int, in_a_story: int, chosen: int) -> Iterator[Goal]:
    from comments import integrity
    from comments.models import Comment, Discussion, State, Transition
    from moderation.actions.decisions import undo
    from moderation.transparency import removal_counts

    def counts() -> list[tuple[Any, ...]]:
        return list(Discussion.objects.order_by("pk").values_list("pk", "visible_count", "removal_counts"))

    made = [_import(f"A story of actions, {n}", fixture.thread(in_a_story)) for n in range(stories)]
    fixture.analyze()
    ids = [pk for story in made for pk in story[: chosen // stories]]
    before, person = counts(), fixture.moderator()
    act, seconds, statements = _time(lambda: _mark_as_spam(ids, person))
    yield Goal(f"{chosen:,} of {stories * in_a_story:,} comments to spam", seconds, most=5, unit="s")
    yield Goal("… statements", statements, most=8, unit="")
    lines = Transition.objects.filter(action_id=act.action.pk).count()
    wrong = abs(lines - chosen) + abs(Comment.objects.filter(pk__in=ids, state=State.SPAM).count() - chosen)
    wrong += len(removal_counts.wrong_counts()) + sum(map(len, integrity.check().values()))
    wrong += Discussion.objects.filter(pk__in=[pk for pk, *_ in before], version__lte=1).count()
    yield Goal("… wrong log entries, states, counts and versions", wrong, most=0, unit="")
    _, seconds, statements = _time(lambda: undo(action=act.action, actor=act.action.actor))
    yield Goal("… undone", seconds, most=5, unit="s")
    yield Goal("… statements of the undo", statements, unit="")
    differ = sum(one != other for one, other in zip(before, counts(), strict=True))
    yield Goal("… discussions with other numbers afterwards", differ, most=0, unit="")


def _measure_ticked(bench: Run, size: int, ticked: int) -> Iterator[str | Goal]:
    """Mark another selection in each round, since WordPress has no undo that would allow the same one."""
    comments = fixture.thread(size)
    made = _import("A long thread of actions", comments)
    fixture.analyze()
    wp = bench.wordpress({size: comments}, DAYS)
    person = fixture.moderator()
    ours, theirs = list[float](), list[tuple[float, int]]()
    for start in range(0, bench.sizes.rounds * ticked, ticked):
        _, seconds, statements = _time(partial(_mark_as_spam, made[start : start + ticked], person))
        ours.append(seconds)
        if wp:
            theirs.append(_mark_in_wordpress(wp, size, ticked))
    yield Goal(f"{ticked:,} of a thread of {size:,} to spam: median", 1_000 * median(ours), unit="ms")
    yield Goal("… statements, with BEGIN and COMMIT", statements, most=8, unit="")
    if theirs:
        seconds = median(seconds for seconds, _ in theirs)
        yield Goal("… by WordPress's own function: median", 1_000 * seconds, unit="ms")
        yield Goal("… statements of WordPress", theirs[-1][1], unit="")
        yield Goal("… times as fast as WordPress", seconds / median(ours), least=50)
    last = made[-ticked:]
    action = profiles.profile_call(lambda _profiler: _mark_as_spam(last, person))
    yield from profiles.tables({f"{ticked:,} to spam": action})


def _import(title: str, comments: list[fixture.ThreadComment]) -> list[int]:
    """Import these comments under a published story. Return their ids."""
    began = datetime.now(UTC) - timedelta(days=DAYS)
    return fixture.import_story(title, fixture.timed(comments, began, DAYS - 1), began).ids


def _mark_as_spam(ids: Sequence[int], person: Any) -> Any:
    from comments.models import State
    from moderation.actions.decisions import decide

    return decide(ids=ids, to=State.SPAM, reason="spam", actor=person)


def _time(act: Callable[[], Any]) -> tuple[Any, float, int]:
    """Return the result, its seconds, and its statements with BEGIN, COMMIT and the notification job."""
    from django.db import connection

    statements = 0

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, *rest)

    wait_until_idle()
    began = time.perf_counter()
    with connection.execute_wrapper(count):
        found = act()
    return found, time.perf_counter() - began, statements + 2


def _mark_in_wordpress(wp: wordpress.WordPress, size: int, ticked: int) -> tuple[float, int]:
    wait_until_idle()
    script = Path(wordpress.__file__).with_name("wordpress_spam.php")
    post = wp.threads[size].id
    php: list[str | Path] = ["php", "-d", "memory_limit=1G", script, wp.folder / "wordpress"]
    argv = [*php, str(post), str(ticked)]
    seconds, statements = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), int(statements)
