"""Signals that use the site's facts."""

import re

import pytest

from accounts.names import skeletons
from moderation.features.signals.site import find_site_signals, linked_hosts
from moderation.features.site_facts import SiteFacts
from moderation.features.text_reading import CommentData, ParsedComment


def signal_strengths(known: SiteFacts, name: str = "Ada", body: str = "A word.") -> dict[str, float]:
    return {
        signal.signal: signal.strength
        for signal in find_site_signals(ParsedComment(CommentData(body=body, author=name)), known)
    }


@pytest.mark.parametrize(
    "name",
    [
        "Maria",
        "maria",
        "МАRIА",
        "Mаria",
        "M a r i a",
        "ｍａｒｉａ",
        "Mariа\u200b",
        "Mar1a",
        "𝓜aria",
    ],
)
def test_a_name_that_imitates_staff(name):
    assert signal_strengths(SiteFacts(staff=["Maria"]), name) == {"imitates": 1.0}


@pytest.mark.parametrize("name", ["Marian", "Mario", "Mari", "Marla", "", "…", "李娜"])
def test_a_different_name_does_not_imitate(name):
    assert signal_strengths(SiteFacts(staff=["Maria"], names=["Maria"]), name) == {}


@pytest.mark.parametrize(
    ("name", "other"),
    [("Neil", "Nell"), ("Celia", "Cella"), ("Ali", "All"), ("Marnie", "Mamie"), ("Kai", "Kal")],
)
def test_good_names_that_differ_by_letters_of_one_alphabet(name, other):
    assert signal_strengths(SiteFacts(staff=[other], names=[other]), name) == {}


@pytest.mark.parametrize("name", ["Moderator", "Mona (moderator)", "Administrat0r", "Emil, editor", "Аdmin"])
def test_a_name_that_claims_a_staff_role(name):
    assert signal_strengths(SiteFacts(), name) == {"imitates": 1.0}


@pytest.mark.parametrize("name", ["Nei1", "NeiI", "Ne|l", "Nеil"])
def test_characters_that_stand_for_a_letter(name):
    assert signal_strengths(SiteFacts(staff=["Neil"]), name) == {"imitates": 1.0}


def test_within_a_discussion_only_lookalike_names_imitate():
    known = SiteFacts(names=["Jose", "Tollef"])
    assert signal_strengths(known, "Tоllef") == {"imitates": 0.8}  # a Cyrillic o
    assert (
        signal_strengths(known, "Tollef")
        == signal_strengths(known, "tollef")
        == signal_strengths(known, "José")
        == {}
    )


@pytest.mark.data
def test_most_letters_that_unicode_calls_confusable_are_known(data, capsys):
    """Each pair puts a confusable character into a name where a staff name has the letter."""
    lines = (data / "hostile" / "unicode_confusables.txt").read_text("utf-8-sig").splitlines()
    pairs = [
        (chr(int(m[1], 16)), chr(int(m[2], 16)))
        for line in lines
        if (m := re.match(r"([0-9A-F]+) ;\s([0-9A-F]+) ;", line)) and chr(int(m[2], 16)).isascii()
    ]
    pairs = [(alike, letter) for alike, letter in pairs if letter.isalpha()]
    assert len(pairs) > 1_000
    missed = [
        (alike, letter) for alike, letter in pairs if not skeletons(f"x{alike}x") & skeletons(f"x{letter}x")
    ]
    with capsys.disabled():
        print(f"\nconfusable letters known: {len(pairs) - len(missed):,} of {len(pairs):,}")
    assert len(missed) < 0.05 * len(pairs)


def test_links_to_hosts_of_earlier_spam():
    known = SiteFacts(spam_hosts=["teak.example"])
    body = "See https://www.teak.example/a and oak.example.com and http://elm.example"
    read = ParsedComment(CommentData(body=body))
    assert linked_hosts(read) == ["teak.example", "oak.example.com", "elm.example"]
    [one] = find_site_signals(read, known)
    assert (one.signal, [body[a:b] for a, b in one.spans]) == ("spam_host", ["https://www.teak.example/a"])


def test_links_to_hosts_that_several_people_linked_to():
    assert signal_strengths(SiteFacts(burst_hosts=["teak.example"]), body="See https://teak.example/a") == {
        "link_burst": 1.0
    }


@pytest.mark.parametrize(("names", "strength"), [(0, None), (1, None), (2, 0.4), (9, 1.0)])
def test_several_names_behind_one_ip_address(names, strength):
    assert signal_strengths(SiteFacts(names_at_address=names)).get("one_address") == strength


def test_names_of_one_unusual_shape_within_a_day():
    others = ["RobertExo", "WilliamTus", "Jim", "DavidFem"]
    assert signal_strengths(SiteFacts(recent_names=others), "JamesTib")["name_burst"] == pytest.approx(0.6)
    assert signal_strengths(SiteFacts(recent_names=others[:3]), "JamesTib") == {}
    assert signal_strengths(SiteFacts(recent_names=["Ada", "Bo", "Cy", "Di"]), "Jim") == {}
