from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.backup_folder import LastBackup, last_backup, record_backup

pytestmark = pytest.mark.usefixtures("own_folder")


def test_the_last_backup_is_recorded(tmp_path: Path) -> None:
    assert last_backup() is None
    file = tmp_path / "site.zip"
    made = LastBackup(file, datetime(2026, 11, 26, 1, 2, tzinfo=UTC), 5, "ab" * 32, 0.5, {"comments": 3})
    record_backup(made)
    assert last_backup() == made
    assert not made.is_there
    file.write_bytes(b"12345")
    assert made.is_there
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["last.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "x", "at": "never"}'])
def test_an_unreadable_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "last.json").write_text(text)
    assert last_backup() is None
