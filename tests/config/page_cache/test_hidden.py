"""Ways to hide a story, each checked on every page on which anonymous readers could find it.

The requests go through the whole application, with pages that were cached while the story was published. The
story has everything that could reveal it: a topic, an author and a month of its own, a pin, an image,
comments, an old URL and one of another system, and a neighbouring story that links to it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import EDITOR
from articles.models import Article, Topic
from articles.publishing.front_page import pin
from articles.publishing.services import publish, set_embargo, unpublish, unschedule
from articles.redirects import add_redirect
from articles.services import save_article, set_article_authors
from articles.site.cached_pages import increment_site_version
from articles.syndication.sitemap import SITEMAP_SIZE
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states, set_comment_field
from config.page_cache.application import PageCacheApp
from moderation.actions import setting_changes
from moderation.actions.decisions import undo
from moderation.models import Action, SettingChange
from tests.articles.images.sample_images import jpeg, make_image
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.data_folder import data_path
from tests.helpers.wsgi_requests import Reply, send_request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_folder")]

SOON, LATER = timedelta(minutes=1), timedelta(days=400)
FIND = "lanterns"  # a word of the story and its comments, for which the search is used
MONTH = datetime(1999, 7, 2, tzinfo=UTC)

# Texts that must be on no page, and in no URL to which one leads.
SIGNS = {
    "title": "The secret of the slipway",
    "address": "secret-of-the-slipway",
    "standfirst": "Unheardof",
    "body": "Whisperling",
    "comment": "Overhearing",
    "who commented": "Kjersti Utne",
    "author": "Sigrun Vault",
    "author's address": "sigrun-vault",
    "topic": "Clandestine",
    "topic's address": "clandestine",
    "picture": "A crane nobody saw",
    "month": "1999",
}

# Texts that the page itself is about, so that it shows them whatever is listed on it.
OWN_TEXTS = {"its commenter's page": ["who commented"], "topic": ["topic", "topic's address"]}


class StoryWithReferences:
    """A published story and everything that refers to it: topic, author, image, comments, redirects, pin."""

    def __init__(self) -> None:
        self.image = make_image(jpeg(90, 60), alt=SIGNS["picture"])
        self.author = UserFactory.create(name=SIGNS["author"], roles=(EDITOR,))
        self.topic = Topic.objects.create(name=SIGNS["topic"], slug="clandestine")
        self.action = Action.objects.create(kind=Action.Kind.IMPORT)
        article = make_article(
            "An earlier name",
            standfirst=SIGNS["standfirst"],
            body=f"Whisperling {FIND} burn. Zephyrine, zephyrine.\n\n![](image:{self.image.pk})",
            lead_image=self.image,
            published_at=None,
        )
        setting = [(SettingChange.Target.ARTICLE, article.pk, "published_at", MONTH)]
        with transaction.atomic():
            # An import publishes a story in this way.
            setting_changes.apply_changes(action=self.action, changes=setting)
        article.refresh_from_db()
        article.title, article.slug = SIGNS["title"], "the-secret-of-the-slipway"
        self.article = save_article(article=article)
        self.article.topics.add(self.topic)
        set_article_authors(article=self.article, people=[self.author])
        change_discussion(
            article=self.article, status=Discussion.Status.OPEN, closes_at=timezone.now() + LATER
        )
        member = UserFactory.create(name=SIGNS["who commented"], has_page=True)
        self.comment = make_comment(self.article, f"Overhearing {FIND}.", author=member)
        self.answer = make_comment(self.article, "Overhearing again.", parent=self.comment)
        ids = [self.comment.pk, self.answer.pk]
        change_states(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
        add_redirect(old="/?p=12", target_url=self.article.get_absolute_url())
        add_redirect(old="/1999/07/02/slip/", target_url=self.article.get_absolute_url())
        pin(article=self.article)
        self.neighbour = make_article("A zephyrine neighbour", body="Zephyrine, zephyrine.")
        save_article(article=self.neighbour)
        # A comment elsewhere that was removed because it had the same text.
        repeat = make_comment(self.neighbour, f"Overhearing {FIND}.")
        change_states(ids=[repeat.pk], to=State.REJECTED, reason=Reason.DUPLICATE, actor=None)
        set_comment_field(field="duplicate_of", values={repeat.pk: self.comment.pk})
        self.reload()

    def reload(self) -> Article:
        self.article.refresh_from_db()
        return self.article

    def unpublish(self, reason: str = "") -> Article:
        return unpublish(article=self.reload(), reason=reason, seen=self.article.version)

    def publish_at(self, moment: datetime) -> Article:
        return publish(article=self.reload(), at=moment, seen=self.article.version)

    def draft(self, stage: Article.Stage = Article.Stage.DRAFT) -> None:
        """Restore the state before the story was hidden."""
        values = {"stage": stage, "published_at": None, "version": F("version") + 1}
        Article.objects.filter(pk=self.article.pk).update(**values)
        increment_site_version()

    def embargo(self, until: datetime) -> None:
        set_embargo(article=self.reload(), until=until, seen=self.article.version)

    def rename(self) -> None:
        self.reload().slug = "another-secret-of-the-slipway"
        save_article(article=self.article)

    @property
    def list_pages(self) -> dict[str, list[str]]:
        """Return the pages that stay but no longer mention the story."""
        file = (self.article.pk - 1) // SITEMAP_SIZE + 1
        near = self.neighbour.get_absolute_url()
        return {
            "front page, pins and masthead": ["/", "/?p=12"],
            "feed": ["/feed/"],
            "sitemap": ["/sitemap.xml", "/sitemap/lists.xml", f"/sitemap/{file}.xml"],
            "news sitemap": ["/sitemap/news.xml"],
            "search": [
                f"/search/?q={FIND}",
                f"/search/?q={FIND}&in=stories",
                f"/search/?q={FIND}&in=comments",
                "/search/",
            ],
            "archive": ["/archive/"],
            "related stories, and what is repeated": [near, f"{near}?order=newest", f"{near}find/?q={FIND}"],
            "its commenter's page": [f"/people/{self.comment.author_id}/"],
            "forms that take its address": [
                f"/removal-request/?url={self._known}",
                f"/report-illegal/?url={self._known}",
            ],
            "page that is none": ["/nothing/"],
        }

    @property
    def own_pages(self) -> dict[str, list[str]]:
        """Return the pages that exist only with the story."""
        url, comment = self._known, self.comment.pk
        return {
            "page and structured data": [url, f"{url}?order=newest"],
            "what lies beneath it": [
                f"{url}reply/",
                f"{url}reply/{comment}/",
                f"{url}comments/{comment}/",
                f"{url}comments/{self.answer.pk}/",
                f"{url}recommend/{comment}/",
                f"{url}find/?q={FIND}",
                f"{url}version/",
                f"{url}new/?since=1",
            ],
            "feed of its discussion": [f"{url}feed/"],
            "topic": ["/topics/clandestine/", "/topics/clandestine/feed/"],
            "author's page": ["/authors/sigrun-vault/"],
            "months": ["/archive/1999/", "/archive/1999/07/"],
            "oEmbed": [
                f"/oembed/?url={settings.SITE_URL}{url}",
                f"/oembed/?url={settings.SITE_URL}{self._earlier}&format=xml",
            ],
            "pictures": [
                f"/images/{self.image.pk}/{path.name}"
                for path in sorted(data_path(self.image.folder).iterdir())
            ],
            "old URLs": [self._earlier, f"{self._earlier}feed/", "/1999/07/02/slip/"],
        }

    _known = "/stories/the-secret-of-the-slipway/"  # the URL at which readers could open the story
    _earlier = "/stories/an-earlier-name/"


WAYS_TO_HIDE: dict[str, Callable[[StoryWithReferences], Any]] = {
    "draft": lambda s: s.draft(),
    "ready for review": lambda s: s.draft(Article.Stage.READY),
    "private": lambda s: s.draft(Article.Stage.PRIVATE),
    "scheduled": lambda s: (s.draft(), s.publish_at(timezone.now() + SOON)),
    "scheduled, a year away": lambda s: (s.draft(), s.publish_at(timezone.now() + LATER)),
    "no more scheduled": lambda s: (
        s.draft(),
        s.publish_at(timezone.now() + SOON),
        unschedule(article=s.reload(), seen=s.article.version),
    ),
    "embargoed": lambda s: (s.draft(), s.embargo(timezone.now() + SOON)),
    "embargoed and scheduled for its end": lambda s: (
        s.draft(),
        s.publish_at(timezone.now() + SOON),
        s.embargo(timezone.now() + LATER),
    ),
    "put off after its publication": lambda s: s.publish_at(timezone.now() + SOON),
    "taken back": lambda s: s.unpublish("It was not true."),
    "taken back and private": lambda s: (s.unpublish(), s.draft(Article.Stage.PRIVATE)),
    "taken back and scheduled again": lambda s: (s.unpublish(), s.publish_at(timezone.now() + SOON)),
    "taken back, and renamed since": lambda s: (s.unpublish(), s.rename()),
    "its import undone": lambda s: undo(action=s.action, actor=None),
}


def content_of(reply: Reply) -> str:
    """Return everything that an anonymous reader gets; images count as text if they exist."""
    if reply.headers.get("Content-Type", "").startswith("image/"):
        return SIGNS["picture"]
    return f"{reply.text} {reply.headers.get('Location', '')}"


Replies = dict[str, dict[str, Reply]]  # by name of the pages and URL


def request_pages(site: PageCacheApp, pages: dict[str, list[str]]) -> Replies:
    return {name: {url: send_request(site, url) for url in urls} for name, urls in pages.items()}


def find_leaks(replies: Replies) -> dict[str, list[str]]:
    """Return the URL and the revealing text of each page that reveals the story."""
    leaks: dict[str, list[str]] = {}
    for name, replies_of_urls in replies.items():
        for url, reply in replies_of_urls.items():
            text = content_of(reply)
            for address in (
                url.partition("?")[0],
                StoryWithReferences._known if StoryWithReferences._known in url else "/",
            ):
                # A form, a response and "Log in" repeat the address of the request.
                text = text.replace(address, " ") if address != "/" else text
            revealed = [sign for sign, words in SIGNS.items() if words.casefold() in text.casefold()]
            if revealed := [sign for sign in revealed if sign not in OWN_TEXTS.get(name, ())]:
                leaks.setdefault(name, []).append(f"{url}: {', '.join(revealed)}")
    return leaks


def test_a_published_story_is_on_every_page(site: PageCacheApp) -> None:
    story = StoryWithReferences()
    replies = request_pages(site, story.list_pages | story.own_pages)
    shown = find_leaks(replies)
    # The story is from 1999; every other page names at least its topic.
    assert set(story.list_pages | story.own_pages) - set(shown) == {"news sitemap"}
    for name in story.own_pages:
        for url, reply in replies[name].items():
            assert reply.status in {200, 301, 302}, (name, url)


@pytest.mark.parametrize("kind", WAYS_TO_HIDE)
def test_a_hidden_story_is_on_no_page(site: PageCacheApp, kind: str) -> None:
    story = StoryWithReferences()
    request_pages(site, story.list_pages | story.own_pages)  # so that they are cached as published
    assert send_request(site, StoryWithReferences._known).status == 200

    WAYS_TO_HIDE[kind](story)

    assert not story.reload().is_published()
    replies = request_pages(site, story.list_pages | story.own_pages)
    assert find_leaks(replies) == {}
    for name in story.own_pages:
        for url, reply in replies[name].items():
            gone = {404, 410} if name == "page and structured data" else {404}
            if name != "topic":
                assert reply.status in gone, (name, url)
    if kind in {"draft", "taken back"}:
        fresh = PageCacheApp(WSGIHandler())  # another process, which has cached nothing
        assert find_leaks(request_pages(fresh, story.list_pages | story.own_pages)) == {}
        fresh.close()


def test_a_story_with_unknown_rights_is_not_in_feeds(site: PageCacheApp) -> None:
    story = StoryWithReferences()
    for url in (
        "/feed/",
        "/topics/clandestine/feed/",
        *story.list_pages["sitemap"],
        *story.own_pages["oEmbed"],
    ):
        send_request(site, url)
    story.article.rights = Article.Rights.UNKNOWN
    save_article(article=story.article)
    outside = {name: urls for name, urls in story.list_pages.items() if "feed" in name or "sitemap" in name}
    assert find_leaks(request_pages(site, outside | {"topic": ["/topics/clandestine/feed/"]})) == {}
    assert [send_request(site, url).status for url in story.own_pages["oEmbed"]] == [404, 404]
    page = send_request(site, StoryWithReferences._known)
    assert page.status == 200
    assert "ld+json" not in page.text
    assert send_request(site, f"{StoryWithReferences._known}feed/").status == 404
