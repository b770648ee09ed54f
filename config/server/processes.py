"""Child processes that end with their parent, and that are restarted if they end by themselves."""

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

# Loaded before a child drops its privileges: afterwards it may not be able to read the library.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


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
    """Start `argv` as a direct child, as `user`. It gets `death_signal` when this thread ends.

    It has its own process group, so that Ctrl-C reaches only us, and we stop the children in order.
    """
    parent = os.getpid()

    def bind_to_parent() -> None:  # runs after the change of user, which would clear the setting
        die_with_parent(death_signal)
        if os.getppid() != parent:  # the parent ended before the setting was made
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
    """Ask the kernel to send `death_signal` to this process when its parent ends. Works on Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments of subprocess that run a child as `user`; none for None."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Child:
    """A process that `restart_if_ended` restarts, after a longer delay each time that it ends early."""

    HEALTHY_AFTER = 10  # seconds of running
    MAX_RESTART_DELAY = 30  # seconds

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """Start the process with `start`, which returns it. Exceptions of later restarts are logged."""
        self.name = name
        self.start = start
        self.process = start()
        self.started_at = time.monotonic()
        self.restart_delay = 0.0  # seconds

    def restart_if_ended(self) -> None:
        """Restart the process if it has ended and the delay is over."""
        now = time.monotonic()
        if (code := self.process.poll()) is None or now < self.started_at + self.restart_delay:
            return
        log.warning("%s ended (%s); restarting it.", self.name, code)
        healthy = now - self.started_at >= self.HEALTHY_AFTER + self.restart_delay
        self.restart_delay = 1 if healthy else min(self.restart_delay * 2 or 1, self.MAX_RESTART_DELAY)
        self.started_at = now
        try:
            self.process = self.start()
        except Exception as error:  # the next attempt may succeed
            log.warning("%s did not start: %s", self.name, error)

    def terminate(self) -> None:
        """Ask the process to stop."""
        self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end after `terminate`, and kill the process after this time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop within %s s; killed.", self.name, seconds)
            self.process.kill()
            self.process.wait()
