"""The editor page: drafts and versions. Ruth is a reader."""

import json
import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, READER
from articles.editing.notes import add_correction
from articles.models import Article, Autosave, Revision, StandingPage, Topic
from articles.publishing.services import publish, unpublish
from articles.services import save_article, save_page
from tests.articles.editing.editor_forms import (
    ADD,
    AUTOSAVE_URL,
    article_fields,
    autosaved_bodies,
    change,
    form,
    hidden_fields,
    last_nonce,
    post_autosave,
    publication_url,
    with_changes,
)
from tests.factories import make_article
from tests.helpers.clients import client_of, client_with_role
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

OURS = {"HTTP_ORIGIN": "http://testserver"}

# Unsaved changes


def test_a_draft_is_offered_continued_and_gone_once_saved(draft, emil):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    assert post_autosave(client, key=draft.pk, title="Boats", body="Typed.", **page).json()["kept"] is True

    shown = client.get(change(draft)).content.decode()
    assert "You have unsaved changes from" in shown
    assert "Typed." not in shown
    url = f"{change(draft)}?unsaved={last_nonce(page)}"
    response = client.get(url)
    assert response.context["adminform"].form["body"].value() == "Typed."
    again = hidden_fields(client, url)
    assert (again["read"], again["nonce"].split()[0]) == (page["read"], page["nonce"])
    client.post(change(draft), article_fields(draft, body="Typed, and more.") | again)
    assert autosaved_bodies() == []
    late = post_autosave(client, key=draft.pk, title="Boats", body="Typ", **page)
    assert (late.json()["kept"], autosaved_bodies()) == (False, [])


def test_a_correction_is_continued_although_the_story_was_unpublished(emil):
    story = make_article("Out")
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(story)))
    post_autosave(client, key=story.pk, title="Out", new_correction="It was nine.", **page)
    unpublish(article=story, reason="", seen=story.version)
    assert "It was nine." in client.get(f"{change(story)}?unsaved={last_nonce(page)}").content.decode()


def test_a_continued_draft_fills_all_fields(draft, emil, edda):
    harbour, sea = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Sea"))
    draft.topics.add(harbour)
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    typed = {
        "title": ["Boats"],
        "body": [draft.body],
        "new_note": ["Is nine right?"],
        "topics": [str(sea.pk)],
        "editors": [],
        "signed_0": [str(edda.pk)],
        "signed_1": [str(emil.pk)],
        "lead_alt": ["The slip"],
        "lead_is_decorative": [],
        "rights": ["licensed"],
        "discussion-0-moderation": ["pre"],
        "discussion-0-members_only": ["on"],
        "discussion-0-closes_at_0": ["2030-01-15"],
        "discussion-0-closes_at_1": ["half past"],
        "of a form of another day": ["x"],
    }
    answer = client.post(AUTOSAVE_URL, page | {"key": draft.pk, "typed": json.dumps(typed)}).json()
    assert answer["kept"] is True

    response = client.get(f"{change(draft)}?unsaved={last_nonce(page)}")

    form = response.context["adminform"].form
    (discussion,) = response.context["inline_admin_formsets"][0].formset.forms
    shown = {
        name: form[name].value() for name in ("new_note", "topics", "editors", "signed", "lead_alt", "rights")
    }
    assert shown == {
        "new_note": "Is nine right?",
        "topics": [str(sea.pk)],
        "editors": [],
        "signed": [str(edda.pk), str(emil.pk), None, None],
        "lead_alt": "The slip",
        "rights": "licensed",
    }
    assert discussion["moderation"].value() == "pre"
    assert discussion["members_only"].value() is True
    assert discussion["closes_at"].value() == ["2030-01-15", "half past"]
    again = hidden_fields(client, f"{change(draft)}?unsaved={last_nonce(page)}")
    sent = article_fields(
        draft, new_note="Is nine right?", topics=[sea.pk], signed_0=edda.pk, rights="licensed"
    )
    assert client.post(change(draft), sent | again).status_code == 302
    draft.refresh_from_db()
    assert (draft.rights, list(draft.topics.all()), draft.notes.get().body) == (
        "licensed",
        [sea],
        "Is nine right?",
    )


@pytest.mark.parametrize("typed", ["", "[]", "{", "1", '{"title": 1}', '{"title": [1]}'])
def test_an_autosave_that_is_no_form_is_refused(draft, emil, typed):
    assert client_of(emil).post(AUTOSAVE_URL, {"key": draft.pk, "typed": typed}).status_code == 400
    assert autosaved_bodies() == []


