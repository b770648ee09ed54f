"""The import page of the admin."""

import pytest

from accounts.models import MODERATOR, READER
from archive.models import Import
from articles.models import Article
from comments.models import Transition
from moderation.actions.decisions import undo
from tests.archive.saved_pages import ADD, page, take, upload
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db


def test_an_editor_imports_a_story(client, emil):
    client.force_login(emil)
    assert client.get(ADD).status_code == 200

    answer = client.post(ADD, {"file": upload(), "source": "The Post", "url": "https://post.example/"})

    assert answer.status_code == 200
    article = Article.objects.get()
    assert article.source_name == "The Post"
    assert article.get_absolute_url() in answer.content.decode()
    assert list(Import.objects.values_list("filename", "actor", "batch__actor")) == [
        ("ferry.txt", emil.pk, emil.pk)
    ]
    assert set(Transition.objects.values_list("actor", flat=True)) == {emil.pk}


def test_an_editor_previews_an_import(client, emil):
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(), "preview": "1"})
    assert "This is a preview: nothing was written." in answer.content.decode()
    assert not Article.objects.exists()


def test_a_refused_file_is_an_error_of_its_field(client, emil):
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(data=b"Dear diary")})
    assert "Line 1: " in answer.context["form"].errors["file"][0]
    assert "Line 1: " in answer.content.decode()
    assert not Article.objects.exists()


def test_an_upload_needs_a_file(client, emil):
    client.force_login(emil)
    assert client.post(ADD, {"source": "The Post"}).context["form"].errors.keys() == {"file"}


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (MODERATOR, 403)])
def test_readers_and_moderators_cannot_import(client, role, status):
    client.force_login(UserFactory.create(roles=(role,)))
    assert client.get(ADD).status_code == status
    assert client.post(ADD, {"file": upload()}).status_code == status
    assert not Article.objects.exists()


def test_the_list_and_its_entries_can_be_read_and_not_changed(client, emil, django_assert_max_num_queries):
    client.force_login(emil)
    take(page(3))
    take(page(4))
    entry = Import.objects.latest("at")
    Import.objects.filter(pk=entry.pk).update(warnings=[{"line": 7, "kind": "count", "text": "<b>odd</b>"}])
    with django_assert_max_num_queries(13):
        shown = client.get("/admin/archive/import/", {"q": "ferry", "format": "soundoff"}).content.decode()
    assert "story.txt" in shown
    assert "Import a story" in shown
    entry_page = client.get(f"/admin/archive/import/{entry.pk}/change/").content.decode()
    assert "&lt;b&gt;odd&lt;/b&gt;" in entry_page
    assert "_save" not in entry_page
    assert client.post(f"/admin/archive/import/{entry.pk}/change/", {"filename": "x"}).status_code == 403
    assert client.post(f"/admin/archive/import/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_page_of_an_undone_import_says_so(client, ada, emil):
    article = take(page(3), actor=emil).article
    brought = Import.objects.get(article=article)
    entry = f"/admin/archive/import/{brought.pk}/change/"
    client.force_login(emil)
    assert "Undone" not in client.get(entry).text

    undone = undo(batch=brought.batch, actor=ada).batch
    link = f'href="/moderation/actions/{undone.pk}/"'
    assert "Undone by Ada, " in client.get(entry).text
    assert link not in client.get(entry).text  # an editor sees their own actions only
    client.force_login(ada)
    assert link in client.get(entry).text

    undo(batch=undone, actor=ada)
    shown = client.get(entry).text
    assert "Undone, then done again by Ada, " in shown
    assert "Undone by" not in shown


def test_a_story_written_here_has_no_source_key():
    take(page())
    make_article(title="The ferry will not sail on Sundays")
    assert Article.objects.exclude(source_key="").count() == 1
