"""Restricted texts appear nowhere: on no page, in no mail, and in no table but those of restrictions.

Every URL pattern of the site is opened by every kind of user. A new pattern is covered without a change here,
and a new parameter name makes the test fail until it gets values.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.core import mail, signing
from django.db import connection
from django.test import Client
from django.urls import get_resolver
from django.urls.converters import UUIDConverter
from django.urls.resolvers import RegexPattern, RoutePattern, URLPattern
from django.utils import timezone

from accounts import guests
from articles.models import Article
from articles.services import save_article
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from moderation import tasks
from moderation.actions import cases, decisions
from moderation.erasure import restrictions
from moderation.models import (
    Action,
    Case,
    CommentGroup,
    CommentGroupMember,
    IllegalContentReport,
    Report,
    Restriction,
    SimilarityScan,
)
from moderation.similar import scan
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

# Words of the text, its first version, the author name and the e-mail. Stemming does not change them.
BODY, EARLIER, NAME, EMAIL = "zyxquorl", "zyxfrimp", "Zyxbelnap", "zyxmoot"
WORDS = re.compile("zyx(quorl|frimp|belnap|moot)", re.IGNORECASE)

# Values for the parameters of URLs. For a new parameter name, add values here.
CHOICES: dict[str, list[Any]] = {
    "year": [2024],
    "month": ["05"],
    "order": ["newest"],
    "token": ["x"],
    "content_type_id": [1],
    "app_label": ["comments"],
    "url": ["x"],
    "key": ["x"],
    "uidb36": ["x"],
    "kind": ["review", "term"],
    "name": ["close", "hidden"],
    "file": [1],
    "suffix": ["webp"],
    "size": [180],
    "provider_id": ["work"],
    "color": ["0e5a66"],
    "language": ["ar"],
    "version": ["x"],
    "number": [1],
    "action": ["publish"],
    "nonce": ["00000000-0000-4000-8000-000000000000"],
    "object_id": [],
    "pk": [],
    "slug": [],
    "receipt": [],
}
STAFF = {"editor", "moderator", "administrator"}
NOT_OPENED = {"admin/logout/", "accounts/logout/", "theme/"}  # they log out or only set a cookie


class Planted:
    """A site with two comments to restrict, which appear in every place where a comment can appear."""

    def __init__(self) -> None:
        self.administrator = UserFactory.create(name="Ada", roles=("Administrator",))
        self.moderator = UserFactory.create(name="Mo", roles=("Moderator",))
        self.editor = UserFactory.create(name="Ed", roles=("Editor",))
        self.author = UserFactory.create(name="Al", has_page=True)
        self.reader = UserFactory.create(name="Rea")
        for user in (self.author, self.reader):
            confirm_email(user)
        self.article = make_article("The slip", rights=Article.Rights.OURS)
        self.article.editors.add(self.editor)
        save_article(article=self.article)
        self.guest = GuestFactory.create(
            name=f"{NAME} Smith", email=f"{EMAIL}@example.org", confirmed_at=timezone.now()
        )
        text = "lives in the white house beside the harbour, and is never at home before the evening."
        by_guest = make_comment(self.article, f"{EARLIER} {text}", guest=self.guest)
        by_guest = edit_comment(comment=by_guest, body=f"{BODY} {text}", user=None, guest=self.guest)
        by_author = make_comment(self.article, f"{BODY} {text} Indeed.", author=self.author)
        self.secret = [by_guest, by_author]
        for comment in self.secret:
            make_comment(self.article, "How do you know?", parent=comment)
        # They are decided on, reported, in a group of similar comments, and mails about them are queued.
        self.action = self._decide(State.SPAM, Reason.SPAM)
        self.action = self._decide(State.PUBLISHED, Reason.APPROVED)
        cases.create_missing_cases([c.pk for c in self.secret], states=[State.PUBLISHED])
        for comment in self.secret:
            case = Case.objects.open().get(comment=comment)
            Report.objects.create(comment=comment, case=case, user=self.reader, why="abuse")
            self.illegal_content_report = IllegalContentReport.objects.create(
                comment=comment, case=case, why="It is illegal.", email="n@example.org", in_good_faith=True
            )
        scan.run_scan()
        latest = SimilarityScan.objects.exclude(ended_at=None).latest("ended_at")
        self.group = CommentGroup.objects.create(kind=CommentGroup.Kind.TEXT, scan_id=latest.pk, size=2)
        for comment in self.secret:
            CommentGroupMember.objects.create(
                group=self.group, comment=comment, similarity=1, last_transition_id=None
            )

    def _decide(self, to: State, reason: Reason) -> Action:
        act = decisions.decide(
            ids=[c.pk for c in self.secret], to=to, reason=reason, actor=self.moderator
        ).action
        assert act
        return act

    def restrict(self) -> None:
        ids = [comment.pk for comment in self.secret]
        assert (
            restrictions.restrict(ids=ids, why=Restriction.Why.PERSONAL, actor=self.moderator).changed == ids
        )
        # The guest's name and e-mail were replaced, so only the restriction has the old ones.
        type(self.guest).objects.filter(pk=self.guest.pk).update(name="Somebody", email="")

    def visitors(self) -> Iterator[tuple[str, Client]]:
        for name in ("administrator", "moderator", "editor", "author", "reader"):
            client = Client()
            client.force_login(getattr(self, name))
            yield name, client
        guest = Client()
        guest.cookies[guests.COOKIE] = signing.dumps(self.guest.pk, salt=guests.COOKIE)
        yield "guest", guest
        yield "stranger", Client()

    def urls(self) -> set[str]:
        numbers = [comment.pk for comment in self.secret]
        choices = CHOICES | {
            "pk": [
                *numbers,
                *(self.article.pk, self.author.pk, self.guest.pk, self.group.pk),
                *Case.objects.values_list("pk", flat=True),
                *Action.objects.values_list("pk", flat=True),
            ],
            "slug": [self.article.slug],
            "receipt": [self.illegal_content_report.receipt],
            "object_id": numbers,
            "key": [f"u{self.author.pk}", f"g{self.guest.pk}", f"i{numbers[0]}"],
        }
        urls = {url for route, parts in routes() for url in fill(route, parts, choices | rows_of(route))}
        story = self.article.get_absolute_url()
        tree = f"/admin/comments/comment/?discussion={self.article.pk}"
        permalink = f"{settings.SITE_URL}{story}comments/{numbers[0]}/"
        # Search pages repeat the query, so these words are not among WORDS.
        urls |= {f"/search/?q={word}" for word in ("harbour", "Smith")}
        urls |= {f"{story}find/?q=harbour", tree, f"{tree}&q=harbour", f"{tree}&q=%23{numbers[0]}"}
        urls |= {f"{story}?order={order}" for order in ("newest", "oldest", "recommended", "discussed")}
        urls |= {f"{story}new/?since=0", f"/oembed/?url={permalink}", f"/report-illegal/?comment={permalink}"}
        lists = ("waiting", "reported", "new", "similar", "second", "recent", "published")
        urls |= {f"/moderation/?{key}={name}" for key in ("list", "queue") for name in lists}
        urls |= {f"/moderation/log/?comment={pk}" for pk in numbers}
        return urls


def routes() -> Iterator[tuple[str, list[Any]]]:
    """Yield each URL pattern of the site as (route, patterns)."""

    def walk(patterns: list[Any], before: list[Any]) -> Iterator[tuple[str, list[Any]]]:
        for entry in patterns:
            parts = [*before, entry.pattern]
            if isinstance(entry, URLPattern):
                yield "".join(map(str, parts)), parts
            else:
                yield from walk(entry.url_patterns, parts)

    return walk(get_resolver().url_patterns, [])


def rows_of(route: str) -> dict[str, list[Any]]:
    """Return the keys of some rows of the model whose rows this route of the admin shows."""
    if not (found := re.match(r"admin/(\w+)/(\w+)/<\w+:(object_id|key)>/", route)):
        return {}
    app, model, name = found.groups()
    keys = apps.get_model(app, model)._default_manager.order_by("pk").values_list("pk", flat=True)
    return {name: list(keys[:4])}  # both restricted comments are among the first


def fill(route: str, parts: list[Any], choices: dict[str, list[Any]]) -> Iterator[str]:
    """Yield the route with each combination of values; parameters of one name get the same value."""
    text = ""
    for part in parts:
        if isinstance(part, RoutePattern):
            text += re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", part._route)
        elif isinstance(part, RegexPattern):
            plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", part._regex)
            text += plain.strip("^$").replace("\\.", ".").replace("\\Z", "")
    names = sorted(set(re.findall(r"{(\w+)}", text)))
    for name in names:
        assert name in choices, f"What could {name} be in {route}? Add it to CHOICES."
    if text in NOT_OPENED:
        return
    is_uuid = any(
        isinstance(c, UUIDConverter) for part in parts for c in getattr(part, "converters", {}).values()
    )
    combinations: list[dict[str, Any]] = [{}]
    for name in names:
        values = [v for v in choices[name] if name != "pk" or isinstance(v, UUID) == is_uuid]
        combinations = [{**known, name: value} for known in combinations for value in values]
    for known in combinations:
        yield "/" + text.format(**known)


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode(errors="replace") + str(response.headers)


def seen_at(planted: Planted, places: set[tuple[str, str]] | None = None) -> set[tuple[str, str]]:
    """Return (who, where) the words were seen, on these URLs or on all URLs."""
    urls = planted.urls()
    found = set()
    only_posted: set[str] = set()  # which a view says before it asks who somebody is
    for who, client in planted.visitors():
        opened = urls - only_posted if places is None else {url for by, url in places if by == who}
        for url in sorted(opened):
            if url.startswith("/admin/") and who not in STAFF:
                continue  # the admin redirects them to the login first
            response = client.get(url)
            assert response.status_code < 500, (who, url)
            if response.status_code == 405 and who == "administrator":
                only_posted.add(url)
            if WORDS.search(body(response)):
                found.add((who, url))
    return found


def tables_with_words() -> set[str]:
    """Return every table that has one of the words in any column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        found = set()
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" t WHERE t::text ~* %s)', [WORDS.pattern])
            if cursor.fetchone()[0]:
                found.add(table)
    return found


