"""Two editors in one article: each sees the other, and the second to save chooses between their values."""

import html
import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import EDITOR
from articles.admin import ArticleForm
from articles.editing import autosaves
from articles.editing.autosaves import autosave, restore_revision
from articles.editing.presence import record_presence
from articles.models import Article, Image, OpenForm, Presence, Revision, Topic
from articles.publishing.services import publish, unpublish
from articles.services import set_article_authors
from comments.services.discussions import change_discussion
from tests.articles.editing.editor_forms import (
    AUTOSAVE_URL,
    article_fields,
    autosaved_bodies,
    change,
    hidden_fields,
    post_autosave,
    with_changes,
)
from tests.articles.images.sample_images import jpeg, upload
from tests.factories import make_article
from tests.helpers.clients import client_of, client_with_role

pytestmark = pytest.mark.django_db


def test_a_second_save_overwrites_nothing_and_shows_both_texts(draft, emil, edda):
    first, second = client_of(emil), client_of(edda)
    read = hidden_fields(second, change(draft))
    first.post(
        change(draft),
        article_fields(draft, body=draft.body.replace("nine", "ten")) | hidden_fields(first, change(draft)),
    )
    hers = article_fields(draft, body=draft.body.replace("nine", "eleven")) | read

    response = second.post(change(draft), hers)

    page = response.content.decode()
    assert response.status_code == 200
    assert "<del>ten</del>" in page
    assert "<ins>eleven</ins>" in page
    assert "Emil saved this story at" in page
    assert "Please correct" not in page
    draft.refresh_from_db()
    assert "at ten" in draft.body
    copy = draft.revisions.get(is_conflicting_copy=True)
    assert ("at eleven" in copy.body, copy.by, copy.base_number) == (True, edda, 1)

    again = re.search('name="read" value="([^"]*)"', page)[1]
    assert second.post(change(draft), hers | {"read": again}).status_code == 302
    draft.refresh_from_db()
    assert "at eleven" in draft.body
    assert [(r.number, r.by.name) for r in draft.revisions.saved().order_by("number")[1:]] == [
        (2, "Emil"),
        (4, "Edda"),
    ]


