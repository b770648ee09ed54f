"""Measures the moderation desk: python -m bench.moderation [part …]

Each part has a site of its own to fill, and tells its figures beside what was wanted. Real comments come from
the example data ($SOUNDOFF_DATA).
"""

import argparse
import csv
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from bench import acts, machine, queues, similar, soundoff
from bench.report import Goal, goals, publish
from bench.soundoff import PROJECT, Soundoff

if TYPE_CHECKING:
    from moderation.matching import Written

DATA = Path(os.environ.get("SOUNDOFF_DATA", PROJECT.parent / "shared" / "data"))
DECIDED = 50_000  # comments on which people decided
AT_ONCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.moderation", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    for name in options.parts or PARTS:
        with ExitStack() as stack:
            folder = stack.enter_context(machine.folder())
            site = stack.enter_context(soundoff.running(folder / "soundoff"))
            publish(f"moderation: {name}", _told(PARTS[name](site)), write=options.write)


def _told(found: Iterator[Goal]) -> Iterator[str]:
    yield f"Load average before: {machine.load()}."
    yield ""
    yield from goals(found)
    yield ""
    yield f"Load average after: {machine.load()}."


def rules(site: Soundoff) -> Iterator[Goal]:
    """A list of 62,204 terms looked for in real comments, and rules tried on 50,000 decisions."""
    from moderation.matching import TermList, Written, folded
    from moderation.term_files import read_terms

    terms = read_terms((DATA / "hostile" / "wordpress_comment_blocklist.txt").read_bytes()).terms
    honest, spam = honest_comments(), spam_comments()
    yield Goal("terms of the list", len(terms), least=62_204, unit="")
    began = time.perf_counter()
    both = {whole: TermList(terms, whole_words=whole) for whole in (True, False)}
    yield Goal("compiling the list, once a process", 500 * (time.perf_counter() - began), unit="ms")
    for whole, where in ((True, "whole words"), (False, "anywhere")):
        times = sorted(_each(both[whole], honest + spam, forget=folded.cache_clear))
        yield Goal(f"a comment, {where}: median", 1_000 * times[len(times) // 2], most=1, unit="ms")
        yield Goal(f"a comment, {where}: slowest of {len(times):,}", 1_000 * times[-1], most=1, unit="ms")
        for name, some in (("honest", honest), ("spam", spam)):
            found = sum(bool(both[whole](body, "")[0]) for body in some)
            yield Goal(f"{name} comments found, {where}", 100 * found / len(some), unit="%")
    decide_on(honest, spam, DECIDED)
    soundoff.tidy()
    list_of_terms = Written(pk=None, kind="list", value="list", terms="\n".join(terms))
    for kind, value in (
        ("term", "casino"),
        ("domain", "casino.com"),
        ("name", "cheap .* online"),
        ("links", "1"),
    ):
        yield from _tried(Written(pk=None, kind=kind, value=value))
    yield from _tried(list_of_terms)
    yield Goal("most memory of the process so far", _memory(), most=600, unit="MB")


def _tried(rule: "Written") -> Iterator[Goal]:
    from moderation.rules import replay

    began, busy, before = time.perf_counter(), time.process_time(), _memory()
    found = replay(rule)
    seconds, more = time.perf_counter() - began, _memory() - before
    own = time.process_time() - busy
    kind, count = rule.kind, found.removed + found.approved
    yield Goal(f"a rule tried on {count:,} decisions: {kind}", seconds, most=5, unit="s")
    yield Goal(f"… of which this process was busy: {kind}", own, unit="s")
    yield Goal(f"… memory that it took beyond the most before: {kind}", more, most=100, unit="MB")


def _each(
    find: Callable[[str, str], object], bodies: Sequence[str], forget: Callable[[], None]
) -> Iterator[float]:
    """Of each the best of three times: others want the processor as well."""
    for body in bodies:
        times = []
        for _ in range(3):
            forget()
            began = time.perf_counter()
            find(body, "Nuala")
            times.append(time.perf_counter() - began)
        yield min(times)


def _memory() -> float:
    """The most that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def honest_comments() -> list[str]:
    with (DATA / "news" / "civilcomments_toxic_spans_train.csv").open(newline="") as file:
        civil = [row["text"] for row in csv.DictReader(file)]
    with (DATA / "news" / "fox_news_comments.jsonl").open() as file:
        fox = [json.loads(line)["text"] for line in file]
    return [body for body in civil + fox if body.strip()]


def spam_comments() -> list[str]:
    with (DATA / "spam" / "wordpress_spam_dev.csv").open(newline="") as file:
        return [row["text"] for row in csv.DictReader(file) if row["text"].strip()]


def decide_on(honest: Sequence[str], spam: Sequence[str], count: int) -> None:
    """Stories with so many comments, of which a person approved the honest ones and removed the spam."""
    from django.utils import timezone

    from accounts.models import User
    from articles.models import Article, free_slug
    from articles.services import save_article
    from comments.imports import Imported, import_comments
    from comments.models import Reason, State
    from moderation.services import decide

    person = User.objects.create_user("bench-moderator@example.org", None, name="Maria")
    bodies = [(body, True) for body in honest] + [(body, False) for body in spam]
    now = timezone.now()
    for start in range(0, count, AT_ONCE):
        _say(f"{start:,} of {count:,} decided …")
        title = f"A story of {start}"
        story = save_article(
            article=Article(title=title, slug=free_slug(title), published_at=now, source_key=title)
        )
        some = [(n, *bodies[n % len(bodies)]) for n in range(start, min(start + AT_ONCE, count))]
        made = import_comments(
            article=story,
            comments=[
                Imported(str(n), f"Voice {n % 500}", f"{body} {n}"[:9_000], now) for n, body, _ in some
            ],
            actor=None,
            batch=uuid4(),
        ).created
        good = [pk for pk, (_, _, is_honest) in zip(made, some, strict=True) if is_honest]
        bad = [pk for pk, (_, _, is_honest) in zip(made, some, strict=True) if not is_honest]
        decide(ids=good, to=State.PUBLISHED, reason=Reason.APPROVED, actor=person)
        if bad:
            decide(ids=bad, to=State.SPAM, reason=Reason.SPAM, actor=person)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


PARTS: dict[str, Callable[[Soundoff], Iterator[Goal]]] = {
    "queues": queues.queues,
    "rules": rules,
    "acts": acts.acts,
    "groups": similar.groups,
    "flood": similar.cleaning,
}

if __name__ == "__main__":
    main()
