"""Measure posting a reply, side by side with WordPress if its packages are installed: python -m bench.posting

A reply is a whole form sent over HTTP: CSRF, the person, the checks, the row in the log, the counters. It is
posted to trees of the same sizes in a thread of 74 comments and in one of 10,000, by one writer and by eight
into one discussion, and in one tree of 1,000. Every measurement starts with an untouched thread.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from random import Random
from urllib.parse import urlencode, urlsplit

from bench import machine, soundoff, wordpress
from bench.load import Measured, Target, middle, request, send
from bench.report import Goal, goals, publish, rows
from bench.soundoff import PROJECT, Soundoff
from bench.threads import ThreadComment, Words, one_tree, same_trees, thread
from bench.wordpress import WordPress

SMALL, LARGE, TREE = 74, 10_000, 1_000
WRITERS = (1, 8)
DAYS = 20  # days since publication; comments on older stories are reviewed first


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.posting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--posts", type=int, default=150, help="of one writer; eight send twice as many")
    parser.add_argument("--quick", action="store_true", help="two rounds of 60")
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--no-wordpress", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the table into docs/measured.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.posts = 2, 60
    large = LARGE
    if options.smallest:
        options.rounds, options.posts, large = 1, 4, 200
    with ExitStack() as stack:
        folder = stack.enter_context(machine.folder())
        ours = Ours(stack.enter_context(soundoff.running(folder / "soundoff")), large)
        peer = None
        if not options.no_wordpress and wordpress.is_installed():
            peer = Peer(stack.enter_context(_wordpress(folder)))
        publish("posting", measure(ours, peer, options.rounds, options.posts), write=options.write)


def measure(ours: "Ours", peer: "Peer | None", rounds: int, posts: int) -> Iterator[str]:
    """Measure all threads, writers and sites in turn, and yield the tables."""
    found: dict[tuple[str, str, int], list[Measured]] = {}
    for number in range(rounds):
        for thread_name in ours.threads:
            for writers in WRITERS if thread_name != "tree" else WRITERS[:1]:
                count = posts if writers == 1 else 2 * posts
                for site in filter(None, (ours, peer)):
                    if thread_name in site.threads:
                        measured = site.post(thread_name, writers, count, number)
                        found.setdefault((site.name, thread_name, writers), []).append(measured)
                        _say(number, site.name, thread_name, writers, measured)
    medians = {key: middle(values) for key, values in found.items()}
    sound = ours.check()
    yield f"{rounds} rounds, medians. Load average at the end: {machine.load()}."
    yield ""
    yield from rows(
        ("thread", "writers", "site", "comments/s", "p50 ms", "p99 ms", "CPU ms", "failed"),
        (
            (
                ours.threads[thread_name],
                str(writers),
                site,
                f"{m.rate:.0f}",
                f"{m.p50:.1f}",
                f"{m.p99:.1f}",
                f"{m.processor:.1f}",
                ", ".join(f"{n} × {what}" for what, n in m.errors.items()) or "0",
            )
            for (site, thread_name, writers), m in medians.items()
        ),
    )
    yield ""
    yield from goals(_goals(medians, sound))
    yield ""
    statements = ours.statements()
    yield f"A reply is {len(statements)} statements here (without beginnings and ends of transactions)" + (
        f", {peer.statements()} in WordPress." if peer else "."
    )


def _goals(medians: dict[tuple[str, str, int], Measured], sound: str) -> Iterator[Goal]:
    def ours(name: str, writers: int) -> Measured:
        return medians["Soundoff", name, writers]

    for name, size in (("small", SMALL), ("large", LARGE)):
        for writers in WRITERS:
            if peer := medians.get(("WordPress", name, writers)):
                where = f"{size:,} comments, {writers} writing"
                yield Goal(f"{where}: p50 against WordPress", peer.p50 / ours(name, writers).p50, least=5)
                yield Goal(
                    f"{where}: comments a second against WordPress",
                    ours(name, writers).rate / peer.rate,
                    least=5,
                )
    for writers in WRITERS:
        growth = ours("large", writers).p50 / ours("small", writers).p50
        yield Goal(f"growth of p50 from {SMALL} to {LARGE:,}, {writers} writing", growth, most=1.1)
    yield Goal(
        "a reply in one tree of 1,000, p50 against a small one", ours("tree", 1).p50 / ours("small", 1).p50
    )
    yield Goal("comments a second, 8 writing", ours("large", 8).rate, least=680, unit="")
    failed = sum(
        count for (site, *_), m in medians.items() if site == "Soundoff" for count in m.errors.values()
    )
    yield Goal("responses other than a redirect to the comment", failed, most=0, unit="")
    yield Goal(f"check_integrity and the counts afterwards: {sound}", sound == "sound", least=1, unit="")


class Ours:
    """Soundoff. Each measurement uses a new thread, because nothing can be deleted from the log."""

    name = "Soundoff"
    threads = {"small": f"{SMALL}", "large": f"{LARGE:,}", "tree": f"one tree of {TREE:,}"}

    def __init__(self, site: Soundoff, most: int) -> None:
        self.site = site
        small, large = thread(SMALL), thread(most)
        self.comments: dict[str, list[ThreadComment]] = {
            "small": small,
            "large": large,
            "tree": one_tree(TREE),
        }
        self.places = {
            "small": list(range(SMALL)),
            "large": same_trees(small, large),
            "tree": list(range(TREE)),
        }
        self.writers = soundoff.add_writers(max(WRITERS))
        self.sent: dict[str, int] = {}  # number of published comments, by thread
        self.words = Words(1)
        self.random = Random(1)
        soundoff.add_thread(site, "large", large, days=DAYS)

    def post(self, name: str, writers: int, count: int, number: int) -> Measured:
        made = name
        if name != "large":  # a thread that hardly grows
            made = f"{name} {number} {writers}"
            soundoff.add_thread(self.site, made, self.comments[name], days=DAYS)
        soundoff.tidy()
        questions = [self._question(name, made, writers, n) for n in range(count)]
        self._warm(name, made)
        measured = send(self._target(made), questions, writers, self._is_posted)
        self.sent[made] = self.sent.get(made, 0) + measured.count
        return measured

    def statements(self) -> list[str]:
        def post() -> None:
            question = self._question("large", "large", 1, 0)
            send(self._target("large"), [question], 1, self._is_posted)

        return self.site.statements(post)

    def check(self) -> str:
        """Return whether check_integrity finds nothing and every comment was stored once."""
        from comments.models import Comment, Discussion, State

        for made, sent in self.sent.items():
            wanted = len(self.site.ids[made]) + sent
            discussion = Discussion.objects.get(article__slug=self.site.slugs[made])
            comments = Comment.objects.filter(discussion=discussion)
            shown, waiting = comments.visible().count(), comments.filter(state=State.PENDING).count()
            if not wanted - waiting == discussion.visible_count == shown:
                return (
                    f"{made}: {wanted} expected, {discussion.visible_count} counted, {shown} shown, "
                    f"{waiting} waiting"
                )
        done = subprocess.run(
            [sys.executable, "manage.py", "check_integrity"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        return "sound" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-300:]

    def _warm(self, name: str, made: str) -> None:
        for n in range(8):
            sent = send(self._target(made), [self._question(name, made, 1, n)], 1, self._is_posted)
            self.sent[made] = self.sent.get(made, 0) + sent.count

    def _question(self, name: str, made: str, writers: int, n: int) -> bytes:
        parent = self.site.ids[made][self.random.choice(self.places[name])]
        return self.writers[n % writers].reply(self.site, made, parent, self.words.body())

    def _target(self, made: str) -> Target:
        return self.site.target(made, self.site.story(made))

    @staticmethod
    def _is_posted(status: int, head: bytes) -> bool:
        return status == 302


class Peer:
    """WordPress."""

    name = "WordPress"
    threads = {"small": SMALL, "large": LARGE}

    def __init__(self, wp: WordPress) -> None:
        self.wp = wp
        small, large = thread(SMALL), thread(LARGE)
        self.places = {"small": list(range(SMALL)), "large": same_trees(small, large)}
        self.words = Words(1)
        self.random = Random(1)

    def post(self, name: str, writers: int, count: int, number: int) -> Measured:
        size = self.threads[name]
        self.wp.restore(size)
        questions = [self._question(name, n % writers) for n in range(count)]
        for question in (self._question(name, 0) for _ in range(4)):
            send(self.wp.page(size), [question], 1, self._is_posted)
        return send(self.wp.page(size), questions, writers, self._is_posted)

    def statements(self) -> int:
        question = self._question("large", 0)
        before = self.wp.statements()
        send(self.wp.page(LARGE), [question], 1, self._is_posted)
        return self.wp.statements() - before - 1  # the first value of the counter

    def _question(self, name: str, writer: int) -> bytes:
        thread = self.wp.threads[self.threads[name]]
        fields = {
            "comment": self.words.body(),
            "author": f"Writer {writer}",
            "email": f"writer{writer}@example.org",
            "url": "",
            "comment_post_ID": thread.post,
            "comment_parent": thread.base + 1 + self.random.choice(self.places[name]),
            "submit": "Post Comment",
        }
        url = urlsplit(self.wp.page(thread.size).url)
        return request("POST", "/wp-comments-post.php", url.netloc, body=urlencode(fields).encode())

    @staticmethod
    def _is_posted(status: int, head: bytes) -> bool:
        return status == 302


def _wordpress(folder: Path) -> AbstractContextManager[WordPress]:
    inside = folder / "wordpress"
    inside.mkdir(mode=0o755)
    now = time.time()
    return wordpress.running(
        inside, {SMALL: thread(SMALL), LARGE: thread(LARGE)}, now - DAYS * 86_400, now - 86_400
    )


def _say(number: int, site: str, name: str, writers: int, m: Measured) -> None:
    print(
        f"{number + 1} {site} {name} {writers}: {m.rate:.0f}/s, p50 {m.p50:.1f} ms, "
        f"p99 {m.p99:.1f} ms, CPU {m.processor:.1f} ms {dict(m.errors) or ''}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    main()
