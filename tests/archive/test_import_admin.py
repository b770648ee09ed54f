"""The import page of the admin."""

import re

import pytest
from django.urls import reverse

from accounts.models import EDITOR, MODERATOR, READER
from archive.models import Import
from archive.services import import_page
from articles.models import Article
from comments.models import Transition
from moderation.actions.decisions import undo
from tests.archive.saved_pages import ADD, import_saved_page, page, upload
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db


def test_an_editor_imports_a_story(client, emil):
    client.force_login(emil)
    opened = client.get(ADD)
    assert opened.status_code == 200
    assert "errorlist" not in opened.text

    sent = {"file": upload(), "source": "The Post", "url": "https://post.example/2014/ferry/"}
    answer = client.post(ADD, sent, follow=True)

    assert answer.redirect_chain == [(f"/admin/archive/import/{Import.objects.get().pk}/change/", 302)]
    shown = answer.content.decode()
    assert "Comments imported: 4. Existing: 0." in shown
    closed = "The discussion is closed: readers see it and cannot add comments."
    assert f'{closed} <a href="/moderation/discussions/">Discussions</a>' in shown
    assert "The old URL /2014/ferry/ leads to the story." in shown
    assert (
        "lines were left out: they belong to the site and not to the story. To see them, choose the file "
        "again and press “Preview import”."
    ) in shown
    again = client.post(ADD, {"file": upload(), "preview": "1"}, follow=True).text
    assert "Left out: lines that belong to the site and not to the story" in again
    article = Article.objects.get()
    assert article.source_name == "The Post"
    assert article.get_absolute_url() in answer.content.decode()
    assert list(Import.objects.values_list("filename", "actor", "action__actor")) == [
        ("ferry.txt", emil.pk, emil.pk)
    ]
    assert set(Transition.objects.values_list("actor", flat=True)) == {emil.pk}


def test_an_editor_previews_an_import(client, emil):
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(), "source": "The Post", "preview": "1"})
    assert answer.status_code == 302
    answer = client.get(answer["Location"])  # a reload, or Back after the import, sends nothing again
    assert 'value="The Post"' in answer.content.decode()
    assert "This is a preview: nothing was written." in answer.content.decode()
    assert not Article.objects.exists()


def test_a_preview_reads_its_file_once(client, emil, monkeypatch):
    calls = []

    def count_call(**options):
        calls.append(options["dry_run"])
        return import_page(**options)

    monkeypatch.setattr("archive.admin.import_page", count_call)
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(), "preview": "1"}, follow=True)
    assert "This is a preview: nothing was written." in answer.text
    assert calls == [True]


def test_a_preview_of_a_refused_file_shows_the_error_and_keeps_the_fields(client, emil):
    client.force_login(emil)
    sent = {"file": upload(data=b"Dear diary"), "source": "The Post", "preview": "1"}
    answer = client.post(ADD, sent, follow=True)
    assert answer.context["report"] is None
    assert "Line 1: " in answer.context["form"].errors["file"][0]
    assert "Nothing was imported." in answer.text
    assert 'value="The Post"' in answer.text
    answer = client.post(ADD, {"source": "The Post", "preview": "1"})
    assert answer.context["form"].errors.keys() == {"file"}
    assert 'value="The Post"' in answer.text
    assert not Article.objects.exists()


def test_an_import_of_nothing_new_shows_the_last_import_of_the_story(client, emil):
    client.force_login(emil)
    import_saved_page(page(3))
    import_saved_page(page(4))
    last = Import.objects.latest("at")
    answer = client.post(ADD, {"file": upload(data=page(4))}, follow=True)
    assert answer.redirect_chain == [(f"/admin/archive/import/{last.pk}/change/", 302)]
    assert "Nothing is new." in answer.content.decode()
    assert Import.objects.count() == 2


def test_an_import_shows_itself_and_not_one_that_came_at_the_same_time(client, emil, monkeypatch):
    def import_twice(**options):
        report = import_page(**options)
        import_saved_page(page(4))
        return report

    monkeypatch.setattr("archive.admin.import_page", import_twice)
    client.force_login(emil)
    answer = client.post(ADD, {"file": upload(data=page(3))})
    own = Import.objects.get(filename="ferry.txt")
    assert answer["Location"] == f"/admin/archive/import/{own.pk}/change/"
    assert Import.objects.count() == 2


def test_the_page_of_an_import_links_to_a_draft_only_for_its_editors(client, emil):
    article = import_saved_page(page(3)).article
    undo(action=Import.objects.get().action, actor=None)
    entry = f"/admin/archive/import/{Import.objects.get().pk}/change/"
    client.force_login(emil)
    assert "The story is not published yet." in client.get(entry).text
    assert article.get_absolute_url() not in client.get(entry).text
    assert f"/admin/articles/article/{article.pk}/change/" in client.get(entry).text
    article.editors.add(UserFactory.create(roles=(EDITOR,)))
    assert f"/admin/articles/article/{article.pk}/change/" not in client.get(entry).text


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
    import_saved_page(page(3))
    import_saved_page(page(4))
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


def test_an_editor_opens_and_undoes_an_import_of_an_own_story(client, emil):
    article = import_saved_page(page(3), actor=emil).article
    action = Import.objects.get(article=article).action
    page_url = reverse("moderation:action", args=[action.pk])
    client.force_login(emil)
    assert page_url in client.get(reverse("moderation:history")).text
    article.editors.set([UserFactory.create(roles=("Editor",))])
    assert client.get(page_url).status_code == 404
    article.editors.set([emil])
    assert client.get(page_url).status_code == 200
    assert client.post(reverse("moderation:undo", args=[action.pk])).status_code == 302
    article.refresh_from_db()
    assert article.published_at is None


def test_the_list_and_the_page_of_an_undone_import_say_so(client, ada, emil):
    def listed() -> list[str]:
        return re.findall(r'class="field-status">([^<]*)<', client.get("/admin/archive/import/").text)

    article = import_saved_page(page(3), actor=emil).article
    brought = Import.objects.get(article=article)
    entry = f"/admin/archive/import/{brought.pk}/change/"
    client.force_login(emil)
    assert (
        f'<a href="/moderation/actions/{brought.action.pk}/">What this import changed, with Undo</a>'
        in client.get(entry).text
    )
    assert "Undone" not in client.get(entry).text
    assert listed() == ["Imported"]

    undone = undo(action=brought.action, actor=ada).action
    link = f'href="/moderation/actions/{undone.pk}/"'
    assert "Undone by Ada, " in client.get(entry).text
    assert "What this import changed" not in client.get(entry).text
    assert listed() == ["Undone"]
    assert link not in client.get(entry).text  # an editor sees their own actions only
    client.force_login(ada)
    assert link in client.get(entry).text

    undo(action=undone, actor=ada)
    shown = client.get(entry).text
    assert "Undone, then done again by Ada, " in shown
    assert "Undone by" not in shown
    assert listed() == ["Imported"]


def test_a_story_written_here_has_no_source_key():
    import_saved_page(page())
    make_article(title="The ferry will not sail on Sundays")
    assert Article.objects.exclude(source_key="").count() == 1
