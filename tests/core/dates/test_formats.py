"""Formats of dates and times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.template import Context, Template
from django.utils import timezone as django_timezone
from django.utils import translation

from core.dates.formats import time_formatter

AFTERNOON = datetime(2013, 6, 19, 20, 40, tzinfo=UTC)
NEW_YORK = "America/New_York"


def words(element: str) -> str:
    return element.partition(">")[2].removesuffix("</time>")


def test_a_time_is_in_the_sites_zone_with_the_exact_time_on_hover():
    assert time_formatter(NEW_YORK).moment(AFTERNOON) == (
        '<time datetime="2013-06-19T16:40-04:00" title="Wednesday 19 June 2013, 16:40 EDT">'
        "19 June 2013, 16:40</time>"
    )


def test_midnight_moves_the_day():
    assert words(time_formatter("Asia/Seoul").day(AFTERNOON)) == "20 June 2013"


@pytest.mark.parametrize(
    ("zone", "name"),
    [(NEW_YORK, "ET"), ("Europe/Oslo", "CEST"), ("Asia/Dubai", "UTC+04"), ("UTC", "UTC"), ("", "UTC")],
)
def test_zones_have_names(zone, name):
    assert time_formatter(zone).zone_name(AFTERNOON) == name


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (timedelta(minutes=5), "16:45"),
        (timedelta(hours=8), "20 June, 00:40"),
        (timedelta(days=200), "5 January 2014, 15:40"),
        (timedelta(days=365), "19 June 2014, 16:40"),
    ],
)
def test_only_the_parts_that_differ_are_shown(later, expected):
    assert words(time_formatter(NEW_YORK).short_moment(AFTERNOON + later, AFTERNOON)) == expected


def test_a_time_in_any_zone_is_the_same_moment():
    elsewhere = AFTERNOON.astimezone(timezone(timedelta(hours=-3)))
    assert time_formatter("UTC").moment(elsewhere) == time_formatter("UTC").moment(AFTERNOON)


def test_each_language_has_its_own_words():
    with translation.override("de"):
        assert "Mittwoch" in time_formatter(NEW_YORK).moment(AFTERNOON)
    assert "Wednesday" in time_formatter(NEW_YORK).moment(AFTERNOON)


def test_filters_return_nothing_for_none():
    template = Template("{% load dates %}{{ at|moment:zone }}|{{ at|day:zone }}|{{ at|zone_name:zone }}")
    assert template.render(Context({"at": None, "zone": NEW_YORK})) == "||"
    assert "16:40" in template.render(Context({"at": AFTERNOON, "zone": NEW_YORK}))


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("UTC", "Times are UTC unless noted."),
        ("Africa/Cairo", "Times are Cairo time unless noted."),
        ("America/New_York", "Times are New York time unless noted."),
    ],
)
def test_one_sentence_names_the_zone_of_a_page(zone, sentence):
    template = Template("{% load dates %}{% zone_label as zone %}{{ zone|times_sentence }}")
    with django_timezone.override(zone):
        assert template.render(Context()) == sentence
