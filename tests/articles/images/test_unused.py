"""Tests of the job that deletes unused files: it waits a week, and keeps the files of all images."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from articles.images import services
from articles.images.services import add_image, delete_image, delete_unused_files
from articles.images.uploads import read_upload
from articles.models import Image
from tests.articles.images.sample_images import jpeg, make_image, upload
from tests.factories import make_article
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]

DAY = timedelta(days=1)


def later(days: int) -> Any:
    return time_machine.travel(timezone.now() + days * DAY)


def folders() -> set[Path]:
    return set(Path(settings.HOME, "media").glob("*/*"))


@pytest.fixture
def failed() -> Path:
    """Return the folder of an image whose save failed after its files were written."""
    decoded = read_upload(upload(jpeg(300, 200)))
    with pytest.raises(IntegrityError):
        add_image(decoded=decoded, actor=None, alt="")  # the database rejects an empty alternative text
    (folder,) = folders()
    assert (folder / "full.jpg").exists()
    return folder


def test_the_files_of_a_failed_save_are_deleted_after_a_week(failed):
    used = make_image(is_ready=False)  # in no story: a draft or what somebody types may name it
    assert delete_unused_files() == 0
    with later(6):
        assert delete_unused_files() == 0
    assert failed.exists()
    with later(8):
        assert delete_unused_files() == 1
    assert folders() == {data_path(used.folder)}


def test_a_folder_that_is_used_again_is_kept(failed):
    delete_unused_files()
    again = make_image(jpeg(300, 200), is_ready=False)
    assert data_path(again.folder) == failed
    with later(8):
        assert delete_unused_files() == 0
        assert [path.name for path in failed.iterdir()] == ["full.jpg"]
    make_article(body=f"![](image:{again.pk})")
    # The state after a restore of an older database.
    Image.objects.filter(pk=again.pk).update(digest="0" * 64)
    with later(9):
        assert delete_unused_files() == 0  # the job notices the unused folder for the first time
    assert failed.exists()


def test_an_image_uploaded_while_the_job_runs_keeps_its_files(failed, monkeypatch):
    delete_unused_files()
    forget = services.delete_files

    def first_an_upload(digest: str) -> bool:
        make_image(jpeg(300, 200), is_ready=False)
        return forget(digest)

    monkeypatch.setattr(services, "delete_files", first_an_upload)
    with later(8):
        assert delete_unused_files() == 0
    assert (failed / "full.jpg").exists()


def test_other_files_are_left_alone():
    root = Path(settings.HOME, "media")
    for name in ("ab/notes", "ab/" + "f" * 63, "mail/letters"):
        (root / name).mkdir(parents=True)
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (root / "ab" / ("a" * 64)).symlink_to(elsewhere)
    for days in (0, 30):
        with later(days):
            assert delete_unused_files() == 0
    assert len(folders()) == 4
    assert not list(elsewhere.iterdir())


def test_deleting_an_image_deletes_its_files(django_capture_on_commit_callbacks):
    image = make_image(is_ready=False)
    with django_capture_on_commit_callbacks(execute=True):
        delete_image(image=image)
    assert folders() == set()
