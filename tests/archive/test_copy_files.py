"""A site that moves its files from the data folder into a bucket, and back."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from archive import nightly, pending_uploads
from archive.backup.container import open_backup
from archive.models import PersonalDataFile
from archive.nightly import list_nightly, make_nightly_backup
from archive.personal_data import files as personal_data
from articles.images.services import UNUSED_MARKER, delete_image, delete_unused_files
from articles.models import Image, Site
from comments.models import Comment, Reason, State
from core import erasure_log, files
from core.backup_folder import BackupFailure, last_backup, last_failure, record_failure
from core.files import storage
from moderation.actions.decisions import decide
from moderation.erasure import purge
from moderation.people.profiles import Person
from tests.articles.images.sample_images import jpeg, make_image
from tests.conftest import use_store
from tests.factories import confirm_email, make_article, make_comment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def erase(comment: Comment, actor: User) -> None:
    decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=actor)
    group = purge.make_list(states=[State.SPAM], days=0, actor=actor)
    assert group
    assert purge.purge_list(group=group, actor=actor).purged == 1


def copy_files(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str]:
    """Run the command, and return what it says about each folder."""
    capsys.readouterr()
    call_command("copy_files", *options)
    lines = capsys.readouterr().out.splitlines()
    return dict(tuple(line.split(": ", 1)) for line in lines)


def is_served(image: Image, content: bytes) -> bool:
    response = Client().get(f"/images/{image.pk}/w400.webp")
    return response.status_code == 200 and response.content == content


@pytest.fixture
def in_the_data_folder(bucket: str, settings: Any) -> dict[str, Any]:
    """Keep the files in the data folder, and return the STORAGES of the bucket."""
    shared: dict[str, Any] = settings.STORAGES
    use_store(settings, "")
    return shared


def test_a_site_moves_into_a_bucket_and_back(
    in_the_data_folder: dict[str, Any],
    settings: Any,
    ada: User,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nightly, "EARLIEST_HOUR", 0)
    # A site with everything in the data folder
    image = make_image()
    story = make_article("The slip closes", body=f"![](image:{image.pk})")
    first, second = make_comment(story, "Buy casino."), make_comment(story, "Her number is 555.")
    erase(first, ada)
    kept = pending_uploads.store(b"a story", filename="story.txt", owner=ada)
    Site.objects.update(backs_up_nightly=True, backups_kept=2)
    make_nightly_backup()
    picture = files.read(f"{image.folder}/w400.webp")
    erasures = erasure_log.read_all()
    assert len(erasures) == 1

    # The site moves into the bucket
    local, settings.STORAGES = settings.STORAGES, in_the_data_folder
    assert not is_served(image, picture)
    output = copy_files(capsys)
    assert output["media"].startswith(f"{len(list(storage().list_files('media')))} copied")
    assert [output[folder][:8] for folder in ("imports", "backups", "erasures")] == [
        "1 copied",
        "2 copied",
        "1 copied",
    ]
    assert all(text.startswith("0 copied (0.0 MB)") for text in copy_files(capsys).values())
    shutil.rmtree(settings.HOME)
    settings.HOME.mkdir()
    call_command("check_integrity")
    assert is_served(image, picture)
    assert pending_uploads.find(kept.token, owner=ada).read() == b"a story"
    assert erasure_log.read_all() == erasures

    # A backup, an erasure after it, and a restore
    backup = last_backup()
    assert backup
    assert not backup.is_there  # the record has the path on the other machine
    storage().delete(list_nightly()[0].name)
    make_nightly_backup()
    backup = last_backup()
    assert backup
    assert backup.is_there
    assert backup.location.endswith(f"/{list_nightly()[0].name}")
    erase(second, ada)
    erasures = erasure_log.read_all()
    assert len(erasures) == 2
    assert not erasure_log.path().exists()
    call_command("flush", interactive=False, verbosity=0)
    storage().delete(f"{image.folder}/w400.webp")  # the other files of the image stay
    call_command("restore", str(backup.file), "--keep-images")
    assert "Comments permanently deleted: 1" in capsys.readouterr().out
    assert [one.body for one in Comment.objects.all()] == ["", ""]
    call_command("check_integrity")
    assert is_served(image, picture)

    # The site moves back into the data folder
    erasures = erasure_log.read_all()  # the log includes the erasure that the restore repeated
    output = copy_files(capsys, "--back")
    settings.STORAGES = local
    assert output["erasures"].startswith("3 copied")
    call_command("check_integrity")
    assert is_served(image, picture)
    assert erasure_log.read_all() == erasures
    assert (settings.HOME / backup.file).stat().st_mode & 0o777 == 0o600
    assert (settings.HOME / "backups" / "last.json").stat().st_mode & 0o777 == 0o644


def test_without_a_bucket_there_is_nothing_to_copy() -> None:
    with pytest.raises(CommandError, match="FILES_URL is not set"):
        call_command("copy_files")


def test_a_store_that_stops_is_reported(in_the_data_folder: dict[str, Any], settings: Any) -> None:
    files.save("media/ab/one.jpg", b"one")
    use_store(settings, "s3://k:s@127.0.0.1:9/gone")
    with pytest.raises(CommandError, match="Not everything was copied: the store of the files"):
        call_command("copy_files")


def test_an_image_in_a_bucket_is_checked_at_each_request(bucket: str, client: Client, emil: User) -> None:
    image = make_image()
    address = f"/images/{image.pk}/w400.webp"
    assert client.get(address).status_code == 404  # no published story shows the image
    client.force_login(emil)
    response = client.get(address)
    assert response.content == files.read(f"{image.folder}/w400.webp")
    storage().delete_folder(image.folder)
    unchanged = client.get(address, headers={"If-None-Match": response["ETag"]})
    assert unchanged.status_code == 304  # before the file is read
    assert client.get(address).status_code == 404


def test_unused_images_are_deleted_from_a_bucket(bucket: str, time_machine: Any) -> None:
    image, other = make_image(is_ready=False), make_image(jpeg(300, 200), is_ready=False)
    Image.objects.filter(pk=other.pk).delete()
    assert delete_unused_files() == 0
    assert storage().exists(f"{other.folder}/{UNUSED_MARKER}")
    time_machine.move_to(timezone.now() + timedelta(days=8))
    assert delete_unused_files() == 1
    assert [file.name for file in storage().list_files("media")] == [image.full_file]
    delete_image(image=image)
    assert list(storage().list_files("media")) == []


def test_a_file_of_personal_data_is_stored_in_the_bucket(bucket: str, client: Client, ada: User) -> None:
    confirm_email(ada)
    make_comment(make_article(), "What Ada said.", author=ada)
    row = personal_data.request_file(Person(user=ada))
    assert row
    personal_data.make_file.call(str(row.pk))
    client.force_login(ada)
    response = client.get("/account/data/file/")
    content = b"".join(response.streaming_content)
    assert content == files.read(personal_data.file_name(row.pk))
    assert response["Content-Length"] == str(len(content))
    personal_data.delete_files(Person(user=ada))
    assert list(storage().list_files("personal_data")) == []
    assert not PersonalDataFile.objects.exists()


def test_nightly_backups_are_stored_in_the_bucket(bucket: str, time_machine: Any) -> None:
    Site.objects.update(backs_up_nightly=True, backups_kept=2)
    record_failure(BackupFailure(timezone.now(), "The disk was full."))
    for night in range(3):
        time_machine.move_to(NOON + timedelta(days=night))
        assert make_nightly_backup().startswith("soundoff-")
        assert make_nightly_backup() == "no backup is due yet"
    assert last_failure() is None
    first, second = list_nightly()
    assert first.name < second.name
    with open_backup(Path(second.name)) as reader:
        assert reader.manifest.counts["stories"] == 0
