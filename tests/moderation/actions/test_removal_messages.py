"""Lines of moderators to the authors of removed comments, and those saved for reuse."""

import re

import pytest

from comments.models import Comment, State
from moderation.actions import saved_lines
from moderation.actions.decisions import decide, undo
from moderation.erasure.purge import erase_related_data
from moderation.models import Action, DecisionMessage, SavedLine
from moderation.notifications.notices import render_notices
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.queue.helpers import text
from tests.moderation.reply_structure.trees import import_thread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

LINES = "/moderation/lines/"


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
    before, after = (re.findall(rf'<q class="{part}".*?>(.*?)</q>', form)[0] for part in ("before", "after"))

    remove(maria_client, comment, saved=SavedLine.objects.get().pk, line="  You called him a clown. ")

    lines = ["Please read the rules.", "You called him a clown."]
    message = sentences(comment)
    assert message[2:4] == lines
    assert " ".join(message[:2]) == before.strip()
    assert after.strip().startswith(" ".join(message[4:]))


def test_from_the_story_a_comment_is_removed_with_a_line_to_its_author(maria_client):
    comment, imported = make_comment(make_article(), author=UserFactory.create()), import_thread(3)
    story = comment.discussion.article.get_absolute_url()
    link = f'<a href="/moderation/comments/{comment.pk}/?next=story">Remove with a line of your own…</a>'
    assert link in text(maria_client.get(story))
    assert "Remove with a line of your own…" not in text(maria_client.get(imported.get_absolute_url()))
    assert '<details class="remove">' in text(maria_client.get(f"/moderation/comments/{comment.pk}/"))

    page = text(maria_client.get(f"/moderation/comments/{comment.pk}/?next=story"))
    assert '<details class="remove" open>' in page
    assert set(re.findall(r'name="next" value="(.*?)"', page.split('action="/moderation/decide/"')[1])) == {
        "story"
    }
    response = remove(maria_client, comment, line="You called him a clown.", next="story")
    assert response.redirect_chain[-1][0].startswith(story)
    assert "You called him a clown." in sentences(comment)


def test_the_message_is_kept_over_undo_and_redo(maria_client, maria):
    comment = make_comment(make_article())
    remove(maria_client, comment, line="You called him a clown.")
    undone = undo(action=Action.objects.get(kind="decision"), actor=maria).action
    assert "You called him a clown." not in sentences(comment)
    undo(action=undone, actor=maria)
    assert "You called him a clown." in sentences(comment)


def test_an_erased_comment_has_no_message(maria_client):
    comment = make_comment(make_article())
    remove(maria_client, comment, line="You called him a clown.")
    erase_related_data([comment.pk])
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


def test_the_whole_line_comes_back_if_it_is_too_long(maria_client):
    comment = make_comment(make_article())
    page, line = text(maria_client.get(f"/moderation/comments/{comment.pk}/")), "x" * 3_000 + "end"
    card = re.search(r'<article class="card".*?</article>', page, re.DOTALL)
    assert "maxlength" not in card[0]  # the browser would cut a pasted text
    answer = text(remove(maria_client, comment, line=line))
    assert "This has 3,003 characters; the maximum is 1,000. Shorten it; your text is kept." in answer
    assert f'Your line was not sent:<br><q dir="auto">{line}</q>' in answer


def test_all_lines_together_may_not_be_too_long(maria_client, maria):
    comment = make_comment(make_article())
    lines = [SavedLine.objects.create(text=str(n) * 249, added_by=maria).pk for n in range(4)]
    lines.append(SavedLine.objects.create(text="z", added_by=maria).pk)
    answer = remove(maria_client, comment, saved=lines, line="x" * 1_000)  # 4 × 249 + 1 + 1,000 + 5 line ends
    assert "All lines together have 2,002 characters; the maximum is 2,000." in text(answer)
    assert Comment.objects.get(pk=comment.pk).state != State.REJECTED
    answer = remove(maria_client, comment, saved=lines, line="x" * 998)
    assert len(DecisionMessage.objects.get().text) == 2_000


@pytest.mark.parametrize(
    "fields", [{"saved": "99"}, {"save_line": "on", "line": "<b>Long</b>\n" + "x" * 400}]
)
def test_the_typed_line_of_a_refused_form_is_shown_again(maria_client, fields):
    comment = make_comment(make_article())
    answer = remove(maria_client, comment, **{"line": "<b>Long</b>\nwords", **fields})
    assert 'Your line was not sent:<br><q dir="auto">&lt;b&gt;Long&lt;/b&gt;<br>' in text(answer)


