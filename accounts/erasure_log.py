"""The erasure log: a file outside the database that lists what was erased or restricted.

A backup that is older than an erasure still holds the erased text. So each erasure is written to the data
folder's `erasures.jsonl`, one line for each comment, person, version of a story or editor's note, and a
restore applies them again. A line holds ids, codes, positions and times, and no text: `what` (comment,
sealed = restricted, unsealed, account, guest, version, note), `id`, `made` (when the row was created: id and
time together distinguish it from a row that got the same id after a restore) and `at`; for a comment its
state and removal reason; for a restriction its reason and whether it is a hold; for an account or a guest
"comments" as the reason if the comments are deleted too; for a version or a note the character ranges that
were redacted.

Lines are only ever added. If the machine stopped between the commit and the write, a job adds the missing
line a day later (moderation/erasure/replay.py).
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.errors import UserError

What = Literal["comment", "sealed", "unsealed", "account", "guest", "version", "note"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Erasure:
    """One line of the erasure log. The fields are the keys of the JSON."""

    what: What
    id: int
    made: str  # ISO 8601
    state: str = ""
    reason: str = ""
    is_held: bool = False  # under a legal hold
    spans: str = ""  # "12-20 45-53", for a version or a note: see articles/redaction/redact.py
    at: str = ""


def path() -> Path:
    """Return the path of the erasure log."""
    return Path(settings.HOME) / "erasures.jsonl"


def append_on_commit(erasures: Sequence[Erasure]) -> None:
    """Append these erasures once the transaction is committed."""
    if erasures:
        transaction.on_commit(partial(_try_to_append, erasures))


def append(erasures: Iterable[Erasure]) -> None:
    """Append these erasures now. Raises OSError."""
    at = timezone.now().isoformat()
    lines = [json.dumps({"at": at} | _to_json(erasure)) for erasure in erasures]
    if not lines:
        return
    handle = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab+") as file:  # one write, so that lines of two processes do not mix
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(handle, 1, end - 1) != b"\n":
            lines.insert(0, "")  # ends a line that was cut short
        file.write(("\n".join(lines) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def read(file: Path) -> Iterator[Erasure]:
    """Yield the erasures in the order in which they were written.

    A line that was cut short when the machine stopped is skipped. Raises UserError if the file cannot be read
    or is not an erasure log.
    """
    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and (erasure := _parse(line, f"{file}: line {number}")):
                    yield erasure
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:  # of the line after the last one that was read
        raise UserError(f"{file} is not an erasure log: line {number + 1} can't be read.") from error
    except ValueError as error:
        raise UserError(f"{file} is not an erasure log: line {number} can't be read.") from error


def _parse(line: str, place: str) -> Erasure | None:
    """Return the erasure of a line, or None if it is cut short. Raises ValueError for another line."""
    try:
        data: dict[str, Any] = json.loads(line)
        data["id"], data["made"] = int(data["id"]), datetime.fromisoformat(data["made"]).isoformat()
        return Erasure(**{name: data[name] for name in Erasure.__annotations__ if name in data})
    except (ValueError, TypeError, KeyError) as error:
        if not line.startswith('{"at"'):
            raise ValueError(line) from error
        log.warning("%s is cut short and was skipped.", place)
        return None


def _to_json(erasure: Erasure) -> dict[str, Any]:
    return {name: value for name, value in asdict(erasure).items() if value not in ("", False)}


def _try_to_append(erasures: Sequence[Erasure]) -> None:
    try:
        append(erasures)
    except OSError:
        log.exception("%s can't be written: restoring an older backup would undo this erasure.", path())
