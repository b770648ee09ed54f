"""Where backups lie by themselves, and what is known of the last one.

`manage.py backup` writes to whatever file it is given; `manage.py upgrade` writes into the data folder's
backups/. After each that went well `backups/last.json` says so: a file and no row, because a backup before an
upgrade is of a database whose tables are still the old ones. Whoever serves pages may read it; the backups
themselves are their owner's (mode 0600). archive/backup.py makes them.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings


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
    path.mkdir(mode=0o711, parents=True, exist_ok=True)
    return path


def unfinished() -> Path:
    """There while a restore has still to do erasures again; nothing starts upon it."""
    return Path(settings.HOME) / "restore.unfinished"


def last_backup() -> LastBackup | None:
    """None: there never was one with this data folder, or what is noted of it can't be read."""
    try:
        told: dict[str, Any] = json.loads((Path(settings.HOME) / "backups" / "last.json").read_bytes())
        told |= {"file": Path(told["file"]), "at": datetime.fromisoformat(told["at"])}
        return LastBackup(**told)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_last(backup: LastBackup) -> None:
    """Raises OSError."""
    told = asdict(backup) | {"file": str(backup.file), "at": backup.at.isoformat()}
    fresh = folder() / f"last.json.{os.getpid()}"
    try:
        fresh.write_text(json.dumps(told, indent=2) + "\n")
        fresh.chmod(0o644)
        fresh.replace(folder() / "last.json")
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
