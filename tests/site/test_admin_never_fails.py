"""Tests that each URL of the admin responds to each method and each role without a server error."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER
from archive.models import Import
from articles.models import Image, Newsletter, Pin, Redirect, StandingPage, Topic
from articles.services import save_page, set_article_authors
from comments.models import State
from comments.services.discussions import change_discussion
from moderation.actions import decisions
from moderation.models import Action, JobRun, ModerationSettings, Rule
from tests.factories import UserFactory, make_article, make_comment

# Requests run outside of a test transaction, as on a real site, because locks need their own transaction.
pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ["get", "post", "put"]


def patterns(found: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    for one in found:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, route)
        elif route.startswith("admin/"):
            yield route, one.name or ""


ROUTES = [route for route, _name in patterns(get_resolver().url_patterns)]


def addresses(route: str, keys: dict[str, list[str]]) -> list[str]:
    """Return the URLs of a route with existing and with unknown values for each argument."""
    _admin, app, model, *_rest = [*route.split("/"), "", ""]
    known = [*keys.get(f"{app}.{model}", []), "x_5Cx"]
    out = []
    for key in known:
        number = key if key.isdecimal() else "999999"
        url = route.removeprefix("^").replace("<path:object_id>", key).replace("<path:content_type_id>", "1")
        url = url.replace("<int:key>", number).replace("<int:number>", "1").replace("<int:pk>", "1")
        url = url.replace("<slug:action>", "publish").replace(
            "<uuid:nonce>", "5b0f0b6e-7a57-4d0b-8f5c-1d8d3a2a1c11"
        )
        url = url.replace("(?P<url>.*)$", "nowhere/")
        out += ["/" + url]
        if "(?P<app_label>" in url:
            out[-1:] = [f"/admin/{app_label}/" for app_label in ("articles", "comments", "moderation")]
    return list(dict.fromkeys(out))


@pytest.fixture
def keys() -> dict[str, list[str]]:
    """Return the key of one row of each model, by `app.model`."""
    person = UserFactory.create(roles=(EDITOR,))
    article = make_article()
    set_article_authors(article=article, people=[person])
    change_discussion(article=article, actor=person, members_only=False)
    comment = make_comment(article)
    decisions.decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=person)
    Topic.objects.create(name="Harbour", slug="harbour")
    Pin.objects.create(article=article, position=1)
    Newsletter.objects.create(subject="The week", is_digest=True, by=person)
    Redirect.objects.create(old="/old/", path="/archive/")
    save_page(page=StandingPage(title="About", slug="about"))
    Rule.objects.create(kind="term", value="casino")
    ModerationSettings.objects.get_or_create(pk=1)
    JobRun.objects.create(name="tick", started_at=timezone.now())
    Image.objects.create(
        digest="0" * 64, suffix="png", width=1, height=1, filename="a.png", alt="A boat", uploaded_by=person
    )
    Import.objects.create(
        article=article,
        action=Action.objects.earliest("at"),
        format="soundoff",
        filename="a.txt",
        sha256="0" * 64,
        found_count=1,
        created_count=1,
    )
    found: dict[str, list[str]] = {}
    for model in admin.site._registry:
        row = model._default_manager.first()
        label = f"{model._meta.app_label}.{model._meta.model_name}"
        found[label] = [] if row is None else [str(row.pk)]
    return found


@pytest.mark.parametrize("role", [None, READER, MODERATOR, EDITOR, ADMINISTRATOR])
def test_every_address_answers(role: str | None, keys: dict[str, list[str]]) -> None:
    client = Client(raise_request_exception=False)
    user = UserFactory.create(roles=(role,)) if role else None
    if user:
        client.force_login(user)
    assert all(
        keys[label]
        for label in ("articles.author", "articles.image", "articles.topic", "comments.discussion")
    )
    failed = []
    for route in ROUTES:
        for url in addresses(route, keys):
            for method in METHODS:
                if (status := getattr(client, method)(url).status_code) >= 500:
                    failed.append(f"{method} {url}: {status}")
        if user and "logout" in route:
            client.force_login(user)
    assert failed == []
