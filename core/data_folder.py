"""The data folder of a site, with its modes, and the unprivileged user whom root hands work to.

Nothing here imports Django: the settings make the folder before anything else looks at it.
"""

import os
import pwd
import stat
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ROOT_DATA_FOLDERS = Path("/var/lib/soundoff")  # holds the data folders of root, one a project


class CannotStart(Exception):
    """Why the program cannot run here, in a sentence that says what to do."""


class DataFolderError(CannotStart):
    """Why there is no data folder, in a sentence that says what to do."""


def data_folder() -> Path:
    """The data folder: $SOUNDOFF_HOME, else var/ in the project, else (as root) a folder under /var/lib."""
    if chosen := os.environ.get("SOUNDOFF_HOME"):
        return Path(chosen).absolute()
    if unprivileged_user():
        return ROOT_DATA_FOLDERS / path_digest(PROJECT)
    return PROJECT / "var"


def make_data_folder(folder: Path) -> None:
    """Make the data folder, or mend the modes of one that is ours. Raises NoHome.

    An ordinary user's is closed to others. Root's can be walked through by the unprivileged user, who owns
    some of what lies in it.
    """
    try:
        make_parents(folder)
        make_folder(folder, 0o711 if unprivileged_user() else 0o700)
    except OSError as error:
        raise DataFolderError(
            f"The data folder {folder} cannot be made: {error.strerror}. "
            "Set SOUNDOFF_HOME to a folder that you may write to."
        ) from error
    if not os.access(folder, os.X_OK):  # more is not needed: as root the web server only walks through it
        me = pwd.getpwuid(os.geteuid()).pw_name
        raise DataFolderError(
            f"{me} cannot enter the data folder {folder}, which belongs to somebody else. "
            f"As root: chown -R {me} {folder}; or set SOUNDOFF_HOME to another folder."
        )


def make_folder(folder: Path, mode: int) -> None:
    """Make one folder with exactly this mode, whatever the umask, or give it to one that is ours."""
    with suppress(FileExistsError):
        folder.mkdir(mode)
    status = folder.stat()
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != mode:
        folder.chmod(mode)


def make_parents(folder: Path) -> None:
    """Make the folders above the data folder; root's stay open to the unprivileged user under any umask."""
    if unprivileged_user() is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return
    for parent in reversed(folder.parents):
        if parent == ROOT_DATA_FOLDERS or not parent.exists():
            make_folder(parent, 0o755)


def check_user_can_enter(folder: Path) -> None:
    """Raise NoHome if we are root and the unprivileged user cannot get into the data folder."""
    user = unprivileged_user()
    if user is None:
        return
    for each in (*reversed(folder.parents), folder):
        status = each.stat()
        if status.st_uid == user.pw_uid:
            may_enter = stat.S_IXUSR
        else:
            may_enter = stat.S_IXGRP if status.st_gid == user.pw_gid else stat.S_IXOTH
        if not status.st_mode & may_enter:
            raise DataFolderError(
                f"As root, the database and the web server run as {user.pw_name}, who cannot enter {each}. "
                f"Run: chmod o+x {each}; or set SOUNDOFF_HOME to another folder than {folder}."
            )


@cache
def unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user to become where we are root (Postgres refuses to run as root); None for others."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def path_digest(path: Path) -> str:
    """Return twelve characters that tell this path from others."""
    return sha256(os.fsencode(path.resolve())).hexdigest()[:12]
