"""Measure posting a reply, side by side with WordPress if its packages are installed: python -m bench.posting

A reply is a whole form sent over HTTP: CSRF, the person, the checks, the log entry, the counters. It is
posted to trees of the same sizes in a thread of 74 comments and in one of 10,000, by one writer and by eight
into one discussion, and in one tree of 1,000. No measurement posts to a tree to which an earlier one did.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from bench import fixture, profiles
from bench.fixture import ThreadComment, Words
from bench.load import Measured, send
from bench.peers import wordpress
from bench.runner import Goal, Run, in_turn, rows, run
from bench.servers import Soundoff
from core.data_folder import PROJECT

MIN_RATIO = {1: 2.5, 8: 2}  # times the comments a second of WordPress, by the number of writers
SIZES = {"rounds": 5, "posts": 150, "large": 10_000, "tree": 1_000, "warm_up": 20}
SMALLEST = {"rounds": 1, "posts": 4, "large": 400, "tree": 50, "warm_up": 1}
SMALL = 74
WRITERS = (1, 8)
DAYS = 20  # days since publication; comments on older stories are reviewed first


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure all threads, writers and sites in turn."""
    large = bench.sizes.large
    threads = {
        f"{SMALL}": fixture.thread(SMALL),
        f"{large:,}": fixture.thread(large),
        f"one tree of {bench.sizes.tree:,}": fixture.one_tree(bench.sizes.tree),
    }
    small, larger, tree = threads
    places = {name: list(range(len(comments))) for name, comments in threads.items()}
    trees = list(fixture.same_trees(threads[small], threads[larger]))
    places[larger] = trees[0]
    ours = SoundoffThreads(bench.site, threads, places.copy(), larger, trees)
    wp = bench.wordpress({SMALL: threads[small], large: threads[larger]}, DAYS)
    peer = WordPressThreads(wp, {small: SMALL, larger: large}, places) if wp else None
    measures: dict[tuple[str, str, int], Callable[[], Measured]] = {}
    for name in threads:
        for writers in WRITERS if name != tree else WRITERS[:1]:
            measures[name, ours.name, writers] = partial(post, ours, name, writers, bench.sizes.posts)
            if peer and name != tree:
                measures[name, peer.name, writers] = partial(post, peer, name, writers, bench.sizes.posts)
    figures = in_turn(measures, bench.sizes.rounds)
    damage = ours.check()
    statements = ours.statements(larger)
    table = (
        f"{name} | {n} | {site} | {m.rate:.0f} | {m.p50:.1f} | {m.p99:.1f} | {m.processor:.1f} | {m.failed}"
        for (name, site, n), m in figures.items()
    )
    yield from rows("thread | writers | site | comments/s | p50 ms | p99 ms | CPU ms | failed", table)
    yield from _judge(figures, small, larger)
    growth = figures[tree, ours.name, 1].p50 / figures[small, ours.name, 1].p50
    yield Goal(f"a reply in {tree}, p50 against a small one", growth, most=1.5)
    failed = sum(sum(m.errors.values()) for (_, site, _), m in figures.items() if site == ours.name)
    yield Goal("responses other than a redirect to the comment", failed, most=0, unit="")
    yield Goal("damage found by check_integrity and the counts afterwards", len(damage), most=0, unit="")
    yield from damage
    yield from profiles.tables(
        {
            f"a reply, {small} comments": profile(ours, small, bench.sizes.posts, bench.sizes.warm_up),
            f"a reply in {tree}": profile(ours, tree, bench.sizes.posts, bench.sizes.warm_up),
        }
    )
    yield ""
    yield f"A reply is {statements} statements here (without beginnings and ends of transactions)" + (
        f", {peer.statements(larger)} in WordPress." if peer else "."
    )


def _judge(figures: dict[tuple[str, str, int], Measured], small: str, larger: str) -> Iterator[Goal]:
    for name in (small, larger):
        for writers in WRITERS:
            ours = figures[name, SoundoffThreads.name, writers]
            if peer := figures.get((name, WordPressThreads.name, writers)):
                where = f"{name} comments, {writers} writing"
                yield Goal(f"{where}: p50 against WordPress", peer.p50 / ours.p50)
                rate = ours.rate / peer.rate
                yield Goal(f"{where}: comments a second against WordPress", rate, least=MIN_RATIO[writers])
    for writers in WRITERS:
        before, after = (figures[name, SoundoffThreads.name, writers].p50 for name in (small, larger))
        yield Goal(f"growth of p50 from {small} to {larger}, {writers} writing", after / before, most=1.1)


def post(site: "SoundoffThreads | WordPressThreads", name: str, writers: int, posts: int) -> Measured:
    """Post so many replies, or twice as many by several writers, in trees without earlier replies."""
    thread: Any = site.prepare(name)
    replies = [site.reply(name, thread, n % writers) for n in range(posts * min(writers, 2))]
    for _ in range(8):  # warm up
        site.send(thread, [site.reply(name, thread, 0)])
    return site.send(thread, replies, writers)


