"""Child processes that never outlive the process that started them, and are started again when they end."""

import ctypes
import logging
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

# Loaded before any child drops its privileges: afterwards the library's folder may be out of its reach.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1

logger = logging.getLogger(__name__)


def spawn(
    argv: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    user: pwd.struct_passwd | None = None,
    cwd: Path | str | None = None,
    env: dict[str, str] | None = None,
    output: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` as a direct child, as `user`; it gets `death_signal` when this thread dies.

    It runs in a process group of its own, so that Ctrl-C reaches only us and children stop in our order.
    """
    parent = os.getpid()

    def bind_to_parent() -> None:  # runs after the change of user, which would clear the setting
        die_with_parent(death_signal)
        if os.getppid() != parent:  # it died before the setting was made
            os._exit(1)

    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        pass_fds=pass_fds,
        process_group=0,
        preexec_fn=bind_to_parent,
        **identity(user),
    )


def die_with_parent(death_signal: signal.Signals) -> None:
    """Ask the kernel to send this process `death_signal` when its parent dies (Linux; elsewhere nothing)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments of subprocess that make a child run as `user`; None changes nothing."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Child:
    """A process that `keep` starts, and starts again if it ended, later each time that it ended early."""

    LONG_ENOUGH = 10  # seconds of life after which it counts as healthy
    LONGEST_PAUSE = 30  # seconds

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """`start` returns the running process. What it raises here is raised, later it is tried again."""
        self.name = name
        self.start = start
        self.process = start()
        self.started_at = time.monotonic()
        self.pause = 0.0  # seconds

    def keep(self) -> None:
        now = time.monotonic()
        if (code := self.process.poll()) is None or now < self.started_at + self.pause:
            return
        logger.warning("%s ended (%s); starting it again.", self.name, code)
        healthy = now - self.started_at >= self.LONG_ENOUGH + self.pause
        self.pause = 1 if healthy else min(self.pause * 2 or 1, self.LONGEST_PAUSE)
        self.started_at = now
        try:
            self.process = self.start()
        except Exception as error:  # whatever it was, the next try may work
            logger.warning("%s did not start: %s", self.name, error)

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end after `terminate`; what is still there after so many seconds is killed."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not stop within %s s; killed.", self.name, seconds)
            self.process.kill()
            self.process.wait()
