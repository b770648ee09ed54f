"""Measure the spam filter against its goals: python -m bench.filter [--write]

Parts: sources that a model never saw, beside a plain logistic regression and without groups of features;
languages; a site's first decisions; with --test_source 1 the test source; the page seed/story.txt
and saved threads on an empty site; wrong decisions; time. The parts up to the decisions train models, which
takes scikit-learn (bench/requirements.txt). Real comments come from the example data ($SOUNDOFF_DATA).
"""

import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import StringIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bench import fixture
from bench.filter import poison, samples, scoring, sets
from bench.filter.by_source import blogs, by_source, percent, pooled, share_above, table, waiting
from bench.filter.scoring import Scored, split
from bench.filter.sets import DATA, Kind, Row
from bench.runner import Goal, Run, rows, run
from moderation.spam_filter.classifier.model import Model, sigmoid
from moderation.spam_filter.classifier.starter import load_starter
from moderation.spam_filter.metrics import recall_at, roc_auc
from moderation.spam_filter.thresholds import STRICT_PERCENT

if TYPE_CHECKING:
    from bench.filter.training import Trained

SIZES = {
    "learning": True,
    "test_source": 0,  # 1: score the test source
    "evaluated": 2_000,
    "decisions": (50, 200),
    "poison": poison.Counts(),
}
# Without `learning` no model is trained on other sources.
SMALLEST = {
    "learning": False,
    "test_source": 0,
    "evaluated": 100,
    "decisions": (),
    "poison": poison.Counts(60, 20, 10, 20, groups=1),
}
FALSE_POSITIVE_LIMIT = 1.0  # good comments in a hundred, the default of a new site
GROUPS = {
    "the words of bodies": ("body_text",),
    "the words of names": ("name_text",),
    "the words of websites": ("website_text",),
    "names": ("name_",),
    "websites": ("website_", "no_gain", "site_deep"),
    "lateness": ("late",),
    "language and script": ("english_elsewhere", "other_script"),
    "letters and noise": ("letters", "noise", "link_known_words"),
    "the block list": ("blocked", "name_blocked", "website_blocked"),
    "known phrases of spam": ("spam_runs", "spun"),
    "the story": ("on_subject", "title_share"),
    "replies and questions": ("answers", "asks", "emoticon"),
}
LANGUAGES = {
    "Chinese": ("cedricporter", "wikimo", "dkmeteor"),
    "French": ("bitcoinfrance",),
    "German": ("betabong",),
    "Korean": ("banyoungkwan",),
    "Polish": ("copywritingblog",),
    "Portuguese": ("lucascs",),
    "Spanish and English": ("andrea",),
}
# Comments of seed/story.txt, by their numbers in the file.
SPAM = {57, 58, 60, 61, *range(63, 68), *range(69, 75)}
FILTER_NAME = "filter"  # of the check
MISSING, DUPLICATES, FAIR = {31, 56, 59, 62, 68}, {33, 34}, {10, 15, 55}


def measure(bench: Run) -> Iterator[str | Goal]:
    """Train starters without each source, and score comments that they never saw."""
    from moderation.checks.registry import start_weights

    model = Model(load_starter(), start_weights())
    if bench.sizes.learning:
        from bench.filter import training

        trained = training.train(training.training_rows())
        yield from left_out_sources(trained)
        yield from baseline(trained)
        yield from ablation(trained)
        yield from languages(trained)
        yield from first_decisions(trained, bench.sizes.decisions)
    if bench.sizes.test_source:
        yield from test_source(model)
    yield from written_samples(model)
    yield from seed()
    yield from threads()
    yield from poisoned(model, bench.sizes.poison)
    yield from speed(bench, model)


def default_threshold(*, has_website: bool, false_positive_percent: float = FALSE_POSITIVE_LIMIT) -> float:
    """Return the probability from which a comment waits on an empty site.

    `has_website`: whether comments come with the websites of their authors.
    """
    from moderation.spam_filter import versions

    return versions.new_site_threshold(false_positive_percent, has_website=has_website)


