"""Where backups lie by themselves, and what is known of the last one.

`manage.py backup` writes to whatever file it is given; `manage.py upgrade` writes into the data folder's
backups/, the clock into backups/nightly/ (archive/nightly.py). After each that went well `last.json` says
so: a file and no row, because a backup before an upgrade is of a database whose tables are still the old
ones. Whoever serves pages may read it; the backups themselves are their owner's (mode 0600). Where the clock
runs as another user than upgrades do, it cannot write into backups/ itself: then its own last.json lies in
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
    """The last backup that was made whole. `counts`: stories, comments, people, media (files)."""

    file: Path
    at: datetime  # of the state of the site that is in it
    size: int  # bytes
    sha256: str  # of the whole file
    seconds: float  # that it took
    counts: dict[str, int]

    @property
    def is_there(self) -> bool:
        """Whether a file of that size still lies where it was written, as far as this process can see."""
        try:
            return self.file.stat().st_size == self.size
        except OSError:
            return False


def folder() -> Path:
    """The data folder's backups/, made if it is not there: others may walk through it and list nothing."""
    path = Path(settings.HOME) / "backups"
    make_folder(path, 0o711)
    return path


def nightly_folder() -> Path:
    """Where the clock's backups lie. It may not be there yet."""
    return Path(settings.HOME) / "backups" / "nightly"


def unfinished() -> Path:
    """There while a restore has still to do erasures again; nothing starts upon it."""
    return Path(settings.HOME) / "restore.unfinished"


def last_backup() -> LastBackup | None:
    """None: there never was one with this data folder, or what is noted of it can't be read."""
    found = map(_read_last, (nightly_folder().parent, nightly_folder()))
    return max(filter(None, found), key=lambda last: last.at, default=None)


def remember_last(backup: LastBackup) -> None:
    """Raises OSError."""
    told = asdict(backup) | {"file": str(backup.file), "at": backup.at.isoformat()}
    try:
        _write_json(folder() / "last.json", told)
    except PermissionError:
        _write_json(nightly_folder() / "last.json", told)


@dataclass(frozen=True)
class Failure:
    """Why there is no backup of last night, in a sentence."""

    at: datetime
    why: str
    is_told: bool = False  # administrators are written to


def last_failure() -> Failure | None:
    """None: the last nightly backup that was tried went well."""
    try:
        told = json.loads(_failure_file().read_bytes())
        return Failure(datetime.fromisoformat(told["at"]), str(told["why"]), told.get("is_told") is True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_failure(failure: Failure) -> None:
    """Raises OSError."""
    _write_json(_failure_file(), asdict(failure) | {"at": failure.at.isoformat()})


def forget_failure() -> None:
    _failure_file().unlink(missing_ok=True)


def _failure_file() -> Path:
    return nightly_folder() / "failed.json"


def _read_last(where: Path) -> LastBackup | None:
    try:
        told: dict[str, Any] = json.loads((where / "last.json").read_bytes())
        told |= {"file": Path(told["file"]), "at": datetime.fromisoformat(told["at"])}
        return LastBackup(**told)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_json(path: Path, told: dict[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(told, indent=2) + "\n")
        fresh.chmod(0o644)
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
