"""Bulk actions over many comments, compared with WordPress' own function. Part of bench.moderation."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine, soundoff, wordpress
from bench.report import Goal
from bench.soundoff import Soundoff
from bench.threads import ThreadComment, thread
from bench.wordpress import WordPress

STORIES, IN_A_STORY = 200, 250
CHOSEN = 10_000
TICKED, THREAD = 1_000, 10_000
ROUNDS = 7
DAY = 86_400


def acts(site: Soundoff) -> Iterator[Goal]:
    """Measure actions on 10,000 of 50,000 comments, and on 1,000 of a thread, in turn with WordPress."""
    yield from _many()
    yield from _ticked()


def _many() -> Iterator[Goal]:
    from comments.models import Comment, Discussion, State, Transition
    from moderation.actions.decisions import undo
    from moderation.transparency import removal_counts

    made = _import_stories([(f"A story of acts, {n}", thread(IN_A_STORY)) for n in range(STORIES)])
    soundoff.tidy()
    ids = [pk for story in made for pk in story[: CHOSEN // STORIES]]
    before, person = _numbers(), soundoff.moderator()
    act, seconds, statements = _timed(lambda: _spam(ids, person))
    yield Goal(f"{CHOSEN:,} of {STORIES * IN_A_STORY:,} comments to spam", seconds, most=5, unit="s")
    yield Goal("… statements", statements, most=8, unit="")
    lines = Transition.objects.filter(batch=act.batch.pk).count()
    wrong = abs(lines - CHOSEN) + abs(Comment.objects.filter(pk__in=ids, state=State.SPAM).count() - CHOSEN)
    wrong += len(removal_counts.wrong_counts()) + _miscounted()
    wrong += Discussion.objects.filter(pk__in=[d for d, *_ in before], version__lte=1).count()
    yield Goal("… wrong log rows, states, counts and versions", wrong, most=0, unit="")
    _back, seconds, statements = _timed(lambda: undo(batch=act.batch, actor=act.batch.actor))
    yield Goal("… undone", seconds, most=5, unit="s")
    yield Goal("… statements of the undo", statements, unit="")
    differ = sum(one != other for one, other in zip(before, _numbers(), strict=True))
    yield Goal("… discussions with other numbers afterwards", differ, most=0, unit="")


def _ticked() -> Iterator[Goal]:
    """Yield a different selection for each round. WordPress has no undo that would allow the same one."""
    comments = thread(THREAD)
    (made,) = _import_stories([("A long thread of acts", comments)])
    soundoff.tidy()
    ours, person = list[float](), soundoff.moderator()
    theirs: list[tuple[float, int]] = []
    with ExitStack() as stack:
        wp = None
        if wordpress.is_installed():
            folder = stack.enter_context(machine.folder()) / "wordpress"
            folder.mkdir(mode=0o755)
            now = time.time()
            wp = stack.enter_context(wordpress.running(folder, {THREAD: comments}, now - 30 * DAY, now - DAY))
        for n in range(ROUNDS):
            ticked = made[n * TICKED : (n + 1) * TICKED]
            _act, seconds, statements = _timed(partial(_spam, ticked, person))
            ours.append(seconds)
            if wp:
                theirs.append(_spam_there(wp))
    yield Goal(f"{TICKED:,} of a thread of {THREAD:,} to spam: median", 1_000 * median(ours), unit="ms")
    yield Goal("… statements, with BEGIN and COMMIT", statements, most=8, unit="")
    if theirs:
        seconds = median(seconds for seconds, _ in theirs)
        yield Goal("… by WordPress's own function: median", 1_000 * seconds, unit="ms")
        yield Goal("… statements of WordPress", theirs[-1][1], unit="")
        yield Goal("… times as fast as WordPress", seconds / median(ours), least=40)


def _import_stories(stories: Sequence[tuple[str, list[ThreadComment]]]) -> list[list[int]]:
    """Import these comments under published stories. Return the comments' ids by story, in their order."""
    from comments.services.imports import ImportedComment

    began = datetime.now(UTC) - timedelta(days=30)
    return [
        soundoff.add_story(
            title,
            [
                ImportedComment(str(n), row.name, row.body, soundoff.moment(began, 29, row.at), row.parent)
                for n, row in enumerate(comments)
            ],
            published_at=began,
        )[1]
        for title, comments in stories
    ]


def _spam(ids: Sequence[int], person: Any) -> Any:
    from comments.models import State
    from moderation.actions.decisions import decide

    return decide(ids=ids, to=State.SPAM, reason="spam", actor=person)


def _timed(act: Callable[[], Any]) -> tuple[Any, float, int]:
    """Return the result, its seconds, and its statements with BEGIN, COMMIT and the notification job."""
    from django.db import connection

    statements = 0

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, *rest)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        found = act()
    return found, time.perf_counter() - began, statements + 2


def _numbers() -> list[tuple[Any, ...]]:
    from comments.models import Discussion

    return list(Discussion.objects.order_by("pk").values_list("pk", "visible_count", "tally"))


def _miscounted() -> int:
    from comments.integrity import check

    return sum(len(ids) for ids in check().values())


def _spam_there(wp: WordPress) -> tuple[float, int]:
    script = Path(__file__).with_name("wordpress_spam.php")
    post = wp.threads[THREAD].post
    argv = ["php", "-d", "memory_limit=1G", script, wp.folder / "wordpress", str(post), str(TICKED)]
    seconds, statements = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), int(statements)
