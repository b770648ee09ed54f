"""Slurs, threats, personal data and insults: comments that have them, and comments that come near."""

import pytest

from moderation.checks import registry
from moderation.checks.harm import insult, personal_data, slur, threat
from moderation.features.text_reading import CommentData, ParsedComment


def found_words(check, body: str = "x", **more) -> list[str] | None:
    result = check(ParsedComment(CommentData(body=body, **more)))
    return None if result is None else [body[start:end] for start, end in result.spans]


@pytest.mark.parametrize(
    ("check", "body", "words"),
    [
        (slur, "a wetback", ["wetback"]),
        (slur, "A WETBACK!", ["WETBACK"]),
        (threat, "I will kill you", ["I will kill you"]),
        (threat, "Well, I’ll fucking shoot him.", ["I’ll fucking shoot him"]),
        (threat, "i'm gonna burn your family", ["i'm gonna burn your family"]),
        (threat, "Somebody should hang them.", ["Somebody should hang them"]),
        (threat, "She deserves to be raped", ["She deserves to be raped"]),
        (threat, "I hope you die. I know where you live.", ["I hope you die", "I know where you live"]),
        (personal_data, "She lives at 12 Harbour View Lane, Lindal", ["12 Harbour View Lane"]),
        (personal_data, "Write to Ebba.N@mail.example.org!", ["Ebba.N@mail.example.org"]),
        (personal_data, "Call +44 (0)20 7946 0018 now", ["+44 (0)20 7946 0018"]),
        (personal_data, "Call (555) 010-9999 or 555-010-9998", ["(555) 010-9999", "555-010-9998"]),
        (personal_data, "Call 555-010-9999 12 times", ["555-010-9999"]),
        (personal_data, "写信到ebba@mail.example", ["ebba@mail.example"]),
        (personal_data, "SSN 078-05-1120", ["078-05-1120"]),
        (personal_data, "His card 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        (personal_data, "Hers 3782 822463 10005", ["3782 822463 10005"]),
        (personal_data, "At 12 High Street", ["12 High Street"]),
        (personal_data, "To DE89 3704 0044 0532 0130 00 please", ["DE89 3704 0044 0532 0130 00"]),
        (personal_data, "To BE68 5390 0754 7034 with this", ["BE68 5390 0754 7034"]),
    ],
)
def test_harm_is_found(check, body, words):
    assert found_words(check, body) == words


def test_a_slur_may_be_in_the_name():
    assert found_words(slur, author="towelhead") == []


def test_an_insult_is_found_only_in_an_answer():
    body = "But you are an idiot, Jim"
    assert found_words(insult, body, is_reply=True) == ["you are an idiot"]
    assert found_words(insult, body) is None
    assert found_words(insult, "An idiot would do that; you are right", is_reply=True) is None


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (slur, "Through the chinks in the wall one sees the water"),
        (threat, "I will kill the engine, and you should row"),
        (threat, "He said that they should not die for it"),
        (threat, "I hope the ferry dies a quiet death"),
        (personal_data, "In 2013, 74 comments, 1,234,567 views and 3.14159265358979"),
        (personal_data, "The 19 June 2013 16:40 ferry, berth 12"),
        (personal_data, "ISBN 978-0-306-40615-7, order 4111 1111 1111 1112"),
        (personal_data, "See https://a.example/2013/06/19/1234567890123 and @ebba"),
        (personal_data, "DE89 3704 0044 0532 0130 01 has wrong digits"),
        (personal_data, "We waited 12 hours in the street"),
        (personal_data, "The 2012 Supreme Court, all 9 Supreme Court judges and 20 Wall Street banks"),
        (personal_data, "A 10 minute drive, 2 miles down a lane, with a 500 GB hard drive"),
        (personal_data, "The years 2010 2011 2012 2013 and the pages 45 46 47 48 49 50 51 69"),
        (personal_data, "Call the hotline at 1-800-273-8255"),
        (threat, "I'll shoot you an email"),
    ],
)
def test_harmless_texts_that_resemble_harm_are_not_found(check, body):
    assert found_words(check, body) is None


def test_a_slur_in_the_middle_of_a_name_is_none():
    assert found_words(slur, "the captain of the ferry", author="Coonan") is None


def test_harm_is_no_sign_of_spam():
    assert registry.start_weights().keys().isdisjoint({"slur", "threat", "personal_data", "insult"})
    assert registry.flagging_names() == ["slur", "threat", "personal_data"]
    assert not any(registry.get(name).holds for name in registry.flagging_names())


PIECES = [
    "i will kill ",
    "i hope you ",
    "you should ",
    "+12 3",
    "(12) ",
    "1 ab ",
    "a@b.",
    "ab12 ",
    "4 4",
    "12-",
]


@pytest.mark.parametrize("piece", PIECES)
def test_spans_of_any_text_are_within_the_text(piece):
    body = piece * 300
    for result in registry.find_unweighted(ParsedComment(CommentData(body=body, author=body, is_reply=True))):
        assert 0 <= result.strength <= 1
        assert all(0 <= start < end <= len(body) for start, end in result.spans)
