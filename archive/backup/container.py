"""The backup file: write its members one after the other, and read it only after all of it was verified."""

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

from core.errors import UserError
from core.files import storage

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 256 * 1024 * 1024  # bytes; a site with a million media has 150 MB
COMMENT_PREFIX = b"Soundoff backup. SHA-256 of all bytes before the sum: "
DIGEST_LENGTH = 64  # bytes, in hexadecimal digits
CHUNK = 1024 * 1024
COUNT_LABELS = {  # singular and plural
    "stories": ("story", "stories"),
    "comments": ("comment", "comments"),
    "people": ("account", "accounts"),
    "guests": ("guest", "guests"),
    "media": ("media file", "media files"),
}
# Names as our migrations write them. Only names that match are put into a statement.
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class BackupError(UserError):
    """The error that a backup was not made, or a file not restored. Its text is a sentence that says why."""


def first_line(error: Exception) -> str:
    """Return the first line of the error's message, without a full stop, for use within a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def shorten_names(names: Sequence[str]) -> str:
    """Return the first name and the number of the others."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


@dataclass(frozen=True)
class BackupMember:
    """A member of the zip, as the manifest describes it: a table or a media file."""

    name: str  # the table's name, or the file's path in media/
    size: int  # bytes
    sha256: str
    rows: int = 0  # tables only
    columns: Sequence[str] = ()


@dataclass
class Manifest:
    """The contents of manifest.json."""

    taken_at: str  # ISO 8601, UTC
    postgres: int  # the server's version, such as 180006
    migrations: dict[str, list[str]]  # the applied migrations, by app
    counts: dict[str, int]
    sequences: dict[str, tuple[int, bool]]  # last value, and whether it was used
    tables: list[BackupMember] = field(default_factory=list)
    media: list[BackupMember] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # names of the tables that are not in the file
    program: str = ""  # the version of Soundoff that made the backup

    @property
    def summary(self) -> str:
        """Return the counts in one line, such as "3 stories, 1 comment"."""
        return ", ".join(
            f"{count:,} {COUNT_LABELS[kind][count != 1] if kind in COUNT_LABELS else kind}"
            for kind, count in self.counts.items()
        )

    @property
    def at(self) -> datetime:
        """Return the time of the backup."""
        return datetime.fromisoformat(self.taken_at)

    def to_json(self) -> bytes:
        """Return the contents of manifest.json."""
        fields = {"what": "Soundoff backup", "format": FORMAT} | asdict(self)
        return json.dumps(fields, ensure_ascii=False, indent=1).encode()


def member_name(kind: str, member: BackupMember) -> str:
    """Return the name of the member in the zip. `kind` is "table" or "media"."""
    return f"tables/{member.name}.copy" if kind == "table" else f"media/{member.name}"


def is_safe(name: str) -> bool:
    """Return whether the path stays below the folder into which it is unpacked, and names no hidden file."""
    parts = name.split("/")
    return (
        len(name.encode(errors="surrogatepass")) <= 1_000
        and name.isprintable()
        and not set(name) & {"\\", ":"}
        and all(part and not part.startswith(".") and len(part) <= 255 for part in parts)
    )


class BackupWriter:
    """Write a backup to an open file, from start to end. Only the digest is written out of order."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hashing_stream = _HashingStream(file)
        self.zip = zipfile.ZipFile(self.hashing_stream, "w")

    @contextmanager
    def open_member(self, name: str, *, compress: bool) -> Iterator["_MemberWriter"]:
        """Open a member for writing. With `compress` it is compressed, which gains nothing for media."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.external_attr = 0o600 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        info._compresslevel = 1  # type: ignore[attr-defined]  # a ZipInfo ignores the ZipFile's level
        with self.zip.open(info, "w", force_zip64=True) as file:
            hashed = _MemberWriter(file)
            yield hashed
            hashed.flush()

    def abandon(self) -> None:
        """Stop writing. Without this, zipfile would still write when it is garbage-collected."""
        self.zip.fp = None

    def finish(self, manifest: Manifest) -> str:
        """Write the manifest and the digest. Return the SHA-256 of the file, as `sha256sum` prints it."""
        with self.open_member(MANIFEST, compress=True) as member:
            member.write(manifest.to_json())
        self.zip.comment = COMMENT_PREFIX + b"0" * DIGEST_LENGTH
        self.zip.close()
        before = self.hashing_stream.sha256.copy()
        digest = before.hexdigest().encode()
        self.file.flush()
        self.file.seek(-DIGEST_LENGTH, os.SEEK_END)
        self.file.write(digest)
        self.file.flush()
        before.update(digest)
        return before.hexdigest()


