"""The starter: the stored file matches its provenance, holds no text, and judges like a sensible reader.

The comments here are ours. bench.filter measures it on sites that it never saw.
"""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.filter import samples, sets
from moderation.features.text_reading import CommentData
from moderation.spam_filter.classifier.model import Model
from moderation.spam_filter.classifier.starter import STARTER_FILE, Starter, load_starter
from moderation.spam_filter.explanations import describe_part
from moderation.spam_filter.thresholds import STRICT_PERCENT
from moderation.spam_filter.versions import new_site_threshold

STORED = STARTER_FILE.read_bytes()
ABOUT = json.loads(STARTER_FILE.with_suffix(".json").read_text("utf-8"))
DAY = datetime(2024, 1, 1, tzinfo=UTC)
STORY = {
    "article_title": "Council closes the ferry slip",
    "article_text": (
        "The council of Lindal voted on Tuesday to close the old ferry slip at the end of the season. The"
        " piles have rotted, said the harbour master, and the bridge carries most of the traffic by now."
        " Rowers protested, because the next slip is four kilometres away."
    ),
    "article_date": DAY,
}


def comment_data(body: str, author: str = "Ebba Norling", *, days: int = 1, **more) -> CommentData:
    return CommentData(body=body, author=author, comment_date=DAY + timedelta(days=days), **STORY, **more)


def score(one: CommentData) -> float:
    return Model(load_starter()).score(one)


def waits(one: CommentData) -> bool:
    """Return whether a comment waits on a new site that lets 1 in 100 good comments wait."""
    return score(one) >= new_site_threshold(1.0, has_website=one.url is not None)


def test_the_starter_matches_its_provenance():
    assert hashlib.sha256(STORED).hexdigest() == ABOUT["sha256"] == load_starter().digest
    assert len(STORED) == ABOUT["bytes"] < 500_000
    assert {name: round(one.weight, 3) for name, one in load_starter().weights.items()} == ABOUT["features"]


def test_its_training_files_exclude_the_seed_the_threads_and_the_test_source():
    names = [one["file"] for one in ABOUT["files"]]
    assert not [name for name in names if "seed" in name or "soundoff" in name or sets.TEST_SOURCE in name]
    assert sets.TEST_SOURCE not in ABOUT["rows"]
    assert all(len(one["sha256"]) == 64 for one in ABOUT["files"])


def test_the_starter_is_stored_without_loss():
    again = Starter.from_bytes(load_starter().to_bytes())
    assert replace(again, digest="") == replace(load_starter(), digest="")


def test_the_starter_contains_no_text():
    """Its header has the names of features, its body only numbers."""
    size = int.from_bytes(STORED[:4], "little")
    head = json.loads(STORED[4 : 4 + size])
    assert head.keys() == {"format", "weights", "bias", "slope", "offset", "models", "sets"}
    assert all(name.replace("_", "").isalpha() for name in head["weights"])


def test_each_feature_has_a_sentence():
    for name in load_starter().weights:
        assert describe_part(name).endswith("."), name
        assert "signal" not in describe_part(name)


@pytest.mark.parametrize("which", ["with", "without"])
def test_a_strict_limit_is_a_higher_threshold(which):
    usual, strict = (
        new_site_threshold(limit, has_website=which == "with") for limit in (1.0, STRICT_PERCENT)
    )
    assert 0.1 <= usual < strict < 0.9


GOOD = [
    comment_data("The slip should stay, the bridge is too far for rowers."),
    comment_data("The slip should stay, the bridge is too far for rowers.", author="ebba norling"),
    comment_data("The slip should stay, the bridge is too far for rowers.", author="ebba@norling.example"),
    comment_data("The slip should stay, the bridge is too far for rowers.", author="norling.com"),
    comment_data("I agree."),
    comment_data("Thanks, very useful!", author="Ann", url=""),
    comment_data("¡Qué bien! Espero que el puente aguante.", author="María"),
    comment_data("Check out the photo of the old slip in the museum, it is from 1931."),
    comment_data("👍"),
    comment_data("lol", author="ebba77"),
    comment_data(
        "The piles at the north end were replaced in 2009, see https://lindal.example/minutes.pdf page 4."
    ),
]


@pytest.mark.parametrize("one", GOOD)
def test_good_comments_do_not_wait(one):
    assert not waits(one)


SPAM = [
    comment_data(
        "Great article! Visit my website for cheap loans", author="cheap loans", url="http://l.example"
    ),
    comment_data("Thanks for sharing this information with us.", author="emt training", days=400),
    comment_data(
        "Купить диплом недорого с занесением в реестр http://diplom.example", author="диплом", days=90
    ),
    comment_data("Very good post, i will bookmark this website.", author="payday loans online", days=200),
    comment_data("[url=http://casino-bonus.example]online casino[/url]", author="casino bonus", days=40),
]


@pytest.mark.parametrize("one", SPAM)
def test_spam_waits(one):
    assert waits(one)


def test_noise_counts_against_a_comment():
    """It once counted as specific, as names, figures and code do."""
    noise, words = (
        comment_data("juUcz7 Gra7noI59", author="juUcz7"),
        comment_data("rowing boats", author="juUcz7"),
    )
    assert Model(load_starter()).read_data(noise).values["noise"] > 0
    assert score(replace(noise, author="Ann")) > 3 * score(replace(words, author="Ann"))


def test_a_website_named_after_its_product_hardly_lowers_the_score():
    body = "Thanks for sharing this information with us."
    named = comment_data(body, author="cheap payday loans", url="http://cheap-payday-loans.example")
    assert score(named) > 0.9 * score(replace(named, url="http://qqq.example"))


def test_another_script_outweighs_that_there_is_no_website():
    russian = comment_data("Купить диплом недорого с занесением в реестр", author="диплом", url="", days=200)
    assert score(russian) > 0.3 * score(replace(russian, url=None))


def test_one_phrase_is_not_enough():
    one = comment_data("Check out what the harbour master said about the piles.")
    assert score(one) < 2 * score(comment_data("Read what the harbour master said about the piles.")) + 0.01


@pytest.mark.parametrize("language", ["Arabic", "Russian"])
def test_good_comments_of_other_languages_do_not_wait(language):
    """Spam scores higher than these. bench.filter measures the languages of the exports."""
    rows = [row for row in samples.samples() if row.source == language]
    good = [score(row.data) for row in rows if not row.is_spam]
    assert not [row.id for row in rows if not row.is_spam and waits(row.data)]
    assert min(score(row.data) for row in rows if row.is_spam) > max(good)


@pytest.mark.data
@pytest.mark.parametrize(
    ("read", "spam", "good"),
    [
        (sets.wordpress_spam, 1_544, 0),
        (sets.fox, 0, 881),
        (sets.civil, 0, 7_939),
        (sets.blogs, 9, 372),
        (sets.betabong, 0, 102),
        (sets.staticman, 0, 359),
        (sets.sources, 1_262, 1_915),
        (sets.disqus, 0, 60),
    ],
)
def test_the_data_sets_are_read_completely(data, read, spam, good):
    found = read()
    assert (sum(row.is_spam for row in found), sum(not row.is_spam for row in found)) == (spam, good)
    assert len({row.id for row in found}) == len(found)


@pytest.mark.data
def test_the_files_are_those_that_it_was_trained_on(data):
    for one in ABOUT["files"]:
        assert hashlib.sha256((data / one["file"]).read_bytes()).hexdigest() == one["sha256"]