def test_characters_that_the_database_cannot_store_are_left_out(draft, emil):
    assert post_autosave(client_of(emil), key=draft.pk, body="Typed\ud83d\x00.").status_code == 200
    assert autosaved_bodies() == ["Typed?."]
    odd = {
        "key": draft.pk,
        "nonce": f"{uuid4()}:1",
        "typed": '{"body": ["A."], "a\\u0000b": ["c"], "": [""]}',
    }
    assert client_of(emil).post(AUTOSAVE_URL, odd).status_code == 200
    assert autosaved_bodies() == ["A.", "Typed?."]


def test_unstorable_characters_are_left_out_of_a_detached_draft(draft, emil, edda):
    draft.editors.add(edda)
    sent = article_fields(draft, body="Typed\x00.") | {"": "x"}
    answer = client_of(emil).post(change(draft), sent, follow=True).content.decode()
    assert "You can no longer edit that" in answer
    assert autosaved_bodies() == ["Typed."]


def test_a_draft_continued_in_two_windows_becomes_two(draft, emil):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    post_autosave(client, key=draft.pk, title="Boats", body="Typed.", **page)
    url = f"{change(draft)}?unsaved={last_nonce(page)}"
    one, two = (with_changes(hidden_fields(client, url)) for _ in range(2))
    post_autosave(client, key=draft.pk, title="Boats", body="Typed here.", **one)
    post_autosave(client, key=draft.pk, title="Boats", body="Typed there.", **two)
    assert sorted(autosaved_bodies()) == ["Typed here.", "Typed there."]
    assert client.post(change(draft), article_fields(draft, body="Typed here.") | one).status_code == 302
    assert autosaved_bodies() == ["Typed there."]


def test_a_form_returned_with_errors_keeps_one_draft(draft, emil):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    post_autosave(client, key=draft.pk, title="", body="Typed.", **page)
    response = client.post(change(draft), article_fields(draft, title="", body="Typed.") | page)
    back = with_changes({"nonce": response.context["nonce"], "read": response.context["snapshot"]})
    assert back["nonce"].startswith(page["nonce"])
    assert "You have unsaved changes" not in response.content.decode()
    post_autosave(client, key=draft.pk, title="", body="Typed, and more.", **back)
    assert autosaved_bodies() == ["Typed, and more."]


def test_a_draft_older_than_a_colleagues_save_is_a_conflict(draft, emil, edda):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    post_autosave(client, key=draft.pk, title="Boats", body="Typed.", **page)
    client_of(edda).post(change(draft), article_fields(draft, body="Hers."))
    page = hidden_fields(client, f"{change(draft)}?unsaved={last_nonce(page)}")
    assert (
        "Not saved yet"
        in client.post(change(draft), article_fields(draft, body="Typed.") | page).content.decode()
    )
    draft.refresh_from_db()
    assert draft.body == "Hers."


def test_a_new_article_is_autosaved_before_it_has_a_title(emil, edda):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, ADD))
    post_autosave(client, body="A beginning.", **page)
    assert "You have unsaved changes from" in client.get(ADD, follow=True).content.decode()
    assert "You have unsaved changes" not in client_of(edda).get(ADD, follow=True).content.decode()
    response = client.get(f"{ADD}?unsaved={last_nonce(page)}", follow=True)
    assert response.context["adminform"].form["body"].value() == "A beginning."
    client.post(ADD, form(body="A beginning.") | page)
    assert autosaved_bodies() == []


def test_a_repeated_form_becomes_a_draft_once_others_edit_its_article(emil, edda):
    client = client_of(emil)
    page = hidden_fields(client, ADD)
    assert client.post(ADD, form(body="A beginning.") | page).status_code == 302
    Article.objects.get().editors.set([edda])
    answer = client.post(ADD, form(body="A beginning, and more.") | page, follow=True).content.decode()
    assert "You can no longer edit that" in answer
    assert "You have unsaved changes from" in answer
    assert autosaved_bodies() == ["A beginning, and more."]
    assert Article.objects.get().body == "A beginning."


def test_a_form_of_a_page_does_not_return_a_story(emil):
    """Both have ids of their own, and one form could be sent to either."""
    client, form_nonce = client_of(emil), uuid4()
    page = save_page(page=StandingPage(title="About", slug="about", body="Us."), by=emil, nonce=form_nonce)
    draft = make_article(pk=page.pk, published_at=None)
    made = client.post(ADD, form(title="Another", body="New.") | {"nonce": f"{form_nonce}:0"})
    assert made.status_code == 302
    assert set(Article.objects.values_list("title", flat=True)) == {draft.title, "Another"}