# Sources that are left out


def scored(trained: "Trained", logits: Sequence[float]) -> list[Scored]:
    return [Scored(row, float(logit)) for row, logit in zip(trained.samples.rows, logits, strict=True)]


def left_out_sources(trained: "Trained") -> Iterator[str | Goal]:
    """Yield the figures of sources that are left out, one after the other."""
    both = {which: scored(trained, logits) for which, logits in trained.logits.items()}
    yield from pooled("blogs left out, with websites", both["with"], area=0.99, recall=90, recall_mean=75)
    yield from pooled("… without websites", both["without"], area=0.98, recall=85, recall_mean=65)
    for which, some in both.items():
        name = f"the default threshold {which} websites"
        yield from waiting(name, some, default_threshold(has_website=which == "with"), most=1.2, each=3)
        name = f"the strict threshold {which} websites"
        strict = default_threshold(has_website=which == "with", false_positive_percent=STRICT_PERCENT)
        yield from waiting(name, some, strict, most=1.2, each=1)
    yield "By source, at the default threshold; each is scored by a model that never saw it:"
    yield ""
    yield from table(both, {which: default_threshold(has_website=which == "with") for which in both})


def baseline(trained: "Trained") -> Iterator[Goal]:
    """Yield the figures of a plain logistic regression over words and characters, of the same folds."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    samples_ = trained.samples
    texts = [" ".join(filter(None, (row.data.author, row.data.url, row.data.body))) for row in samples_.rows]
    logits = np.zeros(len(texts))
    for fold in samples_.folds:
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), min_df=3, sublinear_tf=True)
        plain = make_pipeline(
            make_union(words, characters),
            LogisticRegression(C=4.0, solver="liblinear", class_weight="balanced", random_state=1),
        )
        here = samples_.fold == fold
        plain.fit([texts[n] for n in np.flatnonzero(~here)], samples_.is_spam[~here])
        logits[here] = plain.decision_function([texts[n] for n in np.flatnonzero(here)])
    name = "a plain logistic regression over words, names and websites"
    for goal in pooled(name, scored(trained, logits), area=0, recall=0, recall_mean=0):
        yield Goal(goal.name, goal.figure, unit=goal.unit, digits=goal.digits)


def ablation(trained: "Trained") -> Iterator[str]:
    """Yield the figures without each group of features, which show what it is worth."""
    from bench.filter import training

    def line(name: str, left_out: tuple[str, ...]) -> str:
        keep = [one for one in trained.table.names if not one.startswith(left_out or ("-",))]
        cells = [name, str(len(keep))]
        for logits in training.left_out_logits(trained.samples, trained.table, keep).values():
            spam, good = split(blogs(scored(trained, logits)))
            area, recall = roc_auc(spam, good) or 0.0, recall_at(spam, good, 0.01) or 0.0
            cells += [f"{area:.4f}", f"{100 * recall:.1f} %"]
        return " | ".join(cells)

    yield "Without a group of features: ROC-AUC and spam found where 1 % of the good comments wait."
    yield ""
    everything = [("(nothing left out)", ()), *GROUPS.items()]
    yield from rows(
        "without | features | with websites | found | without websites | found",
        (line(name, group) for name, group in everything),
    )


def languages(trained: "Trained") -> Iterator[Goal]:
    """Yield the shares of good comments that wait by language, by models that never saw their source."""
    sources = by_source(scored(trained, trained.logits["without"]))
    at = default_threshold(has_website=False)
    others = {name for names in LANGUAGES.values() for name in names}
    groups = {"English": [name for name in sources if name not in others], **LANGUAGES}
    for language, names in groups.items():
        good = split([one for name in names for one in sources[name] if one.row.kind == Kind.BLOG])[1]
        share = 100 * sum(sigmoid(logit) >= at for logit in good) / len(good)
        yield percent(f"good comments in {language} that wait, of {len(good):,}", share, most=3)


def test_source(model: Model) -> Iterator[Goal]:
    """Yield the figures of the test source, by which no choice was made."""
    for which, what in (("with", ""), ("without", ", without websites")):
        found = scoring.score(
            model, scoring.without_websites(sets.sources([sets.TEST_SOURCE]), which == "without")
        )
        spam, good = split(found)
        yield Goal(
            f"the test source {sets.TEST_SOURCE}{what}: ROC-AUC",
            roc_auc(spam, good) or 0.0,
            unit="",
            digits=4,
        )
        at = default_threshold(has_website=which == "with")
        yield percent(f"… of {len(spam)} spam found at the default threshold", 100 * share_above(spam, at))
        yield percent(f"… of {len(good)} good comments that wait", 100 * share_above(good, at))


def written_samples(model: Model) -> Iterator[Goal]:
    """Yield the figures of languages that only our own samples have, and of a small Turkish site."""
    at = default_threshold(has_website=False)
    others = [row for row in sets.disqus() if "yesilmavihayat" in row.source]
    by_language = dict(by_source(scoring.score(model, samples.samples())))
    by_language["Turkish"] = scoring.score(model, others)
    for language, some in by_language.items():
        spam, good = split(some)
        yield percent(
            f"good comments in {language} that wait, of {len(good)}", 100 * share_above(good, at), most=3
        )
        if spam:
            yield percent(f"… spam found, of {len(spam)}", 100 * share_above(spam, at))


def first_decisions(trained: "Trained", counts: Sequence[int]) -> Iterator[Goal]:
    """Yield the performance on later comments of blogs before and after their first decisions."""
    for count in counts:
        adapted = scoring.after_decisions(trained, count)
        for what, some in (("before", adapted.before), (f"after {count} decisions", adapted.after)):
            spam, good = split(some)
            wanted = 96 if what != "before" and count >= 200 else None
            yield percent(
                f"{what}: spam found of {len(spam):,} later ones where 1 % of {len(good):,} good ones wait",
                100 * (recall_at(spam, good, 0.01) or 0.0),
                least=wanted,
            )


# A moderator who decides wrongly


def poisoned(model: Model, counts: poison.Counts) -> Iterator[Goal]:
    """Yield the effect of a second person's wrong decisions on others' good comments."""
    for some in zip(*poison.poisoned(model, counts), strict=True):
        shares = zip(*(one.shares for one in some), strict=True)
        others, topic, spam = (sum(share) / len(some) for share in shares)
        if some[0].what == "nothing":
            what = f"{counts.right:,} decisions, all correct: later good comments that wait"
        else:
            what = f"… a second person marks as spam {some[0].what}: others’ good comments that wait"
        yield percent(what, others)
        yield percent("… of these, on that topic", topic)
        yield percent("… spam", spam)
        live = sum(one.goes_live for one in some)
        yield Goal(f"… versions that go live, of {len(some)}", live, unit="")


# The saved page seed/story.txt


def seed() -> Iterator[Goal]:
    """Import the page into an empty site with the starter, as an owner would."""
    from moderation.checks.text import DUPLICATE, NEAR_DUPLICATE, NO_TEXT

    found = _import(DATA / "seed" / "story.txt")
    waits = found.get(FILTER_NAME, set())
    duplicates = found.get(DUPLICATE.name, set()) | found.get(NEAR_DUPLICATE.name, set())
    no_text = found.get(NO_TEXT.name, set())
    yield Goal("seed: spam that the filter finds, of 15", len(waits & SPAM), least=13, unit="")
    yield Goal("… duplicates found, of 2", len(duplicates & DUPLICATES), least=2, unit="")
    yield Goal("… missing texts found, of 5", len(no_text & MISSING), least=5, unit="")
    good = waits - SPAM - MISSING - DUPLICATES
    which = f" ({', '.join(map(str, sorted(good)))})" if good else ""
    yield Goal(f"… good comments that the filter marks{which}, of 52", len(good), most=0, unit="")
    yield Goal("… of 10, 15 and 55 marked by the filter", len(waits & FAIR), most=0, unit="")


def threads() -> Iterator[Goal]:
    """Import the saved threads into the empty site: four without spam, one with spam that came in time."""
    good, waiting_good = 0, 0
    for path in sorted((DATA / "import").glob("soundoff_*/*.txt")):
        of = json.loads(path.with_suffix(".json").read_text("utf-8"))
        waits = _import(path).get(FILTER_NAME, set())
        spam = set(of.get("labels", {}).get("spam", ()))
        good += of["count"] - len(spam)
        waiting_good += len(waits - spam)
        if spam:
            yield Goal(f"{path.stem}: spam that the filter finds, of {len(spam)}", len(waits & spam), unit="")
    yield percent(f"saved threads: good comments that wait, of {good}", 100 * waiting_good / good, most=0.5)


def _import(path: Path) -> dict[str, set[int]]:
    """Import a saved page and return the numbers of the comments that each check found or holds."""
    from archive.services import import_page
    from articles.models import Article
    from comments.models import Comment
    from moderation.models import Finding

    import_page(data=path.read_bytes(), filename=path.name)
    story = Article.objects.latest("pk")  # the site has a sample story
    places = Comment.objects.filter(discussion_id=story.pk).values_list("pk", "source_number")
    place_of = {pk: place for pk, place in places if place is not None}
    found: dict[str, set[int]] = {}
    findings = Finding.objects.filter(comment__in=place_of)
    for check, pk, holds in findings.values_list("check_name", "comment_id", "holds"):
        if holds or check != FILTER_NAME:
            found.setdefault(check, set()).add(place_of[pk])
    return found


# Time


def speed(bench: Run, model: Model) -> Iterator[Goal]:
    """Yield the time to score and to explain a comment."""
    from django.core.management import call_command

    def score(row: Row) -> float:
        return model.score(row.data)

    all_rows = (*sets.sources(), *sets.fox(), *sets.blogs(), *sets.wordpress_spam())
    some = [row for row in all_rows if row.data.body][: bench.sizes.evaluated]
    times = sorted(_milliseconds(partial(score, row)) for row in some)
    yield Goal("a comment read and scored: median", median(times), most=1, unit="ms")
    longest = max(some, key=lambda row: len(row.data.body))
    slowest = min(_milliseconds(partial(score, longest)) for _ in range(3))
    yield Goal(f"… the longest, of {len(longest.data.body):,} characters", slowest, most=5, unit="ms")
    explained = median(_milliseconds(partial(model.explain, row.data)) for row in some)
    yield Goal("… explained: median", explained, unit="ms")
    yield Goal("additional statements of a post with the filter", _statements(bench), most=1, unit="")
    path = bench.folder / "comments.csv"
    names = ("author", "url", "body", "article_title", "article_text")
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
    from comments.policy import Submission
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment
    from moderation.models import ModerationSettings

    [writer] = fixture.add_writers(1)
    story, guest = fixture.add_story("A story to write under"), Guest.objects.get(email=writer.email)

    def post() -> Any:
        body = f"Another word of mine, {uuid4()}."
        submission = Submission(discussion=ensure_discussion(story), guest=guest, name=guest.name, body=body)
        return post_comment(submission, nonce=uuid4())

    with_it = len(bench.site.statements(post))
    ModerationSettings.objects.update(filter=None)
    return with_it - len(bench.site.statements(post))


def _milliseconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return 1_000 * (time.perf_counter() - began)


if __name__ == "__main__":
    run("filter", measure, __doc__, sizes=SIZES, smallest=SMALLEST, served=False)
