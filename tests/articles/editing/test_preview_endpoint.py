"""Requests of the editor page for the preview and pasted HTML. Emil edits, Mona moderates, Ruth reads."""

import re

import pytest
from django.test import Client

from accounts.models import READER, User
from articles.markup.paste_html import MAX_LENGTH
from articles.models import Article, Author, Topic
from articles.services import save_author
from core.data_folder import PROJECT
from tests.articles.images.sample_images import jpeg, make_image
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

RENDER, PASTED = "/admin/articles/article/render/", "/admin/articles/article/pasted/"


def test_the_preview_shows_the_story_as_its_page_will(emil_client):
    typed = {
        "title": "The slip <closes>",
        "standfirst": "At last.",
        "byline": "Emil",
        "body": "A *story* now.",
    }
    answer = emil_client.post(RENDER, typed | {"body": "A *story* now."}).json()
    assert '<h1 dir="auto">The slip &lt;closes&gt;</h1>' in answer["html"]
    assert "<p>A <em>story</em> now.</p>" in answer["html"]
    assert "By Emil" in answer["html"]
    assert answer["count"] == "5 words, 1 minute to read"
    assert not Article.objects.exists()


def test_the_preview_shows_the_chosen_authors_in_order(emil_client):
    ida, ruth = UserFactory.create(name="Ida Berg", roles=("Editor",)), UserFactory.create(name="Ruth")
    me = User.objects.get(name="Emil")
    save_author(author=Author(user=ida, slug="ida-berg"))
    ida.set_roles((READER,))  # an author of the story who has left the staff
    chosen = {"signed_0": ida.pk, "signed_1": "", "signed_2": me.pk, "signed_3": ruth.pk, "byline": "Emil"}
    html = emil_client.post(RENDER, {"title": "x", "body": ""} | chosen).json()["html"]
    assert re.search("By .*Ida Berg.*, .*Emil</", html)
    assert "Ruth" not in html
    assert html.count("Emil") == 1
    for wrong in ("x", "9" * 30, "-1", "٣"):
        assert emil_client.post(RENDER, {"body": "", "signed_0": wrong}).status_code == 200


def test_the_preview_shows_the_chosen_topics_and_lead_image(emil_client, settings, tmp_path):
    settings.HOME = tmp_path
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    hidden = Topic.objects.create(name="Secret", slug="secret", shown=False)
    image = make_image(jpeg(), alt="Boats")
    chosen = {"topics": [topic.pk, hidden.pk, "x"], "lead_image": image.pk}
    answer = emil_client.post(RENDER, {"title": "The slip", "body": "A story.", **chosen}).json()["html"]
    assert "Harbour" in answer
    assert "Secret" not in answer
    assert 'alt="Boats"' in answer


def test_words_are_counted_without_marks_and_dashes(emil_client):
    body = "## Two words\n\n- one – *two*\n\n" + "word " * 460
    assert emil_client.post(RENDER, {"body": body}).json()["count"] == "464 words, 2 minutes to read"
    assert emil_client.post(RENDER, {"body": ""}).json()["count"] == "0 words"


def test_no_script_in_the_text_runs(emil_client):
    body = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    answer = emil_client.post(RENDER, {"body": body}).json()["html"]
    assert "<script" not in answer
    assert "<img" not in answer
    assert 'href="javascript' not in answer


def test_pasted_html_becomes_markdown_and_missing_images_are_named(emil_client):
    markup = (PROJECT / "tests/articles/markup/pasted/word.html").read_text()
    answer = emil_client.post(PASTED, {"html": markup}).json()
    assert answer["markdown"].startswith("## The slip closes\n\nThe ferry to **Lower Quay** sails")
    assert answer["note"] == (
        "An image could not be pasted. Save it on this device (in Google Docs: "
        "File › Download › Web page; in Word: Save as Picture), then drop it here or press Image."
    )


def test_a_text_that_is_too_long_is_refused_with_a_message(emil_client):
    answer = emil_client.post(PASTED, {"html": "x" * (MAX_LENGTH + 1)})
    assert answer.status_code == 422
    assert answer.json()["note"] == "This text is too long to be pasted with its formatting."


@pytest.mark.parametrize("url", [RENDER, PASTED])
def test_only_editors_can_use_it(url):
    for role, status in [("Reader", 403), ("Moderator", 403), ("Editor", 200), ("Administrator", 200)]:
        client = Client()
        client.force_login(UserFactory.create(roles=(role,)))
        assert client.post(url, {"html": "", "body": ""}).status_code == status
    assert Client().post(url).status_code == 403
    assert client.get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory.create(roles=("Editor",)))
    assert strict.post(url).status_code == 403
