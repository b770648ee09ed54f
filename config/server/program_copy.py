"""Copies of Python, its packages and the project that an unprivileged user can read.

If root starts the site, its processes run as that user. It cannot read a checkout or a Python in root's home
folder, nor anything that was installed under umask 077, so it gets a copy. This module does not import
Django.
"""

import fcntl
import importlib.metadata
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.server.processes import identity
from core.data_folder import PROJECT, StartupError

PROJECT_PARTS = (
    "accounts",
    "archive",
    "articles",
    "comments",
    "config",
    "core",
    "locale",
    "moderation",
    "static",
    "templates",
    "manage.py",
)
TRIAL_IMPORT = "import django, granian, psycopg2, ssl"


@dataclass(frozen=True)
class Program:
    """A Python with the packages of requirements.txt."""

    python: Path
    packages: Path
    environment: dict[str, str] = field(default_factory=dict)  # variables that this Python needs


def readable_program(user: pwd.struct_passwd | None, copy: Path) -> Program:
    """Return the running Python, or a copy of it in the folder `copy` if `user` cannot read it.

    The copy is made once for each set of packages. Raises StartupError.
    """
    program = Program(Path(sys.executable), Path(sysconfig.get_path("purelib")))
    if user is None or (not _run_failure(program, user) and can_read(user, [program.packages, _stdlib()])):
        return program
    program = Program(
        copy / "venv" / "bin" / "python",
        copy / "venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages",
        # Otherwise a shared libpython is searched at its old path.
        {"LD_LIBRARY_PATH": str(copy / "base" / "lib")},
    )
    try:
        _copy_program(program, copy)
    except OSError as error:
        raise StartupError(
            f"{user.pw_name} cannot read {sys.executable}, and it cannot be copied: "
            f"{error.filename or copy}: {error.strerror}."
        ) from error
    if failure := _run_failure(program, user):
        raise StartupError(
            f"{user.pw_name} can run neither {sys.executable} nor a copy of it:\n{failure}\n"
            f"Install Python outside of root's folders and recreate .venv with it:\n"
            f"  rm -r {PROJECT}/.venv; PYTHON=/usr/bin/python3 {PROJECT}/bin/setup"
        )
    return program


def readable_project(user: pwd.struct_passwd | None, copy: Path) -> Path:
    """Return the project's folder, or a new copy of it in the folder `copy` if `user` cannot read it."""
    if user is None or can_read(user, [PROJECT / part for part in PROJECT_PARTS]):
        return PROJECT
    shutil.rmtree(copy, ignore_errors=True)
    for part in PROJECT_PARTS:
        _copy(PROJECT / part, copy / part)
    _make_readable(copy)
    return copy


def can_read(user: pwd.struct_passwd, paths: Iterable[Path]) -> bool:
    """Return whether `user` can read all files below `paths`, except compiled ones."""
    unreadable = ("(", "!", "-readable", "-o", "-type", "d", "!", "-executable", ")")
    argv: list[str | Path] = [
        "find",
        *paths,
        "-name",
        "__pycache__",
        "-prune",
        "-o",
        "!",
        "-type",
        "l",
        *unreadable,
        "-print",
    ]
    done = subprocess.run([*argv, "-quit"], cwd="/", capture_output=True, check=False, **identity(user))
    return not done.returncode and not done.stdout


def _run_failure(program: Program, user: pwd.struct_passwd) -> str:
    """Return the error of `user` running this Python; an empty string if it works."""
    try:
        done = subprocess.run(
            [program.python, "-c", TRIAL_IMPORT],
            cwd="/",
            env={"PATH": os.defpath} | program.environment,
            capture_output=True,
            text=True,
            check=False,
            **identity(user),
        )
    except OSError as error:
        return f"{program.python}: {error.strerror}"
    return done.stderr.strip()[-1000:] if done.returncode else ""


def _copy_program(program: Program, copy: Path) -> None:
    """Copy the interpreter, the standard library and the packages of requirements.txt, unless up to date."""
    packages = list(_packages())
    state = "\n".join(
        [sys.version, sys.base_prefix, *sorted(f"{package.name} {package.version}" for package in packages)]
    )
    with _locked(copy.with_suffix(".lock")):
        versions = copy / "versions.txt"
        if versions.exists() and versions.read_text() == state:
            return
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)

        python, base = Path(sys.executable).resolve(), fresh / "base"
        _copy(python, base / "bin" / python.name)
        _copy(_stdlib(), base / _stdlib().relative_to(sys.base_prefix))
        library = Path(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")
        if library.is_file() and library.suffix != ".a":
            _copy(library, base / "lib" / library.name)

        environment = fresh / "venv"
        (environment / "bin").mkdir(parents=True)
        (environment / "bin" / "python").symlink_to(Path("..", "..", "base", "bin", python.name))
        (environment / "pyvenv.cfg").write_text(f"home = {copy / 'base' / 'bin'}\n")
        for package in packages:
            for file in package.files or ():
                if ".." not in file.parts and (source := Path(str(package.locate_file(file)))).is_file():
                    _copy(source, fresh / program.packages.relative_to(copy) / file)
        _make_readable(fresh)
        (fresh / "versions.txt").write_text(state)
        shutil.rmtree(copy, ignore_errors=True)
        fresh.rename(copy)


def _packages() -> Iterator[importlib.metadata.Distribution]:
    for name in re.findall(r"^([\w.-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE):
        try:
            yield importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a package for other systems


def _stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


_NOT_NEEDED = shutil.ignore_patterns("site-packages", "dist-packages", "test", "idlelib", "config-*", "*.a")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=_NOT_NEEDED, copy_function=_copy_file)
    else:
        _copy_file(source, target)


def _copy_file(source: str | Path, target: str | Path) -> None:
    """Hard-link a file that everybody may read, which takes no space; copy others, and from other disks."""
    if Path(source).stat().st_mode & 0o004:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _make_readable(folder: Path) -> None:
    """Let everybody read the files in `folder`, whatever the umask at their creation was."""
    for inside, _folders, files in os.walk(folder):
        Path(inside).chmod(0o755)
        for name in files:
            path = Path(inside, name)
            if not path.lstat().st_mode & 0o004:
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
