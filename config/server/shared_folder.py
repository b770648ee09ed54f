"""Tell whether servers share a data folder, by its id and by a random mark that each of them renews in it.

A copy of the folder has the same id, but not the latest marks of the servers that run in the other one.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

# In the file of a server. Its row (config.models.RunningServer) may have an older mark, if renewals failed or
# are under way.
KEPT_MARKS = 5


def folder_id(home: Path) -> str:
    """Return the random name of a data folder, creating it at the first call."""
    path = home / "folder_id"
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        temporary.write_text(secrets.token_hex(16))
        with suppress(FileExistsError):  # another server was faster
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text()


def renew_mark(home: Path, server: str) -> str:
    """Write a new random mark of a server into the data folder and return it. Raises OSError."""
    path = _path(home, server)
    path.parent.mkdir(exist_ok=True)
    mark = secrets.token_hex(16)
    new = path.with_suffix(".new")
    new.write_text("\n".join([mark, *read_marks(home, server)][:KEPT_MARKS]))
    new.replace(path)
    return mark


def read_marks(home: Path, server: str) -> list[str]:
    """Return the latest marks of a server in the data folder."""
    try:
        return _path(home, server).read_text().split()
    except OSError:
        return []


def delete_marks(home: Path, server: str) -> None:
    """Delete the marks of a server that stops."""
    _path(home, server).unlink(missing_ok=True)


def _path(home: Path, server: str) -> Path:
    return home / "servers" / server
