"""Times in their zones, and the ids of comments, which are made of them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from archive.formats import soundoff
from archive.formats.soundoff.date_lines import ZONES
from tests.archive.formats.soundoff.pages import kinds, local_time, page


@pytest.mark.parametrize(
    ("label", "zone"),
    [
        ("ET", "America/New_York"),
        ("EST", "America/New_York"),
        ("edt", "America/New_York"),
        ("CT", "America/Chicago"),
        ("MT", "America/Denver"),
        ("PT", "America/Los_Angeles"),
        ("GMT", "UTC"),
        ("UTC", "UTC"),
        ("BST", "Europe/London"),
        ("CET", "Europe/Paris"),
        ("JST", "Asia/Tokyo"),
    ],
)
def test_each_zone_abbreviation_is_read(label: str, zone: str) -> None:
    raw = page((1, "Ann", "Yes.", local_time())).replace(b"PM ET", f"PM {label}".encode())
    parsed = soundoff.parse(raw)

    assert parsed.zone == zone
    assert parsed.comments[0].created_at == local_time().replace(tzinfo=ZoneInfo(zone))
    assert parsed.comments[0].created_at.tzinfo is UTC
    assert kinds(parsed) == []


def test_every_zone_of_the_table_exists() -> None:
    assert all(ZoneInfo(zone) for zone in ZONES.values())


@pytest.mark.parametrize("ending", [b"PM XYZ", b"PM IST", b"PM"])
def test_an_unknown_zone_is_read_as_utc(ending: bytes) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", local_time())).replace(b"PM ET", ending))

    assert (parsed.zone, parsed.published_at.hour) == ("UTC", 16)
    assert [(warning.line, warning.kind) for warning in parsed.warnings] == [(2, "zone")]


@pytest.mark.parametrize(
    "date",
    ["June 19th, 2013 / 04:40 PM ET", "June 19, 2013 4:40 p.m. EDT", "\n\njun 19 2013\n\n04:40 pm (ET)"],
)
def test_each_form_of_the_date_of_the_story_is_read(date: str) -> None:
    raw = page((1, "Ann", "Yes.", local_time())).replace(b"June 19th, 2013\n04:40 PM ET", date.encode())

    assert soundoff.parse(raw).published_at == datetime(2013, 6, 19, 20, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (datetime(2013, 11, 3, 1, 30), "2013-11-03T05:30:00+00:00"),  # noqa: DTZ001 - twice that night
        (datetime(2013, 3, 10, 2, 30), "2013-03-10T07:30:00+00:00"),  # noqa: DTZ001 - never that night
        (datetime(2013, 1, 1, 0, 5), "2013-01-01T05:05:00+00:00"),  # noqa: DTZ001
        (datetime(2013, 7, 1, 12, 5), "2013-07-01T16:05:00+00:00"),  # noqa: DTZ001
    ],
)
def test_local_times_become_utc(local: datetime, utc: str) -> None:
    assert soundoff.parse(page((1, "Ann", "Yes.", local))).comments[0].created_at.isoformat() == utc


def test_source_ids_stay_the_same_in_a_newer_save() -> None:
    first = [
        (1, "Ann", "Yes.", local_time()),
        (2, "Bob", "No.", local_time(1)),
        (1, "Ann", "Again.", local_time()),
    ]
    newer = [
        *first[:2],
        (2, "Cai", "Late.", local_time(day=25)),
        first[2],
        (1, "Ann", "Late.", local_time(day=25)),
    ]

    before = [c.source_id for c in soundoff.parse(page(*first)).comments]
    after = [c.source_id for c in soundoff.parse(page(*newer)).comments]

    assert before == ["Ann|2013-06-19T17:00|1", "Bob|2013-06-19T17:01|1", "Ann|2013-06-19T17:00|2"]
    assert [after[0], after[1], after[3]] == before
    assert len(set(after)) == 5
