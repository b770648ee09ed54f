"""Texts of the newsroom and its readers are marked with their language where the page has another one.

The site is in English, and Aya has chosen Arabic for the pages. Each text has a rare word, and a parser finds
the language of each place with this word.
"""

from datetime import timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from articles.models import Site, StandingPage, Topic
from articles.publishing.services import unpublish
from articles.services import save_author, save_page, set_article_authors
from comments.following.update_search import note_updates
from comments.models import UNDO_WINDOW, LastUpdateSearch, State
from comments.services.states import change_states
from tests.comments.following.conftest import follow
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

WORD = "Zyzzyva"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNMARKED = {"title", "script", "option", "textarea"}  # without elements of its own, or the person's own field


class LanguageReader(HTMLParser):
    """Collects the language of each text with WORD, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            inherited = self.open[-1][1] if self.open else ""
            self.open.append((tag, dict(attrs).get("lang") or inherited))

    def handle_endtag(self, tag: str) -> None:
        while tag in [name for name, _language in self.open] and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if WORD in data and not UNMARKED & {tag for tag, _language in self.open}:
            self.found.append((self.open[-1][1], " ".join(data.split())))


def languages(page: str) -> list[tuple[str, str]]:
    reader = LanguageReader()
    reader.feed(page)
    return reader.found


@pytest.fixture
def aya():
    return UserFactory.create(name="Aya", language="ar", has_page=True)


@pytest.fixture
def urls(aya, emil, monkeypatch):
    """Create texts of all kinds, and return the URLs of the pages that show them."""
    Site.objects.update(tagline=f"{WORD} daily", rules=f"{WORD} rules", privacy=f"{WORD} privacy")
    topic = Topic.objects.create(name=f"{WORD} topic", slug="topic")
    page = save_page(page=StandingPage(title=f"{WORD} page", slug="about", body=f"{WORD} about us."))
    stories = []
    for number in range(2):
        story = make_article(f"{WORD} title {number}", standfirst=f"{WORD} lead.", body=f"{WORD} body.")
        story.topics.add(topic)
        set_article_authors(article=story, people=[emil])
        stories.append(story)
    story, gone = stories
    emil.author.bio = f"{WORD} bio"
    save_author(author=emil.author)
    unpublished = make_article(f"{WORD} was here")
    unpublish(article=unpublished, reason=f"{WORD} was wrong.", seen=unpublished.version)
    own = make_comment(story, f"{WORD} of Aya.", author=aya)
    LastUpdateSearch.objects.update_or_create(pk=1, defaults={"until": timezone.now() - timedelta(hours=1)})
    follow(aya, story)
    reply = make_comment(story, f"{WORD} in reply.", parent=own)
    later = timezone.now() + 2 * UNDO_WINDOW  # readers are notified once posting can't be undone
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    note_updates(later, ZoneInfo("UTC"))
    removed = make_comment(gone, f"{WORD} removed.", author=aya)
    other = make_comment(gone, f"{WORD} removed, too.")
    change_states(ids=[removed.pk, other.pk], to=State.REJECTED, reason="insult", actor=emil)
    of_story = [f"{story.get_absolute_url()}{path}" for path in ("", f"reply/{reply.pk}/", "follow/")]
    of_story += [f"{story.get_absolute_url()}{path}/{reply.pk}/" for path in ("recommend", "mute", "report")]
    of_story.append(f"{story.get_absolute_url()}find/?q=reply")
    return [
        *(
            "/",
            "/search/?q=body+OR+reply",
            "/rules/",
            "/privacy/",
            "/account/comments/",
            "/account/notifications/",
        ),
        *of_story,
        *(f"/comments/{own.pk}/edit/", other.get_absolute_url(), f"/comments/{removed.pk}/decision/"),
        *(one.get_absolute_url() for one in (topic, page, emil.author, unpublished)),
        f"/people/{aya.pk}/",
    ]


def test_each_text_is_marked_on_each_page(urls, aya):
    client = client_of(aya)
    for url in urls:
        page = client.get(url)
        assert page.status_code in {200, 410}, url
        found = languages(page.text)
        assert '<html lang="ar"' in page.text, url
        assert len(found) > 3, url  # the header and the footer have some
        assert [text for language, text in found if language != "en"] == [], url


def test_nothing_is_marked_where_the_page_has_the_same_language(urls):
    page = Client().get("/").text
    assert {language for language, _text in languages(page)} == {"en"}
    assert page.count('lang="en"') == 1


def test_the_default_rules_are_in_the_language_of_the_page(urls, aya):
    Site.objects.update(rules_in_short="")
    page = client_of(aya).get("/").text
    rules = page.partition('id="taking-part"')[2].partition("</section>")[0]
    assert '<p class="meta" dir="auto">' in rules
    assert 'lang="en"' not in rules


def test_a_feed_has_the_language_of_the_site_for_everybody(urls, aya):
    assert 'xml:lang="en"' in client_of(aya).get("/feed/").text
