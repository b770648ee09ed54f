"""Each check with a table of comments that it matches and that it ignores."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.models import Article, Site
from comments.models import Comment, Discussion
from comments.policy import Submission
from core.rate_limits import RateLimitError
from moderation.checks.base import Context, Duplicate, SentComments
from moderation.checks.registry import CHECKS, run_checks
from moderation.features.links import max_link_count, page_links
from moderation.rules.matching import (
    MAX_SPANS,
    RuleDefinition,
    TermList,
    compile_pattern,
    compile_rules,
    fold_case,
)
from moderation.screening.rate_limits import DEFAULT_KNOWN_LIMIT, DEFAULT_NEW_LIMIT, check_rate_limits

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWN = Context(person_is_confirmed=True, has_approved_comment=True)


def submission(body: str = "A word about the boat.", **fields) -> Submission:
    article = Article(title="The slip closes", published_at=NOW - fields.pop("age", timedelta(days=1)))
    discussion = Discussion(article=article, moderation=fields.pop("moderation", "conditional"))
    vars(discussion)["site"] = Site()  # otherwise the site is read from the database
    values = {"name": "Nuala", "at": NOW} | fields
    return Submission(discussion=discussion, body=body, **values)


def check(made: Submission, context: Context = KNOWN) -> list[tuple[str, int | None]]:
    return [(found.check, found.number) for found in run_checks(made, context)]


def rules(*written: RuleDefinition, **kinds: str) -> Context:
    """Return the context of a known person with these rules, numbered from 1: rules(term="casino",
    domain="a.example")."""
    more = [RuleDefinition(pk=n, kind=kind, value=value) for n, (kind, value) in enumerate(kinds.items(), 1)]
    return replace(KNOWN, rules=compile_rules([*written, *more]))


def terms(*values: str) -> Context:
    return rules(*(RuleDefinition(pk=n, kind="term", value=value) for n, value in enumerate(values, 1)))


def test_a_plain_comment_by_a_known_person_has_no_findings():
    assert check(submission()) == []


@pytest.mark.parametrize(
    ("context", "number"),
    [
        (Context(), None),
        (Context(has_approved_comment=True), None),  # approved, but anybody's name
        (Context(person_is_confirmed=True), 0),
    ],
)
def test_a_new_person_waits(context, number):
    assert check(submission(), context) == [("new_person", number)]


def test_a_moderator_is_not_new():
    assert check(submission(), Context(may_moderate=True)) == []


@pytest.mark.parametrize(
    ("body", "spans"),
    [
        ("See https://a.example/x", None),
        ("Write to me@a.org or you@b.org, or them@c.org", None),
        ("https://a.example/x and http://b.example", [(0, 19), (24, 40)]),
        ("[here](https://a.example) and www.b.org", [(7, 24), (30, 39)]),
    ],
)
def test_more_than_one_link_is_found(body, spans):
    found = run_checks(submission(body), KNOWN)
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
def test_a_text_of_punctuation_and_markup_only_is_found(body, found):
    assert bool(check(submission(body))) is found


@pytest.mark.parametrize("missing", ["all", "rest"])
def test_a_text_missing_in_the_original_is_found(missing):
    context = replace(KNOWN, text_missing=missing)
    assert check(submission("IN OUR"), context) == [("emptied", None)]


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
    found = run_checks(submission(body, name=name), terms("Casino"))
    assert [(f.check, f.rule, f.spans) for f in found] == ([] if spans is None else [("term", 1, spans)])


@pytest.mark.parametrize(
    ("term", "body", "spans"),
    [
        ("free money", "Free\n  MONEY for all", [(0, 12)]),
        ("c++", "I write C++ here", [(8, 11)]),
        ("strasse", "Die Straße dort", [(4, 10)]),
        ("كازينو", "زر كازينو اليوم", [(3, 9)]),
    ],
)
def test_terms_may_be_of_any_characters(term, body, spans):
    assert [f.spans for f in run_checks(submission(body), terms(term))] == [spans]


def test_every_term_is_named():
    assert [f.rule for f in run_checks(submission("a casino, a pill"), terms("casino", "pill", "x"))] == [
        1,
        2,
    ]


def listed(*values: str, whole_words: bool) -> Context:
    lines = "\n".join(values)
    return rules(RuleDefinition(pk=1, kind="list", value="a.txt", terms=lines, whole_words=whole_words))


@pytest.mark.parametrize(
    ("terms", "whole_words", "body", "spans"),
    [
        (["cialis", "casino"], False, "A specialist at the CASINO", [(5, 11), (20, 26)]),
        (["cialis", "casino"], True, "A specialist at the CASINO", [(20, 26)]),
        (["free"], True, "barrier-free, freely", [(8, 12)]),
        (["ass", "pass"], True, "a pass", [(2, 6)]),  # both terms end at the same position
        (["strasse"], True, "Die Straße dort", [(4, 10)]),
        (["性"], True, "两性关系", [(1, 2)]),  # these words are not separated by spaces
        (["카지노"], True, "카지노를", [(0, 3)]),  # the particle hangs on
        (["#1"], True, "We are#1!", [(6, 8)]),
        (["http://"], True, "http://a.example", [(0, 7)]),
        (["poker"], True, "Pokerface", None),
    ],
)
def test_the_terms_of_a_list_are_found(terms, whole_words, body, spans):
    found = run_checks(submission(body), listed(*terms, whole_words=whole_words))
    assert [(f.check, f.rule, f.spans) for f in found] == ([] if spans is None else [("term_list", 1, spans)])


def test_a_list_also_matches_the_name():
    found = run_checks(submission(name="Cheap Casino"), listed("casino", whole_words=True))
    assert [(f.check, f.spans) for f in found] == [("term_list", [])]


LETTERS = "aAbBſßẞİıΣσςÅå é1_ -.漢か한\n"


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=3).filter(str.strip), min_size=1, max_size=6),
    st.text(LETTERS, max_size=40),
)
def test_the_automaton_agrees_with_a_naive_search(terms, body):
    """Case does not matter, a letter may fold into several, and spans are those of the typed text."""
    terms = [term.replace("\n", " ").strip() for term in terms]
    found = {
        (start, end)
        for start in range(len(body))
        for end in range(start + 1, len(body) + 1)
        for term in terms
        if term.casefold() in body[start:end].casefold()
        # The fewest letters as typed that hold it.
        and term.casefold() not in body[start + 1 : end].casefold()
        and term.casefold() not in body[start : end - 1].casefold()
    }
    spans = TermList(terms, whole_words=False).find(fold_case(body))
    assert len(spans) == MAX_SPANS or found <= set(spans)
    assert all(any(t.casefold() in body[a:b].casefold() for t in terms) for a, b in spans)


@given(st.text(LETTERS, min_size=1, max_size=4), st.text(LETTERS, max_size=40))
def test_terms_and_lists_agree_on_whole_words(term, body):
    """They also agree in scripts that do not separate words by spaces."""
    if len(term.split()) == 1:
        listed_ones = TermList([term.strip()], whole_words=True).find(fold_case(body))
        assert ("term" in dict(check(submission(body), rules(term=term)))) == bool(listed_ones)


@pytest.mark.parametrize(
    ("body", "spans"),
    [
        ("See https://evil.example/x?y", [(4, 28)]),
        ("See EVIL.example", None),  # .example is no domain that a page would make a link of
        ("http://shop.evil.example and http://notevil.example", [(0, 24)]),
        ("[x](http://user@evil.example:80/)", [(4, 32)]),
        ("http://evil.example.org", None),
        ("evil.example is what I mean", None),
        ("mail@evil.example", None),
    ],
)
def test_a_domain_matches_its_subdomains(body, spans):
    found = [f for f in run_checks(submission(body), rules(domain="evil.example")) if f.check != "links"]
    assert [(f.check, f.spans) for f in found] == ([] if spans is None else [("domain", spans)])


@given(
    st.lists(st.sampled_from(["a", "b.", ".", "/", "//", "http:", " ", "www.", ".com", "é", "@", "\n", "-"]))
)
def test_the_upper_bound_of_links_holds(parts):
    body = "".join(parts)
    assert len(page_links(body)) <= max_link_count(body)


@pytest.mark.parametrize("body", ["http://ｅvil.com", "http://ev\u00adil.com", "http://evil\u200b.com/x"])
def test_a_domain_is_matched_despite_characters_that_browsers_ignore(body):
    assert check(submission(body), rules(domain="evil.com")) == [("domain", 1)]


@pytest.mark.parametrize("body", ["http://münchen.de/x", "http://MÜNCHEN.de", "http://xn--mnchen-3ya.de"])
def test_an_internationalized_domain_is_matched_in_each_notation(body):
    assert check(submission(body), rules(domain="xn--mnchen-3ya.de")) == [("domain", 1)]


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("casino", "Best CASINO online", True),
        ("^seo ", "Seo Services", True),
        ("^seo ", "Eve Seo ", False),
        ("(cheap|best) .* (online|deals)$", "cheap boots online", True),
        (r"\pL+ \d{4,}", "Nuala 1234", True),
        ("ünï", "ÜNÏ", True),
    ],
)
def test_a_name_pattern_matches_parts_of_the_name(pattern, name, found):
    assert bool(check(submission("casino", name=name), rules(name=pattern))) is found


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)b", "(?!a)b", "(", "[a", "((a{100}){100}){100}", "*a"])
def test_a_pattern_that_might_run_for_ever_is_refused(pattern):
    with pytest.raises(ValueError, match=r"\w"):
        compile_pattern(pattern)


def test_the_worst_pattern_takes_linear_time():
    assert check(submission(name="a" * 200 + "!"), rules(name="(a|aa|a?)*(a+)+b$")) == []


@pytest.mark.parametrize(
    ("scopes", "found"),
    [
        ({}, [("links", 2)]),  # none: the default
        ({None: "2"}, []),
        ({None: "2", "topic": "1"}, [("links", 2)]),
        ({"topic": "1", "article": "5"}, []),
        ({None: "5", "other": "1"}, []),
        ({"topic": "3", "topic 2": "1"}, [("links", 2)]),  # the stricter limit of two topics applies
    ],
)
def test_the_narrower_limit_wins(scopes, found):
    places = {
        "topic": {"topic": 4},
        "topic 2": {"topic": 5},
        "article": {"article": 9},
        "other": {"article": 8},
    }
    written = [
        RuleDefinition(pk=n, kind="links", value=value, **places.get(scope, {}))
        for n, (scope, value) in enumerate(scopes.items())
    ]
    context = replace(KNOWN, rules=compile_rules(written).for_article(9, [4, 5]))
    assert check(submission("https://a.example https://b.example"), context) == found


def test_a_rule_applies_only_in_its_scope():
    written = [
        RuleDefinition(pk=1, kind="term", value="pill"),
        RuleDefinition(pk=2, kind="term", value="boat", topic=4),
        RuleDefinition(pk=3, kind="term", value="word", article=9),
    ]
    found = {
        (article, topics): [
            f.rule
            for f in run_checks(
                submission("A pill, a boat, a word"),
                replace(KNOWN, rules=compile_rules(written).for_article(article, topics)),
            )
        ]
        for article, topics in [(9, (4,)), (9, ()), (8, (4, 5)), (8, ())]
    }
    assert found == {(9, (4,)): [1, 2, 3], (9, ()): [1, 3], (8, (4, 5)): [1, 2], (8, ()): [1]}


def test_a_rule_may_flag_without_holding():
    context = rules(RuleDefinition(pk=1, kind="term", value="pill", holds=False))
    assert [(f.rule, f.holds) for f in run_checks(submission("A pill"), context)] == [(1, False)]


@pytest.mark.parametrize(("age", "found"), [(6, []), (8, [("late", 8)])])
def test_a_rule_sets_the_age_limit(age, found):
    assert check(submission(age=timedelta(days=age)), rules(age="7")) == found


def sent(count: int, minutes: int = 5) -> SentComments:
    """Return comments of which the oldest counts for some minutes more."""
    return SentComments(count, minutes * 60)


def rate_error(context: Context, **fields) -> RateLimitError | None:
    try:
        check_rate_limits(submission(**fields), context)
    except RateLimitError as error:
        return error
    return None


TRUSTED = replace(KNOWN, person_is_trusted=True)


@pytest.mark.parametrize(
    ("context", "most"),
    [
        (Context(sent_by_person=sent(2)), None),
        (Context(sent_by_person=sent(3)), "You can post 3 comments"),
        (Context(sent_from_address=sent(3)), "on the same internet connection can post 3 comments"),
        (Context(sent_from_block=sent(11)), None),
        (Context(sent_from_block=sent(12)), "on neighbouring internet connections can post 12 comments"),
        (Context(sent_to_discussion=sent(29)), None),
        (Context(sent_to_discussion=sent(30)), "New commenters can post 30 comments"),
        (replace(KNOWN, sent_by_person=sent(9), sent_from_address=sent(50)), None),  # a school, a ship
        (replace(KNOWN, sent_from_block=sent(500), sent_to_discussion=sent(500)), None),
        (replace(KNOWN, sent_by_person=sent(10)), "You can post 10 comments"),
        (replace(TRUSTED, sent_by_person=sent(29)), None),
        (replace(TRUSTED, sent_by_person=sent(30)), "You can post 30 comments"),
        (
            Context(sent_by_person=sent(3), person_is_trusted=True),
            "You can post 3 comments",
        ),  # the person is no longer a known one
        (Context(sent_by_person=sent(50), may_moderate=True), None),
        (replace(rules(rate="1/2"), sent_by_person=sent(2)), "You can post 2 comments"),
        (replace(rules(rate="1/2"), sent_by_person=sent(5), person_is_trusted=True), None),
        (replace(rules(rate="1/2"), person_is_confirmed=False, sent_to_discussion=sent(10)), "post 10 comm"),
    ],
)
@pytest.mark.usefixtures("rate_limits_on")
def test_each_rate_limit_refuses_the_next_comment(context, most):
    error = rate_error(context)
    assert most in error.message if most else error is None
    assert (DEFAULT_NEW_LIMIT, DEFAULT_KNOWN_LIMIT) == (3, 10)


@pytest.mark.parametrize(
    ("context", "seconds", "sentence"),
    [
        (Context(sent_by_person=SentComments(3, 61)), 61, "You can post 3 comments in 10 minutes."),
        (Context(sent_by_person=SentComments(3, 1)), 1, "You can post 3 comments in 10 minutes."),
        # More than one comment must become old: the limit was lowered, or two arrived at the same moment.
        (Context(sent_by_person=SentComments(4, 61)), 600, "You can post 3 comments in 10 minutes."),
        (Context(sent_by_person=sent(3, 2), sent_from_address=sent(3, 7)), 420, "New commenters on the same"),
        (Context(sent_by_person=sent(3, 7), sent_from_address=sent(3, 7)), 420, "You can post 3 comments"),
    ],
)
@pytest.mark.usefixtures("rate_limits_on")
def test_the_longest_wait_of_the_exceeded_limits_is_named(context, seconds, sentence):
    error = rate_error(context)
    assert error.seconds == seconds
    assert error.message.startswith(sentence)
    minutes = -(-seconds // 60)
    assert error.message.endswith(f"Please try again in {minutes} minute{'s' if minutes > 1 else ''}.")


@pytest.mark.usefixtures("rate_limits_on")
def test_an_edit_does_not_count_for_the_rate_limit():
    assert rate_error(Context(sent_by_person=sent(50)), comment=Comment()) is None


@pytest.mark.parametrize(("age", "number"), [(29, None), (30, None), (31, 31), (2_800, 2_800)])
def test_an_old_article_has_late_comments(age, number):
    assert check(submission(age=timedelta(days=age))) == ([("late", number)] if number else [])


def test_exact_and_near_duplicates_are_distinguished():
    exact = replace(KNOWN, duplicate=Duplicate(original=12, exact=True, similarity=1))
    near = replace(
        KNOWN, duplicate=Duplicate(original=12, exact=False, similarity=1)
    )  # but for its punctuation
    assert [(f.check, f.duplicate_of) for f in run_checks(submission(), exact)] == [("repeat", 12)]
    assert [(f.check, f.duplicate_of) for f in run_checks(submission(), near)] == [("near_repeat", 12)]


def test_all_checks_run_and_all_findings_are_kept():
    some = terms("casino").rules
    context = Context(duplicate=Duplicate(original=12, exact=True, similarity=1), rules=some)
    made = submission("casino https://a.example https://b.example", moderation="pre", age=timedelta(days=99))
    assert [name for name, _ in check(made, context)] == [
        "new_person",
        "reviewed_first",
        "term",
        "links",
        "repeat",
        "late",
    ]


def test_import_checks_ignore_persons_and_settings():
    about_persons = {"new_person", "reviewed_first", "sanctioned"}
    assert {check.name for check in CHECKS.values() if not check.screens_imports} == about_persons
    strict = Context(person_is_premoderated=True, site_is_premoderated=True)
    assert run_checks(submission(), strict, is_import=True) == []
