"""Settings that an action changes: listed, undone exactly, and never over a later change by others."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from articles.models import Article, Site
from comments.models import Comment, Discussion
from comments.services.discussions import change_discussion
from moderation.actions import setting_changes
from moderation.actions.decisions import undo
from moderation.actions.setting_changes import SkippedItem
from moderation.models import Action, Rule, SettingChange
from tests.factories import make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]
Target = SettingChange.Target


def change_settings(actor: Any, *some: Any, kind: str = "discussion") -> Action:
    action = Action.objects.create(kind=kind, actor=actor)
    setting_changes.apply_changes(action=action, changes=some)
    return action


def versions(article: Article) -> tuple[int, int]:
    found = Discussion.objects.filter(pk=article.pk).first()
    return Site.objects.get().version, found.version if found else 0


def test_every_setting_is_changed_and_reverted(maria, omar):
    article, at = make_article(), datetime(2026, 1, 2, 3, tzinfo=UTC)
    one, two = make_comment(article), make_comment(article)
    rule = Rule.objects.create(value="casino")
    before = list(Comment.objects.values()), Article.objects.values().get(), Rule.objects.values().get()
    action = change_settings(
        maria,
        (Target.SITE, 1, "comment_status", "closed"),
        (Target.SITE, 1, "review_everything", True),
        (Target.DISCUSSION, article.pk, "moderation", "pre"),
        # The discussion is open already, so nothing changes.
        (Target.DISCUSSION, article.pk, "status", "open"),
        (Target.COMMENT, one.pk, "is_pick", True),
        (Target.COMMENT, two.pk, "duplicate_of", one.pk),
        (Target.RULE, rule.pk, "is_active", False),
        (Target.ARTICLE, article.pk, "published_at", at),
        (Target.COMMENT, 10**9, "is_pick", True),  # no such comment exists
    )
    assert action.changes.count() == 7
    site = Site.objects.get()
    assert (site.comment_status, site.review_everything) == ("closed", True)
    assert Discussion.objects.get().moderation == "pre"
    assert Comment.objects.get(pk=one.pk).is_pick
    assert Comment.objects.get(pk=two.pk).duplicate_of_id == one.pk
    assert Article.objects.get().published_at == at
    assert not Rule.objects.get().is_active

    back = undo(action=action, actor=omar)

    assert (back.action.changes.count(), back.skipped) == (7, [])
    site = Site.objects.get()
    assert (site.comment_status, site.review_everything) == ("open", False)
    article_now = Article.objects.values().get()
    assert article_now.pop("version") > before[1].pop("version")
    assert (list(Comment.objects.values()), article_now, Rule.objects.values().get()) == before

    assert undo(action=back.action, actor=maria).action.changes.count() == 7
    assert Article.objects.get().published_at == at


def test_only_visible_settings_change_the_page_version(maria):
    article = make_article()
    comment = make_comment(article)

    def grown(*change: Any) -> tuple[int, int]:
        before = versions(article)
        change_settings(maria, change)
        return versions(article)[0] - before[0], versions(article)[1] - before[1]

    assert grown(Target.COMMENT, comment.pk, "is_pick", True) == (0, 1)
    assert grown(Target.COMMENT, comment.pk, "is_pick", True) == (0, 0)
    assert grown(Target.DISCUSSION, article.pk, "moderation", "pre") == (0, 0)
    assert grown(Target.DISCUSSION, article.pk, "status", "closed") == (0, 1)
    assert grown(Target.SITE, 1, "comment_status", "hidden") == (1, 0)
    assert grown(Target.ARTICLE, article.pk, "published_at", None) == (1, 0)


def test_later_change_is_kept_and_its_author_is_named(maria, omar):
    one, two, three = (make_article(title) for title in ("One", "Two", "Three"))
    action = change_settings(
        maria, *((Target.DISCUSSION, a.pk, "status", "closed") for a in (one, two, three))
    )
    change_settings(omar, (Target.DISCUSSION, one.pk, "status", "hidden"))
    change_settings(omar, (Target.DISCUSSION, two.pk, "status", "open"))
    # The same value, but now set by Omar.
    change_settings(omar, (Target.DISCUSSION, two.pk, "status", "closed"))

    back = undo(action=action, actor=maria)

    assert back.action.changes.count() == 1
    assert back.skipped == [
        SkippedItem(None, "Omar", "“One”: The discussion is hidden"),
        SkippedItem(None, "Omar", "“Two”: Comments are closed"),
    ]
    statuses = dict(Discussion.objects.values_list("article__title", "status"))
    assert statuses == {"One": "hidden", "Two": "closed", "Three": "open"}


def test_value_changed_without_an_action_is_kept(maria):
    article = make_article()
    action = change_settings(maria, (Target.DISCUSSION, article.pk, "status", "closed"))
    change_discussion(article=article, status="hidden")  # the admin changes it in this way
    back = undo(action=action, actor=maria)
    assert (back.action, back.skipped) == (
        None,
        [SkippedItem(None, "", f"“{article}”: The discussion is hidden")],
    )


def test_rule_created_again_meanwhile_is_not_switched_on_twice(maria):
    rule = Rule.objects.create(value="casino")
    action = change_settings(maria, (Target.RULE, rule.pk, "is_active", False), kind="rule")
    Rule.objects.create(value="Casino")
    back = undo(action=action, actor=maria)
    assert (back.action, back.skipped) == (None, [SkippedItem(None, "Maria", "“casino”: Switched off")])


def test_hundred_comments_take_as_many_statements_as_one(maria):
    article = make_article()
    comments = [make_comment(article, f"Word {n}") for n in range(100)]

    def statements(chosen: list[Comment]) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as doing:
            action = change_settings(maria, *((Target.COMMENT, c.pk, "is_locked", True) for c in chosen))
        with CaptureQueriesContext(connection) as undoing:
            undo(action=action, actor=maria)
        return len(doing), len(undoing)

    assert statements(comments[:1]) == statements(comments)


@pytest.mark.parametrize(
    ("migration", "kind", "target", "old", "new"),
    [
        ("0032_duplicate_of", "decision", Target.COMMENT, "repeat_of", "duplicate_of"),
        (
            "0033_false_positive_limit",
            "filter",
            Target.MODERATION_SETTINGS,
            "honest_may_wait",
            "false_positive_limit",
        ),
    ],
)
def test_the_upgrade_renames_fields_in_stored_changes(maria, migration, kind, target, old, new):
    parameters = {"field": old, "value": 2} if kind == "filter" else {}
    action = Action.objects.create(kind=kind, actor=maria, parameters=parameters)
    change = SettingChange.objects.create(action=action, target=target, target_id=1, field=old, new=2)
    (*_, rename) = import_module(f"moderation.migrations.{migration}").Migration.operations
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # otherwise the new rows would block ALTER TABLE
        cursor.execute(rename.sql)
    action.refresh_from_db()
    change.refresh_from_db()
    assert change.field == new
    assert action.parameters == (parameters and {"field": new, "value": 2})
