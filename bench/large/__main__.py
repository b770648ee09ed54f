"""Measure one database with many comments against the same one when it had few: python -m bench.large

The site is filled to the smaller size and measured, then filled to the larger size and measured again. The
pages are those of the same stories both times, and of the largest thread. Work over whole tables is compared
by comment. The tables are measured before and after the replies, actions and jobs, which leave dead rows, and
after VACUUM each time. 10,000,000 comments need 60 GB and some hours; `--comments 1000000` shows most of it
in minutes.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from bench import fixture, servers
from bench.fixture import Writer
from bench.large.fill import ALL_DAYS, fill
from bench.load import request_page, send
from bench.runner import Goal, Run, report, rows, run
from core.data_folder import PROJECT

SIZES = {
    "comments": 10_000_000,
    "few": 100_000,
    "in_a_story": 500,
    "waiting": 500,
    "requests": 40,
    "chosen": 100_000,
}
SMALLEST = {
    "comments": 1_000,
    "few": 400,
    "in_a_story": 40,
    "waiting": 4,
    "requests": 2,
    "chosen": 50,
}
SHORT = 0.1  # seconds
SHARE_OF_LARGEST = 10  # one in ten comments is in the largest thread
BUILD_INDEX = "CREATE INDEX CONCURRENTLY bench_index ON comments_comment (created_at, author_name)"
WRITE_EVERY = 0.02  # seconds
MAX_GROWTH = 1.2  # growth of a page, or of the time for each comment
TABLES = """
SELECT relname, pg_relation_size(oid), pg_indexes_size(oid), coalesce(pg_relation_size(reltoastrelid), 0)
FROM pg_class WHERE relkind = 'r' AND relname ~ '^(comments|moderation|accounts|articles)_'
ORDER BY pg_total_relation_size(oid) DESC"""
LISTED_TABLES = 6  # the largest
# servers.change_discussion counts recommendations that do not exist, in these two comments only.
UNDO_CHANGES = """
UPDATE comments_comment AS changed
SET recommend_count = (SELECT count(*) FROM comments_recommendation WHERE comment_id = changed.id)
FROM (SELECT min(id) AS first, max(id) AS last FROM comments_comment
      WHERE discussion_id = ANY(%s) AND parent_id IS NULL GROUP BY discussion_id) AS roots