@pytest.mark.django_db(transaction=True)
def test_one_of_two_simultaneous_saves_gets_a_conflict(draft, emil, edda):
    desks = [client_of(emil), client_of(edda)]
    sent = [
        article_fields(draft, body=f"{draft.body} {n}") | hidden_fields(client, change(draft))
        for n, client in enumerate(desks)
    ]
    statuses = []

    def save(client, data):
        statuses.append(client.post(change(draft), data).status_code)
        connection.close()

    threads = [threading.Thread(target=save, args=each) for each in zip(desks, sent, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 302]
    assert draft.revisions.saved().count() == 2
    assert draft.revisions.filter(is_conflicting_copy=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_autosave_does_not_wait_for_an_upload(draft, emil, edda, monkeypatch):
    """The form decodes the image, for up to a minute, while it has the article locked."""
    failed = []

    def type_on() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '500ms'")
                record_presence(document=draft, editor=edda, has_typed=True)
                typed = {"body": ["Typed by Edda."]}
                autosave(
                    forms=[OpenForm(uuid4(), 1)],
                    editor=edda,
                    kind=Article,
                    document=draft,
                    fields=typed,
                    snapshot="",
                )
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    def in_time(*args, **kwargs) -> None:
        thread = threading.Thread(target=type_on)
        thread.start()
        thread.join()

    monkeypatch.setattr(ArticleForm, "check_lead_image", in_time)
    assert client_of(emil).post(change(draft), article_fields(draft, title="Ships")).status_code == 302
    assert (failed, autosaved_bodies()) == ([], ["Typed by Edda."])
    monkeypatch.setattr(autosaves, "save_article", in_time)
    latest = draft.revisions.latest_number()
    restore_revision(revision=Revision.objects.latest("number"), by=emil, latest=latest)
    assert failed == []


def test_a_text_that_is_too_long_is_refused_and_not_cut(draft, emil):
    client = client_of(emil)
    form = client.get(change(draft)).context["adminform"].form
    assert not [name for name in form.fields if "maxlength" in str(form[name])]
    page = client.post(change(draft), article_fields(draft, new_note="x" * 5001)).content.decode()
    assert "This has 5,001 characters" in page
    assert "x" * 5001 in page


def test_changes_that_do_not_touch_can_be_merged(draft, emil, edda):
    first, second = client_of(emil), client_of(edda)
    read = hidden_fields(second, change(draft))
    first.post(change(draft), article_fields(draft, body=draft.body.replace("nine", "ten")))
    hers = article_fields(draft, body=draft.body.replace("The end.", "The end, for now.")) | read
    page = second.post(change(draft), hers).content.decode()
    assert 'value="both"' in page
    assert "choose one of these, then save." in page
    renewed = {"read": re.search('name="read" value="([^"]*)"', page)[1]}

    response = second.post(change(draft), hers | renewed | {"_fill": "both"})

    both = "The boat leaves at ten.\n\nNobody waits.\n\nThe end, for now."
    assert response.context["adminform"].form["body"].value() == both
    draft.refresh_from_db()
    assert "for now" not in draft.body
    page = second.post(change(draft), hers | renewed | {"_fill": "theirs"})
    assert page.context["adminform"].form["body"].value() == draft.body
    page = second.post(change(draft), hers | renewed | {"_fill": "mine", "body": "?"})
    assert page.context["adminform"].form["body"].value() == hers["body"]
    assert draft.revisions.filter(is_conflicting_copy=True).count() == 1
    assert second.post(change(draft), hers | renewed | {"body": both}).status_code == 302
    draft.refresh_from_db()
    assert draft.body == both


def test_the_same_text_in_another_form_has_a_conflict_of_its_own(draft, emil, edda):
    first, second = client_of(emil), client_of(edda)
    hers = draft.body.replace("nine", "eleven")
    for his in ("ten", "half past ten"):
        read = hidden_fields(second, change(draft))
        first.post(
            change(draft),
            article_fields(draft, body=f"The boat leaves at {his}.") | hidden_fields(first, change(draft)),
        )
        draft.refresh_from_db()
        page = second.post(change(draft), article_fields(draft, body=hers) | read).content.decode()
    renewed = read | {"read": re.search('name="read" value="([^"]*)"', page)[1]}

    response = second.post(change(draft), article_fields(draft, body=hers) | renewed | {"_fill": "theirs"})

    assert response.context["adminform"].form["body"].value() == "The boat leaves at half past ten."
    draft.refresh_from_db()
    assert draft.body == "The boat leaves at half past ten."


def test_a_choice_without_the_conflict_saves_nothing(draft, edda):
    client = client_of(edda)
    sent = article_fields(draft, body="Hers.") | with_changes(hidden_fields(client, change(draft)))
    response = client.post(change(draft), sent | {"_fill": "theirs"}, follow=True)
    assert "That conflict is no longer stored." in response.content.decode()
    assert "Hers." in autosaved_bodies()
    draft.refresh_from_db()
    assert draft.body != "Hers."


def test_a_field_that_only_a_colleague_changed_keeps_their_value(draft, emil, edda):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, byline="Emil and Edda", topics=[topic.pk]))
    assert second.post(change(draft), article_fields(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.byline, list(draft.topics.all())) == ("Hers.", "Emil and Edda", [topic])


def test_authors_and_lead_image_of_a_colleague_are_kept(draft, emil, edda):
    image = Image.objects.create(alt="A boat", width=8, height=8, suffix="png", digest="a" * 64)
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(
        change(draft), article_fields(draft, signed_0=emil.pk, signed_1=edda.pk, lead_image=image.pk)
    )
    assert second.post(change(draft), article_fields(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.lead_image) == ("Hers.", image)
    signed = list(draft.bylines.values_list("author__user", flat=True))
    assert signed == [emil.pk, edda.pk]

    read = hidden_fields(second, change(draft))
    client_of(emil).post(
        change(draft), article_fields(draft, signed_0=edda.pk, signed_1=emil.pk, lead_image=image.pk)
    )
    hers = (
        article_fields(draft, body="Hers, again.", signed_0=emil.pk, signed_1=edda.pk, lead_image=image.pk)
        | read
    )
    assert second.post(change(draft), hers).status_code == 302
    assert list(draft.bylines.values_list("author__user", flat=True)) == [edda.pk, emil.pk]


def choices(page: str) -> dict[str, list[str]]:
    """Return the two values of each choice by its name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall('type="radio" name="(take-[^"]+)" value="([^"]+)"', page):
        found.setdefault(name, []).append(value)
    return found


def values(page: str) -> list[str]:
    return [html.unescape(value) for value in re.findall('<span class="value" dir="auto">(.*?)</span>', page)]


def test_the_colleague_is_named_for_a_field_whose_label_is_not_ascii(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    his, hers = "https://his.example/story", "https://her.example/story"
    client_of(emil).post(change(draft), article_fields(draft, source_url=his))
    draft.refresh_from_db()
    client_with_role(EDITOR).post(change(draft), article_fields(draft, source_url=his, byline="Ida"))
    page = second.post(change(draft), article_fields(draft, source_url=hers) | read).content.decode()
    assert "Not saved yet: Emil saved this story at" in page


def test_a_field_that_both_changed_needs_a_choice(draft, emil, edda):
    harbour, sea = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Sea"))
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    his = article_fields(
        draft, byline="Emil", topics=[harbour.pk], rights="licensed", signed_0=emil.pk, editors=[]
    )
    client_of(emil).post(change(draft), his)
    hers = article_fields(
        draft, byline="Edda", topics=[sea.pk], rights="unknown", signed_0=edda.pk, source_name="Quay"
    )

    page = second.post(change(draft), hers | read).content.decode()

    assert "Not saved yet: Emil saved this story at" in page
    shown = ["Emil", "Edda", "Emil", "Edda", "Harbour", "Sea", "licensed", "unknown"]
    assert sorted(values(page)) == sorted(shown)
    conflicts = choices(page)
    assert conflicts.keys() == {"take-byline", "take-topics", "take-rights", "take-signed"}
    draft.refresh_from_db()
    assert (draft.byline, draft.source_name) == ("Emil", "")

    # One choice is missing, so the form asks again and keeps the other choices.
    chosen = {"take-byline": conflicts["take-byline"][1], "take-topics": conflicts["take-topics"][0]}
    chosen |= {"take-rights": conflicts["take-rights"][0]}
    page = second.post(change(draft), hers | read | chosen).content.decode()
    assert len(re.findall(r"\schecked>", page)) >= 3
    assert choices(page) == conflicts
    draft.refresh_from_db()
    assert draft.byline == "Emil"

    chosen |= {"take-signed": conflicts["take-signed"][1]}
    assert second.post(change(draft), hers | read | chosen).status_code == 302
    draft.refresh_from_db()
    assert (draft.byline, list(draft.topics.all()), draft.rights) == ("Edda", [harbour], "licensed")
    assert (draft.byline_authors()[0].name, draft.source_name) == ("Edda", "Quay")


def test_a_returned_form_shows_the_colleagues_values(draft, emil, edda):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    draft.editors.add(emil, edda)
    set_article_authors(article=draft, people=[emil])
    change_discussion(article=draft, status="open", moderation="conditional")
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    discussion = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "1", "0-article": draft.pk, "0-status": "open"}
    discussion |= {"0-moderation": "conditional"}
    hers = article_fields(draft, byline="Edda", signed_0=emil.pk, editors=[emil.pk, edda.pk])
    hers |= {f"discussion-{name}": value for name, value in discussion.items()}
    his = {"byline": "Emil", "rights": "licensed", "topics": [topic.pk], "signed_0": edda.pk, "editors": []}
    his |= {"signed_1": emil.pk, "standfirst": "Of boats.", "discussion-0-status": "closed"}
    his |= {"discussion-0-members_only": "on", "discussion-0-closes_at_0": "2030-01-15"}
    his |= {"discussion-0-closes_at_1": "14:00"}
    assert client_of(emil).post(change(draft), hers | his).status_code == 302

    response = second.post(change(draft), hers | read)

    form = response.context["adminform"].form
    (inline,) = response.context["inline_admin_formsets"][0].formset.forms
    assert values(response.content.decode()) == ["Emil", "Edda"]
    names = ("byline", "rights", "topics", "signed", "editors", "standfirst")
    assert {name: form[name].value() for name in names} == {
        "byline": "Edda",
        "rights": "licensed",
        "topics": [str(topic.pk)],
        "signed": [str(edda.pk), str(emil.pk), "", ""],
        "editors": [],
        "standfirst": "Of boats.",
    }
    names = ("status", "members_only", "closes_at")
    assert [inline[name].value() for name in names] == ["closed", True, ["2030-01-15", "14:00:00"]]


def test_a_third_value_needs_another_choice(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, byline="Emil"))
    hers = article_fields(draft, byline="Edda") | read
    conflicts = choices(second.post(change(draft), hers).content.decode())
    client_of(emil).post(change(draft), article_fields(draft, byline="Emil Berg"))
    chosen = {"take-byline": conflicts["take-byline"][1]}
    page = second.post(change(draft), hers | chosen).content.decode()
    assert values(page) == ["Emil Berg", "Edda"]
    assert "checked" not in page.partition('class="choice"')[2].partition("</fieldset>")[0]
    draft.refresh_from_db()
    assert draft.byline == "Emil Berg"


def test_a_conflict_that_cannot_be_merged_offers_the_other_text(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, body=draft.body.replace("nine", "ten")))
    hers = article_fields(draft, body=draft.body.replace("nine", "eleven")) | read
    page = second.post(change(draft), hers).content.decode()
    assert re.findall('name="_fill" value="([^"]*)"', page) == ["theirs"]
    assert "Edit it, or use the other one, then save." in page


def test_a_conflict_with_a_colleague_whose_account_is_gone_reads_well(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, body=draft.body.replace("nine", "ten")))
    draft.revisions.update(by=None)
    hers = article_fields(draft, body=draft.body.replace("nine", "eleven")) | read
    page = " ".join(second.post(change(draft), hers).text.split())
    assert "Not saved yet: somebody else saved this story at" in page
    assert "Saved by somebody else" in page
    assert "Use the text of somebody else" in page


def test_conflicts_of_fields_and_texts_are_shown_together(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(
        change(draft), article_fields(draft, byline="Emil", body=draft.body.replace("nine", "ten"))
    )
    hers = article_fields(draft, byline="Edda", body=draft.body.replace("The end.", "The end, for now."))
    response = second.post(change(draft), hers | read)
    for text, expected in (("both", "ten"), ("theirs", "ten"), ("mine", "nine")):
        renewed = {"read": response.context["snapshot"], "nonce": response.context["nonce"]}
        response = second.post(change(draft), hers | renewed | {"_fill": text})
        assert expected in response.context["adminform"].form["body"].value()
        conflicts = choices(response.content.decode())
        assert conflicts.keys() == {"take-byline"}
    renewed = {"read": response.context["snapshot"], "take-byline": conflicts["take-byline"][1]}
    assert second.post(change(draft), hers | renewed).status_code == 302
    draft.refresh_from_db()
    assert (draft.byline, "for now" in draft.body) == ("Edda", True)


def test_a_message_names_fields_that_kept_a_colleagues_value(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, byline="Emil and Edda"))
    answer = second.post(
        change(draft), article_fields(draft, body="Hers.") | read, follow=True
    ).content.decode()
    assert "Somebody else changed these fields meanwhile, and their values were kept: Byline." in answer


def test_an_uploaded_lead_image_does_not_replace_a_colleagues_unseen(draft, emil, edda, tmp_path, settings):
    settings.HOME = tmp_path
    image = Image.objects.create(alt="A boat", width=8, height=8, suffix="png", digest="a" * 64)
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    client_of(emil).post(change(draft), article_fields(draft, lead_image=image.pk))

    def hers(**values):
        sent = {"lead_file": upload(jpeg(), "slip.jpg"), "lead_alt": "The slip"}
        return article_fields(draft) | read | sent | values

    page = second.post(change(draft), hers()).content.decode()
    assert values(page) == [str(image), "slip.jpg"]
    assert "choose the file again" in page
    draft.refresh_from_db()
    assert draft.lead_image == image
    (asked,) = choices(page).values()
    assert second.post(change(draft), hers(**{"take-lead_image": asked[0]})).status_code == 302
    draft.refresh_from_db()
    assert (draft.lead_image, Image.objects.count()) == (image, 1)
    read["read"] = hidden_fields(second, change(draft))["read"]
    second.post(change(draft), hers(lead_image=image.pk))
    draft.refresh_from_db()
    assert draft.lead_image.alt == "The slip"


def test_a_correction_typed_while_the_story_was_unpublished_is_kept(emil, edda):
    story = make_article("Out")
    second = client_of(edda)
    read = hidden_fields(second, change(story))
    unpublish(article=story, reason="", seen=story.version)
    assert (
        second.post(change(story), article_fields(story, new_correction="It was nine.") | read).status_code
        == 302
    )
    assert story.corrections.get().text == "It was nine."


def test_a_correction_that_is_sent_twice_is_published_once(emil):
    story = make_article("Out")
    client = client_of(emil)
    read = hidden_fields(client, change(story))
    for _ in range(2):
        sent = article_fields(story, new_correction="It was nine.", new_note="Told by the harbour.") | read
        assert client.post(change(story), sent).status_code == 302
    assert story.corrections.get().text == "It was nine."
    assert story.notes.get().body == "Told by the harbour."


def test_a_conflict_with_the_same_persons_other_window_names_that_window(draft, emil):
    client = client_of(emil)
    read = hidden_fields(client, change(draft))
    client.post(change(draft), article_fields(draft, body="Here.") | hidden_fields(client, change(draft)))
    assert "you saved this story in another window at" in (
        client.post(change(draft), article_fields(draft, body="There.") | read).content.decode()
    )


def test_publishing_meanwhile_is_no_conflict(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    publish(article=draft, at=timezone.now(), seen=draft.version)
    assert second.post(change(draft), article_fields(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.is_published()) == ("Hers.", True)


def test_the_editor_page_names_colleagues_who_have_it_open(draft, emil, edda, time_machine):
    first, second = client_of(emil), client_of(edda)
    first.get(change(draft))
    assert "Emil has this open." in second.get(change(draft)).content.decode()
    post_autosave(first, key=draft.pk, body="Typed.")
    time_machine.move_to(timezone.now() + timedelta(seconds=70))
    answer = second.post(AUTOSAVE_URL, {"nonce": str(uuid4()), "key": draft.pk}).json()
    assert answer["others"] == ["Emil has this open and last typed 1 min ago."]
    first.post(AUTOSAVE_URL, {"nonce": str(uuid4()), "key": draft.pk, "has_left": "1"})
    assert not Presence.objects.filter(editor=emil).exists()


def test_an_autosave_answers_that_a_colleague_has_saved(draft, emil, edda):
    second = client_of(edda)
    read = hidden_fields(second, change(draft))
    assert second.post(AUTOSAVE_URL, {"key": draft.pk, **read}).json()["newer"] == ""
    client_of(emil).post(change(draft), article_fields(draft, body="His."))
    assert (
        "Emil saved a newer version at"
        in second.post(AUTOSAVE_URL, {"key": draft.pk, **read}).json()["newer"]
    )
