"""Each check as a table: what it finds, and what it leaves alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from articles.models import Article
from comments.models import Discussion
from comments.policy import Draft
from moderation.checks import CHECKS, IMPORT_CHECKS, Context, Repeat, run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWN = Context(person_is_confirmed=True, approved_count=1)


def draft(body: str = "A word about the boat.", **fields) -> Draft:
    article = Article(title="The slip closes", published_at=NOW - fields.pop("age", timedelta(days=1)))
    discussion = Discussion(article=article, moderation=fields.pop("moderation", "conditional"))
    values = {"parent": None, "author": None, "guest": None, "name": "Nuala", "at": NOW} | fields
    return Draft(discussion=discussion, body=body, **values)


def check(made: Draft, context: Context = KNOWN) -> list[tuple[str, int | None]]:
    return [(found.check, found.number) for found in run(made, context, CHECKS)]


def test_a_plain_comment_of_somebody_known_is_left_alone():
    assert check(draft()) == []


@pytest.mark.parametrize(
    ("context", "number"),
    [
        (Context(), None),
        (Context(approved_count=1), None),  # approved, but anybody's name
        (Context(person_is_confirmed=True), 0),
    ],
)
def test_somebody_new_waits(context, number):
    assert check(draft(), context) == [("new_person", number)]


def test_who_may_moderate_is_not_new():
    assert check(draft(), Context(may_moderate=True)) == []


@pytest.mark.parametrize(
    ("body", "spans"),
    [
        ("See https://a.example/x", None),
        ("Write to me@a.org or you@b.org, or them@c.org", None),
        ("https://a.example/x and http://b.example", [(0, 19), (24, 40)]),
        ("[here](https://a.example) and www.b.org", [(7, 24), (30, 39)]),
    ],
)
def test_links_beyond_the_first(body, spans):
    found = run(draft(body), KNOWN, CHECKS)
    assert [f.spans for f in found] == ([] if spans is None else [spans])
    for f in found:
        assert (f.check, f.number) == ("links", len(spans))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("...", True),
        ("<b></b>&nbsp;", True),
        ("“—” !?", True),
        ("No.", False),
        ("7", False),
        ("👍", False),
        ("好", False),
        ("نعم", False),
    ],
)
def test_nothing_but_punctuation_and_markup(body, found):
    assert bool(check(draft(body))) is found


@pytest.mark.parametrize("missing", ["all", "rest"])
def test_a_text_that_the_source_lost(missing):
    context = replace(KNOWN, text_missing=missing)
    assert check(draft("IN OUR"), context) == [("emptied", None)]


@pytest.mark.parametrize(
    ("body", "name", "spans"),
    [
        ("The CASINO and the Casino.", "Nuala", [(4, 10), (19, 25)]),
        ("casinos", "Nuala", None),
        ("incasino", "Nuala", None),
        ("Nothing here", "Casino Bob", []),
        ("(casino)", "Nuala", [(1, 7)]),
        ("Straße, casino", "Nuala", [(8, 14)]),  # ß is two letters once folded
    ],
)
def test_a_term_is_found_as_a_word_in_any_case(body, name, spans):
    found = run(draft(body, name=name), replace(KNOWN, terms=[(7, "Casino")]), CHECKS)
    assert [(f.check, f.rule, f.spans) for f in found] == ([] if spans is None else [("term", 7, spans)])


@pytest.mark.parametrize(
    ("term", "body", "spans"),
    [
        ("free money", "Free\n  MONEY for all", [(0, 12)]),
        ("c++", "I write C++ here", [(8, 11)]),
        ("strasse", "Die Straße dort", [(4, 10)]),
        ("كازينو", "زر كازينو اليوم", [(3, 9)]),
    ],
)
def test_terms_of_any_kind(term, body, spans):
    assert [f.spans for f in run(draft(body), replace(KNOWN, terms=[(1, term)]), CHECKS)] == [spans]


def test_every_term_is_named():
    found = run(
        draft("a casino, a pill"), replace(KNOWN, terms=[(1, "casino"), (2, "pill"), (3, "x")]), CHECKS
    )
    assert [f.rule for f in found] == [1, 2]


@pytest.mark.parametrize(("age", "number"), [(29, None), (30, None), (31, 31), (2_800, 2_800)])
def test_an_old_article_has_late_comments(age, number):
    assert check(draft(age=timedelta(days=age))) == ([("late", number)] if number else [])


def test_exact_and_near_repeats_are_told_apart():
    exact = replace(KNOWN, repeat=Repeat(twin=12, exact=True, similarity=1))
    near = replace(KNOWN, repeat=Repeat(twin=12, exact=False, similarity=1))  # but for its punctuation
    assert [(f.check, f.twin) for f in run(draft(), exact, CHECKS)] == [("repeat", 12)]
    assert [(f.check, f.twin) for f in run(draft(), near, CHECKS)] == [("near_repeat", 12)]


def test_all_checks_run_and_all_findings_are_kept():
    context = Context(repeat=Repeat(twin=12, exact=True, similarity=1), terms=[(1, "casino")])
    made = draft("casino https://a.example https://b.example", moderation="pre", age=timedelta(days=99))
    assert [name for name, _ in check(made, context)] == [
        "new_person",
        "reviewed_first",
        "term",
        "links",
        "repeat",
        "late",
    ]


def test_an_import_is_asked_nothing_about_persons_or_settings():
    assert {c.__name__ for c in set(CHECKS) - set(IMPORT_CHECKS)} == {"new_person", "reviewed_first"}
