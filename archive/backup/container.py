"""The file: parts that are written one after the other, and read only once all of it was found whole."""

import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_MAX = 256 * 1024 * 1024  # bytes; a site with a million media has 150 MB
COMMENT_PREFIX = b"Soundoff backup. SHA-256 of all bytes before the sum: "
DIGEST_LENGTH = 64  # bytes, in hexadecimal digits
CHUNK = 1024 * 1024
COUNT_LABELS = {  # of the counts
    "stories": ("story", "stories"),
    "comments": ("comment", "comments"),
    "people": ("account", "accounts"),
    "guests": ("guest", "guests"),
    "media": ("media file", "media files"),
}
# As Postgres and our migrations write names; nothing else is put into a statement.
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class BackupRefused(Exception):
    """Why a file is not restored, or a backup not made, in a sentence."""


def first_line(error: Exception) -> str:
    """What it says, to stand within a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def shorten_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


@dataclass(frozen=True)
class Part:
    name: str  # of a table, or the path of a file in media/
    size: int  # bytes
    sha256: str
    rows: int = 0  # of a table
    columns: Sequence[str] = ()


@dataclass
class Manifest:
    taken_at: str  # ISO 8601, UTC
    postgres: int  # the server's version, such as 180006
    migrations: dict[str, list[str]]  # those that were applied, by app
    counts: dict[str, int]
    sequences: dict[str, tuple[int, bool]]  # last value, and whether it was given out
    tables: list[Part] = field(default_factory=list)
    media: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # tables
    program: str = ""  # the version of Soundoff that made it

    @property
    def told(self) -> str:
        """What is in it, for a person."""
        return ", ".join(
            f"{count:,} {COUNT_LABELS[what][count != 1] if what in COUNT_LABELS else what}"
            for what, count in self.counts.items()
        )

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.taken_at)

    def to_json(self) -> bytes:
        told = {"what": "Soundoff backup", "format": FORMAT} | asdict(self)
        return json.dumps(told, ensure_ascii=False, indent=1).encode()


def member_name(kind: str, part: Part) -> str:
    return f"tables/{part.name}.copy" if kind == "table" else f"media/{part.name}"


def is_safe(name: str) -> bool:
    """Whether this is the path of a file below a folder, and of no hidden one, wherever it is unpacked."""
    parts = name.split("/")
    return (
        len(name.encode(errors="surrogatepass")) <= 1_000
        and name.isprintable()
        and not set(name) & {"\\", ":"}
        and all(part and not part.startswith(".") and len(part) <= 255 for part in parts)
    )


class Writer:
    """Writes parts to an open file, from its start to its end and never back, but for the sum."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.through = _HashingStream(file)
        self.zip = zipfile.ZipFile(self.through, "w")

    @contextmanager
    def part(self, name: str, *, packed: bool) -> Iterator["_Hashed"]:
        """What is written in the block becomes this part; of media nothing is gained by packing."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.external_attr = 0o600 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info._compresslevel = 1  # type: ignore[attr-defined]  # of a ZipInfo the ZipFile's own is not taken
        with self.zip.open(info, "w", force_zip64=True) as file:
            hashed = _PartWriter(file)
            yield hashed
            hashed.flush()

    def abandon(self) -> None:
        """Nothing more is written, not even by zipfile when it is thrown away."""
        self.zip.fp = None

    def finish(self, manifest: Manifest) -> str:
        """The SHA-256 of the whole file, as `sha256sum` tells it."""
        with self.part(MANIFEST, packed=True) as part:
            part.write(manifest.to_json())
        self.zip.comment = COMMENT_PREFIX + b"0" * DIGEST_LENGTH
        self.zip.close()
        before = self.through.sha256.copy()
        digest = before.hexdigest().encode()
        self.file.flush()
        self.file.seek(-DIGEST_LENGTH, os.SEEK_END)
        self.file.write(digest)
        self.file.flush()
        before.update(digest)
        return before.hexdigest()


class _HashingStream:
    """What zipfile takes for a pipe: it can't go back in it, and all but the last SUM bytes are hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = sha256()
        self.last = b""

    def write(self, data: Any) -> int:
        self.file.write(data)
        if len(data) >= DIGEST_LENGTH:
            self.sha256.update(self.last)
            self.sha256.update(memoryview(data)[:-DIGEST_LENGTH])
            self.last = bytes(data[-DIGEST_LENGTH:])
        else:
            both = self.last + bytes(data)
            self.sha256.update(both[:-DIGEST_LENGTH])
            self.last = both[-DIGEST_LENGTH:]
        return len(data)

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        """The file is its owner's to close."""


