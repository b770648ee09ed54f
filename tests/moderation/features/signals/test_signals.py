"""Each signal with comments that it matches, with the spans, and with comments that it ignores."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.checks.registry import CHECKS
from moderation.features import signals
from moderation.features.signals import author, text
from moderation.features.text_reading import (
    MAX_READ_LENGTH,
    CommentData,
    ParsedComment,
    SignalResult,
    cached_per_comment,
)
from tests.helpers.growth import LINEAR, growth

ARTICLE = """
Heron ferries stop in winter. The harbour of Lindal has frozen early this year, and the council of the
island decided on Monday that the old ferries would stay moored until March. Fishermen complained that bread,
mail and medicine now arrive by helicopter, twice a week, weather permitting, while the mainland argues about
the price of diesel. The mayor, Ebba Norling, asked the ministry for an icebreaker; the ministry offered a
committee.
"""
DAY = datetime(2024, 1, 1, tzinfo=UTC)
EVERY_SIGNAL = {
    name: check.find_signal
    for name, check in CHECKS.items()
    if check.find_signal
    and check.find_signal.__module__.startswith("moderation.features")
    and check.weight is None
}


def comment_data(body: str = "x", **more) -> CommentData:
    return CommentData(body=body, **more)


def run_signal(name: str, one: CommentData) -> SignalResult | None:
    return next(
        (f for f in signals.find_signals(ParsedComment(one), EVERY_SIGNAL) if f.signal == name),
        None,
    )


def after(days: int) -> CommentData:
    return comment_data(article_date=DAY, comment_date=DAY + timedelta(days=days))


# The signal, a comment that has it, and the words that it marks.
FINDS = [
    ("late", after(400), []),
    ("late", after(30), []),
    (
        "on_subject",
        comment_data("The mayor wanted an icebreaker for that", article_text=ARTICLE),
        ["mayor", "icebreaker"],
    ),
    ("answers", comment_data("@Ann I think so"), ["@A"]),
    ("answers", comment_data("Thanks Ben, that was it"), ["Thanks Ben,"]),
    ("answers", comment_data("I think so", is_reply=True), []),
    ("asks", comment_data("How did you get out of the harbour?"), ["How did you get out of the harbour?"]),
    ("asks", comment_data("I tried that, and it works"), ["I tried", "it works"]),
    ("praise", comment_data("Great, wonderful, thanks!"), ["Great", "wonderful", "thanks"]),
    ("site_talk", comment_data("I like your blog, what a useful website"), ["your blog", "useful website"]),
    ("spun", comment_data("Well, I have bookmarked it"), ["I have bookmarked "]),
    ("leftovers", comment_data("What a {great|good|nice} thing"), ["{great|good|nice}"]),
    ("leftovers", comment_data("Hi %name%!"), ["%name%"]),
    *(
        ("leftovers", comment_data(f"Nice {part} here"), [part])
        for part in (
            *("[keyword]", "[trackback]", "#my_anchor", "#a_link", "¡¦", "i¡", "spintax", "spinnertax"),
            *("sitewebsite", "mywebsiteblog", "siteblogs", "blogsite", "blogwebsite"),
            *("postarticle", "articlepost", "blogpages"),
        )
    ),
    ("padded", comment_data("48213 Nice one 992817"), ["48213", "992817"]),
    ("padded", comment_data("48213 5512 Nice one"), ["48213", "5512"]),
    ("name_phrase", comment_data(author="cheap mattress online"), []),
    ("name_phrase", comment_data(author="Travel"), []),
    ("name_phrase", comment_data(author="how to lose weight"), []),
    ("name_domain", comment_data(author="best-loans.example.com"), []),
    ("name_domain", comment_data(author="http://a.example"), []),
    ("no_gain", comment_data("Nobody asked the fishermen", url=""), []),
    ("site_deep", comment_data(author="Ann", url="http://a.example.com/index.php?option=com_k2&id=3"), []),
    ("shortened", comment_data("see http://bit.ly/abc"), ["http://bit.ly/abc"]),
    ("shortened", comment_data(url="http://tinyurl.com/abc"), []),
    ("link_markup", comment_data('<a href="http://a.example">a</a>'), ["<a href"]),
    ("link_markup", comment_data("[url=http://a.example]a[/url]"), ["[url"]),
    ("calls", comment_data("Please subscribe to my channel"), ["subscribe to my channel"]),
    ("wares", comment_data("replica handbags and casino"), ["replica", "handbags", "casino"]),
    ("other_script", comment_data("Это другой текст", article_text=ARTICLE), []),
    ("other_script", comment_data("தீவின் சபை", article_text="দ্বীপের পরিষদ"), []),
    ("mixed_script", comment_data("pаypal is cheap"), ["pаypal"]),  # its first а is Cyrillic
    ("name_script", comment_data("Nobody asked", author="Иван"), []),
]
# The signal, and a comment that is near to it and does not have it.
PASSES = [
    ("late", after(29)),
    ("late", comment_data(comment_date=DAY)),
    ("on_subject", comment_data("The mayor wanted an icebreaker")),
    ("answers", comment_data("Thank you very much for this")),
    ("asks", comment_data("Really?")),
    ("asks", comment_data("How can I subscribe to your blog?")),  # a question about the page
    (
        "praise",
        comment_data(
            "The fishermen bring bread and diesel to the frozen harbour, thanks", article_text=ARTICLE
        ),
    ),
    ("site_talk", comment_data("The harbour is no site for a helicopter")),
    ("spun", comment_data("I bookmarked nothing of it")),
    ("leftovers", comment_data("A {b} c and 50 % of d")),
    ("leftovers", comment_data("¡Qué bien! ¿Y cuándo?")),
    ("padded", comment_data("In 2013 it was 48213, in 2014 nothing")),
    ("padded", comment_data("2013 was cold")),
    ("name_phrase", comment_data(author="Ebba Norling")),
    ("name_phrase", comment_data(author="ebba")),
    ("name_phrase", comment_data(author="The Captain of Heron")),
    ("name_domain", comment_data(author="J. R. Norling")),
    ("no_gain", comment_data("Nobody asked the fishermen")),  # the website is unknown
    ("no_gain", comment_data("see http://a.example", url="")),
    ("site_deep", comment_data(author="Ann", url="http://norling.example.com/about")),
    ("shortened", comment_data("see http://a.example/abc")),
    ("link_markup", comment_data("<b>a</b> at http://a.example")),
    ("calls", comment_data("I want to check this out when I visit the island")),
    ("wares", comment_data("We sell software and tickets for ferries")),
    ("other_script", comment_data("Another text", article_text=ARTICLE)),
    ("other_script", comment_data("カフェ", article_text="これはひらがなです")),
    ("mixed_script", comment_data("Он сказал hello")),
    ("name_script", comment_data("Nobody asked", author="Ann")),
]


def label(value: object) -> str | None:
    return value if isinstance(value, str) else None


@pytest.mark.parametrize(("name", "one", "words"), FINDS, ids=label)
def test_each_signal_finds_its_example(name, one, words):
    found = run_signal(name, one)
    assert found is not None
    assert 0 < found.strength <= 1
    assert [one.body[start:end] for start, end in found.spans] == words


@pytest.mark.parametrize(("name", "one"), PASSES, ids=label)
def test_each_signal_ignores_its_counterexample(name, one):
    assert run_signal(name, one) is None


@pytest.mark.parametrize("name", EVERY_SIGNAL)
def test_each_signal_has_an_example_and_a_counterexample(name):
    assert name in {case[0] for case in FINDS}
    assert name in {case[0] for case in PASSES}


HARMLESS = [
    comment_data("Thanks, very useful", author="Ann Lee", url="", article_text=ARTICLE),
    comment_data("I completely agree!", author="Jo"),
    comment_data("", author=""),
    comment_data("👍"),
    comment_data("\u0000\ud800 <a [url {", author="\u202e", url="http://[::1"),
]


@pytest.mark.parametrize("one", HARMLESS)
def test_harmless_comments_have_few_signals(one):
    found = signals.find_signals(ParsedComment(one), EVERY_SIGNAL)
    against = [f for f in found if CHECKS[f.signal].is_stored_signal]
    assert sum(f.strength for f in against) < 1.5


def test_unknown_fields_give_no_result():
    """A field that is not known gives no finding, for or against."""
    names = {
        f.signal
        for f in signals.find_signals(ParsedComment(comment_data("Some words about curtains in bedrooms")))
    }
    assert names.isdisjoint({"late", "on_subject", "no_gain", "answers"})


def test_a_signal_without_the_facts_it_needs_has_no_value():
    known = comment_data(author="Ann", url="", article_title="Heron", article_date=DAY, comment_date=DAY)
    values = signals.signal_values([SignalResult(0.4, signal="asks")], known)
    assert values == dict.fromkeys(signals.SIGNALS, 0.0) | {"asks": 0.4}
    assert signals.signal_values([], comment_data()).keys() == {"answers", "asks", "spun"}


def test_the_signal_late_grows_with_the_time():
    strengths = [run_signal("late", after(days)).strength for days in (30, 200, 1_000, 5_000)]
    assert strengths == sorted(strengths)
    assert strengths[-1] == 1.0


def test_times_with_and_without_a_zone_are_compared():
    naive = comment_data(article_date=DAY.replace(tzinfo=None), comment_date=DAY + timedelta(days=90))
    assert run_signal("late", naive).number == 90


texts = st.text(max_size=120)
ODD = (
    'http:// www. a.com <a [url {a| } 12345 xn-- %name% &#1; @ ? !!! you_are check_out_my İ ß ﷺ é مُ 👍 href="'
)
odd = st.lists(
    st.sampled_from([*ODD.replace("_", " ").split(), " ", "\n", "\u0000", "\ud83d"]), max_size=30
).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    body=texts | odd,
    author=st.none() | texts | odd,
    url=st.none() | texts | odd,
    article=st.none() | texts,
    is_reply=st.booleans(),
    written=st.none() | st.datetimes(),
)
def test_any_typed_text_can_be_read(body, author, url, article, is_reply, written):
    one = comment_data(
        body,
        author=author,
        url=url,
        article_title=article,
        article_text=article,
        article_date=DAY,
        comment_date=written,
        is_reply=is_reply,
    )
    for found in signals.find_signals(ParsedComment(one), EVERY_SIGNAL):
        assert 0 <= found.strength <= 1
        assert all(0 <= start < end <= len(body) for start, end in found.spans)


PIECES = [
    *(
        "a ",
        "check out my ",
        "{a|",
        "<a ",
        "1234 ",
        "this great nice ",
        "http://a.b ",
        "a.",
        "you are such a ",
    ),
    *(
        "!",
        "Aa ",
        "<",
        "&a",
        "مُ",
        "a-",
        "'",
        "surfing online ",
        "your thing ",
        "very very good ",
        "1.1",
        "a_",
    ),
    *("how ", "i ", "hi ", "[url ", "%a", "never found any ", "all web ", "my sister really ", "ﷺ"),
]


@pytest.mark.parametrize("piece", PIECES)
def test_no_hostile_text_keeps_a_signal_busy(piece):
    """A pattern that backtracks takes far more than four times as long for four times the text."""

    def find(body):
        one = comment_data(body, author=piece * 20, url="http://" + piece * 20, article_text=ARTICLE)
        signals.find_signals(ParsedComment(one), EVERY_SIGNAL)

    assert growth(find, lambda size: (piece * size)[:size], MAX_READ_LENGTH // 4) < LINEAR


def test_a_signal_used_by_others_is_computed_once():
    looked = []

    @cached_per_comment
    def shout(read: ParsedComment) -> SignalResult | None:
        """Find nothing."""
        looked.append(read)
        return None

    one, other = ParsedComment(comment_data()), ParsedComment(comment_data())
    assert [shout(one), shout(one), shout(other)] == [None] * 3
    assert looked == [one, other]
    assert (shout.__name__, shout.__doc__) == ("shout", "Find nothing.")


def test_a_cached_signal_has_one_result_per_comment():
    """calls_to_action is the most expensive signal, and nobody_profits uses its result."""
    read = ParsedComment(comment_data("Please visit my site", url=""))
    assert author.nobody_profits(read) is None
    assert text.calls_to_action(read) is text.calls_to_action(read) is not None
