"""Comments that are dragged under or beside others in the reply structure."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from comments.integrity import check
from comments.models import MAX_DEPTH, Comment, Discussion, Transition
from moderation.models import Action
from tests.factories import UserFactory
from tests.moderation.reply_structure.trees import (
    TREE,
    drop_comment,
    import_thread,
    messages_of,
    publish_comment,
)

pytestmark = pytest.mark.django_db


def test_a_drop_on_a_comment_makes_it_a_reply_and_is_logged_with_an_undo(maria_client, maria):
    article = import_thread(6)
    one, *_, last_root, _, _ = comments = list(Comment.objects.filter(discussion=article.pk))
    version = Discussion.objects.get().version

    assert drop_comment(maria_client, last_root, comments[2], "last-child").status_code == 200

    last_root.refresh_from_db()
    assert last_root.parent == comments[2]
    assert last_root.tree_id == one.tree_id
    line = Transition.objects.get(kind="move")
    assert (line.comment, line.old_parent, line.new_parent) == (last_root, None, comments[2])
    assert line.actor == maria
    action = Action.objects.get(kind="move")
    assert line.action_id == action.pk
    assert Discussion.objects.get().version == version + 1
    assert check() == {}
    [sentence] = messages_of(maria_client)
    assert sentence.startswith(f'Moved. <a href="{TREE}?discussion={article.pk}&amp;branch={last_root.pk}">')
    assert reverse("moderation:action", args=[action.pk]) in sentence


@pytest.mark.parametrize("position", ["left", "right"])
def test_a_drop_beside_a_comment_gives_it_the_same_parent(maria_client, position):
    comments = list(Comment.objects.filter(discussion=import_thread(6).pk))
    drop_comment(maria_client, comments[3], comments[1], position)
    comments[3].refresh_from_db()
    assert comments[3].parent == comments[0]
    assert check() == {}


def test_a_drop_beside_a_top_level_comment_makes_it_top_level(maria_client):
    comments = list(Comment.objects.filter(discussion=import_thread(6).pk))
    drop_comment(maria_client, comments[2], comments[3], "left")
    comments[2].refresh_from_db()
    assert comments[2].parent is None
    assert check() == {}


def test_a_drop_in_the_same_place_changes_nothing(maria_client):
    comments = list(Comment.objects.filter(discussion=import_thread(6).pk))
    drop_comment(maria_client, comments[1], comments[0], "last-child")
    assert not Transition.objects.filter(kind="move").exists()
    assert not Action.objects.exists()
    assert messages_of(maria_client) == ["Nothing changed: replies are ordered by time."]


def test_a_drop_under_its_own_reply_is_refused(maria_client):
    comments = list(Comment.objects.filter(discussion=import_thread(6).pk))
    drop_comment(maria_client, comments[0], comments[2], "last-child")
    assert messages_of(maria_client) == ["A comment can’t be moved under itself or its own replies."]
    assert not Action.objects.exists()
    assert check() == {}


def test_a_drop_into_another_discussion_is_refused(maria_client):
    here, there = import_thread(3), import_thread(3)
    cut, on = (Comment.objects.filter(discussion=article.pk).first() for article in (here, there))
    assert drop_comment(maria_client, cut, on, "last-child").status_code == 404
    assert messages_of(maria_client) == ["That comment is no longer here."]


@pytest.mark.parametrize("position", ["last-child", "left"])
def test_a_drop_under_a_later_comment_is_confirmed_first(maria_client, position):
    comments = list(Comment.objects.filter(discussion=import_thread(6).pk))
    cut, later = comments[0], comments[3]
    Comment.objects.filter(pk=cut.pk).update(created_at=later.created_at - timedelta(hours=3, minutes=5))
    drop_comment(maria_client, cut, later if position == "last-child" else comments[4], position)
    assert not Action.objects.exists()
    [sentence] = messages_of(maria_client)
    assert sentence.startswith(
        f"#{cut.pk}: Not moved under #{later.pk} yet. Written 3 h after this comment. <a href="
    )

    page = maria_client.get(html.unescape(re.search('href="(.+?)"', sentence)[1]))
    tree = f"{TREE}?discussion={cut.discussion_id}#comment-{cut.pk}"
    sent = {"candidate": later.pk, "parent": "", "confirmed": later.pk, "next": tree}
    for name in ("confirmed", "next"):
        assert f'name="{name}" value="{sent[name]}"' in page.text
    assert not Action.objects.exists()  # asking moves nothing
    maria_client.post(reverse("moderation:move", args=[cut.pk]), sent)
    cut.refresh_from_db()
    assert cut.parent == later


def test_an_impossible_drop_under_a_later_comment_is_refused_at_once(maria_client):
    cut = Comment.objects.filter(discussion=import_thread(6).pk)[0]
    parent = None
    for _ in range(MAX_DEPTH):
        parent = publish_comment(cut.discussion.article, "Deeper.", parent=parent)
    drop_comment(maria_client, cut, parent, "last-child")
    assert messages_of(maria_client) == [f"A thread can have at most {MAX_DEPTH} levels."]
    assert not Action.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"cut_item": "x", "pasted_on": "y"}, {"cut_item": "1"}])
def test_a_drop_of_nothing_is_refused(maria_client, sent):
    article = import_thread(3)
    answer = maria_client.post(
        f"{TREE}?discussion={article.pk}", {"cmd": "move_node", "position": "left", **sent}
    )
    assert answer.status_code == 404


def test_an_editor_moves_comments_under_own_articles_only(editor):
    mine, hers = import_thread(6), import_thread(6)
    hers.editors.add(UserFactory.create(roles=("Editor",)))
    own = list(Comment.objects.filter(discussion=mine.pk))
    foreign = list(Comment.objects.filter(discussion=hers.pk))

    assert drop_comment(editor, own[3], own[0], "last-child").status_code == 200
    assert drop_comment(editor, foreign[3], foreign[0], "last-child").status_code == 404
    assert [line.comment for line in Transition.objects.filter(kind="move")] == [own[3]]