def test_the_typed_line_is_shown_again_if_a_colleague_decided_first(maria_client, omar):
    comment = make_comment(make_article())
    page = text(maria_client.get(f"/moderation/comments/{comment.pk}/"))
    seen = re.search(r'name="seen" value="([\d.]+)"', page)[1]
    decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=omar)
    answer = remove(maria_client, comment, seen=seen, line="You called him a clown.")
    assert 'Your line was not sent:<br><q dir="auto">You called him a clown.</q>' in text(answer)
    assert not DecisionMessage.objects.exists()
    assert "Your line was not sent" not in text(maria_client.get("/moderation/"))
    answer = remove(maria_client, make_comment(make_article()), line="You called him a clown.")
    assert "Your line was not sent" not in text(answer)


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
    page = text(maria_client.post(LINES, {f"{line.pk}-text": "Be kinder."}, follow=True))
    assert "Saved." in page
    assert active() == ["Be kinder."]
    changed = Action.objects.latest("at")
    assert "Saved line changed" in text(maria_client.get(f"/moderation/actions/{changed.pk}/"))
    undo(action=changed, actor=maria)
    assert active() == ["Be kind."]
    maria_client.post(LINES, {f"{line.pk}-text": "Be kind.", "delete_line": line.pk})
    assert active() == []
    undo(action=Action.objects.latest("at"), actor=maria)
    assert active() == ["Be kind."]
    saved_lines.save_line(text="Other.", actor=maria)
    for fields in ({"text": ""}, *({"delete_line": number} for number in ("9999", "abc", "-1", "9" * 30))):
        page = text(maria_client.post(LINES, {**fields, f"{line.pk}-text": " Be kind. "}, follow=True))
        assert "Nothing changed." in page
    assert active() == ["Be kind.", "Other."]


def test_the_page_of_version_0_7_changes_and_deletes_the_line_of_its_form(maria_client, maria):
    for line in ("Be kind.", "Other."):
        saved_lines.save_line(text=line, actor=maria)
    kind, other = SavedLine.objects.all()
    maria_client.post(LINES, {"line": kind.pk, "text": "Be kinder."})
    maria_client.post(LINES, {"line": other.pk, "text": "Other.", "delete": "1"})
    assert [line.text for line in SavedLine.objects.filter(is_active=True)] == ["Be kinder."]


def test_every_button_saves_all_lines(maria_client, maria):
    for line in ("Be kind.", "Other.", "Third."):
        saved_lines.save_line(text=line, actor=maria)
    kind, other, third = SavedLine.objects.all()
    saved_lines.delete_line(line=other, actor=maria)  # in another window
    texts = {f"{kind.pk}-text": "Be kinder.", f"{other.pk}-text": "Another.", f"{third.pk}-text": "Third."}
    page = text(maria_client.post(LINES, {**texts, "text": "New.", "delete_line": third.pk}, follow=True))
    assert page.count("Saved.") == 3
    assert page.count("Deleted.") == 1
    active = SavedLine.objects.filter(is_active=True)
    assert [line.text for line in active] == ["Another.", "Be kinder.", "New."]

    too_long = {f"{line.pk}-text": "x" * 301 for line in active[:2]}
    refused = maria_client.post(LINES, {**too_long, "text": "Newest."})
    assert refused.status_code == 422
    assert text(refused).count("x" * 301) == 2
    assert [line.text for line in active.all()] == ["Another.", "Be kinder.", "New.", "Newest."]


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("Be kind.", "This line is saved already."),
        ("x" * 301, "This has 301 characters; the maximum is 300. Shorten it; your text is kept."),
    ],
)
def test_a_bad_edit_of_a_line_stays_in_its_row(maria_client, maria, typed, error):
    for line in ("Be kind.", "Other."):
        saved_lines.save_line(text=line, actor=maria)
    answer = maria_client.post(LINES, {f"{SavedLine.objects.get(text='Other.').pk}-text": typed})
    assert answer.status_code == 422
    page = text(answer)
    adding, rows = page.split('<ul class="plain saved-lines">')
    assert typed not in adding
    assert error not in adding
    row = rows.split("<li>")[2]
    assert f'value="{typed}"' in row
    assert "maxlength" not in adding + row  # the browser would cut a pasted text
    assert error in row
    assert "Other." not in rows
    assert page.count('aria-invalid="true"') == 1


def test_saved_lines_are_for_moderators(client):
    assert client.get(LINES).status_code == 302
    for roles in ((), ("Editor",)):
        client.force_login(UserFactory.create(roles=roles))
        assert client.get(LINES).status_code == 403
