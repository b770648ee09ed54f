"""Admin pages for notes and corrections."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.editing.notes import add_correction
from articles.models import Article, EditorNote
from articles.publishing.services import publish
from tests.articles.editing.editor_forms import article_fields, change
from tests.factories import make_article
from tests.helpers.clients import client_of

pytestmark = pytest.mark.django_db


def log_messages(story):
    """Return what the history of a story lists as actions, the latest first."""
    return [entry.get_change_message() for entry in LogEntry.objects.filter(object_id=str(story.pk))]


def test_only_editors_see_notes(draft, emil, edda):
    client_of(emil).post(change(draft), article_fields(draft, new_note="Is nine right?"))
    draft.refresh_from_db()
    assert (draft.version, EditorNote.objects.get().by) == (1, emil)
    assert "Is nine right?" in client_of(edda).get(change(draft)).content.decode()
    published = publish(article=draft, at=timezone.now(), seen=1)
    assert "Is nine right?" not in Client().get(published.get_absolute_url()).content.decode()


def test_a_note_does_not_change_a_text_of_several_lines(emil):
    """Browsers send two characters at the end of a line; this is no change for readers and feeds."""
    story = make_article("Out", standfirst="One.\nTwo.", body="First.\n\nSecond.")
    client_of(emil).post(
        change(story),
        article_fields(story, standfirst="One.\r\nTwo.", body="First.\r\n\r\nSecond.", new_note="Nine?"),
    )
    before, story = story, Article.objects.get()
    assert story.notes.get().body == "Nine?"
    assert (story.version, story.updated_at) == (before.version, before.updated_at)
    assert log_messages(story) == [f"Added note “{timezone.localdate()}”."]
    client_of(emil).post(
        change(story), article_fields(story, standfirst="One.\rTwo.", body="First.\r\n\r\nThird.")
    )
    story = Article.objects.get()
    assert (story.standfirst, story.body) == ("One.\nTwo.", "First.\n\nThird.")


def test_a_correction_is_shown_with_the_story_and_dates_its_entry(emil, time_machine):
    story = make_article("Out")
    reader, client = Client(), client_of(emil)
    before = re.findall("<updated>(.*?)</updated>", reader.get("/feed/").content.decode())[-1]
    time_machine.move_to(timezone.now() + timedelta(hours=1))
    client.post(change(story), article_fields(story, new_correction="It was nine, not ten."))
    assert "It was nine, not ten." in reader.get(story.get_absolute_url()).content.decode()
    assert re.findall("<updated>(.*?)</updated>", reader.get("/feed/").content.decode())[-1] > before
    assert "It was nine, not ten." in html.unescape(reader.get("/feed/").content.decode())
    url = reverse("admin:articles_article_correction", args=[story.pk, story.corrections.get().pk])
    too_long = client.post(url, {"text": "x" * 2001}).content.decode()
    assert "This has 2,001 characters; the maximum is 2,000." in too_long
    assert "x" * 2001 in too_long
    seen = client.get(url).context["correction"].text
    client.post(url, {"text": "It was eight.", "seen": seen})
    assert "It was eight." in reader.get(story.get_absolute_url()).content.decode()
    for question in ({"text": "It was nine.", "delete": ""}, {"text": ""}):
        page = client.post(url, question | {"seen": "It was eight."}).content.decode()
        assert "Delete this correction?" in page
        assert f"{question['text']}</textarea>" in page
        assert "It was eight." in reader.get(story.get_absolute_url()).content.decode()
    client.post(url, {"text": "It was nine.", "confirm-delete": "", "seen": "It was eight."})
    assert not story.corrections.exists()
    assert "It was eight." not in reader.get(story.get_absolute_url()).content.decode()
    day = timezone.localdate()
    actions = [f"Deleted correction “{day}”.", "Changed correction.", f"Added correction “{day}”."]
    assert log_messages(story) == actions
    history = client.get(reverse("admin:articles_article_history", args=[story.pk])).text
    assert all(action in history for action in actions)


def test_the_log_names_changed_fields_and_a_new_correction(emil):
    story = make_article("Out")
    client_of(emil).post(change(story), article_fields(story, title="In", new_correction="It was nine."))
    assert log_messages(story) == [f"Changed Title. Added correction “{timezone.localdate()}”."]


def test_the_history_does_not_list_saves_that_changed_nothing(emil, draft):
    client = client_of(emil)
    client.post(change(draft), article_fields(draft))
    client.post(change(draft), article_fields(draft, title="In"))
    assert log_messages(draft) == ["Changed Title.", "No fields changed."]
    history = client.get(reverse("admin:articles_article_history", args=[draft.pk])).text
    assert "Changed Title." in history
    assert "No fields changed." not in history


def test_a_changed_correction_does_not_overwrite_a_colleagues(emil, edda):
    story = make_article("Out")
    made = add_correction(article=story, by=emil, text="It was nine.\n\nNot ten.")
    url = reverse("admin:articles_article_correction", args=[story.pk, made.pk])

    def seen(page: str) -> str:
        return html.unescape(re.search('name="seen" value="([^"]*)"', page)[1])

    first, second = client_of(emil), client_of(edda)
    his, hers = (seen(client.get(url).content.decode()) for client in (first, second))
    assert first.post(url, {"text": "It was eight.", "seen": his.replace("\n", "\r\n")}).status_code == 302
    page = second.post(url, {"text": "It was seven.", "seen": hers}).content.decode()
    assert "somebody else has changed this correction" in page
    assert "<span>It was eight.</span>" in page
    assert "It was seven.</textarea>" in page
    assert story.corrections.get().text == "It was eight."
    too_long = second.post(url, {"text": "x" * 2001, "seen": seen(page)}).content.decode()
    assert seen(too_long) == "It was eight."
    assert second.post(url, {"text": "It was seven.", "seen": seen(too_long)}).status_code == 302
    assert story.corrections.get().text == "It was seven."
    stale = second.post(url, {"confirm-delete": "", "text": "", "seen": hers}).content.decode()
    assert "somebody else" in stale
    assert story.corrections.exists()


def test_the_text_for_a_deleted_correction_is_not_lost(emil, edda):
    story = make_article("Out")
    made = add_correction(article=story, by=emil, text="It was nine.")
    url = reverse("admin:articles_article_correction", args=[story.pk, made.pk])
    client_of(emil).post(url, {"text": "", "confirm-delete": "", "seen": "It was nine."})
    second = client_of(edda)
    page = second.post(url, {"text": "It was eight.", "seen": "It was nine."}).content.decode()
    assert "somebody else has deleted this correction" in page
    assert "It was eight.</textarea>" in page
    assert not story.corrections.exists()
    assert second.get(url).status_code == 404
    for fields in ({"text": "", "confirm-delete": ""}, {"text": "It was eight.", "delete": ""}):
        deleted = second.post(url, fields, follow=True)
        assert "Somebody else has deleted this correction." in deleted.content.decode()
    too_long = second.post(url, {"text": "x" * 2001, "add_as_new": ""}).content.decode()
    assert "x" * 2001 in too_long
    assert second.post(url, {"text": "It was eight.", "add_as_new": ""}).status_code == 302
    added = story.corrections.get()
    assert (added.text, added.by) == ("It was eight.", edda)


def test_a_message_says_what_was_done_with_a_correction(emil):
    story = make_article("Out")
    made = add_correction(article=story, by=emil, text="It was nine.")
    url = reverse("admin:articles_article_correction", args=[story.pk, made.pk])
    client = client_of(emil)

    def message(**fields: str) -> str:
        return str(*client.post(url, fields, follow=True).context["messages"])

    assert message(text="It was eight.", seen="It was nine.") == "Correction changed."
    lines = "\r\n".join(["x" * 99] * 20)  # 1,999 characters, as a line end counts as one
    assert message(text=lines, seen="It was eight.") == "Correction changed."
    assert message(text="It was eight.", seen=lines) == "Correction changed."
    deletion = {"seen": "It was eight.", "confirm-delete": ""}
    assert message(text="It was eight.", **deletion) == "Correction deleted."
    assert message(text="It was eight.", add_as_new="") == "Correction added."