class _HashingStream:
    """An output without seek, so zipfile only appends. Hashes all but the last DIGEST_LENGTH bytes."""

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
        """Do nothing: the caller closes the file."""


class _MemberWriter:
    """Hash and write a member. Rows come one by one and are collected into chunks."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = sha256()
        self.size = 0
        self.buffer: list[bytes] = []
        self.buffered = 0

    def write(self, data: bytes) -> int:
        self.buffer.append(data)
        self.buffered += len(data)
        if self.buffered >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        data = b"".join(self.buffer)
        self.buffer.clear()
        self.buffered = 0
        self.sha256.update(data)
        self.size += len(data)
        self.file.write(data)

    def describe(self, name: str, **more: Any) -> BackupMember:
        """Return what the manifest says about what was written so far."""
        self.flush()
        return BackupMember(name, self.size, self.sha256.hexdigest(), **more)


class BackupReader:
    """A verified backup file, as `open_backup` yields it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.zip = archive
        self.manifest = manifest

    @contextmanager
    def open_member(self, kind: str, member: BackupMember) -> Iterator["_MemberReader"]:
        """Open a member for reading. Its size and hash are compared again at the end of the block."""
        with self.zip.open(member_name(kind, member)) as file:
            checked = _MemberReader(file, member.size)
            yield checked
            if (checked.size, checked.sha256.hexdigest()) != (member.size, member.sha256) or file.read(1):
                raise BackupError(f"{self.path.name} is damaged in {member_name(kind, member)}.")

    def check_member(self, kind: str, member: BackupMember) -> None:
        """Read a member to its end. Raises BackupError if it is damaged."""
        try:
            with self.open_member(kind, member) as file:
                while file.read(CHUNK):
                    pass
        except BackupError:
            raise
        except Exception as error:  # zipfile and zlib raise many kinds
            raise BackupError(f"{self.path.name} is damaged in {member_name(kind, member)}.") from error


class _MemberReader(io.RawIOBase):
    """Read a member, and never more bytes than the manifest says (a zip may unpack to any size)."""

    def __init__(self, file: IO[bytes], size_limit: int) -> None:
        self.file = file
        self.remaining = size_limit
        self.sha256 = sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(self.remaining, size if size > 0 else CHUNK))
        self.remaining -= len(data)
        self.size += len(data)
        self.sha256.update(data)
        return data


@contextmanager
def open_backup(path: Path) -> Iterator[BackupReader]:
    """Verify the whole file and yield its reader. Raises BackupError, which says what is wrong.

    The path is of this machine; if nothing is there, it is a name in a storage that several servers share.
    """
    is_local = path.exists() or path.is_absolute() or not storage().is_shared
    try:
        file: Any = path.open("rb") if is_local else storage().open(str(path))
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror}.") from error
    with file:
        is_intact = _has_valid_digest(file)
        archive = _open_zip(path, file)
        with archive:
            reader = BackupReader(path, archive, _read_manifest(path, archive))
            _check_names(reader)
            for kind, members in (("table", reader.manifest.tables), ("media", reader.manifest.media)):
                for member in members:
                    reader.check_member(kind, member)
            if not is_intact:
                raise BackupError(f"{path.name} is damaged, though each of its parts is intact.")
            yield reader


