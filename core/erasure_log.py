"""The erasure log: a file outside the database that lists what was erased or restricted.

A backup that is older than an erasure still holds the erased text. So each erasure is written to the log, one
line for each comment, person, version of a story, editor's note or ended subscription to the newsletter, and
a restore applies them again. The log is the data folder's `erasures.jsonl`; in a bucket (core/files), which
can't append, each write is a separate file in `erasures/`. A line holds ids, codes, positions and times,
and no text: `what` (comment, sealed = restricted, unsealed, account, guest, version, note, subscription),
`id`, `made` (when the row was created: id and time together distinguish it from a row that got the same id
after a restore) and `at`; for a comment its state and removal reason; for a restriction its reason and
whether it is a hold; for an account or a guest "comments" as the reason if the comments are deleted too; for
a version or a note the character ranges that were redacted.

Lines are only ever added. What can't be written, for instance while the store is away, is tried again by a
job. If the machine stopped between the commit and the write, another job adds the missing line a day later
(moderation/erasure/erasure_replay.py). Then the line of an ended subscription, which has no row any more, and
that of a lifted restriction stay missing.
"""

import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone
from django_tasks import task

from core import files
from core.errors import UserError

Kind = Literal["comment", "sealed", "unsealed", "account", "guest", "version", "note", "subscription"]

FOLDER = "erasures"  # in the storage
RETRY_AFTER = timedelta(minutes=5)  # after a write that failed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Erasure:
    """One line of the erasure log. The fields are the keys of the JSON, where `kind` is called `what`."""

    kind: Kind
    id: int
    made: str  # ISO 8601
    state: str = ""
    reason: str = ""
    is_held: bool = False  # under a legal hold
    spans: str = ""  # "12-20 45-53", for a version or a note: see articles/redaction/redact.py
    at: str = ""


def path() -> Path:
    """Return the path of the erasure log in the data folder."""
    return Path(settings.HOME) / "erasures.jsonl"


def append_on_commit(erasures: Sequence[Erasure]) -> None:
    """Append these erasures once the transaction is committed."""
    if erasures:
        transaction.on_commit(partial(_try_to_append, erasures))


def append(erasures: Iterable[Erasure], storage: files.SiteStorage | None = None) -> None:
    """Append these erasures now. Those without a time get that of this moment. Raises OSError.

    `storage` may be files.quick_storage(), for the few of a request.
    """
    now = timezone.now()
    lines = [json.dumps({"at": now.isoformat()} | _to_json(erasure)) for erasure in erasures]
    if not lines:
        return
    if files.storage().is_shared:
        data = ("\n".join(lines) + "\n").encode()
        files.save(file_name(now, secrets.token_hex(4)), data, storage)
        return
    handle = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab+") as file:  # one write, so that lines of two processes do not mix
        end = file.seek(0, os.SEEK_END)
        if end and os.pread(handle, 1, end - 1) != b"\n":
            lines.insert(0, "")  # ends a line that was cut short
        file.write(("\n".join(lines) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def file_name(at: datetime, distinction: str) -> str:
    """Return the name of a file of the log in the storage. Their alphabetical order is that of time."""
    return f"{FOLDER}/{at.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{distinction}.jsonl"


def read_all() -> list[Erasure]:
    """Return the erasures of the whole log, in the order in which they were written. Raises UserError.

    A site may have moved from the data folder into a bucket, or back, so both are read.
    """
    found = list(read(path())) if path().exists() else []
    try:
        names = [file.name for file in files.storage().list_files(FOLDER)]
        with ThreadPoolExecutor(8) as pool:  # one request for each file, and a site may have thousands
            for name, content in zip(names, pool.map(files.read, names), strict=True):
                found += _parse_lines(content.splitlines(), files.storage().describe_location(name))
    except OSError as error:
        raise UserError(
            f"{files.storage().describe_location(FOLDER)} can't be read: {error.strerror}."
        ) from error
    return sorted(found, key=lambda erasure: erasure.at) if names else found


def read(file: Path) -> Iterator[Erasure]:
    """Yield the erasures in the order in which they were written.

    A line that was cut short when the machine stopped is skipped. Raises UserError if the file cannot be read
    or is not an erasure log.
    """
    try:
        with file.open("rb") as lines:
            yield from _parse_lines(lines, str(file))
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}.") from error


def _parse_lines(lines: Iterable[bytes], location: str) -> Iterator[Erasure]:
    for number, line in enumerate(lines, 1):
        try:
            erasure = _parse(line.decode(), f"{location}: line {number}") if line.strip() else None
        except ValueError as error:
            raise UserError(f"{location} is not an erasure log: line {number} can't be read.") from error
        if erasure:
            yield erasure


def _parse(line: str, location: str) -> Erasure | None:
    """Return the erasure of a line, or None if it is cut short. Raises ValueError for another line."""
    try:
        data: dict[str, Any] = json.loads(line)
        data["id"], data["made"] = int(data["id"]), datetime.fromisoformat(data["made"]).isoformat()
        data["kind"] = data["what"]
        return Erasure(**{name: data[name] for name in Erasure.__annotations__ if name in data})
    except (ValueError, TypeError, KeyError) as error:
        if not line.startswith('{"at"'):
            raise ValueError(line) from error
        log.warning("%s is cut short and was skipped.", location)
        return None


def _to_json(erasure: Erasure) -> dict[str, Any]:
    fields = {"what" if name == "kind" else name: value for name, value in asdict(erasure).items()}
    return {name: value for name, value in fields.items() if value not in ("", False)}


@task(priority=-10)
def write_erasures(lines: list[dict[str, Any]]) -> None:
    """Append erasures that could not be written, and try again later if that fails again."""
    _try_to_append([Erasure(**line) for line in lines])


def _try_to_append(erasures: Sequence[Erasure]) -> None:
    now = timezone.now()
    try:
        append(erasures, files.quick_storage())
    except OSError:
        location = files.storage().describe_location(FOLDER) if files.storage().is_shared else path()
        log.exception("%s can't be written: restoring an older backup would undo this erasure.", location)
        # With the time of the erasure, since a restore repeats them in the order of times.
        lines = [asdict(erasure) | {"at": erasure.at or now.isoformat()} for erasure in erasures]
        with suppress(Error):  # the erasure is committed, so its request has succeeded
            write_erasures.using(run_after=now + RETRY_AFTER).enqueue(lines)
