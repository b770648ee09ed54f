"""Titles of unpublished stories: moderation pages show them only to the editors of the story."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR
from articles.models import UNPUBLISHED_TITLE, Article
from comments.models import Comment, Reason, State
from moderation.actions import decisions, quick_actions
from moderation.models import Case
from moderation.rules import active_rules as rules
from moderation.rules.matching import RuleDefinition
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

SECRET = "Unheardof"
MAX_PAGES = 250


@pytest.fixture
def stories(ada) -> list[Article]:
    """Return a draft, a private and a scheduled story that were published before.

    They have comments in every state, actions, reports, rules and settings.
    """
    articles = [make_article(f"{SECRET} {word}") for word in ("draft", "privacy", "schedule")]
    for number, story in enumerate(articles):
        comments = [
            make_comment(story, f"The boat of the harbour number {number} {n} is late again.")
            for n in range(4)
        ]
        decisions.decide(ids=[comments[0].pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada)
        make_comment(story, "An answer of the boat.", parent=Comment.objects.get(pk=comments[0].pk))
        decisions.decide(ids=[comments[1].pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
        decisions.decide(ids=[comments[2].pk], to=State.REJECTED, reason=Reason.INSULT, actor=ada)
        quick_actions.apply_quick_action(name="close", article=story.pk, actor=ada)
        rule = RuleDefinition(pk=None, kind="term", value=f"boat{number}", article=story.pk)
        rules.save(rule=rule, note="", actor=ada)
    soon = timezone.now() + timedelta(days=1)
    for story, fields in zip(
        articles, ({}, {"stage": Article.Stage.PRIVATE}, {"published_at": soon}), strict=True
    ):
        Article.objects.filter(pk=story.pk).update(**{"published_at": None} | fields)
    return [Article.objects.get(pk=story.pk) for story in articles]


def seeds(stories: list[Article]) -> list[str]:
    comments = Comment.objects.filter(discussion__in=[story.pk for story in stories])
    pages = [
        "/moderation/?queue=recent",
        "/moderation/rules/?off=1",
        "/moderation/log/decisions.csv",
        "/admin/comments/comment/",
        "/admin/",
        "/search/?q=unheardof",
        "/moderation-log/",
    ]
    for name, query in (
        ("", "article"),
        ("?queue=recent", "article"),
        ("log/", "article"),
        ("log/decisions.csv", "article"),
        ("discussions/", "q"),
        ("dashboard/", "story"),
    ):
        pages.append(f"/moderation/{name}{'&' if '?' in name else '?'}{query}={SECRET.lower()}")
    for comment in comments:
        pages += [
            f"/moderation/comments/{comment.pk}/{page}"
            for page in ("", "move/", "redact/", "duplicate/", "restrict/")
        ]
    pages += [f"/moderation/cases/{pk}/" for pk in Case.objects.values_list("pk", flat=True)]
    for story in stories:
        pages += [
            f"/admin/comments/discussion/{story.pk}/{page}" for page in ("change/", "history/", "delete/")
        ]
        pages += [
            f"/admin/comments/comment/?discussion={story.pk}",
            f"/admin/articles/article/{story.pk}/change/",
        ]
    return ["/moderation/", "/moderation/discussions/", *pages]


def follow_links(client, starts: list[str]) -> dict[str, str]:
    """Return the moderation and admin pages that links lead to from these, one of each URL pattern."""
    pages, shapes, waiting = {}, set(), [(start, False) for start in starts]
    while waiting and len(pages) < MAX_PAGES:
        url, is_linked = waiting.pop(0)
        parts = urlsplit(url)
        shape = (
            re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "0", parts.path),
            *(sorted(name for name, _ in parse_qsl(parts.query))),
        )
        if url in pages or (is_linked and shape in shapes):
            continue
        shapes.add(shape)
        response = client.get(url)
        assert response.status_code < 500, url
        if response.get("Location"):
            waiting.append((urljoin(url, response["Location"]), True))
        text = b"".join(response).decode() if response.streaming else response.text
        pages[url] = unescape(text) + response.get("Location", "")
        for link in re.findall(r'href="([^"#]+)', text):
            there = urljoin(url, unescape(link))
            if re.match(r"/(?:moderation|admin)/", there) and "logout" not in there:
                waiting.append((there, True))
    return pages


def test_moderation_pages_hide_unpublished_titles(client, stories):
    client.force_login(UserFactory.create(roles=(MODERATOR,)))
    pages = follow_links(client, seeds(stories))
    # A typed text comes back only to the person who typed it.
    found = [url for url, text in pages.items() if SECRET.lower() in text.lower().replace(url.lower(), "")]
    typed = [url for url in found if SECRET.lower() in url]
    leaks = {
        url: re.findall(f"(?i).{{60}}{SECRET}.{{20}}", pages[url])[:2] for url in found if url not in typed
    }
    assert leaks == {}
    names = {name for story in stories for name in (story.title, story.slug)}
    assert not [url for url in typed if any(name in pages[url] for name in names)]
    assert any(UNPUBLISHED_TITLE in text for text in pages.values())
    assert len(pages) > 60


def test_editors_and_administrators_read_unpublished_titles(client, stories, ada):
    edda, other = UserFactory.create(roles=(EDITOR,)), UserFactory.create(roles=(EDITOR,))
    stories[0].editors.add(edda)
    stories[1].editors.add(other)
    client.force_login(edda)
    page = client.get("/moderation/?queue=recent").text
    assert stories[0].title in page
    assert stories[1].title not in page
    client.force_login(ada)
    page = client.get("/moderation/?queue=recent").text
    assert all(story.title in page for story in stories)


def test_moderator_can_filter_by_an_unpublished_story(client, stories):
    client.force_login(UserFactory.create(roles=(MODERATOR,)))
    page = client.get(f"/moderation/?article=%23{stories[0].pk}")
    assert UNPUBLISHED_TITLE in page.text
    assert page.status_code == 200


def test_rule_for_an_unpublished_story_hides_its_link(client, stories):
    client.force_login(UserFactory.create(roles=(MODERATOR,)))
    rule = rules.load_active_rules().by_kind["term"][0].rule
    form = client.get(f"/moderation/rules/{rule.pk}/change/")
    assert UNPUBLISHED_TITLE in form.text
    saved = client.post(f"/moderation/rules/{rule.pk}/change/", {"value": "ship", "holds": "on", "save": "1"})
    assert saved.status_code == 302
    assert [
        each.rule.article for each in rules.load_active_rules().by_kind["term"] if each.rule.value == "ship"
    ] == [rule.article]
    tried = client.post("/moderation/rules/new/term/", {"value": "a", "article": stories[1].slug, "try": "1"})
    assert "There is no story at this link." in tried.text
