"""Stories that an action publishes or unpublishes, as an import does, look as if an editor did it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import MODERATOR
from articles.models import Article, Redirect, Revision, Site
from articles.publishing.services import publish, set_embargo, unpublish
from articles.services import save_article
from moderation.actions import setting_changes
from moderation.actions.decisions import ActionResult, undo
from moderation.models import Action, SettingChange
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
# Fields that describe the status of a story. The times of the actions differ.
PUBLICATION_FIELDS = [
    "published_at",
    "stage",
    "unpublished_reason",
    "was_published_at",
    "updated_at",
    "version",
]


@pytest.fixture
def moment() -> datetime:
    return timezone.now() - 3 * HOUR


def publish_by_import(*articles: Article, at: datetime) -> Action:
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    setting: list[Any] = [(SettingChange.Target.ARTICLE, one.pk, "published_at", at) for one in articles]
    setting_changes.apply_changes(action=action, changes=setting)
    for one in articles:
        one.refresh_from_db()
    return action


def undo_action(action: Action) -> tuple[Action, ActionResult]:
    done = undo(action=action, actor=None)
    assert done.action, done.skipped
    return done.action, done


def publication_fields(article: Article) -> dict[str, Any]:
    return dict(Article.objects.filter(pk=article.pk).values(*PUBLICATION_FIELDS).get())


def reload(article: Article) -> Article:
    article.refresh_from_db()
    return article


def test_an_action_and_an_editor_leave_the_same_result(client, moment):
    by_hand, by_action = (make_article(title, published_at=None) for title in ("By hand", "By an action"))
    by_action.updated_at = by_hand.updated_at
    Article.objects.filter(pk=by_action.pk).update(updated_at=by_hand.updated_at, stage=Article.Stage.READY)
    Article.objects.filter(pk=by_hand.pk).update(stage=Article.Stage.READY)

    action = publish_by_import(by_action, at=moment)
    publish(article=by_hand, at=moment, seen=by_hand.version)
    assert publication_fields(by_action) == publication_fields(by_hand)

    undone, _done = undo_action(action)
    unpublish(article=by_hand, reason="", seen=reload(by_hand).version)
    assert publication_fields(by_action) == publication_fields(by_hand)
    assert publication_fields(by_action)["was_published_at"] == moment
    pages = [client.get(one.get_absolute_url()) for one in (by_action, by_hand)]
    assert [page.status_code for page in pages] == [410, 410]
    assert reload(by_action).unpublished_at == undone.at

    undo_action(undone)
    publish(article=reload(by_hand), at=moment, seen=by_hand.version)
    assert publication_fields(by_action) == publication_fields(by_hand)
    assert reload(by_action).unpublished_at is None
    assert client.get(by_action.get_absolute_url()).status_code == 200
    assert not Revision.objects.filter(number__gt=1).exists()


def test_the_old_url_of_a_story_renamed_while_unpublished_redirects(client, moment):
    story = make_article("Slipway", published_at=None)
    undone, _done = undo_action(publish_by_import(story, at=moment))
    story = reload(story)
    story.slug = "harbour"
    save_article(article=story)
    assert client.get("/stories/slipway/").status_code == 404  # the story is still hidden
    undo_action(undone)
    assert client.get("/stories/slipway/")["Location"] == "/stories/harbour/"
    assert Redirect.objects.count() == 1


def test_an_unread_story_becomes_a_draft_again(client):
    story = make_article(published_at=None)
    undone, _done = undo_action(publish_by_import(story, at=timezone.now() + HOUR))
    assert (reload(story).published_at, story.unpublished_at, story.was_published_at) == (None, None, None)
    assert client.get(story.get_absolute_url()).status_code == 404
    undo_action(undone)
    assert reload(story).published_at


@pytest.mark.parametrize("until", [HOUR, -HOUR], ids=["embargoed", "embargoed until an hour ago"])
def test_an_embargo_prevents_a_redo_with_a_message(client, moment, until):
    held, free = make_article("Held", published_at=None), make_article("Free", published_at=None)
    undone, _done = undo_action(publish_by_import(held, free, at=moment))
    set_embargo(article=reload(held), until=timezone.now() + until, seen=held.version)
    client.force_login(UserFactory.create(name="Maria", roles=(MODERATOR,)))
    page = client.get(f"/moderation/actions/{undone.pk}/").content.decode()
    assert "before its embargo ends" in page

    again, done = undo_action(undone)

    assert [item.actor for item in done.skipped] == [""]
    assert done.skipped[0].reason.startswith(
        "“A story that is not published”: It cannot be dated before its embargo ends"
    )
    assert reload(held).published_at is None
    assert reload(free).published_at == moment  # an unaffected story
    assert list(again.changes.values_list("target_id", flat=True)) == [free.pk]


def test_a_story_that_an_editor_unpublished_later_stays_so(client, moment):
    story = make_article("Untrue", published_at=None)
    undone, _done = undo_action(publish_by_import(story, at=moment))
    story = publish(article=reload(story), at=moment, seen=story.version)
    story = unpublish(article=story, reason="It was not true.", seen=story.version)

    done = undo(action=undone, actor=None)

    assert done.action is None
    assert (
        done.skipped[0].reason
        == "“A story that is not published”: an editor had published it and unpublished it again"
    )
    assert reload(story).unpublished_reason == "It was not true."
    assert client.get(story.get_absolute_url()).status_code == 410


def test_many_stories_take_the_statements_of_one(moment):
    counts = []
    for many in (1, 30):
        action = publish_by_import(*(make_article(published_at=None) for _ in range(many)), at=moment)
        version = Site.objects.get().version
        with CaptureQueriesContext(
            connection,
        ) as there:
            undone, _done = undo_action(action)
        with CaptureQueriesContext(connection) as again:
            undo_action(undone)
        counts.append((len(there), len(again)))
        assert Site.objects.get().version == version + 2
    assert counts[0] == counts[1]
