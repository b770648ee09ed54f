"""bin/setup: its errors, and what it leaves unchanged. bin/test shows that it installs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from core.data_folder import PROJECT

# As bin/setup asks.
SUITS = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
SYSTEM_PYTHON = Path("/usr/bin/python3")
SYSTEM_PYTHON_SUITS = (
    SYSTEM_PYTHON.exists() and subprocess.run([SYSTEM_PYTHON, "-c", SUITS], check=False).returncode == 0
)
SetUp = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "a project"
    (project / "bin").mkdir(parents=True)
    shutil.copy(PROJECT / "bin" / "setup", project / "bin")
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (project / lock).write_text(f"# {lock}\n")
    return project


@pytest.fixture
def set_up(project: Path) -> SetUp:
    def run(
        *arguments: str, python: str = sys.executable, path: str = os.environ["PATH"]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [project / "bin" / "setup", *arguments],
            env=os.environ | {"PYTHON": python, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def interpreter(folder: Path, body: str) -> str:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_an_older_python_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    old = interpreter(tmp_path, '[ "$1" = -V ] && echo Python 3.10.2 && exit; exit 1')
    done = set_up(python=old)
    assert done.returncode == 1
    assert f"Soundoff needs Python 3.11, 3.12 or 3.13; {old} is Python 3.10.2." in done.stderr


def test_the_error_without_venv_names_debians_package(set_up: SetUp, project: Path, tmp_path: Path) -> None:
    bare = interpreter(tmp_path, "case $2 in *ensurepip*) exit 1 ;; *) echo 3.11.2 ;; esac")
    done = set_up(python=bare)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert not (project / ".venv").exists()


@pytest.mark.skipif(not SYSTEM_PYTHON_SUITS, reason="the system has no Python 3.11 with venv")
def test_the_systems_python_comes_before_that_of_the_path(set_up: SetUp, tmp_path: Path) -> None:
    interpreter(tmp_path, "echo 3.11.2")
    done = set_up(python="", path=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0
    assert "of /usr/bin/python3 (once)" in done.stderr


def test_the_life_of_an_environment(set_up: SetUp, project: Path) -> None:
    """One test goes through all of it, because each new environment takes seconds."""
    environment = project / ".venv"
    stamp = environment / "stamp-requirements.txt"

    # A half-made one is made anew.
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("/nowhere/python3")
    assert set_up().returncode == 0
    assert (environment / "bin" / "python").exists()
    assert sha256((project / "requirements.txt").read_bytes()).hexdigest() in stamp.read_text()

    # The second start does nothing.
    before = stamp.stat().st_mtime_ns
    again = set_up()
    assert (again.returncode, again.stderr, stamp.stat().st_mtime_ns) == (0, "", before)

    # The packages that tests need are added to it.
    assert set_up("dev").returncode == 0
    assert (environment / "stamp-requirements-dev.txt").exists()
    assert set_up().stderr == ""

    # Another lock starts over, and one that cannot be installed leaves no stamp.
    (environment / "left-over").touch()
    (project / "requirements.txt").write_text("none @ file:///nowhere/none-1.0-py3-none-any.whl\n")
    assert set_up().returncode != 0
    assert not (environment / "left-over").exists()
    assert not stamp.exists()
