"""Damaged, cut and other files are refused, and the site stays as it was."""

import os
import zipfile
from pathlib import Path

import pytest

from archive.backup.container import BackupError, open_backup
from archive.backup.write import backup
from moderation.models import FilterVersion
from tests.archive.backup.site_contents import assert_untouched_by, empty_site, members_of, put_media
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("moderation_without_checks")]


def test_a_flipped_bit_in_any_part_is_found_and_the_part_named(file: Path, paths: list[str]) -> None:
    put_media("ab/abc/full.jpg", os.urandom(2000))
    backup(file)
    whole, found = bytearray(file.read_bytes()), 0
    empty_site()
    data_path("media").rename(data_path("media").with_name("gone"))
    for member in members_of(file):
        start = member.header_offset + 30 + sum(whole[member.header_offset + n] for n in (26, 28))
        place = start + (member.compress_size // 2 if member.file_size else 0)
        whole[place] ^= 4
        file.write_bytes(whole)
        whole[place] ^= 4
        with pytest.raises(BackupError, match=f"damaged in {member.filename}"), open_backup(file):
            pass
        found += 1
    assert found > 40
    assert_untouched_by(file, "damaged in ")


def test_a_flipped_bit_anywhere_is_found(file: Path) -> None:
    FilterVersion.objects.all().delete()  # the weights of the starter would be most of the file
    backup(file)
    whole = bytearray(file.read_bytes())
    with open_backup(file):
        pass
    for place in [*range(0, len(whole), 997), *range(len(whole) - 400, len(whole))]:
        for bit in (1, 128):
            whole[place] ^= bit
            file.write_bytes(whole)
            whole[place] ^= bit
            with (
                pytest.raises(
                    BackupError, match=r"damaged|is not a backup|its list|which this version|can't read"
                ),
                open_backup(file),
            ):
                pass


def test_a_cut_file_is_found_at_any_length(file: Path) -> None:
    backup(file)
    whole = file.read_bytes()
    for length in [0, 1, 4, 30, 1000, len(whole) // 2, *range(len(whole) - 200, len(whole), 7)]:
        file.write_bytes(whole[:length])
        with (
            pytest.raises(BackupError, match=r"is empty|is not a backup|damaged or incomplete|damaged"),
            open_backup(file),
        ):
            pass
    file.write_bytes(whole + b"\0")
    with pytest.raises(BackupError, match=r"damaged|not a backup"), open_backup(file):
        pass
    assert_untouched_by(file, "damaged|not a backup")


def test_a_file_that_is_no_backup_is_refused(file: Path) -> None:
    assert_untouched_by(file, "No such file")
    file.write_text("A letter.")
    assert_untouched_by(file, "is not a backup of Soundoff")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "A letter in an envelope.")
    assert_untouched_by(file, "is not a backup of Soundoff")