def profile(site: "SoundoffThreads", name: str, posts: int, warm_up: int) -> profiles.Profile:
    """Return where the time of a reply goes, in a new thread."""
    thread = site.prepare(name)
    return profiles.profile([site.reply(name, thread, 0) for _ in range(posts + warm_up)], warm_up)


class SoundoffThreads:
    """Threads of Soundoff. Each measurement uses a new one, because nothing can be deleted from the log.

    All measurements use one larger thread, each with trees that have no earlier replies of ours.
    """

    name = "Soundoff"

    def __init__(
        self,
        site: Soundoff,
        threads: dict[str, list[ThreadComment]],
        places: dict[str, list[int]],
        larger: str,
        trees: list[list[int]],
    ) -> None:
        self.site, self.threads, self.places = site, threads, places
        self.words, self.random = Words(1), Random(1)
        self.writers = fixture.add_writers(max(WRITERS))
        self.sent: dict[int, int] = {}  # number of published comments, by story
        self.stories: list[fixture.ImportedStory] = []
        self.larger = {larger: self._add(larger)}
        self.trees = iter(trees)

    def prepare(self, name: str) -> fixture.ImportedStory:
        if story := self.larger.get(name):
            if not (places := next(self.trees, None)):
                raise RuntimeError("The larger thread has too few trees for so many measurements.")
            self.places[name] = places
        else:
            story = self._add(name)
        fixture.analyze()
        return story

    def reply(self, name: str, thread: fixture.ImportedStory, writer: int) -> bytes:
        parent = thread.ids[self.random.choice(self.places[name])]
        return self.writers[writer].reply(self.site.target("", thread.path), parent, self.words.body())

    def send(self, thread: fixture.ImportedStory, replies: list[bytes], writers: int = 1) -> Measured:
        measured = send(self.site.target("", thread.path), replies, clients=writers, status=302)
        self.sent[thread.article] = self.sent.get(thread.article, 0) + measured.count
        return measured

    def statements(self, name: str) -> int:
        """Return the number of statements of a reply."""
        story = self.larger[name]
        return len(self.site.statements(lambda: self.send(story, [self.reply(name, story, 0)])))

    def check(self) -> list[str]:
        """Return whether check_integrity finds nothing and every comment was stored once."""
        from comments.models import Comment, Discussion, State

        for story in self.stories:
            wanted = len(story.ids) + self.sent.get(story.article, 0)
            counted = Discussion.objects.get(article=story.article).visible_count
            comments = Comment.objects.filter(discussion=story.article)
            shown, waiting = comments.visible().count(), comments.filter(state=State.PENDING).count()
            if not wanted - waiting == counted == shown:
                return [
                    f"{story.path}: {wanted} expected, {counted} counted, {shown} shown, {waiting} waiting"
                ]
        argv = [sys.executable, "manage.py", "check_integrity"]
        done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)
        return [] if done.returncode == 0 else (done.stdout + done.stderr).strip()[-300:].splitlines()

    def _add(self, name: str) -> fixture.ImportedStory:
        story = fixture.add_thread(f"{name} ({len(self.stories)})", self.threads[name], DAYS)
        self.stories.append(story)
        return story


class WordPressThreads:
    """Threads of WordPress, with their sizes by name."""

    name = "WordPress"

    def __init__(self, wp: wordpress.WordPress, sizes: dict[str, int], places: dict[str, list[int]]) -> None:
        self.wp, self.sizes, self.places = wp, sizes, places
        self.words, self.random = Words(1), Random(1)

    def prepare(self, name: str) -> wordpress.Post:
        self.wp.restore(self.sizes[name])
        return self.wp.threads[self.sizes[name]]

    def reply(self, name: str, thread: wordpress.Post, writer: int) -> bytes:
        fields = {
            "comment": self.words.body(),
            "author": f"Writer {writer}",
            "email": f"writer{writer}@example.org",
            "url": "",
            "comment_post_ID": thread.id,
            "comment_parent": thread.base + 1 + self.random.choice(self.places[name]),
            "submit": "Post Comment",
        }
        return self.wp.page(thread.size).request("/wp-comments-post.php", fields)

    def send(self, thread: wordpress.Post, replies: list[bytes], writers: int = 1) -> Measured:
        return send(self.wp.page(thread.size), replies, clients=writers, status=302)

    def statements(self, name: str) -> int:
        """Return the number of statements of a reply."""
        thread = self.prepare(name)
        return self.wp.page_statements(self.wp.page(thread.size), self.reply(name, thread, 0))


if __name__ == "__main__":
    run("posting", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
