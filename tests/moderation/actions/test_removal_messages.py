"""What a moderator writes to the author of a removed comment, and the lines saved for reuse."""

import re

import pytest

from comments.models import Comment, State
from moderation.actions import saved_lines
from moderation.actions.decisions import undo
from moderation.erasure.purge import clear_related_data
from moderation.models import Batch, DecisionMessage, SavedLine
from moderation.notifications.notices import render_notices
from tests.factories import UserFactory, make_article, make_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

LINES = "/moderation/lines/"


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def remove(client, comment, **fields):
    seen = re.search(r'name="seen" value="([\d.]+)"', text(client.get(f"/moderation/comments/{comment.pk}/")))
    assert seen
    values = {"ids": comment.pk, "seen": seen[1], "reason": "insult", "next": "/moderation/", **fields}
    return client.post("/moderation/decide/", values, follow=True)


def sentences(comment) -> list[str]:
    return render_notices([Comment.objects.get(pk=comment.pk)])[comment.pk].sentences


def test_the_form_shows_the_whole_message_that_the_author_gets(maria_client, maria):
    SavedLine.objects.create(text="Please read the rules.", added_by=maria)
    comment = make_comment(make_article())
    page = text(maria_client.get(f"/moderation/comments/{comment.pk}/"))
    form = page.split('value="insult"')[1].split("</label>")[0]
    before, after = (re.findall(rf'<q class="{part}">(.*?)</q>', form)[0] for part in ("before", "after"))

    remove(maria_client, comment, saved=SavedLine.objects.get().pk, line="  You called him a clown. ")

    lines = ["Please read the rules.", "You called him a clown."]
    told = sentences(comment)
    assert told[2:4] == lines
    assert " ".join(told[:2]) == before.strip()
    assert after.strip().startswith(" ".join(told[4:]))


def test_the_message_is_kept_over_undo_and_redo(maria_client, maria):
    comment = make_comment(make_article())
    remove(maria_client, comment, line="You called him a clown.")
    undone = undo(batch=Batch.objects.get(kind="decision"), actor=maria).batch
    assert "You called him a clown." not in sentences(comment)
    undo(batch=undone, actor=maria)
    assert "You called him a clown." in sentences(comment)


def test_an_erased_comment_has_no_message(maria_client):
    comment = make_comment(make_article())
    remove(maria_client, comment, line="You called him a clown.")
    clear_related_data([comment.pk])
    assert not DecisionMessage.objects.exists()


def test_no_message_is_stored_for_other_decisions_or_without_words(maria_client):
    comment, other = (make_comment(make_article()) for _ in range(2))
    remove(maria_client, comment, line="   ")
    remove(maria_client, other, act="spam", line="Words")
    assert not DecisionMessage.objects.exists()


def test_a_message_that_is_too_long_decides_nothing(maria_client):
    comment = make_comment(make_article())
    for fields in ({"line": "x" * 1_001}, {"line": "x" * 400, "save_line": "on"}, {"saved": "99"}):
        answer = remove(maria_client, comment, **fields)
        assert answer.redirect_chain == [(f"/moderation/comments/{comment.pk}/", 302)]
    assert Comment.objects.get(pk=comment.pk).state != State.REJECTED


def test_a_line_is_saved_with_the_decision_and_offered_next_time(maria_client):
    first, second = (make_comment(make_article()) for _ in range(2))
    for _ in range(2):  # the same line twice is one line
        remove(maria_client, first, line="Be kind.", save_line="on")
    assert SavedLine.objects.get().text == "Be kind."
    page = text(maria_client.get(f"/moderation/comments/{second.pk}/"))
    assert '<span dir="auto">Be kind.</span>' in page


def test_lines_are_added_changed_and_deleted_by_actions_that_can_be_undone(maria_client, maria):
    def active() -> list[str]:
        return [line.text for line in SavedLine.objects.filter(is_active=True)]

    maria_client.post(LINES, {"text": "Be kind."})
    line = SavedLine.objects.get()
    page = text(maria_client.post(LINES, {"text": "Be kinder.", "line": line.pk}, follow=True))
    assert "Saved." in page
    assert active() == ["Be kinder."]
    changed = Batch.objects.latest("at")
    assert "Saved line changed" in text(maria_client.get(f"/moderation/actions/{changed.pk}/"))
    undo(batch=changed, actor=maria)
    assert active() == ["Be kind."]
    maria_client.post(LINES, {"line": line.pk, "delete": "1"})
    assert active() == []
    undo(batch=Batch.objects.latest("at"), actor=maria)
    assert active() == ["Be kind."]
    saved_lines.save_line(text="Other.", actor=maria)
    answer = maria_client.post(LINES, {"text": "Be kind.", "line": SavedLine.objects.get(text="Other.").pk})
    assert answer.status_code == 422 or "saved already" in text(maria_client.get(LINES))
    assert maria_client.post(LINES, {"text": ""}).status_code == 422
    assert maria_client.post(LINES, {"line": "9999", "delete": "1"}).status_code == 404


def test_saved_lines_are_for_moderators(client):
    assert client.get(LINES).status_code == 302
    for roles in ((), ("Editor",)):
        client.force_login(UserFactory.create(roles=roles))
        assert client.get(LINES).status_code == 403
