"""Redaction of words in a document and everything stored with it."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, User
from articles.editing.autosaves import autosave, keep_conflicting_copy, restore_revision
from articles.editing.notes import add_correction, add_note
from articles.models import (
    Article,
    Autosave,
    DocumentText,
    EditorNote,
    ImageUse,
    Newsletter,
    OpenForm,
    Revision,
    StandingPage,
)
from articles.redaction.redact import find_occurrences, redact_words
from articles.services import save_article, save_page
from comments.services.discussions import ensure_discussion
from tests.articles.editing.editor_forms import article_form
from tests.articles.newsletter.conftest import draft_of
from tests.factories import UserFactory, make_article
from tests.helpers.clients import client_of
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

NAME = "Jane Quill"


@pytest.fixture
def story(emil: User) -> Article:
    """Return a story whose current text no longer contains the name."""
    article = make_article("Jane Quill was seen", body="It was jane\nquill, a baker.")
    keep_conflicting_copy(
        document=article,
        text=DocumentText("Seen", "JANE QUILL’s boat", ""),
        by=emil,
        base_number=1,
        nonce=None,
    )
    article.title, article.slug, article.body = "A baker was seen", "seen", "It was a baker."
    save_article(article=article, by=emil)
    typed = {"title": ["A baker"], "new_note": ["Jane Quill told us."]}
    autosave(
        forms=[OpenForm(uuid4(), 1)], editor=emil, kind=Article, document=article, fields=typed, snapshot=""
    )
    add_note(article=article, by=emil, body="Leave Jane Quill out.")
    return article


def all_stored_texts(article: Article) -> str:
    stories = Article.objects.filter(pk=article.pk)
    rows: list[Any] = [
        stories.values("title", "standfirst", "body", "body_html", "keywords", "search_vector")
    ]
    rows += [model.objects.filter(article=article).values() for model in (Revision, Autosave, EditorNote)]
    rows += [LogEntry.objects.filter(object_id=str(article.pk)).values()]
    return " ".join(str(dict(row)) for some in rows for row in some)


def page(article: Article) -> str:
    return f"/admin/articles/article/{article.pk}/redact/"


def test_words_are_redacted_in_every_text(story):
    before = Article.objects.values().get()
    assert len(find_occurrences(story, [NAME])) == 5

    counts = redact_words(document=story, words=[NAME])

    assert counts == {"revision": 2, "autosave": 1, "note": 1}
    assert "quill" not in all_stored_texts(story).casefold()
    assert find_occurrences(story, [NAME]) == []
    assert Article.objects.values().get() == before  # the article has not changed
    first = story.revisions.get(number=1)
    assert (first.title, first.body) == ("██████████ was seen", "It was ██████████, a baker.")
    assert EditorNote.objects.get().body == "Leave ██████████ out."
    assert redact_words(document=story, words=[NAME]) == {}


def test_only_whole_words_are_redacted(story):
    story.body = "Quillfeather and Jane-Quill; a QUILL’s tip. Jane\n\nQuill."
    save_article(article=story)
    redact_words(document=story, words=["quill"])
    story.refresh_from_db()
    assert story.body == "Quillfeather and Jane-█████; a █████’s tip. Jane\n\n█████."
    redact_words(document=story, words=["C++", "(sic", "jane  █████"])  # none of the words is a pattern
    assert Article.objects.get().body == story.body


def test_readers_see_redacted_words_as_black_squares(client, story, image_of_a_boat):
    story.body = f"Jane Quill sails.\n\n![Jane Quill](image:{image_of_a_boat.pk})"
    save_article(article=story)
    assert "Jane Quill" in client.get(story.get_absolute_url()).content.decode()
    before = Article.objects.get()

    assert redact_words(document=story, words=[NAME, "image"])["current"] == 1

    shown = client.get(story.get_absolute_url()).content.decode()
    assert "Quill" not in shown
    assert "██████████ sails." in shown
    after = Article.objects.get()
    assert after.version > before.version
    assert after.updated_at > before.updated_at
    assert not ImageUse.objects.exists()  # the image's Markdown was redacted as well
    assert story.revisions.count() == 4
    assert DocumentText.of(story.revisions.saved()[0]) == DocumentText.of(after)
    after.body = "She sails."
    save_article(article=after)
    assert story.revisions.count() == 5


@pytest.fixture
def image_of_a_boat(settings: Any, tmp_path: Any) -> Any:
    from tests.articles.images.sample_images import make_image

    settings.HOME = tmp_path
    return make_image(is_ready=False)


def test_bylines_reasons_and_corrections_are_redacted(story, ada, emil, client):
    add_correction(article=story, by=emil, text="An earlier version named Jane Quill.")
    Article.objects.update(byline="With Jane Quill", unpublished_reason="Jane Quill asked for it.")
    assert len(find_occurrences(Article.objects.get(), [NAME])) == 8

    listing = client_of(ada).post(page(story), {"words": "earlier version"}).content.decode()
    assert "<mark>earlier version</mark>" in listing
    assert "Correction:" in listing
    before = Article.objects.get().version
    assert redact_words(document=story, words=["earlier version"]) == {"correction": 1}
    assert "█ named Jane Quill." in client.get(story.get_absolute_url()).content.decode()
    assert Article.objects.get().version > before

    assert redact_words(document=story, words=[NAME])["current"] == 1
    shown = client.get(story.get_absolute_url()).content.decode()
    assert "Quill" not in shown
    assert "With ██████████" in shown
    assert Article.objects.get().unpublished_reason == "██████████ asked for it."


def test_newsletters_of_the_story_are_redacted(story, ada, emil, client):
    newsletter = draft_of(story, emil)
    texts = {"subject": "Seen: Jane Quill", "introduction": "Who is Jane Quill?", "sent_at": timezone.now()}
    Newsletter.objects.filter(pk=newsletter.pk).update(**texts)
    url = newsletter.get_absolute_url()
    assert "Jane Quill" in client.get(url).content.decode()
    listing = client_of(ada).post(page(story), {"words": "Who is"}).content.decode()
    assert "Newsletter:" in listing
    assert redact_words(document=story, words=[NAME])["newsletter"] == 1
    assert "Quill" not in client.get(url).content.decode()
    newsletter.refresh_from_db()
    assert (newsletter.subject, newsletter.introduction) == ("Seen: ██████████", "Who is ██████████?")


def test_the_admin_log_forgets_the_redacted_title(story, ada, emil):
    """The log names a discussion by the title of its story."""
    story.title = "Jane Quill was seen"
    save_article(article=story)
    client = client_of(ada)
    ensure_discussion(story)
    url = f"/admin/articles/article/{story.pk}/change/"
    added = {"new_correction": "It was Jane Quill."}
    assert client.post(url, article_form(story, status="closed") | added).status_code == 302
    discussion = f"/admin/comments/discussion/{story.pk}/change/"
    sent = {"status": "open", "moderation": "pre", "closes_at_0": "", "closes_at_1": ""}
    assert client.post(discussion, sent).status_code == 302
    history = f"/admin/articles/article/{story.pk}/history/"
    assert NAME in client.get(history).content.decode()
    assert LogEntry.objects.filter(content_type__model="discussion", object_repr__contains=NAME).exists()

    redact_words(document=story, words=[NAME])

    assert "quill" not in str(list(LogEntry.objects.values())).casefold()
    shown = client.get(history).content.decode()
    assert NAME not in shown
    assert "for discussion “(name erased)”." in shown
    assert f"Added correction “{timezone.localdate()}”." in shown


def test_a_restored_version_stays_redacted(story, emil):
    redact_words(document=story, words=[NAME])
    story.refresh_from_db()
    restore_revision(revision=story.revisions.get(number=1), by=emil, latest=story.revisions.latest_number())
    assert Article.objects.get().title == "██████████ was seen"


def test_pages_are_redacted_too(client, emil):
    about = save_page(page=StandingPage(title="About", slug="about", body="Ask Jane Quill."), by=emil)
    about.body = "Ask the office, or Jane Quill’s boat."
    save_page(page=about, by=emil)
    typed = {"title": ["About"], "body": ["Jane Quill rows."]}
    autosave(
        forms=[OpenForm(uuid4(), 1)],
        editor=emil,
        kind=StandingPage,
        document=about,
        fields=typed,
        snapshot="",
    )
    assert "Quill" in client.get("/pages/about/").content.decode()
    assert redact_words(document=about, words=[NAME]) == {"revision": 2, "autosave": 1, "current": 1}
    assert "Ask the office, or ██████████’s boat." in client.get("/pages/about/").content.decode()
    about.refresh_from_db()
    assert find_occurrences(about, [NAME]) == []
    assert about.revisions.get(number=1).body == "Ask ██████████."


# The page


def test_an_administrator_lists_the_words_and_then_redacts_them(story, ada, emil):
    LogEntry.objects.log_actions(emil.pk, [story], 2, "Saved.", single_object=True)
    LogEntry.objects.update(object_repr="Jane Quill was seen")
    client = client_of(ada)
    history = f"/admin/articles/article/{story.pk}/history/"
    assert page(story) in client.get(history).content.decode()

    listing = client.post(page(story), {"words": f"{NAME}\n\n"}).content.decode()
    assert "5 occurrences" in listing
    assert "Also in the current text" not in listing
    assert "<mark>jane\nquill</mark>" in listing
    assert NAME in all_stored_texts(story)

    other = client.post(page(story), {"words": "baker", "listed_words": NAME, "confirm": ""}).content.decode()
    assert "<mark>baker</mark>" in other  # the earlier search did not include this word
    assert NAME in all_stored_texts(story)

    done = client.post(page(story), {"words": NAME, "listed_words": NAME, "confirm": ""}, follow=True)
    assert done.redirect_chain == [(history, 302)]
    message = "Words redacted permanently: 2 versions, unsaved changes and 1 note."
    assert message in done.content.decode()
    assert "quill" not in all_stored_texts(story).casefold()
    entry = LogEntry.objects.latest("pk")
    assert (entry.user, entry.change_message) == (ada, message)

    again = client.post(page(story), {"words": NAME, "listed_words": NAME, "confirm": ""}).content.decode()
    assert "No occurrences" in again


def test_words_are_redacted_with_a_log_entry_or_not_at_all(story, ada):
    client, before = client_of(ada), all_stored_texts(story)
    refuse_writes("django_admin_log")
    with pytest.raises(DatabaseError, match="The disk is full"):
        client.post(page(story), {"words": NAME, "listed_words": NAME, "confirm": ""})
    assert all_stored_texts(story) == before


def test_urls_that_contain_the_words_are_listed(story, ada):
    story.slug = "jane-quill-was-seen"
    save_article(article=story)
    story.slug = "a-baker"
    save_article(article=story)
    shown = client_of(ada).post(page(story), {"words": NAME}).content.decode()
    assert "<bdi>/stories/jane-quill-was-seen/</bdi>" in shown
    assert "<bdi>/stories/a-baker/</bdi>" not in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "This field is required"),
        ("a", "is too short"),
        ("…!", "is too short"),
        ("ab\n" * 51, "at most 50"),
    ],
)
def test_invalid_words_are_refused_and_shown_again(story, ada, words, why):
    before = all_stored_texts(story)
    response = client_of(ada).post(page(story), {"words": words, "listed_words": words, "confirm": ""})
    assert why in response.content.decode()
    assert response.context["form"]["words"].value() == words
    assert all_stored_texts(story) == before


@pytest.mark.parametrize("role", [EDITOR, MODERATOR])
def test_only_administrators_can_redact(story, role):
    user = UserFactory.create(roles=(role,))
    client, before = client_of(user), all_stored_texts(story)
    assert client.get(page(story)).status_code == 403
    sent = {"words": NAME, "listed_words": NAME, "confirm": ""}
    assert client.post(page(story), sent).status_code == 403
    history = client.get(f"/admin/articles/article/{story.pk}/history/").content.decode()
    assert page(story) not in history
    assert all_stored_texts(story) == before
