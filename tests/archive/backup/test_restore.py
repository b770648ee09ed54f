"""A restored site is complete: rows, pages, media, triggers and jobs."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import InternalError, connection
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from archive.backup import tables
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.images.uploads import read_upload
from articles.models import Site
from articles.services import change_site
from articles.site import branding
from comments.integrity import check
from core.backup_folder import last_backup
from moderation.models import RestrictedTextReading
from tests.archive.backup.site_contents import empty_site, media, pages, put_media, rows
from tests.articles.images.sample_images import encode_image, make_image, photo
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]


def test_a_site_comes_back_as_it_was(file: Path, paths: list[str]) -> None:
    put_media("ab/abc/full.jpg", b"\xff\xd8 a picture")
    put_media("ab/abc/320.avif", b"")
    before, shown, pictures = rows(), pages(paths), media()
    version = Site.objects.get().version
    assert [status for status, _ in shown] == [200] * len(paths)
    result = backup(file)
    # The backup itself logs one reading of restricted texts.
    assert before["moderation_restrictedtextreading"] == []
    assert RestrictedTextReading.objects.get(restriction=None, by=None).is_export
    before["moderation_restrictedtextreading"] = rows()["moderation_restrictedtextreading"]
    sequences = tables.read_sequences()
    assert result.notes == []
    assert result.last == last_backup()
    assert result.last.is_there
    assert result.last.sha256 == sha256(file.read_bytes()).hexdigest()
    assert result.last.counts == {"stories": 2, "comments": 6, "people": 3, "guests": 6, "media": 2}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]

    empty_site()
    for path in data_path("media").rglob("*"):
        path.is_file() and path.unlink()
    data_path("media").rename(data_path("media").with_name("gone"))
    done = restore(file)
    assert done.manifest.counts == result.last.counts
    assert rows() == before
    assert media() == pictures
    assert pages(paths) == shown
    assert check() == {}
    assert Site.objects.get().version > version, "a page cached from the empty site would count as current"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT bool_and(tgenabled = 'O') FROM pg_trigger WHERE tgname = 'transition_chain'")
        assert cursor.fetchone() == (True,)
    # The numbers that were given out after the backup do not come again.
    following = {name: last + is_called for name, (last, is_called) in tables.read_sequences().items()}
    assert following == {
        name: last + is_called + (0 if name in tables.EXCLUDED_SEQUENCES else 1_000_000)
        for name, (last, is_called) in sequences.items()
    }
    make_comment(make_article("Afterwards"), "And on.")
    assert check() == {}


def test_the_look_of_the_site_comes_back(file: Path, paths: list[str]) -> None:
    actor = User.objects.administrators()[0]
    upload = SimpleUploadedFile("logo.png", encode_image(photo(90, 60), "PNG"))
    logo = branding.store_logo(read_upload(upload), actor)
    change_site(accent="#b00020", logo=logo, icon=logo, logo_has_name=True)
    url = branding.accent_url(Site.objects.get())
    before, shown = Client().get(f"/site/logo-{logo.pk}.png").content, pages(["/"])
    assert url.encode() in shown[0][1]
    backup(file)

    empty_site()
    data_path("media").rename(data_path("media").with_name("gone"))
    restore(file)
    assert pages(["/"]) == shown
    assert Client().get(f"/site/logo-{logo.pk}.png").content == before


def test_the_triggers_of_the_log_are_restored(file: Path, paths: list[str]) -> None:
    def guards() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
            found = cursor.fetchall()
            cursor.execute(
                "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1"
            )
            found += cursor.fetchall()
            cursor.execute("SELECT indexname, indexdef FROM pg_indexes ORDER BY 1")
            return list(found + cursor.fetchall())

    backup(file)
    empty_site()
    before = guards()
    restore(file)
    assert guards() == before
    with connection.cursor() as cursor, pytest.raises(InternalError, match="append-only"):
        cursor.execute("UPDATE comments_transition SET seq = 1")


def test_an_image_in_a_story_is_restored_with_its_files(file: Path) -> None:
    image = make_image()
    story = make_article(body=f"Look:\n\n{image.markdown}")
    paths, pictures = [story.get_absolute_url()], media()
    assert len(pictures) > 1
    assert check() == {}
    before = pages(paths)
    assert backup(file).notes == []
    empty_site()
    data_path("media").rename(data_path("media").with_name("gone"))
    restore(file)
    assert media() == pictures
    assert pages(paths) == before
    assert b"<picture" in before[0][1]
    assert check() == {}


def test_a_site_that_has_lost_only_its_database_is_restored(file: Path) -> None:
    image = make_image()
    make_article(body=f"Look:\n\n{image.markdown}")
    backup(file)
    put_media("later/one.jpg", b"uploaded after the backup")
    pictures = media()
    next(data_path(image.folder).iterdir()).unlink()
    empty_site()
    with pytest.raises(CommandError, match="has lost only its database, restore with --keep-images"):
        call_command("restore", str(file))
    older = put_media("older/one.jpg", b"of another site")
    os.utime(older, (0, 0))
    with pytest.raises(CommandError, match="they are of another site"):
        call_command("restore", str(file), "--keep-images")
    older.unlink()
    link = data_path("media/elsewhere")
    link.symlink_to("/")
    with pytest.raises(CommandError, match="elsewhere is no regular file"):
        call_command("restore", str(file), "--keep-images")
    link.unlink()
    call_command("restore", str(file), "--keep-images")
    assert media() == pictures
    assert check() == {}


def test_a_site_without_media_is_restored(file: Path) -> None:
    assert backup(file).last.counts["media"] == 0
    data_path("media").mkdir()
    assert backup(file).last.counts["media"] == 0
    restore(file)
    assert media() == {}


def test_running_jobs_are_queued_again(file: Path) -> None:
    values = {"task_path": "tests.none", "args_kwargs": {"args": [], "kwargs": {}}, "worker_ids": ["gone"]}
    DBTaskResult.objects.create(status=TaskResultStatus.RUNNING, started_at=timezone.now(), **values)
    backup(file)
    empty_site()
    restore(file)
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY


@pytest.mark.parametrize("what", ["story", "person", "guest", "picture"])
def test_a_site_that_is_not_empty_is_refused(file: Path, what: str) -> None:
    backup(file)
    match what:
        case "story":
            make_article()
        case "person":
            UserFactory.create()
        case "guest":
            GuestFactory.create()
        case "picture":
            put_media("x/y.jpg", b"a picture")
    before, pictures = rows(), media()
    with pytest.raises(CommandError, match="This site is not empty"):
        call_command("restore", str(file))
    assert (rows(), media()) == (before, pictures)
