"""A cached page is never out of date, whatever was written, and when time alone changes it.

Two instances of the application stand for two processes, which share only the database.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from articles.models import Article, Topic
from articles.newsletter import drafts, sending, subscriptions
from comments.integrity import check, repair
from comments.models import Comment, InferredParent, Reason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.moves import move_comment
from comments.services.recommendations import recommend
from comments.services.states import change_states, delete_comment, rename_author, set_comment_field
from comments.tasks import count_recommendations
from config.page_cache.application import PageCacheApp
from moderation.actions.decisions import undo
from moderation.reply_structure.decisions import accept
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.database import captured_statements
from tests.helpers.wsgi_requests import send_request


class SiteChanges:
    """Changes of everything that an anonymous reader sees, with a story and its thread."""

    def __init__(self) -> None:
        self.editor = UserFactory.create(name="Edda", roles=(EDITOR,))
        self.admin = Client()
        self.admin.force_login(UserFactory.create(name="Ada", roles=(ADMINISTRATOR,)))
        self.topic = Topic.objects.create(name="Boats", slug="boats")
        self.article = make_article("The slip closes")
        self.article.topics.add(self.topic)
        self.first = make_comment(self.article, "First words.", author=self.editor)
        self.second = make_comment(self.article, "Second words.")
        self.answer = make_comment(self.article, "An answer.", parent=self.second)
        self.reader = UserFactory.create(name="Ruth")

    def remove_as_duplicate(self) -> None:
        """Remove the second comment as a duplicate of one on another story."""
        self.original = make_comment(make_article("Another story"), "Second words.")
        self.decide(self.second, State.REJECTED, Reason.DUPLICATE)
        set_comment_field(field="duplicate_of", values={self.second.pk: self.original.pk})

    def accept_proposed_parent(self) -> None:
        """Move the answer to the first comment, as somebody accepts its proposed parent."""
        InferredParent.objects.create(
            comment=self.answer,
            discussion_id=self.article.pk,
            imported_parent=self.second,
            parent=self.first,
            confidence=1,
            reason="name",
        )
        self.accepted = accept(article=self.article, actor=self.editor)

    def decide(self, comment: Comment, to: State, reason: Reason) -> None:
        change_states(ids=[comment.pk], to=to, reason=reason, actor=None)

    def post_form(self, path: str, **changed: Any) -> None:
        """Send the admin's form with its current values and these changes."""
        context = self.admin.get(path).context
        form = context["adminform"].form if "adminform" in context else context["form"]
        values = {name: form[name].value() for name in form.fields}
        page = self.admin.get(path).text
        for name, value in re.findall(
            r'name="([\w-]+-(?:TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS|[\w-]+-\d+-[\w]+)"[^>]*value="([^"]*)"',
            page,
        ):
            values.setdefault(name, value)
        at = values.pop("published_at", None)
        if at:
            values |= {"published_at_0": f"{at:%Y-%m-%d}", "published_at_1": f"{at:%H:%M:%S}"}
        values |= {"discussion-0-status": "open", "discussion-0-moderation": "post"}
        values |= changed
        sent = {name: value for name, value in values.items() if value is not None}
        response = self.admin.post(path, sent)
        assert response.status_code == 302, response.context["errors"]

    def save_article_form(self, **changed: Any) -> None:
        self.post_form(f"/admin/articles/article/{self.article.pk}/change/", **changed)


