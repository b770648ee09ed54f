"""Dates of comments and stories: the forms that are read, and the errors about those that are not."""

import unicodedata
from datetime import UTC, datetime

import pytest

from archive.formats import parse
from archive.formats.page import DamagedFileError, UnsupportedFormatError

PAGE = """\
{day}
{time}

A title

A standfirst.

soundoff (2 Responses)
  1. Ann

    Yes.

    {closing}
    • Bob

      No.

      June 19, 2013 at 6:01 pm | Reply

Post a comment
"""


def page(
    closing: str = "June 19, 2013 at 5:28 pm | Reply", day: str = "June 19th, 2013", time: str = "04:40 PM ET"
) -> bytes:
    return PAGE.format(closing=closing, day=day, time=time).encode()


def refusal_message(data: bytes) -> str:
    with pytest.raises((DamagedFileError, UnsupportedFormatError)) as caught:
        parse(data)
    return str(caught.value)


@pytest.mark.parametrize(
    "closing",
    [
        "June 19, 2013 at 17:28 | Reply",
        "June 19, 2013 at 5:28:00 pm | Reply",
        "June 19, 2013 at 17:28:00 | Reply",
        "June 19, 2013 at 5:28\u202fPM | Reply",
        "June\xa019,\xa02013\xa0at\xa05:28\xa0pm\xa0|\xa0Reply",
        "June 19, 2013 at 5:28 p.m. | Reply",
        "\u200eJune 19, 2013 at 5:28 pm | Reply\u200e",
        "19 June 2013 at 17:28 | Reply",
        "2013-06-19 17:28 | Reply",
        "2013-06-19 at 17:28:00 |",
        "June 19, 2013 at 5:28 pm | Antworten",
        "19. Juni 2013 um 17:28 | Antworten",
        "19. Juni 2013 um 17:28 Uhr | Antworten",
        "19. Jun. 2013 um 17.28 Uhr | Antworten",
        "19.06.2013 um 17:28 | Antworten",
        "19 junio, 2013 a las 5:28 pm | Responder",
        "19 de junio de 2013 a las 17:28 | Responder",
        "19 jun. 2013 a las 5:28 p.\xa0m. | Responder ↓",
        "junio 19, 2013 en 5:28 pm | Responder",
        "June 19, 2013 at 5:28 pm | Répondre",
    ],
)
def test_a_date_is_read(closing: str) -> None:
    ann, bob = parse(page(closing)).comments

    assert ann.created_at == datetime(2013, 6, 19, 21, 28, tzinfo=UTC)
    assert ann.source_id == "Ann|2013-06-19T17:28|1"
    assert (ann.body, bob.parent) == ("Yes.", 1)


YEARS = """
january feb mar april may june july aug sept oct nov dec
Januar Februar März April Mai Juni Juli August September Oktober November Dezember
Jänner Feber Mrz Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. DEZ
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
ene feb. mar. abr may. jun. jul. ago. set. oct. nov. dic.
"""


@pytest.mark.parametrize("names", YEARS.strip().split("\n"))
def test_month_names_of_each_language_are_read(names: str) -> None:
    for number, name in enumerate(names.split(), 1):
        for form in (name, unicodedata.normalize("NFD", name)):
            comment = parse(page(f"9 {form} 2012 at 12:00 | Reply")).comments[0]
            assert (comment.created_at.month, comment.created_at.day) == (number, 9)


def test_midnight_and_noon_are_read() -> None:
    for closing, hour in (("12:05 am", 4), ("0:05", 4), ("12:05 pm", 16), ("12:05", 16), ("23:59", 3)):
        assert parse(page(f"June 19, 2013 at {closing} | Reply")).comments[0].created_at.hour == hour


@pytest.mark.parametrize(
    ("closing", "cause"),
    [
        ("June 31, 2013 at 5:28 pm | Reply", "is a day that does not exist"),
        ("2013-13-01 17:28 | Reply", "is a day that does not exist"),
        ("June 19, 2013 at 24:28 | Reply", "has a time that does not exist"),
        ("June 19, 2013 at 5:75 pm | Reply", "has a time that does not exist"),
        ("June 19, 2013 at 17:28:61 | Reply", "has a time that does not exist"),
        ("June 19, 2013 at 17:28 pm | Reply", "has an hour that does not exist with “am” or “pm”"),
        ("June 19, 2013 at 0:28 pm | Reply", "has an hour that does not exist with “am” or “pm”"),
    ],
)
def test_a_date_that_does_not_exist_is_refused(closing: str, cause: str) -> None:
    assert refusal_message(page(closing)) == f"Line 13: “{closing}” {cause}."


