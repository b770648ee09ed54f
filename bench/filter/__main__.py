"""Measure the spam filter against its goals: python -m bench.filter [--write]

Parts: blogs, newspapers and spam that the model never saw; the seed on an empty site; a site's first 200
decisions; time. Real comments come from the example data ($SOUNDOFF_DATA); mistakes are listed by id only.
"""

import csv
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import StringIO
from statistics import median
from typing import Any
from uuid import uuid4

from bench import fixture
from bench.filter import held_out, poison, sets
from bench.filter.held_out import Scored, Starters
from bench.filter.sets import DATA, Row
from bench.runner import Goal, Run, rows, run
from moderation.spam_filter.metrics import recall_at, roc_auc, threshold
from moderation.spam_filter.model import Model, read_features, sigmoid
from moderation.spam_filter.thresholds import GoodScores, waiting_threshold

SIZES = {"step": 1, "learning": True, "evaluated": 2_000}
# Without `learning` no model is trained for every blog or draw.
SMALLEST = {"step": 10, "learning": False, "evaluated": 100}
AREA, RECALL, WRONGED, FEWER = 98.5, 85.0, 0.3, 33.3  # percent
MAY_WAIT = 1.0  # good comments in a hundred, the default of a new site
FIRST, DRAWN = 200, 20  # good comments that set a site's first threshold, and the number of draws
SHOWN = 12  # mistakes listed of each kind
# Comments of the seed, by their numbers in the file.
SPAM = {57, 58, 60, 61, *range(63, 68), *range(69, 75)}
MISSING, DUPLICATES, FAIR = {31, 56, 59, 62, 68}, {33, 34}, {10, 15, 55}


def measure(bench: Run) -> Iterator[str | Goal]:
    """Train the starter and versions from it, and score comments that they never saw."""
    its, blogs = held_out.starters(bench.sizes.step), sets.blogs()
    by_starter = held_out.score(its.whole, blogs)
    if not bench.sizes.learning:
        yield from kinds("the blogs as they are, the starter alone", by_starter)
        yield from within_blogs(by_starter)
        yield from poisoned(its, poison.Counts(60, 20, 10, asked=20, groups=1))
        yield from seed()
        yield from speed(bench, its.whole)
        return
    at = waiting_threshold(1.0, GoodScores(0, []), its.elsewhere())
    left_out = held_out.leave_one_blog_out(its, blogs)
    hard = held_out.harder(its, blogs, learning=False)
    hard_learnt = held_out.harder(its, blogs, learning=True)
    news = held_out.news(its)
    spam = "the blogs and 1,544 spam comments of other domains"
    yield from kinds("the blogs as they are, leave one out", left_out, judged=True)
    yield from within_blogs(left_out)
    yield from kinds("the blogs as they are, the starter alone", by_starter)
    yield from within_blogs(by_starter)
    yield from kinds(f"{spam}, leave one out", hard_learnt, judged=True)
    yield from kinds(f"{spam}, the starter alone", hard)
    yield from wronged(at, its, news, by_starter, hard)
    yield from poisoned(its, poison.Counts())
    yield from seed()
    yield from first_decisions(its, blogs)
    yield from speed(bench, its.whole)
    yield from mistakes(left_out, hard, news)


# Unseen comments


def kinds(what: str, scored: Sequence[Scored], *, judged: bool = False) -> Iterator[Goal]:
    spam = [one.logit for one in scored if one.row.is_spam]
    honest = [one.logit for one in scored if not one.row.is_spam]
    each = len(honest) // len({one.row.id for one in scored if not one.row.is_spam})
    of = f"{len(honest) // each:,} good ones" + (f", each by {each} models," if each > 1 else "")
    area, recall, half = roc_auc(spam, honest), recall_at(spam, honest, 0.01), recall_at(spam, honest, 0.005)
    yield _percent(f"{what}: ROC-AUC", 100 * (area or 0), least=AREA if judged else None)
    yield _percent(
        f"… spam found where 1 % of {of} wait, of {len(spam):,}",
        100 * (recall or 0),
        least=RECALL if judged else None,
    )
    yield _percent("… where 0.5 % do", 100 * (half or 0))


