"""The data folder of a site, its file modes, and the unprivileged user for processes that root starts.

This module does not import Django, because the settings create the folder before anything else uses it.
"""

import os
import pwd
import stat
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ROOT_DATA_FOLDERS = Path("/var/lib/soundoff")  # has a data folder for each project that root runs


class StartupError(Exception):
    """The error that the program cannot run here. Its text is a sentence that says what to do."""


class DataFolderError(StartupError):
    """The error that the data folder cannot be used. Its text is a sentence that says what to do."""


def data_folder() -> Path:
    """Return $SOUNDOFF_HOME; without it the project's var/, or as root a folder under /var/lib."""
    if chosen := os.environ.get("SOUNDOFF_HOME"):
        return Path(chosen).absolute()
    if unprivileged_user():
        return ROOT_DATA_FOLDERS / path_digest(PROJECT)
    return PROJECT / "var"


def make_data_folder(folder: Path) -> None:
    """Create the data folder, or correct the mode of one that we own. Raises DataFolderError.

    An ordinary user's folder is closed to others. Root's folder can be entered by the unprivileged user, who
    owns some of the files in it.
    """
    try:
        make_parents(folder)
        make_folder(folder, 0o711 if unprivileged_user() else 0o700)
    except OSError as error:
        raise DataFolderError(
            f"The data folder {folder} cannot be created: {error.strerror}. "
            "Set SOUNDOFF_HOME to a folder that you may write to."
        ) from error
    if not os.access(folder, os.X_OK):  # that is enough: under root the web server only passes through it
        me = _our_user()
        raise DataFolderError(
            f"{me} cannot enter the data folder {folder}, which belongs to another user. "
            f"As root: chown -R {me} {folder}; or set SOUNDOFF_HOME to another folder."
        )


def _our_user() -> str:
    """Return the name of our user, or the number of a container's user that has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def make_folder(folder: Path, mode: int) -> None:
    """Create a folder with exactly this mode, whatever the umask, or set the mode of one that we own."""
    with suppress(FileExistsError):
        folder.mkdir(mode)
    status = folder.stat()
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != mode:
        folder.chmod(mode)


def make_parents(folder: Path) -> None:
    """Create the parents of the data folder. If root does, the unprivileged user can still enter them."""
    if unprivileged_user() is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return
    for parent in reversed(folder.parents):
        if parent == ROOT_DATA_FOLDERS or not parent.exists():
            make_folder(parent, 0o755)


def check_user_can_enter(folder: Path) -> None:
    """Raise DataFolderError if we are root and the unprivileged user cannot enter the data folder."""
    user = unprivileged_user()
    if user is None:
        return
    for path in (*reversed(folder.parents), folder):
        status = path.stat()
        if status.st_uid == user.pw_uid:
            may_enter = stat.S_IXUSR
        else:
            may_enter = stat.S_IXGRP if status.st_gid == user.pw_gid else stat.S_IXOTH
        if not status.st_mode & may_enter:
            raise DataFolderError(
                f"As root, the database and the web server run as {user.pw_name}, who cannot enter {path}. "
                f"Run: chmod o+x {path}; or set SOUNDOFF_HOME to another folder than {folder}."
            )


@cache
def unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user for processes that root starts, as Postgres refuses root; None for other users."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def path_digest(path: Path) -> str:
    """Return twelve characters that identify this path."""
    return sha256(os.fsencode(path.resolve())).hexdigest()[:12]