@pytest.mark.parametrize(
    "closing",
    [
        "Juno 19, 2013 at 5:28 pm | Reply",
        "19 juin 2013 à 17 h 28 min | Répondre",
        "06/07/2013 at 5:28 pm | Reply",  # the date can be in June or in July
        "Wednesday, June 19, 2013 at 5:28 pm | Reply",
        "yesterday at 17:28 | Reply",
        "2 days ago | Reply",
        "June 19, 2013 at 5:28 pm",  # without its bar
    ],
)
def test_a_date_that_cannot_be_read_is_refused(closing: str) -> None:
    assert refusal_message(page(closing)) == (
        f"Line 13: expected the date of the comment that begins in line 9, such as “June 19, 2013 at 5:28"
        f" pm | Reply” or “19. Juni 2013 um 17:28 | Antworten”, and found “{closing}”."
    )


def test_a_date_in_another_column_is_refused() -> None:
    message = refusal_message(page("  June 19, 2013 at 5:28 pm | Reply"))
    assert message.startswith("Line 13: expected the date of the comment that begins in line 9 in column 5, ")
    assert message.endswith("found “June 19, 2013 at 5:28 pm | Reply” in column 7.")


def test_a_name_in_another_column_is_refused() -> None:
    message = refusal_message(page().replace(b"    \xe2\x80\xa2 Bob", b"      \xe2\x80\xa2 Bob"))
    assert message.startswith("Line 14: a reply on level 3 without a comment above it on level 2")


def test_a_comment_without_its_date_is_refused() -> None:
    whole = page()
    without = whole.replace(b"      June 19, 2013 at 6:01 pm | Reply\n", b"")
    assert refusal_message(without).startswith(
        "Line 19: expected the date of the comment that begins in line 14, "
    )
    cut = whole[: whole.index(b"No.") + 3]
    assert refusal_message(cut).startswith(
        "Line 16: expected the date of the comment that begins in line 14, "
    )
    assert refusal_message(cut).endswith("and found the end of the file: the rest of it is missing.")


def test_a_date_in_the_text_is_warned_about() -> None:
    """The name of the next comment may be lost."""
    joined = page().replace(b"    \xe2\x80\xa2 Bob\n\n      No.\n\n      ", b"    No.\n\n    ")
    parsed = parse(joined)

    assert len(parsed.comments) == 1
    [warning] = [one for one in parsed.warnings if one.kind == "date_in_text"]
    assert warning.line == 13
    assert warning.text.startswith(
        "The text of comment 1 (Ann) contains “June 19, 2013 at 5:28 pm | Reply”, which usually ends"
    )


@pytest.mark.parametrize(
    ("day", "time", "moment"),
    [
        ("June 19th, 2013", "16:40 ET", datetime(2013, 6, 19, 20, 40, tzinfo=UTC)),
        ("June 19th, 2013", "04:40:07 PM ET", datetime(2013, 6, 19, 20, 40, 7, tzinfo=UTC)),
        ("June\xa019th,\xa02013", "04:40\u202fPM\xa0ET", datetime(2013, 6, 19, 20, 40, tzinfo=UTC)),
        ("19. Juni 2013", "16:40 Uhr MESZ", datetime(2013, 6, 19, 14, 40, tzinfo=UTC)),
        ("19 de junio de 2013", "16:40 h CET", datetime(2013, 6, 19, 14, 40, tzinfo=UTC)),
        ("2013-06-19", "16:40 UTC", datetime(2013, 6, 19, 16, 40, tzinfo=UTC)),
    ],
)
def test_a_header_is_read(day: str, time: str, moment: datetime) -> None:
    parsed = parse(page(day=day, time=time))
    assert (parsed.published_at, parsed.date_line) == (moment, 1)
    assert parsed.warnings == []


@pytest.mark.parametrize(
    ("day", "time", "sentence"),
    [
        (
            "June 31st, 2013",
            "04:40 PM ET",
            "Line 1: “June 31st, 2013” is a day that does not exist.",
        ),
        ("June 19th, 2013", "04:75 PM ET", "Line 2: “04:75 PM ET” has a time that does not exist."),
        (
            "June 19th, 2013",
            "16:40 PM ET",
            "Line 2: “16:40 PM ET” has an hour that does not exist with “am” or “pm”.",
        ),
        (
            "June 19th, 2013",
            "yesterday",
            "Line 2: expected the time at which the story was published, such as “04:40 PM ET” or “16:40"
            " CET”, and found “yesterday”.",
        ),
        (
            "June 19th, 2013 / noon",
            "04:40 PM ET",
            "Line 1: expected the time at which the story was published, such as “04:40 PM ET” or “16:40"
            " CET”, and found “June 19th, 2013 / noon”.",
        ),
        (
            "19 juin 2013",
            "16:40",
            "Line 1: expected a date such as “June 19th, 2013” above a time such as “04:40 PM ET”"
            " or “16:40 CET”, and found “19 juin 2013”.",
        ),
    ],
)
def test_a_header_is_refused_at_its_line(day: str, time: str, sentence: str) -> None:
    assert refusal_message(page(day=day, time=time)) == sentence
