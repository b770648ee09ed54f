"""Backups whose manifest was rewritten with correct digests are refused if they are wrong."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from archive.backup import container
from archive.backup.container import BackupError, BackupWriter, is_safe, open_backup
from archive.backup.restore import restore
from archive.backup.write import backup
from tests.archive.backup.site_contents import assert_untouched_by, empty_site, media, put_media, rows
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]


def rewrite_manifest(file: Path, change: Any, *, more: dict[str, bytes] | None = None) -> None:
    """Write the backup again with a changed manifest and correct digests, as an attacker would."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop(container.MANIFEST))
    change(manifest)
    with file.open("wb") as out:
        writer = BackupWriter(out)
        for name, data in {**members, **(more or {})}.items():
            with writer.open_member(name, compress=True) as member:
                member.write(data)

        class RewrittenManifest:
            def to_json(self) -> bytes:
                return json.dumps(manifest).encode()

        writer.finish(RewrittenManifest())  # type: ignore[arg-type]


def test_a_rewritten_backup_can_be_restored(file: Path, paths: list[str]) -> None:
    backup(file)
    before = rows()
    empty_site()
    rewrite_manifest(file, lambda manifest: None)
    restore(file)
    assert rows() == before


def test_another_format_and_a_later_version_are_refused(file: Path) -> None:
    backup(file)
    kept = file.read_bytes()
    rewrite_manifest(file, lambda manifest: manifest.update(format=2))
    assert_untouched_by(file, "is of format 2; this version of Soundoff reads format 1")
    file.write_bytes(kept)
    rewrite_manifest(
        file, lambda manifest: manifest["migrations"]["comments"].append("0999_threads_in_space")
    )
    assert_untouched_by(
        file,
        r"made by a later version of Soundoff .*comments.0999_threads_in_space, which this version .* lacks",
    )
    file.write_bytes(kept)
    rewrite_manifest(file, lambda manifest: manifest["migrations"]["comments"].pop())
    assert_untouched_by(file, "made by an earlier version, before comments.*without tables")


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../evil", "a//b", ".hidden", "a\\b", "c:evil", "a\0b", ""]
)
def test_a_path_that_leads_out_is_refused(file: Path, home: Path, name: str) -> None:
    assert not is_safe(name)
    backup(file)
    evil = {"name": name, "size": 4, "sha256": sha256(b"evil").hexdigest(), "rows": 0, "columns": []}
    rewrite_manifest(file, lambda manifest: manifest["media"].append(evil), more={f"media/{name}": b"evil"})
    assert_untouched_by(file, "whose path leads out of media/")
    assert not list(home.parent.rglob("*evil*"))


def test_an_unlisted_or_missing_part_is_refused(file: Path) -> None:
    backup(file)
    kept = file.read_bytes()
    rewrite_manifest(file, lambda manifest: None, more={"media/more": b"more"})
    assert_untouched_by(file, "holds 'media/more', which its list does not name")
    file.write_bytes(kept)
    member = {"name": "less", "size": 4, "sha256": "", "rows": 0, "columns": []}
    rewrite_manifest(file, lambda manifest: manifest["media"].append(member))
    assert_untouched_by(file, "lacks 'media/less', which its list names")
    file.write_bytes(kept)
    rewrite_manifest(file, lambda manifest: manifest["tables"][0].update(name='x"; DROP TABLE y'))
    assert_untouched_by(file, "names a table that can't be one of Soundoff's")
    file.write_bytes(kept)
    rewrite_manifest(file, lambda manifest: manifest["tables"].pop(), more=None)
    with pytest.raises(BackupError, match="which its list does not name"), open_backup(file):
        pass


@pytest.mark.parametrize(
    "wrong", [{"name": 5}, {"name": None}, {"columns": [1]}, {"columns": None}, {"size": -1}]
)
def test_an_invalid_manifest_is_refused(file: Path, wrong: dict[str, Any]) -> None:
    backup(file)
    rewrite_manifest(file, lambda manifest: manifest["tables"][0].update(wrong))
    assert_untouched_by(file, "that this version of Soundoff can't read")


def test_media_with_another_content_are_refused(file: Path) -> None:
    put_media("ab/abc/full.jpg", b"as it was")
    backup(file)
    data_path("media").rename(data_path("media").with_name("gone"))
    rewrite_manifest(file, lambda manifest: manifest["media"][0].update(sha256="0" * 64))
    assert_untouched_by(file, "damaged in media/ab/abc/full.jpg")


def test_contradicting_rows_are_rolled_back(file: Path, paths: list[str]) -> None:
    """A comment whose story is missing: the digests are correct, and the foreign keys are not."""
    put_media("ab/abc/full.jpg", b"a picture")
    backup(file)
    empty_site()
    data_path("media").rename(data_path("media").with_name("gone"))

    def without_articles(manifest: dict[str, Any]) -> None:
        for table in manifest["tables"]:
            if table["name"] == "articles_article":
                table.update(rows=0, size=0, sha256=sha256(b"").hexdigest())

    rewrite_manifest(file, without_articles, more={"tables/articles_article.copy": b""})
    before = rows()
    with pytest.raises(BackupError, match="contradicts itself"):
        restore(file)
    assert rows() == before
    assert media() == {}