class _PartWriter:
    """Rows come one by one; they are hashed and packed many at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = sha256()
        self.size = 0
        self.waiting: list[bytes] = []
        self.held = 0

    def write(self, data: bytes) -> int:
        self.waiting.append(data)
        self.held += len(data)
        if self.held >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        data = b"".join(self.waiting)
        self.waiting.clear()
        self.held = 0
        self.sha256.update(data)
        self.size += len(data)
        self.file.write(data)

    def told(self, name: str, **more: Any) -> Part:
        self.flush()
        return Part(name, self.size, self.sha256.hexdigest(), **more)


class Reader:
    """A backup whose every byte was read and found as it was written. Use `opened`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.zip = archive
        self.manifest = manifest

    @contextmanager
    def part(self, kind: str, part: Part) -> Iterator["_Checked"]:
        """The bytes of a part, which are compared once more as they are read to the end."""
        with self.zip.open(member_name(kind, part)) as file:
            checked = _PartReader(file, part.size)
            yield checked
            if (checked.size, checked.sha256.hexdigest()) != (part.size, part.sha256) or file.read(1):
                raise BackupRefused(f"{self.path.name} is damaged in {member_name(kind, part)}.")

    def check(self, kind: str, part: Part) -> None:
        """Raises Refused."""
        try:
            with self.part(kind, part) as file:
                while file.read(CHUNK):
                    pass
        except BackupRefused:
            raise
        except Exception as error:  # zipfile and zlib have many words for it
            raise BackupRefused(f"{self.path.name} is damaged in {member_name(kind, part)}.") from error


class _PartReader(io.RawIOBase):
    """No more than the manifest says, whatever it unpacks to."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self.file = file
        self.left = most
        self.sha256 = sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(self.left, size if size > 0 else CHUNK))
        self.left -= len(data)
        self.size += len(data)
        self.sha256.update(data)
        return data


@contextmanager
def open_backup(path: Path) -> Iterator[Reader]:
    """The backup in this file once it was read from end to end. Raises Refused, which names what is wrong."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupRefused(f"{path} can't be read: {error.strerror}.") from error
    with file:
        is_whole = _has_valid_digest(file)
        archive = _open_zip(path, file)
        with archive:
            reader = Reader(path, archive, _read_manifest(path, archive))
            _check_names(reader)
            for kind, parts in (("table", reader.manifest.tables), ("media", reader.manifest.media)):
                for part in parts:
                    reader.check(kind, part)
            if not is_whole:
                raise BackupRefused(f"{path.name} is damaged, though each of its parts is as it was written.")
            yield reader


def _has_valid_digest(file: IO[bytes]) -> bool:
    """Whether the sum at its end is that of all before."""
    left = file.seek(0, os.SEEK_END) - DIGEST_LENGTH
    file.seek(0)
    found = sha256()
    while left > 0 and (data := file.read(min(left, CHUNK))):
        found.update(data)
        left -= len(data)
    return file.read() == found.hexdigest().encode()


def _open_zip(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    file.seek(0)
    start = file.read(4)
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # such as a number in its directory that leads nowhere
        if not start:
            raise BackupRefused(f"{path.name} is empty.") from error
        if start == b"PK\x03\x04":
            raise BackupRefused(f"{path.name} is damaged or cut: its end is not that of a backup.") from error
        raise BackupRefused(f"{path.name} is no backup of Soundoff.") from error
    if not archive.comment.startswith(COMMENT_PREFIX):
        raise BackupRefused(f"{path.name} is no backup of Soundoff, or its end is damaged.")
    return archive


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as file:
            told: dict[str, Any] = json.loads(file.read(MANIFEST_MAX))
        found = told.pop("format")
        del told["what"]
    except Exception as error:
        raise BackupRefused(f"{path.name} is damaged in {MANIFEST}, the list of its parts.") from error
    if found != FORMAT:
        raise BackupRefused(
            f"{path.name} is of format {found}; this version of Soundoff reads format {FORMAT}."
        )
    try:
        for kind in ("tables", "media"):
            told[kind] = [Part(**part) for part in told[kind]]
        told["sequences"] = {name: (int(n), bool(used)) for name, (n, used) in told["sequences"].items()}
        manifest = Manifest(**told)
        is_sound = (
            manifest.at.tzinfo is not None
            and all(isinstance(names, list) for names in manifest.migrations.values())
            and all(map(_is_valid_part, (*manifest.tables, *manifest.media)))
        )
    except Exception as error:
        raise BackupRefused(
            f"{path.name} has a {MANIFEST} that this version of Soundoff can't read."
        ) from error
    if not is_sound:
        raise BackupRefused(f"{path.name} has a {MANIFEST} that this version of Soundoff can't read.")
    return manifest


def _is_valid_part(part: Part) -> bool:
    names = (part.name, *part.columns)
    return isinstance(part.size, int) and part.size >= 0 and all(isinstance(name, str) for name in names)


def _check_names(reader: Reader) -> None:
    manifest, name = reader.manifest, reader.path.name
    for table in manifest.tables:
        if not all(map(NAME.fullmatch, (table.name, *table.columns))):
            raise BackupRefused(f"{name} names a table that can't be one of Soundoff's: {table.name!r}.")
    for sequence in manifest.sequences:
        if not NAME.fullmatch(sequence):
            raise BackupRefused(f"{name} names a sequence that can't be one of Soundoff's: {sequence!r}.")
    for one in manifest.media:
        if not is_safe(one.name):
            raise BackupRefused(f"{name} has a file whose path leads out of media/: {one.name!r}.")
    there = Counter(reader.zip.namelist())
    listed = [MANIFEST]
    listed += [member_name("table", part) for part in manifest.tables]
    listed += [member_name("media", part) for part in manifest.media]
    for more in there - Counter(listed):
        raise BackupRefused(f"{name} holds {more!r}, which its list does not name, or not so often.")
    for less in Counter(listed) - there:
        raise BackupRefused(f"{name} lacks {less!r}, which its list names.")