def within_blogs(scored: Sequence[Scored]) -> Iterator[Goal]:
    """Yield the area under the curve over pairs within one blog.

    Each blog is scored by another model, and scores of different models are not comparable.
    """
    won = pairs = 0.0
    for blog in sets.WXR:
        spam = [one.logit for one in scored if one.row.group == blog and one.row.is_spam]
        honest = [one.logit for one in scored if one.row.group == blog and not one.row.is_spam]
        pairs += len(spam) * len(honest)
        won += len(spam) * len(honest) * (roc_auc(spam, honest) or 0.0)
    yield _percent(f"… of the {pairs:,.0f} pairs within one blog", 100 * won / pairs)


def _percent(what: str, figure: float, *, least: float | None = None, most: float | None = None) -> Goal:
    return Goal(what, figure, least=least, most=most, unit="%", digits=2)


def wronged(
    at: float, its: Starters, news: Sequence[Scored], blogs: Sequence[Scored], hard: Sequence[Scored]
) -> Iterator[Goal]:
    """Yield the shares of good comments that wait, by source."""
    yield Goal("threshold on an empty site (probability)", at, unit="")
    yield from _spam_found(at, blogs, hard)
    yield _percent(
        f"comments of newspapers that wait there, of {len(news):,}", _share(news, at), most=WRONGED
    )
    honest = [one for one in blogs if not one.row.is_spam]
    above = sigmoid(threshold([one.logit for one in honest], 0.01))
    yield _percent(
        "… at the threshold that 1 % of the blogs’ comments exceed", _share(news, above), most=WRONGED
    )
    strange = (
        ("good comments of the eight blogs", honest),
        ("… of a blog about money", held_out.score(its.whole, sets.staticman())),
        ("… of a German blog", held_out.score(its.whole, sets.betabong())),
        ("… of sites with Disqus (Turkish)", held_out.score(its.whole, sets.disqus())),
    )
    for name, found in strange:
        what = f"{name} that wait on an empty site, of {len(found):,}"
        yield _percent(what, _share(found, at), most=MAY_WAIT)
        first = min(FIRST, len(found) // 2)
        what = f"… of the rest, once people have approved {first} of them, drawn {DRAWN} times"
        yield _percent(what, _share_later(found, first, its.elsewhere()), most=MAY_WAIT)
    hardest = max(threshold(found, 0.01) for found in its.good_by_set().values())
    yield Goal(
        "instead, the threshold that 1 % of the hardest of the starter’s own sets exceed", hardest, unit=""
    )
    yield from _spam_found(hardest, blogs, hard)
    for name, found in strange:
        yield _percent(f"{name} that wait then, of {len(found):,}", _share(found, hardest))
    robot = held_out.score(its.whole, sets.template_dump())
    yield _percent(f"a robot’s own templates, without names, that wait, of {len(robot)}", _share(robot, at))


def _spam_found(at: float, *of: Sequence[Scored]) -> Iterator[Goal]:
    for scored in of:
        spam = [one for one in scored if one.row.is_spam]
        yield _percent(f"… spam above it, of {len(spam):,}", _share(spam, at))


def _share_later(scored: Sequence[Scored], first: int, elsewhere: GoodScores) -> float:
    """Return the share of later comments above the threshold that the first ones set. Nothing is learnt."""
    shares = []
    for draw in range(DRAWN):
        order = random.Random(draw).sample(list(scored), len(scored))
        own = GoodScores.of([sigmoid(one.logit) for one in order[:first]])
        shares.append(_share(order[first:], waiting_threshold(1.0, own, elsewhere)))
    return sum(shares) / DRAWN


def _share(scored: Sequence[Scored], at: float) -> float:
    return 100 * sum(sigmoid(one.logit) >= at for one in scored) / len(scored)


# A moderator who decides wrongly


def poisoned(its: Starters, counts: poison.Counts) -> Iterator[Goal]:
    """Yield means over four groups of newspaper comments, by models that no trial kept from going live."""
    for some in zip(*poison.poisoned(its, counts), strict=True):
        shares = zip(*(one.shares for one in some), strict=True)
        others, topic, spam = (sum(share) / len(some) for share in shares)
        if some[0].what == "nothing":
            what = f"{counts.right:,} decisions, all correct: later good comments that wait"
        else:
            what = f"… a second person marks as spam {some[0].what}: others’ good comments that wait"
        yield _percent(what, others)
        yield _percent("… of these, on that topic", topic)
        yield _percent("… spam", spam)
        live = sum(one.goes_live for one in some)
        yield Goal(f"… versions that go live, of {len(some)}", live, unit="")


# The seed


def seed() -> Iterator[Goal]:
    """Import the seed into an empty site with the starter model, as an owner would."""
    from archive.services import import_page
    from articles.models import Article
    from comments.models import Comment
    from moderation.checks.spam import FILTER
    from moderation.checks.text import DUPLICATE, NEAR_DUPLICATE, NO_TEXT
    from moderation.models import Finding

    import_page(data=(DATA / "seed" / "story.txt").read_bytes(), filename="story.txt")
    story = Article.objects.latest("pk")  # the site has a sample story
    places = Comment.objects.filter(discussion_id=story.pk).values_list("pk", "source_number")
    place_of = {pk: place for pk, place in places if place is not None}
    found: dict[str, set[int]] = {}
    findings = Finding.objects.filter(comment__in=place_of)
    for check, pk, holds in findings.values_list("check_name", "comment_id", "holds"):
        if holds or check in {DUPLICATE.name, NEAR_DUPLICATE.name, NO_TEXT.name}:
            found.setdefault(check, set()).add(place_of[pk])
    waits = found.get(FILTER.name, set())
    duplicates = found.get(DUPLICATE.name, set()) | found.get(NEAR_DUPLICATE.name, set())
    no_text = found.get(NO_TEXT.name, set())
    yield Goal("seed: spam that the filter finds, of 15", len(waits & SPAM), least=15, unit="")
    yield Goal("… duplicates found, of 2", len(duplicates & DUPLICATES), least=2, unit="")
    yield Goal("… missing texts found, of 5", len(no_text & MISSING), least=5, unit="")
    honest = waits - SPAM - MISSING - DUPLICATES
    which = f" ({', '.join(map(str, sorted(honest)))})" if honest else ""
    yield Goal(f"… good comments that the filter marks{which}, of 52", len(honest), most=1, unit="")
    yield Goal("… of 10, 15 and 55 marked by the filter", len(waits & FAIR), most=0, unit="")


# A site's first decisions


def first_decisions(its: Starters, blogs: Sequence[Row]) -> Iterator[Goal]:
    """Yield how many fewer spam comments are missed after a site's first decisions."""
    fewer = []
    for name, honest in (
        ("the eight blogs", [row for row in blogs if not row.is_spam]),
        ("a blog about money", sets.staticman()),
        ("a German blog", sets.betabong()),
    ):
        before, after = held_out.first_decisions(its, blogs, honest)
        fewer.append(100 * (1 - after / before))
        errors = f"from {100 * before:.1f} to {100 * after:.1f} % of the spam missed"
        yield Goal(f"{held_out.DECISIONS} decisions on {name}: {errors}, fewer by", fewer[-1], unit="%")
    yield Goal("… in the mean", sum(fewer) / len(fewer), least=FEWER, unit="%")


# Time


def speed(bench: Run, model: Model) -> Iterator[Goal]:
    """Yield the time to score and to explain a comment."""
    from django.core.management import call_command

    def score(row: Row) -> float:
        return model.logit(read_features(row.data, model.settings))

    all_rows = (*sets.fox(), *sets.blogs(), *sets.wordpress_spam())
    some = [row for row in all_rows if row.data.body][: bench.sizes.evaluated]
    scored = median(_milliseconds(partial(score, row)) for row in some)
    yield Goal("a comment read and scored: median", scored, most=1, unit="ms")
    explained = median(_milliseconds(partial(model.explain, row.data)) for row in some)
    yield Goal("… explained: median", explained, unit="ms")
    yield Goal("additional statements of a post with the filter", _statements(bench), most=1, unit="")
    path = bench.folder / "comments.csv"
    names = ("author", "url", "body", "article_title", "article_text", "parent")
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow([*names, "label"])
        for row in some:
            values = (getattr(row.data, name) or "" for name in names)
            out.writerow([*values, "spam" if row.is_spam else "ham"])
    seconds = _milliseconds(lambda: call_command("evaluate_filter", str(path), stdout=StringIO())) / 1_000
    yield Goal(f"evaluate_filter of {len(some):,} comments", seconds, most=10, unit="s")


def _statements(bench: Run) -> int:
    """Count the additional statements of a reader's comment with the filter."""
    from accounts.models import Guest
    from comments.policy import Draft
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment
    from moderation.models import ModerationSettings

    [writer] = fixture.add_writers(1)
    story, guest = fixture.add_story("A story to write under"), Guest.objects.get(email=writer.email)

    def post() -> Any:
        body = f"Another word of mine, {uuid4()}."
        draft = Draft(discussion=ensure_discussion(story), guest=guest, name=guest.name, body=body)
        return post_comment(draft, nonce=uuid4())

    with_it = len(bench.site.statements(post))
    ModerationSettings.objects.update(filter=None)
    return with_it - len(bench.site.statements(post))


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return 1_000 * (time.perf_counter() - began)


# Mistakes


def mistakes(left_out: Sequence[Scored], hard: Sequence[Scored], news: Sequence[Scored]) -> Iterator[str]:
    """List mistakes by the ids of bench/filter/sets.py, with the features that weigh most."""
    yield "Mistakes, worst first, each with its probability and its strongest reason."
    yield ""
    table = [
        ("honest, highest: the blogs, leave one out", _worst(left_out, is_spam=False)),
        ("spam, lowest: the blogs, leave one out", _worst(left_out, is_spam=True)[:2]),
        ("spam, lowest: other domains, the starter alone", _worst(hard, is_spam=True)),
        ("honest, highest: newspapers", _worst(news, is_spam=False)),
    ]
    yield from rows(
        " | id, probability, reason", (f"{what} | {'; '.join(map(_line, some))}" for what, some in table)
    )


def _worst(scored: Sequence[Scored], *, is_spam: bool) -> list[Scored]:
    some = {one.row.id: one for one in scored if one.row.is_spam is is_spam}
    return sorted(some.values(), key=lambda one: one.logit if is_spam else -one.logit)[:SHOWN]


def _line(one: Scored) -> str:
    """Describe the features that weigh most in the wrong direction, without quoting words, names or sites."""
    wrong = -1 if one.row.is_spam else 1
    by_kind: dict[str, float] = {}
    for part in one.model.explain(one.row.data):
        kind = "its words" if part.kind == "word" else f"its {part.kind}"
        what = part.what if part.kind == "signal" else kind
        by_kind[what] = by_kind.get(what, 0.0) + part.logit
    by_kind.pop("usual", None)
    reason = max(by_kind, key=lambda what: wrong * by_kind[what], default="")
    if not by_kind or wrong * by_kind[reason] <= 0.2:
        reason = "nothing found"
    return f"{one.row.id} {sigmoid(one.logit):.2f} {reason}"


if __name__ == "__main__":
    run("filter", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