@pytest.fixture
def planted() -> Planted:
    return Planted()


def test_restricted_texts_are_in_no_other_table(planted):
    assert {"comments_comment", "comments_commentrevision", "comments_commenttext"} <= tables_with_words()
    planted.restrict()
    assert tables_with_words() == {"moderation_restriction", "moderation_restrictedtext"}
    # A new scan for similar comments does not find them either.
    scan.run_scan()
    assert tables_with_words() == {"moderation_restriction", "moderation_restrictedtext"}


def test_restricted_texts_are_shown_only_to_an_administrator_on_request(planted):
    story = planted.article.get_absolute_url()
    number = planted.secret[0].pk
    places = {  # where they must be seen before, or the second check would prove nothing
        ("stranger", story),
        ("stranger", f"{story}feed/"),
        ("stranger", f"{story}reply/{number}/"),
        ("stranger", "/search/?q=harbour"),
        ("stranger", f"/people/{planted.author.pk}/"),
        ("guest", f"/comments/{number}/edit/"),
        ("reader", f"{story}find/?q=harbour"),
        ("editor", "/moderation/?queue=recent"),
        ("editor", f"/admin/comments/comment/?discussion={planted.article.pk}"),
        ("moderator", f"/moderation/actions/{planted.action.pk}/"),
        ("moderator", f"/moderation/similar/{planted.group.pk}/"),
        ("moderator", f"/moderation/people/g{planted.guest.pk}/"),
        ("administrator", f"/admin/comments/comment/{number}/change/"),
    }
    assert seen_at(planted, places) == places
    planted.restrict()

    after = seen_at(planted)

    assert after == set()

    assert Client().get(f"{story}comments/{number}/").status_code == 410
    client = Client()
    client.force_login(planted.administrator)
    assert WORDS.search(body(client.post(f"/moderation/restricted/{number}/text/")))