WHERE changed.id IN (first, last)"""
RARE = "quillfathom"  # a word of few comments, as many at both sizes
ONCE_FOR_EACH = "Flag harmful content in old comments"  # the job that reads each comment once


class Work(NamedTuple):
    """Work that takes seconds. `comments` is the number that it is divided by, or 1 if it should not grow."""

    seconds: float
    comments: int


class Figures(NamedTuple):
    """All that is measured at one size of the site."""

    pages: dict[str, float]  # processor milliseconds
    statements: dict[str, int]
    work: dict[str, Work]
    tables: list[tuple[str, int, int, int]]  # name, bytes, bytes of indexes, bytes of long texts
    bytes_before: dict[str, int]  # of all three by table, before the replies and the work
    filled: float  # seconds
    waited: float  # longest time in seconds that a write waited while an index was built


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure the site at both sizes."""
    from articles.models import Site

    sizes = bench.sizes
    writer, waiting = fixture.add_writers(1)[0], sizes.waiting
    stories = sizes.few // sizes.in_a_story
    Site.objects.update(close_after_days=10 * ALL_DAYS)
    began = time.monotonic()
    articles = fill(sizes.few, stories, sizes.few // SHARE_OF_LARGEST, RARE)
    _add_waiting(articles[1], waiting)
    story = articles[len(articles) // 2]
    few = _measure(bench, writer, story, articles[0], sizes.few, time.monotonic() - began)
    began = time.monotonic()
    more = sizes.comments - sizes.few
    largest, *_others = fill(more, more // sizes.in_a_story, sizes.comments // SHARE_OF_LARGEST)
    many = _measure(bench, writer, story, largest, sizes.comments, time.monotonic() - began)
    yield from _report(few, many, sizes.few, sizes.comments)


def _measure(bench: Run, writer: Writer, story: int, largest: int, comments: int, filled: float) -> Figures:
    began = time.monotonic()
    fixture.analyze()
    vacuum = time.monotonic() - began
    bytes_before = {name: sum(sizes) for name, *sizes in _table_sizes()}
    pages, statements = _measure_pages(bench, writer, {"a story": story, "the largest": largest})
    with servers.connect("owner").cursor() as cursor:
        cursor.execute(UNDO_CHANGES, [[story, largest]])
    work = {"VACUUM ANALYZE after the fill": Work(vacuum, comments)} | _measure_work(bench, comments)
    tables = _table_sizes()[:LISTED_TABLES]
    seconds, waited = _build_index()
    work["an index of the comments is built"] = Work(seconds, comments)
    return Figures(pages, statements, work, tables, bytes_before, filled, waited)


def _build_index() -> tuple[float, float]:
    """Build an index of the comments as a migration does, and remove it again.

    Return the time that it took, and the longest time of a write meanwhile, in seconds.
    """
    with (
        servers.connect("owner").cursor() as owner,
        servers.connect("web").cursor() as writer,
        ThreadPoolExecutor(1) as executor,
    ):
        writer.execute("SELECT min(id) FROM comments_comment")
        comment = writer.fetchone()
        began, longest = time.monotonic(), 0.0
        building = executor.submit(owner.execute, BUILD_INDEX)
        while not building.done():
            sent = time.monotonic()
            writer.execute("UPDATE comments_comment SET is_pick = is_pick WHERE id = %s", comment)
            longest = max(longest, time.monotonic() - sent)
            time.sleep(WRITE_EVERY)
        seconds = time.monotonic() - began
        building.result()
        owner.execute("DROP INDEX CONCURRENTLY bench_index")
        return seconds, longest


def _table_sizes() -> list[tuple[str, int, int, int]]:
    with servers.connect("owner").cursor() as cursor:
        cursor.execute(TABLES)
        found: list[tuple[str, int, int, int]] = cursor.fetchall()
        return found


def _measure_pages(
    bench: Run, writer: Writer, articles: dict[str, int]
) -> tuple[dict[str, float], dict[str, int]]:
    from articles.models import Article

    member = fixture.session_cookie(_person("reader@large.example"))
    staff = fixture.session_cookie(fixture.moderator())
    site, times = bench.site, bench.sizes.requests
    targets, changes, requests = {}, {}, {}
    for name, article in articles.items():
        path = f"/stories/{Article.objects.get(pk=article).slug}/"
        targets[name] = site.target(name, path)
        changes[name] = servers.change_discussion(article)
        targets[f"{name}, to a member"] = site.target(name, path, member)
        targets[f"find in {name}"] = site.target(name, f"{path}find/?q=the+{RARE}")
        requests[f"a reply in {name}"] = (site.target(name, path), article)
    for name, path in {
        "front page": "/",
        "search for a rare word": f"/search/?q={RARE}",
        "search for a frequent word": "/search/?q=would",
    }.items():
        targets[name], changes[name] = site.target(name, path), servers.change_site()
    for name, path in {
        "queue: waiting": "/moderation/",
        "queue: flagged after publication": "/moderation/?queue=published",
        "queue: all comments": "/moderation/?queue=recent",
        "queue: all comments of a name": "/moderation/?queue=recent&author=Writer+77",
        "page of a person": f"/moderation/people/g{_frequent_guest()}/",
        "dashboard, without new log entries": "/moderation/dashboard/",
        "audit log": "/moderation/log/",
    }.items():
        targets[name] = site.target(name, path, staff)
    pages, statements = {}, site.page_statements(targets, changes)
    for name, target in targets.items():
        # Both web processes prepare statements and parts of pages.
        request_page(target, 10, changes.get(name))
        measured = request_page(target, times, changes.get(name))
        if measured.errors:
            raise RuntimeError(f"{name}: {measured.failed}")
        report(f"{name}: {measured.processor:.1f} ms CPU, p50 {measured.p50:.1f} ms")
        pages[name] = measured.processor
    for name, (target, article) in requests.items():
        replies = [
            writer.reply(target, parent, f"{uuid4().hex} says who wrote it first.")
            for parent in _parents(article, times)
        ]
        measured = send(target, replies, status=302)
        if measured.errors:
            raise RuntimeError(f"{name}: {measured.failed}")
        pages[name] = measured.processor
        report(f"{name}: {measured.processor:.1f} ms CPU, p50 {measured.p50:.1f} ms")
    return pages, statements


def _measure_work(bench: Run, comments: int) -> dict[str, Work]:
    from comments.models import Comment, State
    from config.scheduler.jobs import JOBS
    from moderation.actions.decisions import decide, undo

    work: dict[str, Work] = {}

    def timed(name: str, act: Callable[[], Any], count: int = 1) -> Any:
        began = time.monotonic()
        found = act()
        work[name] = Work(time.monotonic() - began, count)
        report(f"{name}: {work[name].seconds:.2f} s")
        return found

    chosen = min(bench.sizes.chosen, comments // 10)
    latest = Comment.objects.visible().order_by("-pk").values_list("pk", flat=True)
    ids = list(latest[: 10 * chosen : 10])
    person = fixture.moderator()
    act = timed(
        "action on many comments",
        lambda: decide(ids=ids, to=State.SPAM, reason="spam", actor=person),
        len(ids),
    )
    timed("… undone", lambda: undo(action=act.action, actor=person), len(ids))
    assert ONCE_FOR_EACH in {job.name for job in JOBS}
    for job in JOBS:
        timed(f"job: {job.name}", job.run, comments if job.name == ONCE_FOR_EACH else 1)
    file = str(bench.folder / f"backup-{comments}")
    timed("backup", partial(_command, "backup", file), comments)
    timed("check_integrity", partial(_command, "check_integrity"), comments)
    timed("VACUUM ANALYZE after all that", fixture.analyze, comments)
    return work


def _command(*words: str) -> None:
    argv = [sys.executable, "manage.py", *words]
    done = subprocess.run(argv, cwd=PROJECT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stdout[-2000:]}")


def _add_waiting(article: int, count: int) -> None:
    """Post first comments of guests, which wait for review."""
    from accounts.models import Guest
    from comments.models import Discussion
    from comments.policy import Submission
    from comments.services.posting import post_comment

    discussion, words = Discussion.objects.get(pk=article), fixture.Words(count)
    for n in range(count):
        guest = Guest.objects.create(name=f"Newcomer {n}", email=f"newcomer{n}@large.example")
        submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=words.body())
        post_comment(submission, nonce=uuid4())


def _person(email: str) -> Any:
    from accounts.models import User

    return User.objects.filter(email=email).first() or User.objects.create_user(email, None, name="A Reader")


def _frequent_guest() -> int:
    """Return a guest who has written much, the same at both sizes."""
    from accounts.models import Guest

    return Guest.objects.filter(email="writer1@large.example").order_by("pk")[0].pk


def _parents(article: int, count: int) -> list[int]:
    """Return the ids of top-level comments of a discussion that have few replies."""
    from comments.models import Comment

    some = Comment.objects.visible().filter(discussion=article, parent=None, reply_count__lt=5)
    return list(some.order_by("created_at").values_list("pk", flat=True)[:count])


def _report(few: Figures, many: Figures, small: int, large: int) -> Iterator[str | Goal]:
    yield f"{small:,} comments were filled in within {few.filled:,.0f} s, the others in {many.filled:,.0f} s."
    yield ""
    growth = {name: many.pages[name] / few.pages[name] for name in few.pages}
    table = (
        f"{name} | {few.pages[name]:.1f} | {many.pages[name]:.1f} | {growth[name]:.2f} "
        f"| {few.statements.get(name, '–')}, {many.statements.get(name, '–')}"
        for name in growth
    )
    yield from rows(f"page, CPU ms | {small:,} comments | {large:,} | ratio | statements", table)
    yield ""
    long = [name for name, work in many.work.items() if max(work.seconds, few.work[name].seconds) > SHORT]
    growth |= {name: _growth(few.work[name], many.work[name]) for name in long}
    table = (
        f"{name} | {few.work[name].seconds:.2f} | {many.work[name].seconds:.2f} "
        f"| {_by_comment(few.work[name])} | {_by_comment(many.work[name])} | {growth[name]:.2f}"
        for name in long
    )
    yield from rows(f"work, seconds | {small:,} comments | {large:,} | µs a comment | µs | ratio", table)
    yield ""
    yield f"While the index was built, a write waited for {many.waited:.2f} s at most."
    yield ""
    yield f"{len(many.work) - len(long)} jobs of the scheduler take less than {SHORT} s at both sizes."
    yield ""
    table = (
        f"{name} | {' | '.join(f'{size / large:,.0f}' for size in sizes)} "
        f"| {sum(sizes) / max(1, many.bytes_before[name]):.2f}"
        for name, *sizes in many.tables
    )
    yield from rows("bytes for each comment | rows | indexes | long texts | all after the work, ratio", table)
    grown = sum(ratio > MAX_GROWTH for ratio in growth.values())
    yield Goal(f"pages and work that grow more than {MAX_GROWTH} ×, of {len(growth)}", grown, most=0, unit="")


def _by_comment(work: Work) -> str:
    return f"{1e6 * work.seconds / work.comments:,.0f}" if work.comments > 1 else "–"


def _growth(few: Work, many: Work) -> float:
    """Return the ratio of the times, or of the times for each comment."""
    return (many.seconds / many.comments) / (few.seconds / few.comments)


if __name__ == "__main__":
    run("large", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
