"""The automatic backups in the storage (core/files), and the records of the last backup and the last failure.

`manage.py backup` writes to the file that it is given, `manage.py upgrade` into backups/, the scheduler into
backups/nightly/ (archive/nightly.py). Each successful backup is recorded in `last.json`. It is a file and not
a row, because a backup before an upgrade is of a database that has the old tables. In the data folder the web
server's user may read it; the backups themselves are readable by their owner only (mode 0600). If the
scheduler runs as another user than upgrades do, it cannot write into backups/ and has its own last.json in
nightly/.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core import files

FOLDER = "backups"
NIGHTLY_FOLDER = f"{FOLDER}/nightly"
UNFINISHED_RESTORE = "restore.unfinished"  # marks a restore without all its erasures. Nothing starts then.
_FAILURE = f"{NIGHTLY_FOLDER}/failed.json"


@dataclass(frozen=True)
class LastBackup:
    """The last complete backup. `counts`: the numbers of stories, comments, people and media (files)."""

    file: Path  # absolute, or the name of a file in a storage that several servers share
    at: datetime  # the time of the state that the backup holds
    size: int  # bytes
    sha256: str  # of the whole file
    seconds: float  # duration
    counts: dict[str, int]

    @property
    def location(self) -> str:
        """Return the location of the file, for people."""
        name = str(self.file)
        return name if self.file.is_absolute() else files.storage().describe_location(name)

    @property
    def is_there(self) -> bool:
        """Return whether a file of that size is still there, as far as this process can see."""
        try:
            if self.file.is_absolute():
                return self.file.stat().st_size == self.size
            return files.quick_storage().size(str(self.file)) == self.size
        except OSError:
            return False


def last_backup() -> LastBackup | None:
    """Return the last backup; None if there was none or its record can't be read."""
    found = [_read_last(folder) for folder in (FOLDER, NIGHTLY_FOLDER)]
    return max(filter(None, found), key=lambda last: last.at, default=None)


def record_backup(backup: LastBackup) -> None:
    """Record the last backup. Raises OSError."""
    data = asdict(backup) | {"file": str(backup.file), "at": backup.at.isoformat()}
    try:
        _write_json(f"{FOLDER}/last.json", data)
    except PermissionError:
        _write_json(f"{NIGHTLY_FOLDER}/last.json", data)


@dataclass(frozen=True)
class BackupFailure:
    """The failure of the last nightly backup. `why` is a sentence."""

    at: datetime
    why: str
    is_notified: bool = False  # whether administrators got a mail about it


def last_failure() -> BackupFailure | None:
    """Return the failure of the last nightly backup; None if it succeeded or its record can't be read."""
    try:
        data = json.loads(files.read(_FAILURE, files.quick_storage()))
        return BackupFailure(
            datetime.fromisoformat(data["at"]), str(data["why"]), data.get("is_told") is True
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record_failure(failure: BackupFailure) -> None:
    """Record a failure of the nightly backup. Raises OSError."""
    # The names in the file stay, because a server of another version may read it.
    _write_json(_FAILURE, {"at": failure.at.isoformat(), "why": failure.why, "is_told": failure.is_notified})


def clear_failure() -> None:
    """Delete the record of a failure, after a nightly backup that succeeded."""
    files.storage().delete(_FAILURE)


def _read_last(folder: str) -> LastBackup | None:
    try:
        data: dict[str, Any] = json.loads(files.read(f"{folder}/last.json", files.quick_storage()))
        data |= {"file": Path(data["file"]), "at": datetime.fromisoformat(data["at"])}
        return LastBackup(**data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_json(name: str, data: dict[str, Any]) -> None:
    files.save(name, (json.dumps(data, indent=2) + "\n").encode())
