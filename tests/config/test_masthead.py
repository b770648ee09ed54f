import re
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from articles.models import Site, StandingPage, Topic
from config.masthead import Masthead
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def test_the_masthead_names_the_first_six_topics_under_which_there_is_something():
    """The masthead's SQL gives the same topics as TopicQuerySet."""
    now = timezone.now()
    past, scheduled, draft = now - timedelta(days=1), now + timedelta(days=1), None
    for number, moments in enumerate(
        [[past], [], [scheduled], [draft, past], [past], [past], [past, past], [past]]
    ):
        topic = Topic.objects.create(name=f"Topic {9 - number}", slug=f"topic-{number}", shown=number != 4)
        for moment in moments:
            make_article(f"Story of {number}", published_at=moment).topics.add(topic)
    Topic.objects.create(name="Topic 0", slug="zero").articles.add(make_article("One more"))
    Topic.objects.create(name="Topic 1", slug="one").articles.add(make_article("And one more"))
    request = RequestFactory().get("/")
    request.now = now

    found = Masthead(request).topics

    wanted = list(Topic.objects.shown().with_articles()[:6])
    assert [topic.name for topic in found] == [f"Topic {n}" for n in (0, 1, 2, 3, 4, 6)]
    assert [topic.url for topic in found] == [topic.get_absolute_url() for topic in wanted]


def test_standing_pages_are_linked_in_their_order():
    for place, (title, menu) in enumerate([("Rules", "foot"), ("About", "top"), ("Imprint", "none")]):
        StandingPage.objects.create(title=title, slug=title.lower(), menu=menu, place=place)
    StandingPage.objects.create(title="Later", slug="later", menu="top", shown=False)
    request = RequestFactory().get("/")
    request.now = timezone.now()

    found = Masthead(request)

    assert [link.name for link in found.header_pages] == ["About"]
    assert [(link.name, link.url) for link in found.footer_pages] == [
        ("Rules", "/pages/rules/"),
        ("About", "/pages/about/"),
    ]


def test_no_two_links_of_the_footer_have_the_same_text(client):
    """Standing pages often have the same titles as the links that come from the settings."""
    Site.objects.update(rules="Be kind.", contact_email="desk@example.org", has_public_log=True)
    for title in ("Rules", "Contact", "About"):
        StandingPage.objects.create(title=title, slug=title.lower())
    foot = client.get("/").content.decode().partition("<footer")[2]
    names = re.findall(r"<a [^>]*>([^<]+)</a>", foot)
    assert {"Rules", "Rules of commenting", "Contact", "Contact us"} <= set(names)
    assert len(names) == len(set(names))