def test_a_text_for_a_deleted_article_becomes_a_draft_of_a_new_one(draft, emil, edda):
    client = client_of(emil)
    page = with_changes(hidden_fields(client, change(draft)))
    post_autosave(client, key=draft.pk, title="Boats", body="Typed.", **page)
    assert "You have unsaved changes from" in client.get("/admin/articles/article/").content.decode()
    draft.editors.add(edda)
    answer = client.post(
        change(draft), article_fields(draft, body="Typed, and sent."), follow=True
    ).content.decode()
    assert "You can no longer edit that" in answer
    assert answer.count("You have unsaved changes from") == 2
    draft.delete()
    page = client.get(f"{ADD}?unsaved={last_nonce(page)}", follow=True)
    assert page.context["adminform"].form["body"].value() == "Typed."


@pytest.mark.django_db(transaction=True)
def test_a_form_creates_one_article_even_if_sent_twice(emil):
    client = client_of(emil)
    page = form(body="A beginning.", stage="draft") | hidden_fields(client, ADD)

    def send():
        assert client.post(ADD, page).status_code == 302
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    article = Article.objects.get()
    response = client.post(ADD, page | {"_then": "schedule"})
    assert response["Location"] == publication_url(article, "schedule")
    # Back to the page, on it goes, and sent again.
    response = client.post(ADD, page | {"body": "A beginning, and more."}, follow=True)
    assert response.context["adminform"].form["body"].value() == "A beginning, and more."
    assert Article.objects.get().body == "A beginning."
    data = page | {"slug": article.slug, "body": "A beginning, and more."}
    data |= {"read": response.context["snapshot"], "nonce": response.context["nonce"]}
    assert "Not saved yet" in client.post(change(article), data).content.decode()


def test_a_person_can_discard_only_their_own_drafts(draft, emil, edda):
    client = client_of(emil)
    nonce = uuid4()
    post_autosave(client, key=draft.pk, title="Boats", body="Typed.", nonce=str(nonce))
    url = reverse("admin:articles_article_discard_autosave", args=[nonce])
    assert client_of(edda).post(url).status_code == 404
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 302
    assert autosaved_bodies() == []
    assert client.post(url).status_code == 404


@pytest.mark.parametrize("role", [READER, MODERATOR])
def test_only_editors_can_autosave_and_read_drafts(draft, emil, role):
    draft.editors.add(emil)
    for other in (client_with_role(role), Client(), client_with_role(EDITOR)):
        assert post_autosave(other, key=draft.pk, body="x").status_code in {302, 403, 404}
        for url in (
            publication_url(draft, "publish"),
            reverse("admin:articles_article_history", args=[draft.pk]),
            reverse("admin:articles_article_restore", args=[draft.pk, 1]),
        ):
            for response in (other.get(url), other.post(url)):
                assert response.status_code in {302, 403, 404, 405}
                assert "Nobody waits" not in response.content.decode()
    assert not Autosave.objects.exists()
    draft.refresh_from_db()
    assert draft.version == 1


def test_a_logged_out_editor_gets_the_text_back(draft):
    response = Client().post(change(draft), article_fields(draft, body="An hour of work."), **OURS)
    page = response.content.decode()
    assert response.status_code == 403
    assert "you are logged out" in page
    assert "An hour of work." in page
    assert 'name="title" value="Boats"' in page
    stranger = Client().post(
        change(draft), article_fields(draft, body="Forged."), HTTP_ORIGIN="https://elsewhere.example"
    )
    assert "Forged." not in stranger.content.decode()


def test_an_expired_csrf_token_gives_the_text_back(draft, emil):
    client = Client(enforce_csrf_checks=True)
    client.force_login(emil)
    data = article_fields(draft, body="An hour of work.") | hidden_fields(client, change(draft))
    response = client.post(change(draft), data | {"csrfmiddlewaretoken": "x" * 64}, **OURS)
    page = response.content.decode()
    assert response.status_code == 403
    assert "An hour of work." in page
    token = re.search('name="csrfmiddlewaretoken" value="([^"]*)"', page)[1]
    assert client.post(change(draft), data | {"csrfmiddlewaretoken": token}, **OURS).status_code == 302
    draft.refresh_from_db()
    assert draft.body == "An hour of work."


# Versions


def test_two_versions_are_compared_and_one_is_restored(draft, emil):
    draft.body = draft.body.replace("nine", "ten")
    save_article(article=draft, by=emil)
    client, history = client_of(emil), reverse("admin:articles_article_history", args=[draft.pk])
    listed = client.get(history).content.decode()
    assert "Emil" in listed
    page = client.get(f"{history}?old=2&new=1").content.decode()
    assert "at <del>nine</del><ins>ten</ins>." in page
    restore = reverse("admin:articles_article_restore", args=[draft.pk, 1])
    assert client.get(restore).status_code == 405
    assert 'name="latest" value="2"' in page
    client.post(restore, {"latest": 1})
    draft.refresh_from_db()
    assert "ten" in draft.body
    publish(article=draft, at=timezone.now() + timedelta(days=1), seen=draft.version)  # no other text
    client.post(restore, {"latest": 2})
    draft.refresh_from_db()
    assert "nine" in draft.body
    assert "Restored from version 1." in client.get(history).content.decode()
    assert client.get(f"{history}?old=1&new=99").status_code == 404


