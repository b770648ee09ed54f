"""Measure how well the reply structure of capped threads is restored: python -m bench.reply_structure

Real threads (the example data, $SOUNDOFF_DATA) are flattened to one, two and three levels, as sites with
these limits show them. Then parents are inferred and compared with the true ones. No site is started.
"""

import argparse
from collections.abc import Iterator

from bench.reply_structure.measure import Counts, count_saved, count_source, depth
from bench.reply_structure.threads import read_saved_pages, read_sources
from bench.runner import Goal, publish, rows

LEVELS = (1, 2, 3)
PRECISION, RECALL = 95.0, 70.0  # percent, among replies that name or quote whom they answer
# The rules were written on six other blogs. These sources were read to correct them, the others never.
SEEN = {"WordPress, chrisjrob", "WordPress, betabong", "Staticman, hendrixjoseph"}
HEAD = (
    "source | levels | replies that lost their parent | … that name or quote it | proposals | right | "
    "wrong | wrong, top-level in the source | found, of those that name or quote | found, of all"
)


def measure() -> Iterator[str | Goal]:
    """Yield a table of sources and levels, the goals, and a table of the rules."""
    sources = read_sources()
    measured = {
        (name, levels): count_source(threads, levels)
        for name, threads in sources.items()
        for levels in LEVELS
        if levels < depth(threads)  # else nothing is flattened, and the source itself may be capped
    }
    each = [_row(name, str(levels), counts) for (name, levels), counts in measured.items()]
    for levels in LEVELS:
        some = [counts for (_name, kept), counts in measured.items() if kept == levels]
        each.append(_row("**all**", str(levels), sum(some, Counts())))
    each.append(
        _row(
            "four of these threads as saved pages, read by their parser", "3", count_saved(read_saved_pages())
        )
    )
    yield from rows(HEAD, each)
    whole = sum(measured.values(), Counts())
    unseen = sum((counts for (name, _levels), counts in measured.items() if name not in SEEN), Counts())
    yield ""
    yield from _goals("all", whole)
    yield from _goals("the sources that were never read", unseen)
    yield ""
    yield from rows("rule | right | wrong | wrong, top-level in the source", _rules(whole))


def _goals(what: str, counts: Counts) -> Iterator[Goal]:
    named, named_right = counts.named_proposed, counts.named_right
    yield _percent(f"{what}: precision among replies that name or quote", named_right, named, PRECISION)
    yield _percent("… recall among them", named_right, counts.named, RECALL)
    yield _percent("… precision of all proposals", counts.right, counts.proposed)
    yield _percent("… recall of all replies that lost their parent", counts.right, counts.replies)


def _percent(what: str, part: int, whole: int, least: float | None = None) -> Goal:
    return Goal(f"{what}, {part} of {whole}", 100 * part / max(1, whole), least=least, unit="%", digits=1)


def _row(name: str, levels: str, counts: Counts) -> str:
    return f"{name} | {levels} | {_cells(counts)}"


def _cells(counts: Counts) -> str:
    wrong = counts.proposed - counts.right - counts.top_level
    cells = [counts.replies, counts.named, counts.proposed, counts.right, wrong, counts.top_level]
    found = [f"{counts.named_right} of {counts.named}", f"{counts.right} of {counts.replies}"]
    return " | ".join([*map(str, cells), *found])


def _rules(counts: Counts) -> Iterator[str]:
    for rule in dict.fromkeys(rule for rule, _result in counts.by_rule):
        results = (str(counts.by_rule[rule, result]) for result in ("right", "wrong", "top-level"))
        yield f"{rule} | {' | '.join(results)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.reply_structure", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    parser.add_argument("--smallest", action="store_true", help="the same: it takes a second")
    publish("reply_structure", measure(), write=parser.parse_args().write)
