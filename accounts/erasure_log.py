"""What was deleted for good or sealed, remembered outside of the database.

A backup that is older than an erasure knows nothing of it. So each is noted in the data folder's
`erasures.jsonl`, a line for each comment, person, version of a story or note beside one, and a restore does
them again. A line holds ids, codes, places and times: `what` (comment, sealed, unsealed, account, guest,
version, note), `id`, `made` (when the row came into being: both together tell it from one that got the same
number after a restore), `at`, and of a comment the state and the reason that it had, of a seal why, and
whether it is held, of a version or a note the places in which words were blacked out.

Lines are only ever added. What should be missing, since the machine stopped between the commit and the line,
is added by a job a day later (moderation/erasure/replay.py).
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

What = Literal["comment", "sealed", "unsealed", "account", "guest", "version", "note"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Erasure:
    what: What
    id: int
    made: str  # ISO 8601
    state: str = ""
    reason: str = ""
    is_held: bool = False
    spans: str = ""  # "12-20 45-53": of a version or a note, see articles/redaction/redact.py
    at: str = ""


def path() -> Path:
    return Path(settings.HOME) / "erasures.jsonl"


def remember(erasures: Sequence[Erasure]) -> None:
    """Add these lines once the transaction is committed."""
    if erasures:
        transaction.on_commit(partial(_try_to_append, erasures))


def append(erasures: Iterable[Erasure]) -> None:
    """Raises OSError."""
    at = timezone.now().isoformat()
    lines = [json.dumps({"at": at} | _to_json(one)) for one in erasures]
    if not lines:
        return
    handle = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab+") as file:  # one write: those of two processes don't mix
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(handle, 1, end - 1) != b"\n":
            lines.insert(0, "")  # behind a line that was cut
        file.write(("\n".join(lines) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def read(file: Path) -> Iterator[Erasure]:
    """In the order in which they came. A line that was cut as the machine stopped is passed over.

    Raises OSError, and ValueError for what is no such list.
    """
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                told: dict[str, Any] = json.loads(line)
                told["id"], told["made"] = int(told["id"]), datetime.fromisoformat(told["made"]).isoformat()
                yield Erasure(**{name: told[name] for name in Erasure.__annotations__ if name in told})
            except (ValueError, TypeError, KeyError) as error:
                if not line.startswith('{"at"'):
                    raise ValueError(
                        f"{file} is no list of erasures: line {number} can't be read."
                    ) from error
                log.warning("%s: line %s is cut, and passed over.", file, number)


def _to_json(one: Erasure) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value not in ("", False)}


def _try_to_append(erasures: Sequence[Erasure]) -> None:
    try:
        append(erasures)
    except OSError:
        log.exception("%s can't be written: an older backup would bring back what was just erased.", path())
