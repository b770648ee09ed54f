"""A backup is written from one snapshot, with every table and only ordinary files, or not at all."""

import os
import threading
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, connections

from archive.backup import tables
from archive.backup.container import open_backup
from archive.backup.restore import restore
from archive.backup.write import backup
from comments.integrity import check
from comments.models import Comment, Discussion, Reason, State
from moderation.actions.decisions import decide
from tests.archive.backup.site_contents import empty_site, members_of, put_media
from tests.factories import make_article, make_comment
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]


def test_every_table_is_in_the_backup_or_excluded_by_name(file: Path, paths: list[str]) -> None:
    backup(file)
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    with open_backup(file) as reader:
        copied = {member.name for member in reader.manifest.tables}
    assert there - copied == set(tables.EXCLUDED_TABLES)


def test_a_backup_is_one_snapshot_while_people_write(file: Path, paths: list[str]) -> None:
    """While eight threads post, reply, recommend and remove, the backup holds a state that existed."""
    articles, over, wrote = [make_article(f"Story {n}") for n in range(3)], threading.Event(), [0] * 8

    def write(seed: int) -> None:
        try:
            while not over.is_set():
                article = articles[wrote[seed] % 3]
                first = Comment.objects.filter(discussion=article.pk, state=State.PUBLISHED).last()
                with suppress(ValidationError):  # answered what another one removed
                    comment = make_comment(article, f"Words {seed}-{wrote[seed]}", parent=first)
                    if wrote[seed] % 5 == 0:
                        decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
                    wrote[seed] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    try:
        while sum(wrote) < 40:
            threading.Event().wait(0.01)
        before = Comment.objects.count()
        result = backup(file)
        after = Comment.objects.count()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert before <= result.last.counts["comments"] <= after < Comment.objects.count() + 1
    assert sum(wrote) > 40
    empty_site()
    restore(file)
    assert Comment.objects.count() == result.last.counts["comments"]
    assert check() == {}
    for discussion in Discussion.objects.all():
        assert make_comment(discussion.article, "Goes on.").pk


def test_links_are_not_followed(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    real = put_media("ab/real.jpg", b"a picture")
    (data_path("media") / "ab" / "link.jpg").symlink_to(secret)
    (data_path("media") / "folder").symlink_to(tmp_path)
    (real.parent / ".half.jpg").write_bytes(b"being written")
    result = backup(file)
    assert len(result.notes) == 2
    assert all("not an ordinary file" in note for note in result.notes)
    names = [member.filename for member in members_of(file)]
    assert [name for name in names if name.startswith("media")] == ["media/ab/real.jpg"]
    assert b"a secret" not in file.read_bytes()


def test_a_media_folder_on_another_disk_is_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    data_path("media").symlink_to(tmp_path / "disk")
    put_media("ab/real.jpg", b"a picture")
    backup(file)
    (tmp_path / "disk" / "ab" / "real.jpg").unlink()
    (tmp_path / "disk" / "ab").rmdir()
    restore(file)
    assert (tmp_path / "disk" / "ab" / "real.jpg").read_bytes() == b"a picture"


def test_an_image_that_is_damaged_on_the_disk_is_noted(file: Path) -> None:
    digest = sha256(b"a picture").hexdigest()
    put_media(f"{digest[:2]}/{digest}/full.jpg", b"another one")
    (note,) = backup(file).notes
    assert "Damaged already" in note


def test_a_backup_that_fails_leaves_the_earlier_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(file)
    kept = file.read_bytes()
    monkeypatch.setattr(tables, "read_sequences", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup(file)
    assert file.read_bytes() == kept
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]


def test_a_full_disk_is_noticed_before_the_backup(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.backup.write.shutil.disk_usage", lambda path: os.statvfs_result([0] * 10))
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("archive.backup.write.shutil.disk_usage", lambda path: usage)
    with pytest.raises(CommandError, match=r"it may take .* MB, and .* has 0.0 MB left"):
        call_command("backup", str(file))
    assert not file.exists()


def test_the_command_counts_what_the_file_has(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_media("ab/picture.avif", b"a picture")
    call_command("backup", str(file))
    assert " 0 accounts, 0 guests, 1 media file; " in capsys.readouterr().out


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        call_command("backup", str(tmp_path / "nowhere" / "site.zip"))
    with pytest.raises(CommandError, match="is not a file"):
        call_command("backup", str(tmp_path))
