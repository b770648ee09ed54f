"""Measure rules: a long list of terms, and rules tried on earlier decisions."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bench import fixture
from bench.filter import sets
from bench.fixture import Written
from bench.runner import Goal, Run, report

if TYPE_CHECKING:
    from moderation.rules.matching import RuleDefinition

SIZES = {"decisions": 50_000, "in_a_story": 5_000}
SMALLEST = {"decisions": 100, "in_a_story": 50}


def measure(bench: Run) -> Iterator[Goal]:
    """Search real comments for a list of 62,204 terms, and try rules on 50,000 decisions."""
    from moderation.rules.matching import RuleDefinition, TermList, fold_case
    from moderation.rules.term_files import read_terms

    terms = read_terms((sets.DATA / "hostile" / "wordpress_comment_blocklist.txt").read_bytes()).terms
    good = [row.data.body for row in (*sets.civil(), *sets.fox()) if row.data.body.strip()]
    spam = [row.data.body for row in sets.wordpress_spam() if row.data.body.strip()]
    yield Goal("terms of the list", len(terms), least=62_204, unit="")
    began = time.perf_counter()
    both = {whole: TermList(terms, whole_words=whole) for whole in (True, False)}
    yield Goal("compiling the list, once a process", 500 * (time.perf_counter() - began), unit="ms")
    for whole, where in ((True, "whole words"), (False, "anywhere")):
        times = sorted(_each(both[whole], good + spam, forget=fold_case.cache_clear))
        yield Goal(f"a comment, {where}: median", 1_000 * times[len(times) // 2], most=1, unit="ms")
        yield Goal(f"a comment, {where}: slowest of {len(times):,}", 1_000 * times[-1], most=1, unit="ms")
        for name, some in (("good", good), ("spam", spam)):
            found = sum(bool(both[whole](body, "")[0]) for body in some)
            yield Goal(f"{name} comments found, {where}", 100 * found / len(some), unit="%")
    _decide_on(good, spam, bench.sizes.decisions, bench.sizes.in_a_story)
    fixture.analyze()
    for kind, value in (
        ("term", "casino"),
        ("domain", "casino.com"),
        ("name", "cheap .* online"),
        ("links", "1"),
    ):
        yield from _try(RuleDefinition(pk=None, kind=kind, value=value))
    yield from _try(RuleDefinition(pk=None, kind="list", value="list", terms="\n".join(terms)))
    yield Goal("peak memory of the process", _memory(), most=600, unit="MB")


def _try(rule: "RuleDefinition") -> Iterator[Goal]:
    from moderation.rules.rule_replay import replay

    began, busy, before = time.perf_counter(), time.process_time(), _memory()
    found = replay(rule)
    seconds, more = time.perf_counter() - began, _memory() - before
    own = time.process_time() - busy
    kind, count = rule.kind, found.removed + found.approved
    yield Goal(f"a rule tried on {count:,} decisions: {kind}", seconds, most=5, unit="s")
    yield Goal(f"… processor time of this process: {kind}", own, unit="s")
    yield Goal(f"… additional peak memory: {kind}", more, most=100, unit="MB")


def _each(
    find: Callable[[str, str], object], bodies: Sequence[str], forget: Callable[[], None]
) -> Iterator[float]:
    """Return the best of three times for each: other processes use the processor as well."""
    for body in bodies:
        times = []
        for _ in range(3):
            forget()
            began = time.perf_counter()
            find(body, "Nuala")
            times.append(time.perf_counter() - began)
        yield min(times)


def _memory() -> float:
    """Return the peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _decide_on(good: Sequence[str], spam: Sequence[str], count: int, in_a_story: int) -> None:
    """Create stories with so many comments; a person approved the good ones and removed the spam."""
    from django.utils import timezone

    from comments.models import Reason, State
    from moderation.actions.decisions import decide

    person = fixture.moderator()
    bodies = [(body, True) for body in good] + [(body, False) for body in spam]
    now = timezone.now()
    for start in range(0, count, in_a_story):
        report(f"{start:,} of {count:,} decided …")
        some = [(n, *bodies[n % len(bodies)]) for n in range(start, min(start + in_a_story, count))]
        comments = (Written(f"Voice {n % 500}", f"{body} {n}"[:9_000], now) for n, body, _ in some)
        made = fixture.import_story(f"A story of {start}", comments, now).ids
        for wanted, to, reason in (
            (True, State.PUBLISHED, Reason.APPROVED),
            (False, State.SPAM, Reason.SPAM),
        ):
            if ids := [pk for pk, (_, _, is_good) in zip(made, some, strict=True) if is_good is wanted]:
                decide(ids=ids, to=to, reason=reason, actor=person)
