"""The folder of automatic backups, and the records of the last backup and the last failure.

`manage.py backup` writes to the file that it is given, `manage.py upgrade` into the data folder's backups/,
the scheduler into backups/nightly/ (archive/nightly.py). Each successful backup is recorded in `last.json`.
It is a file and not a row, because a backup before an upgrade is of a database that has the old tables. The
web server's user may read it; the backups themselves are readable by their owner only (mode 0600). If the
scheduler runs as another user than upgrades do, it cannot write into backups/ and has its own last.json in
nightly/.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from core.data_folder import make_folder


@dataclass(frozen=True)
class LastBackup:
    """The last complete backup. `counts`: the numbers of stories, comments, people and media (files)."""

    file: Path
    at: datetime  # the time of the state that the backup holds
    size: int  # bytes
    sha256: str  # of the whole file
    seconds: float  # duration
    counts: dict[str, int]

    @property
    def is_there(self) -> bool:
        """Return whether a file of that size is still there, as far as this process can see."""
        try:
            return self.file.stat().st_size == self.size
        except OSError:
            return False


def folder() -> Path:
    """Return the data folder's backups/, created if needed. Other users can enter it, but not list it."""
    path = Path(settings.HOME) / "backups"
    make_folder(path, 0o711)
    return path


def nightly_folder() -> Path:
    """Return the folder of the nightly backups, which may not exist yet."""
    return Path(settings.HOME) / "backups" / "nightly"


def unfinished_restore_file() -> Path:
    """Return the file that marks a restore without all its erasures. While it exists, nothing starts."""
    return Path(settings.HOME) / "restore.unfinished"


def last_backup() -> LastBackup | None:
    """Return the last backup; None if there was none in this data folder or its record can't be read."""
    found = map(_read_last, (nightly_folder().parent, nightly_folder()))
    return max(filter(None, found), key=lambda last: last.at, default=None)


def record_backup(backup: LastBackup) -> None:
    """Record the last backup. Raises OSError."""
    data = asdict(backup) | {"file": str(backup.file), "at": backup.at.isoformat()}
    try:
        _write_json(folder() / "last.json", data)
    except PermissionError:
        _write_json(nightly_folder() / "last.json", data)


@dataclass(frozen=True)
class BackupFailure:
    """The failure of the last nightly backup. `why` is a sentence."""

    at: datetime
    why: str
    is_told: bool = False  # whether administrators were notified


def last_failure() -> BackupFailure | None:
    """Return the failure of the last nightly backup; None if it succeeded."""
    try:
        data = json.loads(_failure_file().read_bytes())
        return BackupFailure(
            datetime.fromisoformat(data["at"]), str(data["why"]), data.get("is_told") is True
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record_failure(failure: BackupFailure) -> None:
    """Record a failure of the nightly backup. Raises OSError."""
    _write_json(_failure_file(), asdict(failure) | {"at": failure.at.isoformat()})


def clear_failure() -> None:
    """Delete the record of a failure, after a nightly backup that succeeded."""
    _failure_file().unlink(missing_ok=True)


def _failure_file() -> Path:
    return nightly_folder() / "failed.json"


def _read_last(directory: Path) -> LastBackup | None:
    try:
        data: dict[str, Any] = json.loads((directory / "last.json").read_bytes())
        data |= {"file": Path(data["file"]), "at": datetime.fromisoformat(data["at"])}
        return LastBackup(**data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_json(path: Path, data: dict[str, Any]) -> None:
    """Write the file under another name and rename it, so that nobody reads half of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(data, indent=2) + "\n")
        fresh.chmod(0o644)
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