Write = Callable[[SiteChanges], Any]
CHANGES: dict[str, tuple[str, Write, str]] = {
    # The change: the page, the function that changes it, and text that is on it only before or only after.
    "a comment": ("story", lambda s: make_comment(s.article, "Third words."), "Third words."),
    "a comment, seen in the list": ("/", lambda s: make_comment(s.article, "Third words."), "4 comments"),
    "a comment, asked about": ("version", lambda s: make_comment(s.article, "Third words."), ""),
    "an answer on its own page": (
        "comment",
        lambda s: make_comment(s.article, "Deeper.", parent=s.answer),
        "Deeper.",
    ),
    "an edit": (
        "story",
        lambda s: edit_comment(comment=s.first, body="Better words.", user=s.editor, guest=None),
        "Better words.",
    ),
    "its author takes it back": (
        "story",
        lambda s: delete_comment(comment=s.first, user=s.editor, guest=None),
        "First words.",
    ),
    "a removal": ("story", lambda s: s.decide(s.second, State.REJECTED, Reason.INSULT), "Second words."),
    "the original of a duplicate is removed": (
        "story",
        lambda s: s.decide(s.original, State.SPAM, Reason.SPAM),
        "Duplicate of",
    ),
    "the original of a duplicate is published": (
        "story",
        lambda s: s.decide(s.original, State.PUBLISHED, Reason.APPROVED),
        "Duplicate of",
    ),
    "the discussion of the original of a duplicate is hidden": (
        "story",
        lambda s: change_discussion(article=s.original.discussion.article, status="hidden"),
        "Duplicate of",
    ),
    "a move": ("story", lambda s: move_comment(comment=s.answer, parent=s.first, actor=None), ""),
    "restored replies": ("story", lambda s: s.accept_proposed_parent(), "As saved"),
    "restored replies, as they were saved": ("saved", lambda s: s.accept_proposed_parent(), "As saved"),
    "restored replies undone": ("story", lambda s: undo(action=s.accepted, actor=s.editor), "As saved"),
    "a corrected name": ("story", lambda s: rename_author(comment=s.second, name="Jim"), "Jim"),
    "a recommendation": (
        "story",
        lambda s: (
            recommend(comment=s.second, user=s.reader, is_given=True),
            count_recommendations.call(),
        ),
        "",
    ),
    "closing": ("story", lambda s: change_discussion(article=s.article, status="closed"), "Closed"),
    "hiding": ("story", lambda s: change_discussion(article=s.article, status="hidden"), "is hidden"),
    "closing in the admin": (
        "story",
        lambda s: s.save_article_form(**{"discussion-0-status": "closed"}),
        "Closed",
    ),
    "another title": ("story", lambda s: s.save_article_form(title="The slip opens"), "The slip opens"),
    "another title, seen in the list": (
        "/",
        lambda s: s.save_article_form(title="The slip opens"),
        "The slip opens",
    ),
    "a story without its topic": ("story", lambda s: s.save_article_form(topics=[]), "Boats"),
    "an editor's badge": (
        "story",
        lambda s: s.save_article_form(editors=[s.editor.pk]),
        "",
    ),
    "a role's badge": (
        "story",
        lambda s: s.post_form(
            f"/admin/accounts/user/{s.editor.pk}/change/",
            groups=list(s.editor.groups.model.objects.filter(name=MODERATOR).values_list("pk", flat=True)),
        ),
        "",
    ),
    "a draft again": (
        "/",
        lambda s: s.admin.post(
            f"/admin/articles/article/{s.article.pk}/publication/unpublish/",
            {"seen": Article.objects.get(pk=s.article.pk).version},
        ),
        "The slip closes",
    ),
    "a topic's name": (
        "story",
        lambda s: s.post_form(f"/admin/articles/topic/{s.topic.pk}/change/", name="Ships"),
        "Ships",
    ),
    "a topic taken off the pages": (
        "story",
        lambda s: s.post_form(f"/admin/articles/topic/{s.topic.pk}/change/", shown=""),
        "Boats",
    ),
    "a topic deleted": (
        "/",
        lambda s: s.admin.post(f"/admin/articles/topic/{s.topic.pk}/delete/", {"post": "yes"}),
        "Boats",
    ),
    "a story": ("/", lambda s: make_article("The slip opens"), "The slip opens"),
    "a story in its topic": ("topic", lambda s: s.save_article_form(topics=[]), "The slip closes"),
    "the site's name": (
        "/",
        lambda s: s.post_form("/owner/settings/", name="The Slip"),
        "The Slip",
    ),
    "a repair": (
        "story",
        lambda s: (
            Comment.objects.filter(pk=s.first.pk).update(body_html="<p>Broken.</p>"),
            repair(check()),
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_is_missed(site: PageCacheApp, other: PageCacheApp, name: str) -> None:
    where, write, words = CHANGES[name]
    changes = SiteChanges()
    if where == "comment":  # the first replies have no pages of their own
        for number in range(25):
            changes.answer = make_comment(changes.article, f"Number {number}.", parent=changes.second)
    if name == "restored replies undone":
        changes.accept_proposed_parent()
    if "duplicate" in name:
        changes.remove_as_duplicate()
    if name == "the original of a duplicate is published":
        changes.decide(changes.original, State.PENDING, Reason.SCREENED)
    if name == "a repair":
        Comment.objects.filter(pk=changes.first.pk).update(body_html="<p>Wrong.</p>")
    story = changes.article.get_absolute_url()
    path = {
        "story": story,
        "saved": f"{story}?replies=saved",
        "version": f"{story}version/",
        "comment": f"{story}comments/{changes.answer.pk}/",
        "topic": "/topics/boats/",
    }.get(where, where)
    before = [send_request(one, path) for one in (site, other)]
    assert before[0].status == 200
    write(changes)
    for one, earlier in zip((site, other), before, strict=True):
        later = send_request(one, path)
        assert later.body != earlier.body
        assert not words or (words in later.text) != (words in earlier.text)
        fresh = PageCacheApp(WSGIHandler())
        assert later.body == send_request(fresh, path).body
        fresh.close()


def test_an_unpublished_story_is_not_found(site: PageCacheApp, other: PageCacheApp) -> None:
    changes = SiteChanges()
    alone = make_article("Alone")
    for one in (site, other):
        assert send_request(one, alone.get_absolute_url()).status == 200
    changes.admin.post(f"/admin/articles/article/{alone.pk}/delete/", {"post": "yes"})
    for one in (site, other):
        assert send_request(one, alone.get_absolute_url()).status == 404
        assert "Alone" not in send_request(one, "/").text


def test_a_stopped_newsletter_is_not_found(site: PageCacheApp, other: PageCacheApp) -> None:
    changes = SiteChanges()
    newsletter = drafts.create(
        subject="News", introduction="", articles=[changes.article], is_digest=False, by=changes.editor
    )
    subscriptions.subscribe("ann@example.org", {None}, "en")
    sending.send(newsletter=newsletter, seen=newsletter.version, is_repeat=False)
    url = newsletter.get_absolute_url()
    for status, change in ((200, sending.stop), (404, sending.resume), (200, None)):
        for one in (site, other):
            assert send_request(one, url).status == status
        if change:
            assert change(newsletter)


def test_a_write_of_another_process_is_shown_at_once(site: PageCacheApp, article: Article) -> None:
    assert "From elsewhere." not in send_request(site, article.get_absolute_url()).text
    script = f"""
        import django; django.setup()
        from django.conf import settings
        settings.COMMENT_POLICY = "comments.policy.Policy"
        from tests.factories import make_comment
        from articles.models import Article
        make_comment(Article.objects.get(pk={article.pk}), "From elsewhere.")
    """
    url = re.sub(r"/[^/?]*(\?|$)", rf"/{connection.settings_dict['NAME']}\1", os.environ["DATABASE_URL"])
    env = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    subprocess.run(
        [sys.executable, "-c", "\n".join(map(str.strip, script.splitlines()))], env=env, check=True
    )
    assert "From elsewhere." in send_request(site, article.get_absolute_url()).text


def test_removing_an_unseen_flood_keeps_the_cached_page(site: PageCacheApp, article: Article) -> None:
    held = make_comment(article)
    change_states(ids=[held.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    send_request(site, article.get_absolute_url())
    change_states(ids=[held.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    with captured_statements() as statements:
        send_request(site, article.get_absolute_url())
    assert statements == []


# Changes by time alone


def near_future_times() -> Iterator[datetime]:
    """Yield a time in the near future, and again later ones until the loop's body ends before that time."""
    lead = timedelta(seconds=1.2)
    while True:
        soon = timezone.now() + lead
        yield soon
        if timezone.now() < soon:
            return
        lead *= 3


def test_a_scheduled_story_appears_on_time(site: PageCacheApp, article: Article) -> None:
    for soon in near_future_times():
        later = make_article(f"The slip opens at {soon:%X.%f}", published_at=soon)
        front_page, status = send_request(site, "/").text, send_request(site, later.get_absolute_url()).status
        with captured_statements() as statements:
            send_request(site, "/")
    assert later.title not in front_page
    assert status == 404
    assert statements == []
    time.sleep(max(0, (soon - timezone.now()).total_seconds()) + 0.01)
    assert later.title in send_request(site, "/").text
    assert later.title in send_request(site, "/feed/").text
    assert send_request(site, later.get_absolute_url()).status == 200


def test_a_discussion_closes_on_time(site: PageCacheApp, article: Article) -> None:
    for soon in near_future_times():
        change_discussion(article=article, closes_at=soon)
        page = send_request(site, article.get_absolute_url()).text
    assert "Closed" not in page
    time.sleep(max(0, (soon - timezone.now()).total_seconds()) + 0.01)
    assert "Closed" in send_request(site, article.get_absolute_url()).text
