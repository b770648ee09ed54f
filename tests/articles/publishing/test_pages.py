"""Admin pages for publication."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from articles.models import Article, Site
from articles.publishing.services import publish, set_embargo
from articles.publishing.status import describe_status
from articles.services import save_article
from tests.articles.editing.editor_forms import (
    ADD,
    article_fields,
    change,
    form,
    hidden_fields,
    publication_url,
)
from tests.factories import make_article
from tests.helpers.clients import client_of
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

SCHEDULE = {"_do": "schedule", "_schedule-at_0": "2130-01-15", "_schedule-at_1": "14:00"}
EMBARGO = {"_do": "embargo", "_embargo-at_0": "2130-01-15", "_embargo-at_1": "14:00"}


def test_publish_saves_and_publishes_and_says_since_when(emil):
    client = client_of(emil)
    response = client.post(ADD, form(_then="publish") | hidden_fields(client, ADD), follow=True)
    article = Article.objects.get()
    assert response.redirect_chain == [(change(article), 302)]
    page = response.content.decode()
    assert "Published: " in page
    assert "View on site" in page
    assert client.get(article.get_absolute_url()).status_code == 200
    draft = make_article("Boats", published_at=None)
    client.post(change(draft), article_fields(draft, title="Ships", _then="publish"))
    draft.refresh_from_db()
    assert (draft.title, draft.is_published()) == ("Ships", True)


def test_publish_sent_twice_publishes_once(draft, emil):
    client = client_of(emil)
    fields = article_fields(draft, _then="publish") | hidden_fields(client, change(draft))
    client.post(change(draft), fields)
    draft.refresh_from_db()
    at, version = draft.published_at, draft.version
    page = client.post(change(draft), fields, follow=True).content.decode()
    assert "Published: " in page
    draft.refresh_from_db()
    assert (draft.published_at, draft.version) == (at, version)


def test_publish_asks_first_if_something_is_in_the_way(draft, emil):
    client = client_of(emil)
    private = {"stage": "private"}
    cases = [
        ({}, private, "This story is private. Publishing makes it public."),
        ({"embargo_until": timezone.now() + timedelta(days=1)}, {}, "before the embargo ends"),
        ({"was_published_at": timezone.now() - timedelta(days=1)}, {}, "Publish with its earlier date"),
    ]
    for stored, typed, question in cases:
        nothing = {"embargo_until": None, "was_published_at": None}
        Article.objects.filter(pk=draft.pk).update(**nothing | stored)
        draft.refresh_from_db()
        if not typed:  # the page has it in a dialog already
            assert question in client.get(change(draft)).content.decode()
        body = f"Typed before: {question}"
        fields = article_fields(draft, body=body, _then="publish") | typed
        response = client.post(change(draft), fields)
        assert response["Location"] == publication_url(draft, "publish")
        assert question in client.get(publication_url(draft, "publish")).content.decode()
        draft.refresh_from_db()
        assert (draft.body, draft.published_at) == (body, None)
        Article.objects.update(stage=Article.Stage.DRAFT)
        draft.refresh_from_db()


def test_the_answer_in_a_dialog_saves_the_text_and_acts(draft, emil):
    client = client_of(emil)

    def answer(**values):
        client.post(change(draft), article_fields(draft) | values)
        draft.refresh_from_db()

    answer(body="Typed.", **SCHEDULE)
    assert (draft.body, draft.published_at.year) == ("Typed.", 2130)
    answer(_then="unschedule")
    assert draft.published_at is None
    answer(**EMBARGO)
    assert draft.is_embargoed()
    answer(_lift="embargo")
    assert not draft.is_embargoed()
    answer(stage="private")
    answer(_do="publish")
    assert draft.is_published()
    first = draft.published_at
    answer(body="Typed again.", _do="unpublish", _why="It was wrong.")
    assert (draft.body, draft.unpublished_reason) == ("Typed again.", "It was wrong.")
    answer(_as_before="publish")
    assert draft.published_at == first


def test_a_wrong_date_in_a_dialog_is_asked_for_again_with_the_text_saved(draft, emil):
    sent = {"_do": "schedule", "_schedule-at_0": "0026-01-15", "_schedule-at_1": "14:00", "body": "Typed."}
    page = client_of(emil).post(change(draft), article_fields(draft) | sent).content.decode()
    assert "is not valid" in page
    assert "The text was saved." in page
    assert 'value="0026-01-15"' in page
    assert f'action="{publication_url(draft, "schedule")}"' in page
    draft.refresh_from_db()
    assert (draft.body, draft.published_at) == ("Typed.", None)


def test_values_of_a_colleague_are_read_before_they_are_published(draft, emil):
    client = client_of(emil)
    loaded = hidden_fields(client, change(draft))
    fields = article_fields(draft, body="Typed.", _then="publish") | loaded
    Article.objects.filter(pk=draft.pk).update(byline="Edda")
    page = client.post(change(draft), fields, follow=True).content.decode()
    assert "their values were kept: Byline" in page
    assert "The story was saved and not published." in page
    draft.refresh_from_db()
    assert (draft.body, draft.byline, draft.published_at) == ("Typed.", "Edda", None)


@pytest.mark.parametrize("sent", [{"_then": "publish"}, {"_do": "publish"}, SCHEDULE, EMBARGO])
def test_a_colleagues_publication_is_seen_before_it_is_changed(draft, emil, sent):
    client = client_of(emil)
    fields = article_fields(draft, body="Typed.") | hidden_fields(client, change(draft)) | sent
    at = timezone.now() + timedelta(hours=2)
    publish(article=draft, at=at, seen=draft.version)  # Edda publishes it meanwhile
    page = client.post(change(draft), fields).content.decode()
    assert "This story was changed since you opened this page." in page
    assert "The text was saved." in page
    assert "Scheduled: " in page
    draft.refresh_from_db()
    assert (draft.body, draft.published_at, draft.embargo_until) == ("Typed.", at, None)
    action = sent.get("_do", "publish")
    assert f'action="{publication_url(draft, action)}"' in page
    if action != "publish":
        assert 'value="2130-01-15"' in page
    answer = {name: value for name, value in sent.items() if "-at_" in name} | {"seen": draft.version}
    client.post(publication_url(draft, action), answer)
    draft.refresh_from_db()
    assert draft.published_at != at


def test_a_form_without_the_publication_state_asks_before_publishing(draft, emil):
    fields = article_fields(draft, _then="publish", read="")
    assert "Publish now" in client_of(emil).post(change(draft), fields).content.decode()
    draft.refresh_from_db()
    assert draft.published_at is None


def test_the_same_schedule_sent_twice_needs_no_answer(draft, emil):
    client = client_of(emil)
    fields = article_fields(draft) | hidden_fields(client, change(draft)) | SCHEDULE
    client.post(change(draft), fields)
    page = client.post(change(draft), fields, follow=True)
    assert page.redirect_chain == [(change(draft), 302)]
    assert "Scheduled: " in page.content.decode()


def test_an_action_that_a_colleague_has_done_is_refused_with_the_text_saved(draft, emil):
    client = client_of(emil)
    fields = article_fields(draft, body="Typed.") | hidden_fields(client, change(draft)) | SCHEDULE
    publish(article=draft, at=timezone.now(), seen=draft.version)
    Article.objects.filter(pk=draft.pk).update(byline="Edda")
    page = client.post(change(draft), fields, follow=True).content.decode()
    assert "Published: " in page
    assert "The text was saved." in page
    assert "not scheduled" not in page
    draft.refresh_from_db()
    assert (draft.body, draft.is_published()) == ("Typed.", True)


def test_a_story_made_private_in_the_same_form_is_not_published_without_a_question(draft, emil):
    client = client_of(emil)
    fields = article_fields(draft, stage="private") | hidden_fields(client, change(draft)) | SCHEDULE
    page = client.post(change(draft), fields).content.decode()
    assert "This story is private. Publishing makes it public." in page
    assert "The text was saved." in page
    assert 'value="2130-01-15"' in page
    draft.refresh_from_db()
    assert (draft.stage, draft.published_at) == ("private", None)


def test_a_colleagues_change_does_not_stop_unpublishing(emil):
    story, client = make_article("Boats"), client_of(emil)
    sent = article_fields(story, _do="unpublish", _why="It was wrong.")
    fields = sent | hidden_fields(client, change(story))
    Article.objects.filter(pk=story.pk).update(byline="Edda")
    page = client.post(change(story), fields, follow=True).content.decode()
    assert "their values were kept: Byline" in page
    story.refresh_from_db()
    assert (story.byline, story.is_published(), story.unpublished_reason) == ("Edda", False, "It was wrong.")


def test_an_answer_is_asked_for_again_with_values_of_a_colleague(draft, emil):
    client = client_of(emil)
    fields = article_fields(draft) | hidden_fields(client, change(draft)) | SCHEDULE
    Article.objects.filter(pk=draft.pk).update(byline="Edda")
    page = client.post(change(draft), fields).content.decode()
    assert "The story was saved and not scheduled." in page
    assert 'value="14:00"' in page
    draft.refresh_from_db()
    assert draft.published_at is None


def test_a_refused_form_keeps_the_input_of_a_dialog(draft, emil):
    client, story = client_of(emil), make_article("Out")
    page = client.post(change(story), article_fields(story, title="", _do="unpublish", _why="It was wrong."))
    assert "It was wrong.</textarea>" in page.content.decode()
    for pressed in (SCHEDULE, SCHEDULE | {"_do": "embargo"}):
        page = client.post(change(draft), article_fields(draft, title="") | pressed).content.decode()
        question = page.partition('id="confirm-schedule"')[2].partition("</dialog>")[0]
        assert 'value="2130-01-15"' in question
        assert 'value="14:00"' in question
        assert "errorlist" not in question


@pytest.mark.parametrize("button", ["_lift", "_as_before"])
def test_a_button_of_another_action_does_not_replace_the_date(draft, emil, button):
    response = client_of(emil).post(change(draft), article_fields(draft) | {button: "schedule"})
    assert response.status_code == 200
    assert f'action="{publication_url(draft, "schedule")}"' in response.content.decode()
    draft.refresh_from_db()
    assert draft.published_at is None


def test_a_button_performs_no_action_that_is_not_possible(draft, emil):
    response = client_of(emil).post(change(draft), article_fields(draft, _lift="unpublish"))
    assert (response.status_code, response["Location"]) == (302, change(draft))
    draft.refresh_from_db()
    assert (draft.published_at, draft.unpublished_at) == (None, None)


def test_a_button_of_another_action_publishes_now(draft, emil):
    response = client_of(emil).post(change(draft), article_fields(draft, _lift="publish"))
    assert (response.status_code, response["Location"]) == (302, change(draft))
    draft.refresh_from_db()
    assert draft.is_published()


def test_a_conflict_is_shown_and_nothing_is_published(draft, emil, edda):
    client = client_of(emil)
    loaded = hidden_fields(client, change(draft))
    fields = article_fields(draft, body="Typed.", _then="publish") | loaded
    draft.body = "Saved meanwhile."
    save_article(article=draft, by=edda)
    page = client.post(change(draft), fields).content.decode()
    assert "Not saved yet: " in page
    assert "Typed.</textarea>" in page
    draft.refresh_from_db()
    assert (draft.body, draft.published_at) == ("Saved meanwhile.", None)


def test_it_is_scheduled_in_the_sites_time_zone(draft, emil, time_machine):
    Site.objects.update(time_zone="Africa/Cairo")
    time_machine.move_to("2030-01-15T09:50:00Z", tick=False)
    client = client_of(emil)
    form_page = client.get(publication_url(draft, "schedule")).content.decode()
    assert "Cairo time" in form_page
    assert 'value="2030-01-15"' in form_page  # the proposed date is today
    data = {"seen": draft.version, "_schedule-at_0": "2030-01-15", "_schedule-at_1": "14:00"}
    page = client.post(publication_url(draft, "schedule"), data, follow=True).content.decode()
    assert "Scheduled: 14:00, in 2 h 10 min, Cairo time." in page
    history = client.get(change(draft).replace("/change/", "/history/")).content.decode()
    assert "Scheduled: 15 January 2030, 14:00, Cairo time." in history
    draft.refresh_from_db()
    assert draft.published_at.isoformat() == "2030-01-15T12:00:00+00:00"


@pytest.mark.parametrize("day", ["0001-01-01", "0026-01-15", "3000-01-01", "9999-12-31"])
def test_an_impossible_year_is_refused(draft, emil, day):
    client = client_of(emil)
    for name in ("schedule", "embargo"):
        data = {"seen": draft.version, f"_{name}-at_0": day, f"_{name}-at_1": "23:59"}
        assert "is not valid" in client.post(publication_url(draft, name), data).content.decode()
    draft.refresh_from_db()
    assert draft.published_at is draft.embargo_until is None


@pytest.mark.parametrize(
    ("day", "time", "sentence"),
    [
        (
            "2030-03-31",
            "02:30",
            "31 March 2030, 02:30 does not exist in Oslo time, because the clocks go forward. "
            "Choose another time, such as 03:30.",
        ),
        (
            "2030-10-27",
            "02:00",
            "27 October 2030, 02:00 comes twice in Oslo time, because the clocks go back. "
            "Choose another time, such as 03:00.",
        ),
    ],
)
def test_a_time_that_a_clock_change_skips_or_repeats_is_refused(draft, emil, day, time, sentence):
    Site.objects.update(time_zone="Europe/Oslo")
    client = client_of(emil)
    for name in ("schedule", "embargo"):
        data = {"seen": draft.version, f"_{name}-at_0": day, f"_{name}-at_1": time}
        assert sentence in client.post(publication_url(draft, name), data).text
    draft.refresh_from_db()
    assert draft.published_at is draft.embargo_until is None


def test_an_action_on_a_changed_story_does_nothing(draft, emil):
    response = client_of(emil).post(publication_url(draft, "publish"), {"seen": draft.version - 1})
    assert "This story was changed since you opened this page" in response.content.decode()
    draft.refresh_from_db()
    assert draft.published_at is None


def test_an_action_is_logged_or_not_done(draft, emil):
    client, url = client_of(emil), publication_url(draft, "publish")
    refuse_writes("django_admin_log")
    with pytest.raises(DatabaseError, match="The disk is full"):
        client.post(url, {"seen": draft.version})
    assert not Article.objects.get().is_published()


def test_an_embargo_is_enforced_shown_and_lifted(draft, emil):
    client = client_of(emil)
    client.post(
        publication_url(draft, "embargo"),
        {"seen": draft.version, "_embargo-at_0": "2130-01-15", "_embargo-at_1": "14:00"},
    )
    draft.refresh_from_db()
    assert draft.is_embargoed()
    embargoed = client.get(publication_url(draft, "publish")).content.decode()
    assert "Everybody can read it" not in embargoed
    assert f'href="{publication_url(draft, "embargo")}"' in embargoed
    assert "Embargoed until" in client.get(change(draft)).content.decode()
    answer = client.post(publication_url(draft, "publish"), {"seen": draft.version}).content.decode()
    assert "Not done: Embargoed until" in answer
    client.post(publication_url(draft, "embargo"), {"seen": draft.version, "_lift": "embargo"})
    draft.refresh_from_db()
    assert draft.embargo_until is None


def test_an_ended_embargo_still_refuses_an_earlier_date(draft, emil):
    embargoed = set_embargo(article=draft, until=timezone.now() - timedelta(hours=1), seen=draft.version)
    values = {"seen": embargoed.version, "_schedule-at_0": "2020-01-15", "_schedule-at_1": "14:00"}
    answer = client_of(emil).post(publication_url(draft, "schedule"), values).content.decode()
    assert "Not done: It cannot be dated before its embargo ends" in answer


def test_the_url_of_an_unpublished_story_explains_that_it_was_unpublished(emil):
    story = make_article("The mayor’s boat", body="Wrong.")
    reader, client = Client(), client_of(emil)
    assert reader.get(story.get_absolute_url()).status_code == 200
    client.post(
        publication_url(story, "unpublish"), {"seen": story.version, "_why": "It named the wrong person."}
    )
    for visitor in (reader, client):
        response = visitor.get(story.get_absolute_url())
        page = response.content.decode()
        assert response.status_code == 410
        assert "This story was unpublished" in page
        assert "It named the wrong person." in page
        assert "mayor" not in page.replace(story.slug, "")
    assert reader.get(f"{story.get_absolute_url()}reply/").status_code == 404
    assert "mayor" not in reader.get("/").content.decode()
    moment = story.published_at
    story.refresh_from_db()
    client.post(publication_url(story, "publish"), {"seen": story.version, "_as_before": "publish"})
    story.refresh_from_db()
    assert story.published_at == moment
    assert reader.get(story.get_absolute_url()).status_code == 200


def test_an_action_that_does_not_apply_is_refused_with_a_message(emil):
    story = make_article("Out")
    published_at = story.published_at
    response = client_of(emil).post(publication_url(story, "schedule"), {"seen": story.version}, follow=True)
    assert response.redirect_chain == [(change(story), 302)]
    assert [(message.level_tag, message.message) for message in response.context["messages"]] == [
        ("warning", describe_status(story, timezone.now()))
    ]
    story.refresh_from_db()
    assert story.published_at == published_at
    assert client_of(emil).get(publication_url(story, "nothing")).status_code == 404


def test_a_story_ready_for_review_is_found_in_the_list(draft, emil):
    client = client_of(emil)
    client.post(change(draft), article_fields(draft, stage="ready"))
    assert "Ready for review" in client.get("/admin/articles/article/?publication=ready").content.decode()


def test_a_scheduled_story_cannot_be_made_private(draft, emil):
    draft = publish(article=draft, at=timezone.now() + timedelta(hours=1), seen=draft.version)
    response = client_of(emil).post(change(draft), article_fields(draft, stage="private"))
    assert "Unschedule it before you make it private" in response.content.decode()
    assert Article.objects.get().stage == Article.Stage.DRAFT
