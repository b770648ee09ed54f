"""Copies of Python and the project for the unprivileged user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.server import program_copy
from config.server.processes import identity
from config.server.program_copy import can_read, readable_program, readable_project
from core.data_folder import StartupError, unprivileged_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an unprivileged user")


@pytest.fixture(scope="module")
def user() -> pwd.struct_passwd:
    user = unprivileged_user()
    assert user
    return user


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that everybody can enter."""
    folder = Path(tempfile.mkdtemp(prefix="soundoff-program-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def _unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_copy, "can_read", lambda user, paths: False)


@pytest.fixture(scope="module")
def copy(user: pwd.struct_passwd) -> Iterator[Path]:
    """Yield a copy of Python that was made under umask 077. It takes seconds, so the tests share it."""
    with open_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(program_copy, "can_read", lambda user, paths: False)
        was = os.umask(0o077)
        try:
            readable_program(user, folder / "copy")
        finally:
            os.umask(was)
        yield folder / "copy"


@pytest.fixture
def closed(folder: Path) -> Path:
    """Return a folder as umask 077 creates it."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").touch()
    return closed


def test_one_unreadable_file_is_detected(user: pwd.struct_passwd, folder: Path, closed: Path) -> None:
    assert not can_read(user, [folder])
    assert not can_read(user, [closed])
    closed.chmod(0o755)
    assert can_read(user, [folder])
    (closed / "file").chmod(0o600)
    assert not can_read(user, [folder])
    (closed / "file").rename(closed / "__pycache__")  # what Python compiles is read if it can be
    assert can_read(user, [folder])


def test_a_closed_project_is_copied_and_made_readable(
    user: pwd.struct_passwd, folder: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_copy, "PROJECT", closed)
    monkeypatch.setattr(program_copy, "PROJECT_PARTS", ("app", "manage.py"))
    (closed / "app").mkdir(mode=0o700)
    (closed / "app" / "new.py").touch(mode=0o600)
    (closed / "manage.py").touch(mode=0o700)
    copy = folder / "project"
    (copy / "app").mkdir(parents=True)
    (copy / "app" / "old.py").touch()
    assert readable_project(user, copy) == copy
    assert sorted(path.name for path in copy.rglob("*")) == ["app", "manage.py", "new.py"]
    assert can_read(user, [copy])
    for path, mode in ((closed, 0o755), (closed / "app", 0o755), (closed / "app" / "new.py", 0o644)):
        path.chmod(mode)
    (closed / "manage.py").chmod(0o755)
    assert readable_project(user, copy) == closed, "it can be read where it lies"
    assert readable_project(None, copy) == closed


@pytest.mark.usefixtures("_unreadable")
def test_an_unreadable_python_is_copied_once(user: pwd.struct_passwd, copy: Path) -> None:
    written_at = (copy / "versions.txt").stat().st_mtime_ns
    made = readable_program(user, copy)
    assert (copy / "versions.txt").stat().st_mtime_ns == written_at
    argv = [made.python, "-c", "import django, ssl, sys; print(django.__file__, sys.base_prefix)"]
    output = subprocess.check_output(argv, cwd="/", env=made.environment, text=True, **identity(user))
    assert output.split() == [str(made.packages / "django" / "__init__.py"), str(copy / "base")]
    assert not (made.packages / "pytest").exists(), "only what serves a site is copied"
    (copy / "versions.txt").write_text("other packages")
    assert readable_program(user, copy) == made
    assert (copy / "versions.txt").stat().st_mtime_ns != written_at


@pytest.mark.usefixtures("_unreadable")
def test_a_failed_copy_is_an_error(
    user: pwd.struct_passwd, folder: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StartupError, match=r"cannot be copied: .*/none\.lock: No such file"):
        readable_program(user, folder / "no" / "none")
    monkeypatch.setattr(program_copy, "TRIAL_IMPORT", "raise SystemExit('no such library')")
    with pytest.raises(StartupError, match=r"(?s)no such library.*rm -r .*\.venv; PYTHON="):
        readable_program(user, copy)