def test_no_queued_mail_contains_them(planted):
    planted.restrict()
    for action in Action.objects.all():
        for task in (tasks.notify_authors, tasks.notify_reporters):
            task.func(str(action.pk))
    for comment in planted.secret:
        tasks.notify_not_published.func(comment.pk)
    for task in (tasks.notify_moderators, tasks.send_receipt):
        task.func(planted.illegal_content_report.pk)
    assert not [message for message in mail.outbox if WORDS.search(message.subject + str(message.body))]


def test_no_action_of_others_changes_a_restricted_comment(planted):
    """A moderator and the author open each page and press each button for a restricted comment."""
    planted.restrict()
    secret = Comment.objects.filter(pk__in=[c.pk for c in planted.secret]).order_by("pk")
    stored = list(secret.values())
    own = [
        url
        for route, parts in routes()
        if re.search(r"comments/|cases/", route) and not route.startswith("admin/")
        for url in fill(route, parts, CHOICES | {"pk": [c.pk for c in planted.secret], "slug": ["the-slip"]})
    ]
    data = {
        "body": "Other words.",
        "text": "Please.",
        "details": "Please.",
        "message": "Please.",
        "on": "1",
        "reason": "approved",
        "act": "approved",
    }
    for who, client in planted.visitors():
        if who == "administrator":
            continue
        for url in own:
            assert client.post(url, data).status_code < 500, (who, url)
        client.post("/moderation/decide/", {"ids": [c.pk for c in planted.secret], "act": "approved"})
        for action in Action.objects.all():
            client.post(f"/moderation/actions/{action.pk}/undo/")
    assert (
        list(Comment.objects.filter(pk__in=[c.pk for c in planted.secret]).order_by("pk").values()) == stored
    )
    assert Restriction.objects.filter(lifted_at=None).count() == 2
