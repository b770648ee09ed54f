"""The site's facts about a comment, loaded in one statement."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from comments.models import State
from core.database.sql import execute_prepared
from moderation.actions.decisions import decide
from moderation.features.site_facts import (
    MAX_COMMENTS_COUNTED_PER_IP,
    SITE_FACTS_SQL,
    SiteFacts,
    site_facts_values,
)
from moderation.screening.origins import hash_address
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def load_facts(article, **changed) -> SiteFacts:
    values = {
        "at": timezone.now(),
        "hosts": [],
        "name": "Olav",
        "is_unusual_name": False,
        "author": None,
        "guest": None,
        "ip_hash": None,
    }
    with connection.cursor() as cursor:
        execute_prepared(cursor, SITE_FACTS_SQL, site_facts_values(article=article.pk, **values | changed))
        return SiteFacts(*cursor.fetchone())


def test_an_empty_discussion_has_no_facts():
    assert load_facts(
        make_article(), hosts=["teak.example"], ip_hash=hash_address("198.51.100.7")
    ) == SiteFacts(
        spam_hosts=[],
        burst_hosts=[],
        staff=[],
        names=[],
        names_at_address=0,
        recent_names=[],
        article="\nA story.",
    )


@pytest.mark.parametrize(
    "link", ["https://teak.example/a?b=c", "http://www.teak.example", "at teak.example now"]
)
def test_a_host_that_spam_linked_to(maria, link):
    article = make_article()
    spam = make_comment(article, f"Fine tables, see {link}")
    assert load_facts(article, hosts=["teak.example", "oak.example"]).spam_hosts == []
    decide(ids=[spam.pk], to=State.SPAM, reason="spam", actor=maria)
    assert load_facts(article, hosts=["teak.example", "oak.example"]).spam_hosts == ["teak.example"]


def test_a_host_to_which_several_others_link_within_a_day():
    article, link = make_article(), "See https://www.teak.example/tables"
    for name in ("Ada", "Olav"):
        make_comment(article, f"{link}, says {name}", guest=GuestFactory.create(name=name))
    assert load_facts(article, hosts=["teak.example"]).burst_hosts == []  # Olav himself, and one other
    assert load_facts(article, hosts=["teak.example"], name="Bo").burst_hosts == ["teak.example"]
    later = timezone.now() + timedelta(days=2)
    assert load_facts(article, hosts=["teak.example"], name="Bo", at=later).burst_hosts == []


def test_a_hostile_host_does_not_break_posting(starter, maria):
    article = make_article()
    spam = [make_comment(article, f"Fine tables at teak{n}.example, number {n}") for n in range(25)]
    decide(ids=[c.pk for c in spam], to=State.SPAM, reason="spam", actor=maria)
    for host in ("中" * 900 + ".com", "a." * 600 + "com", ".".join(["b" * 60] * 4)):
        assert make_comment(article, f"See http://{host} and what is there").pk


@pytest.mark.parametrize("host", ["'", "''|x", "a\\b", "& !", "", "\u0130.example", "x" * 300])
def test_any_host_can_be_looked_up(host):
    assert load_facts(make_article(), hosts=[host]).spam_hosts == []


def test_names_of_staff_and_of_the_discussion_are_those_of_others(maria):
    article = make_article()
    tollef, guest = UserFactory.create(name="Tollef"), GuestFactory.create(name="Ada")
    make_comment(article, author=tollef)
    make_comment(article, guest=guest)
    UserFactory.create(name="A reader")
    assert load_facts(article).staff == ["Maria"]
    assert sorted(load_facts(article).names) == ["Ada", "Tollef"]
    assert load_facts(article, author=tollef.pk).names == ["Ada"]
    assert load_facts(article, guest=guest.pk).names == ["Tollef"]
    assert load_facts(article, author=maria.pk).staff == []


def test_one_address_under_several_names():
    article, here = make_article(), "198.51.100.7"
    for name in ("Ada", "Bo", "bo", "Olav"):
        make_comment(article, guest=GuestFactory.create(name=name), ip=here)
    make_comment(article, guest=GuestFactory.create(name="Cy"), ip="203.0.113.5")
    assert load_facts(article, ip_hash=hash_address(here)).names_at_address == 2


def test_the_text_of_the_story_is_loaded():
    article = make_article(standfirst="Of piles.", body="They have **rotted**.")
    assert load_facts(article).article == "Of piles.\nThey have **rotted**."


def test_only_the_latest_comments_of_an_address_count():
    article, here = make_article(), "198.51.100.7"
    for n in range(MAX_COMMENTS_COUNTED_PER_IP + 5):
        make_comment(article, f"Row {n} is free.", guest=GuestFactory.create(name=f"Rower {n}"), ip=here)
    assert load_facts(article, ip_hash=hash_address(here)).names_at_address == MAX_COMMENTS_COUNTED_PER_IP


def test_recent_names_are_loaded_only_for_an_unusual_name():
    article = make_article()
    for n, name in enumerate(("RobertExo", "olav", "Ada")):
        make_comment(article, f"Row {n} is free.", guest=GuestFactory.create(name=name), ip="198.51.100.7")
    make_comment(article, "Without an address.", guest=GuestFactory.create(name="Cy"))
    assert load_facts(article).recent_names == []
    assert sorted(load_facts(article, is_unusual_name=True).recent_names) == ["Ada", "RobertExo"]
    later = timezone.now() + timedelta(days=2)
    assert load_facts(article, is_unusual_name=True, at=later).recent_names == []