def test_a_version_is_restored_with_its_log_entry_or_not_at_all(draft, emil):
    draft.body = "Changed."
    save_article(article=draft, by=emil)
    client, restore = client_of(emil), reverse("admin:articles_article_restore", args=[draft.pk, 1])
    refuse_writes("django_admin_log")
    with pytest.raises(DatabaseError, match="The disk is full"):
        client.post(restore, {"latest": 2})
    assert Article.objects.get().body == "Changed."


def test_markup_in_a_text_is_shown_as_text(draft, emil):
    draft.body = "<script>alert(1)</script> <b>"
    save_article(article=draft, by=emil)
    history = reverse("admin:articles_article_history", args=[draft.pk])
    assert "<script>alert" not in client_of(emil).get(f"{history}?old=1&new=2").content.decode()


@pytest.mark.parametrize("number", ["²", "٣٣٣", "9" * 5000, "-1", "x", ""])
def test_an_invalid_number_is_not_found(draft, emil, number):
    client = client_of(emil)
    assert post_autosave(client, key=number or "0").status_code == 404
    assert client.get(
        change(draft).replace("/change/", "/history/"), {"old": number, "new": "1"}
    ).status_code in {
        200,
        404,
    }
    restore = reverse("admin:articles_article_restore", args=[draft.pk, 1])
    assert client.post(restore, {"latest": number}).status_code == 302
    assert client.post(publication_url(draft, "publish"), {"seen": number}).status_code == 200
    assert not Article.objects.get().is_published()
    assert Revision.objects.count() == 1


def test_its_pages_have_no_inline_script_or_style(draft, emil):
    draft.body = "Other words."
    save_article(article=draft, by=emil)
    client, history = client_of(emil), reverse("admin:articles_article_history", args=[draft.pk])
    correction = add_correction(article=draft, by=emil, text="x")
    for url in (
        history,
        f"{history}?old=1&new=2",
        publication_url(draft, "publish"),
        publication_url(draft, "schedule"),
        reverse("admin:articles_article_correction", args=[draft.pk, correction.pk]),
    ):
        response = client.get(url)
        assert response.status_code == 200
        found = re.findall(
            r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=\"", response.content.decode()
        )
        assert not found, url
    assert Revision.objects.filter(article=draft).count() == 2


# The nonce in the URL of a new document


def test_the_url_of_a_form_leads_to_the_story_that_it_created(emil, edda):
    client = client_of(emil)
    url = client.get(f"{ADD}?unsaved=x")["Location"]
    assert re.fullmatch(rf"{ADD}\?unsaved=x&form=[0-9a-f-]{{36}}", url)
    page = hidden_fields(client, url)
    assert page["nonce"].split(":")[0] == url[-36:]
    assert hidden_fields(client, url)["nonce"].split(":")[0] == url[-36:]  # also after Back
    assert client.post(url, form(body="A beginning.") | page).status_code == 302
    story = Article.objects.get()
    assert client.get(url)["Location"] == change(story)
    # Somebody who may not edit it gets a form of their own, and so does everybody once it is deleted.
    story.editors.set([emil])
    assert url[-36:] not in client_of(edda).get(url)["Location"]
    story.delete()
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("nonce", ["", "x", "1" * 40, "%00"])
def test_a_url_with_an_invalid_nonce_gets_another(emil, nonce):
    url = client_of(emil).get(f"{ADD}?form={nonce}")["Location"]
    assert re.fullmatch(rf"{ADD}\?form=[0-9a-f-]{{36}}", url)


@pytest.mark.parametrize(("model", "name"), [("article", "story"), ("standingpage", "page")])
def test_the_list_and_the_editor_name_the_kind_of_document(draft, emil, model, name):
    client = client_of(emil)
    stored = draft if model == "article" else save_page(page=StandingPage(title="About", slug="about"))
    shown = client.get(reverse(f"admin:articles_{model}_changelist")).content.decode()
    add = reverse(f"admin:articles_{model}_add")
    assert f'<a class="addlink" href="{add}">New {name}</a>' in shown
    assert f"New {name}" in heading(client.get(add, follow=True))
    assert f"Edit {name}" in heading(client.get(reverse(f"admin:articles_{model}_change", args=[stored.pk])))


def heading(response) -> str:
    return re.search("<h1[^>]*>(.*?)</h1>", response.content.decode(), re.DOTALL)[1]