def _has_valid_digest(file: IO[bytes]) -> bool:
    """Return whether the digest at the end of the file is that of all bytes before."""
    remaining = file.seek(0, os.SEEK_END) - DIGEST_LENGTH
    file.seek(0)
    computed = sha256()
    while remaining > 0 and (data := file.read(min(remaining, CHUNK))):
        computed.update(data)
        remaining -= len(data)
    return file.read() == computed.hexdigest().encode()


def _open_zip(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    """Open the file as a zip. Raises BackupError if it is not one of our backups."""
    file.seek(0)
    start = file.read(4)
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # for instance an offset in its directory that leads nowhere
        if not start:
            raise BackupError(f"{path.name} is empty.") from error
        if start == b"PK\x03\x04":
            raise BackupError(
                f"{path.name} is damaged or incomplete: its end is not that of a backup."
            ) from error
        raise BackupError(f"{path.name} is not a backup of Soundoff.") from error
    if not archive.comment.startswith(COMMENT_PREFIX):
        raise BackupError(f"{path.name} is not a backup of Soundoff, or its end is damaged.")
    return archive


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    """Read and validate manifest.json. Raises BackupError."""
    try:
        with archive.open(MANIFEST) as file:
            fields: dict[str, Any] = json.loads(file.read(MAX_MANIFEST_BYTES))
        format_version = fields.pop("format")
        del fields["what"]
    except Exception as error:
        raise BackupError(f"{path.name} is damaged in {MANIFEST}, the list of its parts.") from error
    if format_version != FORMAT:
        raise BackupError(
            f"{path.name} is of format {format_version}; this version of Soundoff reads format {FORMAT}."
        )
    try:
        for kind in ("tables", "media"):
            fields[kind] = [BackupMember(**member) for member in fields[kind]]
        fields["sequences"] = {name: (int(n), bool(used)) for name, (n, used) in fields["sequences"].items()}
        manifest = Manifest(**fields)
        is_valid = (
            manifest.at.tzinfo is not None
            and all(isinstance(names, list) for names in manifest.migrations.values())
            and all(map(_is_valid_member, (*manifest.tables, *manifest.media)))
        )
    except Exception as error:
        raise BackupError(
            f"{path.name} has a {MANIFEST} that this version of Soundoff can't read."
        ) from error
    if not is_valid:
        raise BackupError(f"{path.name} has a {MANIFEST} that this version of Soundoff can't read.")
    return manifest


def _is_valid_member(member: BackupMember) -> bool:
    """Return whether the fields of a member have the right types."""
    names = (member.name, *member.columns)
    return isinstance(member.size, int) and member.size >= 0 and all(isinstance(name, str) for name in names)


def _check_names(reader: BackupReader) -> None:
    """Raise BackupError if a name is unsafe, or if the manifest and the zip list different members."""
    manifest, name = reader.manifest, reader.path.name
    for table in manifest.tables:
        if not all(map(NAME.fullmatch, (table.name, *table.columns))):
            raise BackupError(f"{name} names a table that can't be one of Soundoff's: {table.name!r}.")
    for sequence in manifest.sequences:
        if not NAME.fullmatch(sequence):
            raise BackupError(f"{name} names a sequence that can't be one of Soundoff's: {sequence!r}.")
    for media in manifest.media:
        if not is_safe(media.name):
            raise BackupError(f"{name} has a file whose path leads out of media/: {media.name!r}.")
    present = Counter(reader.zip.namelist())
    listed = [MANIFEST]
    listed += [member_name("table", member) for member in manifest.tables]
    listed += [member_name("media", member) for member in manifest.media]
    for extra in present - Counter(listed):
        raise BackupError(f"{name} holds {extra!r}, which its list does not name, or holds it twice.")
    for missing in Counter(listed) - present:
        raise BackupError(f"{name} lacks {missing!r}, which its list names.")
