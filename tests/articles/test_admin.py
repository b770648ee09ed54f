"""Tests of the admin of articles.

Emil and Edda are editors, Mona is a moderator, Ruth a reader and Ada an administrator.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, User
from articles.models import Article, Site, Subscription, Topic
from articles.newsletter import subscriptions
from tests.articles.editing.editor_forms import ADD, change, form
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of, delete_selected
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

LIST = "/admin/articles/article/"


def person(role: str, name: str) -> User:
    return UserFactory.create(name=name, roles=(role,))


def listed_titles(response: Any) -> list[str]:
    return sorted(article.title for article in response.context["cl"].result_list)


def test_an_editor_writes_a_story_and_becomes_its_editor(emil):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    version = Site.objects.get().version

    response = client_of(emil).post(ADD, form(topics=[topic.pk]))

    assert response.status_code == 302, response.context["adminform"].form.errors
    article = Article.objects.get()
    assert article.slug == "the-slip-closes"
    assert article.body_html == "<p>A <em>story</em>.</p>\n"
    assert list(article.editors.all()) == [emil]
    assert list(article.topics.all()) == [topic]
    assert article.published_at is None
    assert article.version == 1
    assert Site.objects.get().version == version + 1


def test_the_form_offers_the_writer_as_author_and_only_editors_as_editors(emil):
    person(READER, "Ruth")
    person(ADMINISTRATOR, "Ada")
    page_form = client_of(emil).get(ADD, follow=True).context["adminform"].form
    assert page_form.initial["signed"] == [emil.pk]
    assert [name for _, name in page_form.fields["signed"].widget.widgets[0].choices] == ["—", "Ada", "Emil"]
    assert [user.name for user in page_form.fields["editors"].queryset] == ["Ada", "Emil"]


def test_a_second_story_of_the_same_title_gets_its_own_slug(emil):
    make_article("The slip closes")
    client_of(emil).post(ADD, form())
    # A script makes this slug of the title while it is typed.
    client_of(emil).post(ADD, form(slug="the-slip-closes"))
    refused = client_of(emil).post(ADD, form(title="Another", slug="the-slip-closes"))
    assert "slug" in refused.context["adminform"].form.errors  # typed by hand
    slugs = Article.objects.order_by("pk").values_list("slug", flat=True)
    assert list(slugs) == ["the-slip-closes", "the-slip-closes-2", "the-slip-closes-3"]


def test_an_emptied_slug_is_the_same_again(emil):
    client_of(emil).post(ADD, form())
    story = Article.objects.get()
    for _ in range(2):
        client_of(emil).post(change(story), form(slug=""))
        story.refresh_from_db()
        assert story.slug == "the-slip-closes"
    client_of(emil).post(change(story), form(slug="slip"))
    client_of(emil).post(change(story), form(slug=""))
    story.refresh_from_db()
    assert story.slug == "the-slip-closes"


def test_a_second_story_whose_long_title_has_the_same_beginning_gets_its_own_slug(emil):
    title = "the ferry leaves " * 10
    slug = slugify(title)[:120].strip("-")  # the script cuts the slug there
    for ending in ("early", "late", "not at all"):
        client_of(emil).post(ADD, form(title=title + ending, slug=slug))
    slugs = list(Article.objects.order_by("pk").values_list("slug", flat=True))
    assert slugs[0] == slug
    assert [one[-2:] for one in slugs[1:]] == ["-2", "-3"]
    assert all(one[:100] == slug[:100] for one in slugs)


def test_a_missing_title_is_a_form_error(emil):
    response = client_of(emil).post(ADD, form(title=""))
    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {"title": ["Write a title."]}
    assert not Article.objects.exists()


def test_saving_again_renders_again_and_changes_topics_and_editors(emil):
    article = make_article(published_at=None)
    edda, topic = person(EDITOR, "Edda"), Topic.objects.create(name="Harbour", slug="harbour")

    data = form(slug=article.slug, body="Other _words_.", topics=[topic.pk], editors=[emil.pk, edda.pk])
    assert client_of(emil).post(change(article), data).status_code == 302

    article.refresh_from_db()
    assert article.body_html == "<p>Other <em>words</em>.</p>\n"
    assert article.version == 2
    assert set(article.editors.all()) == {emil, edda}
    assert list(article.topics.all()) == [topic]


def test_an_old_slug_of_a_published_story_redirects(emil):
    article = make_article()
    client = client_of(emil)
    assert client.post(change(article), form(slug="elsewhere", title="")).status_code == 200
    assert client.get("/stories/elsewhere/").status_code == 404
    assert client.post(change(article), form(slug="elsewhere", title="Renamed")).status_code == 302
    assert Client().get("/stories/elsewhere/").status_code == 200
    assert Client().get("/stories/the-slip-closes/")["Location"] == "/stories/elsewhere/"

    # Another story gets neither that address by its title nor by hand.
    other = make_article("The slip closes")
    assert other.slug == "the-slip-closes-2"
    response = client.post(change(other), form(slug="the-slip-closes"))
    assert "redirects to another story" in response.context["adminform"].form.errors["slug"][0]
    # The story may get its own earlier slug again.
    assert client.post(change(article), form(slug="the-slip-closes")).status_code == 302
    assert Client().get("/stories/the-slip-closes/").status_code == 200
    assert Client().get("/stories/elsewhere/")["Location"] == "/stories/the-slip-closes/"


def test_authors_are_set_in_order_and_get_pages(emil):
    edda = person(EDITOR, "Edda")
    signed = {"signed_0": edda.pk, "signed_1": emil.pk, "signed_2": edda.pk}
    response = client_of(emil).post(ADD, form(byline="Jo", **signed))
    assert response.status_code == 302, response.context["adminform"].form.errors
    article = Article.objects.get()
    assert article.byline_text == "Edda, Emil and Jo"
    assert [author.slug for author in article.byline_authors()] == ["edda", "emil"]
    page = client_of(emil).get(change(article)).context["adminform"].form
    assert page.initial["signed"] == [edda.pk, emil.pk]
    version = article.version
    client_of(emil).post(change(article), form(slug=article.slug, byline="", signed_0=emil.pk))
    article.refresh_from_db()
    assert article.byline_text == "Emil"
    assert article.version > version


def test_a_reader_cannot_be_made_an_author(emil):
    response = client_of(emil).post(ADD, form(signed_0=person(READER, "Ruth").pk))
    assert "signed" in response.context["adminform"].form.errors


def test_a_draft_is_previewed_from_its_form_and_a_published_story_is_linked(emil):
    draft, story = make_article("Not yet", published_at=None), make_article("Out")
    client = client_of(emil)
    page = client.get(change(draft)).content.decode()
    assert f"/stories/{draft.slug}/preview/" in page
    assert f'href="{story.get_absolute_url()}"' in client.get(change(story)).content.decode()


def test_an_editor_sees_own_stories_and_those_without_editors(emil):
    mine, other, _free = make_article("Mine"), make_article("Other"), make_article("Free")
    mine.editors.add(emil)
    other.editors.add(person(EDITOR, "Edda"))
    assert listed_titles(client_of(emil).get(LIST)) == ["Free", "Mine"]
    assert listed_titles(client_of(person(ADMINISTRATOR, "Ada")).get(LIST)) == ["Free", "Mine", "Other"]


def test_the_story_of_another_editor_cannot_be_edited(emil):
    article = make_article("Edda's")
    article.editors.add(person(EDITOR, "Edda"))
    client = client_of(emil)
    answer = client.get(change(article), follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]
    (message,) = answer.context["messages"]
    assert str(message) == "That story was deleted, or only its editors can edit it. They can add you."
    client.post(change(article), form(slug=article.slug, title="Taken over"))
    client.post(reverse("admin:articles_article_delete", args=[article.pk]), {"post": "yes"})
    assert client.get(reverse("admin:articles_article_history", args=[article.pk])).status_code == 404
    assert Article.objects.get().title == "Edda's"


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (MODERATOR, 403)])
@pytest.mark.parametrize("model", ["article", "topic"])
def test_only_editors_can_use_it(role, status, model):
    client = client_of(person(role, "Mona"))
    article = make_article(published_at=None)
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    key = {"article": article.pk, "topic": topic.pk}[model]
    urls = [f"/admin/articles/{model}/{key}/{page}/" for page in ("change", "delete")]
    for url in [*urls, f"/admin/articles/{model}/add/"]:
        assert client.get(url).status_code == status, url
        assert client.post(url, form(post="yes")).status_code == status, url
    assert Article.objects.get().title == "The slip closes"
    assert Topic.objects.count() == 1


def test_the_list_is_searched_and_filtered(emil):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    make_article("Boats", standfirst="of the harbour").topics.add(harbour)
    make_article("Nets", published_at=None, rights="unknown").editors.add(emil)
    make_article("Tides", published_at=timezone.now() + timedelta(hours=1))
    client = client_of(emil)
    for query, titles in {
        "q=harbour": ["Boats"],
        "publication=draft": ["Nets"],
        "publication=unpublished": [],
        "publication=scheduled": ["Tides"],
        "publication=published": ["Boats"],
        "rights__exact=unknown": ["Nets"],
        f"topics__id__exact={harbour.pk}": ["Boats"],
        f"editors__id__exact={emil.pk}": ["Nets"],
    }.items():
        assert listed_titles(client.get(f"{LIST}?{query}")) == titles, query


def test_the_list_needs_no_more_queries_for_more_stories(emil):
    def fill(count: int) -> None:
        for number in range(count):
            article = make_article(f"Story {number}")
            article.editors.add(emil)
            if number % 2:
                make_comment(article)

    client = client_of(emil)
    fill(2)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    fill(20)

    with CaptureQueriesContext(connection) as many:
        page = client.get(LIST).content.decode()

    assert "Published" in page
    assert len(many) == len(few), [query["sql"] for query in many]


def test_only_administrators_delete_and_never_a_story_with_a_discussion(emil):
    discussed, quiet = make_article("Talked"), make_article("Quiet")
    make_comment(discussed)
    ada = client_of(person(ADMINISTRATOR, "Ada"))

    def delete(client: Client, article: Article) -> int:
        url = reverse("admin:articles_article_delete", args=[article.pk])
        return client.post(url, {"post": "yes"}).status_code

    assert delete(ada, discussed) == 403
    assert delete(client_of(emil), quiet) == 403
    version = Site.objects.get().version
    assert delete(ada, quiet) == 302
    assert [article.title for article in Article.objects.all()] == ["Talked"]
    assert Site.objects.get().version == version + 1
    delete_selected(ada, "article", discussed.pk)
    assert Article.objects.count() == 1


def test_topics_are_deleted_with_their_subscriptions_or_not_at_all(ada):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    subscriptions.subscribe("ann@example.org", {topic.pk}, "en")
    client = client_of(ada)
    refuse_writes("articles_site", "UPDATE")
    with pytest.raises(DatabaseError, match="The disk is full"):
        delete_selected(client, "topic", topic.pk)
    assert Subscription.objects.get().topic == topic
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("from_list", [True, False])
def test_who_deletes_a_topic_reads_how_many_stories_lose_it(ada, from_list):
    topics = [Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Boats")]
    make_article("The slip closes").topics.set(topics)
    make_article("Not yet", published_at=None).topics.add(topics[0])
    subscriptions.subscribe("ann@example.org", {topics[0].pk}, "en")
    client, url = client_of(ada), "/admin/articles/topic/"
    chosen = {"action": "delete_selected", "_selected_action": [topic.pk for topic in topics]}
    page = client.post(url, chosen) if from_list else client.get(f"{url}{topics[0].pk}/delete/")
    assert "Stories that stay, without the topic: 2" in page.text
    assert "Subscriptions: 1" in page.text
    assert "relationship" not in page.text
    assert "Subscription: #" not in page.text
    assert ">Harbour</a>" in page.text


def test_the_confirmation_to_delete_a_story_has_no_rows_of_relations(ada, emil):
    article = make_article("The slip closes")
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    article.editors.add(emil)
    page = client_of(ada).get(f"/admin/articles/article/{article.pk}/delete/").text
    assert "Versions: 1" in page
    assert "relationship" not in page


def test_a_new_topic_is_counted_and_outdates_the_lists(emil):
    version = Site.objects.get().version
    client = client_of(emil)
    response = client.post(
        "/admin/articles/topic/add/", {"name": "Harbour", "slug": "harbour", "shown": "on"}
    )
    assert response.status_code == 302
    topic = Topic.objects.get()
    assert Site.objects.get().version == version + 1
    make_article("Out").topics.add(topic)
    make_article("Not yet", published_at=None).topics.add(topic)
    (row,) = client.get("/admin/articles/topic/").context["cl"].result_list
    assert row.article_count == 1  # drafts are not counted


def test_an_empty_slug_of_a_topic_is_made_from_its_name(emil):
    client, add = client_of(emil), "/admin/articles/topic/add/"
    for name in ("Le port", "Le port!", "أحمد"):
        assert client.post(add, {"name": name, "slug": "", "shown": "on"}).status_code == 302
    assert list(Topic.objects.order_by("pk").values_list("slug", flat=True)) == [
        "le-port",
        "le-port-2",
        "أحمد",
    ]
    first = Topic.objects.get(slug="le-port")
    change_url = f"/admin/articles/topic/{first.pk}/change/"
    assert client.post(change_url, {"name": "Le port", "slug": "", "shown": "on"}).status_code == 302
    assert client.post(change_url, {"name": "Le quai", "slug": "", "shown": "on"}).status_code == 302
    assert Topic.objects.get(pk=first.pk).slug == "le-quai"
    assert client.get("/topics/le-port/").headers["Location"] == "/topics/le-quai/"


def test_a_slug_of_a_topic_needs_a_name(emil):
    response = client_of(emil).post("/admin/articles/topic/add/", {"name": "", "slug": "", "shown": "on"})
    assert list(response.context["adminform"].form.errors) == ["name"]


def test_its_pages_have_no_inline_script_or_style(emil):
    client = client_of(emil)
    article = make_article(published_at=None)
    for url in "/admin/", LIST, ADD, change(article), "/admin/articles/topic/add/":
        page = client.get(url, follow=True).content.decode()
        assert "Soundoff" in page
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=\"", page), url
