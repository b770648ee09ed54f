"""The file of a preview, which is kept for the import."""

import os
import re
import time
from dataclasses import replace

import pytest
from django.utils.html import escape

from accounts.models import EDITOR
from archive import pending_uploads
from archive.models import Import
from articles.models import Article
from core.files import storage
from core.files.folder import DataFolderStorage
from tests.archive.saved_pages import ADD, page, upload
from tests.factories import UserFactory
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db


def upload_token(answer):
    return re.search(r'name="kept" value="([^"]+)"', answer.content.decode())[1]


def test_a_previewed_file_is_imported_without_choosing_it_again(client, emil):
    client.force_login(emil)
    preview = client.post(ADD, {"file": upload(), "source": "The Post", "preview": "1"}, follow=True)
    assert "ferry.txt is kept for at most a day" in preview.content.decode()
    done = client.post(ADD, {"kept": upload_token(preview), "source": "The Post"}, follow=True)
    assert "Comments imported: " in done.content.decode()
    assert Article.objects.get().source_name == "The Post"
    assert Import.objects.get().filename == "ferry.txt"


def test_a_preview_can_be_repeated_without_the_file(client, emil):
    client.force_login(emil)
    first = client.post(ADD, {"file": upload(), "preview": "1"}, follow=True)
    second = client.post(
        ADD, {"kept": upload_token(first), "source": "The Post", "preview": "1"}, follow=True
    )
    assert upload_token(second) == upload_token(first)
    assert not Article.objects.exists()


def test_a_form_that_is_sent_again_does_not_import_twice(client, emil):
    client.force_login(emil)
    preview = client.post(ADD, {"file": upload(), "preview": "1"})["Location"]
    sent = {"kept": upload_token(client.get(preview))}
    client.post(ADD, sent)
    for again in client.post(ADD, sent), client.get(preview):
        assert "it was imported already" in again.context["form"].errors["file"][0]
    assert "Nothing was imported." not in client.get(preview).text  # the file was imported before
    assert (Article.objects.count(), Import.objects.count()) == (1, 1)


def test_a_refused_form_still_has_the_kept_file(client, emil):
    client.force_login(emil)
    token = upload_token(client.post(ADD, {"file": upload(), "preview": "1"}, follow=True))
    refused = client.post(ADD, {"kept": token, "url": "no URL"})
    assert refused.context["form"].errors.keys() == {"url"}
    assert upload_token(refused) == token
    newer = {"file": upload("export.txt", b"<rss xmlns:wp='http://wordpress.org/export/1.2/'>")}
    refused = client.post(ADD, {"kept": token, **newer})
    assert refused.context["form"].errors.keys() == {"file"}
    assert upload_token(refused) == token
    assert "ferry.txt is kept for at most a day" in refused.text  # the other file was refused
    done = client.post(ADD, {"kept": token, "source": "The Post"}, follow=True)
    assert 'name="kept"' not in done.content.decode()
    assert Import.objects.get().filename == "ferry.txt"


def test_a_file_that_another_request_deletes_does_not_matter(emil, monkeypatch):
    first = pending_uploads.store(b"x", filename="a.txt", owner=emil)
    deleted = replace(next(storage().list_files("imports")), name=f"imports/{emil.pk}-deleted")
    found = [deleted, *storage().list_files("imports")]
    monkeypatch.setattr(DataFolderStorage, "list_files", lambda storage, folder: iter(found))
    assert pending_uploads.store(b"y", filename="b.txt", owner=emil).read() == b"y"
    assert first.read() == b"x"


def test_a_new_file_replaces_the_kept_one(client, emil):
    client.force_login(emil)
    token = upload_token(client.post(ADD, {"file": upload(data=page(3)), "preview": "1"}, follow=True))
    client.post(ADD, {"kept": token, "file": upload("newer.txt", page(4))})
    assert Import.objects.get().filename == "newer.txt"


def test_a_pending_upload_belongs_to_its_owner(client, emil):
    client.force_login(emil)
    token = upload_token(client.post(ADD, {"file": upload(), "preview": "1"}, follow=True))
    client.force_login(UserFactory.create(roles=(EDITOR,)))
    for sent in (token, "made-up"):
        assert client.post(ADD, {"kept": sent}).context["form"].errors.keys() == {"file"}
    assert not Article.objects.exists()


def test_a_pending_upload_is_deleted_after_a_day(client, emil):
    client.force_login(emil)
    token = upload_token(client.post(ADD, {"file": upload(), "preview": "1"}, follow=True))
    path = data_path(pending_uploads.find(token, owner=emil).storage_name)
    assert pending_uploads.delete_expired() == 0
    old = time.time() - pending_uploads.UPLOAD_RETENTION.total_seconds() - 1
    os.utime(path, (old, old))
    assert pending_uploads.delete_expired() == 1
    assert client.post(ADD, {"kept": token}).context["form"].errors.keys() == {"file"}


def test_only_the_last_files_of_a_person_are_kept(emil):
    tokens = [pending_uploads.store(b"x", filename=f"{n}.txt", owner=emil).token for n in range(7)]
    for token in tokens[:2]:
        with pytest.raises(pending_uploads.UploadUnavailableError):
            pending_uploads.find(token, owner=emil)
    assert pending_uploads.find(tokens[-1], owner=emil).filename == "6.txt"


def test_a_preview_shows_the_lines_that_belong_to_the_site(client, emil):
    client.force_login(emil)
    shown = client.post(ADD, {"file": upload(), "preview": "1"}, follow=True)
    for number, text in shown.context["report"].boilerplate.items():
        assert f'<tr><td>{number}</td><td dir="auto">{escape(text)}</td></tr>' in shown.content.decode()
    assert shown.context["report"].boilerplate
