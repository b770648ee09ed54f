"""Hosts on one machine: each is a network namespace with its own address and host name.

All are on one bridge, which is in a namespace as well, so nothing of the machine's own network changes. Needs
root and Debian's iproute2 and util-linux.
"""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import processor_seconds
from core.data_folder import PROJECT

PREFIX = "sdf"  # of the namespaces' names
NETWORK = "10.77.0"
SWITCH = f"{PREFIX}-switch"
STOP_SECONDS = 20
WAIT_SECONDS = 240
LOG_SHOWN = 1500  # characters of each log after a failure

Command = Sequence[str | Path]


@dataclass
class Host:
    """A host: its name, the last number of its address, its folder, and the processes that run on it."""

    name: str
    number: int
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    def argv(self, command: Command) -> list[str | Path]:
        """Return the command as it runs on this host. The process keeps its id through all steps."""
        rename = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return ["nsenter", f"--net=/run/netns/{PREFIX}-{self.name}", *rename, *command]

    def start(
        self, name: str, command: Command, *, user: str = "root", env: Mapping[str, str] | None = None
    ) -> None:
        """Start a process, whose output goes to a file in the host's folder."""
        who = pwd.getpwnam(user)
        os.chown(self.folder, who.pw_uid, who.pw_gid)
        become = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.argv([*become, *command]),
                cwd=PROJECT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def run(self, command: Command, *, env: Mapping[str, str] | None = None, quiet: bool = False) -> str:
        """Run a command on this host and return its output. Raises CalledProcessError."""
        errors = subprocess.DEVNULL if quiet else None
        return subprocess.check_output(self.argv(command), cwd=PROJECT, env=env, stderr=errors, text=True)

    def processes(self) -> list[int]:
        """Return the processes that run in the network of this host."""
        found = subprocess.run(
            ["ip", "netns", "pids", f"{PREFIX}-{self.name}"], stdout=subprocess.PIPE, text=True, check=True
        )
        return [int(number) for number in found.stdout.split()]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to everything that runs on this host."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def disconnect(self) -> None:
        """Disconnect the host from the network: nobody gets an answer, and nobody a reset."""
        _ip("-n", SWITCH, "link", "set", f"v-{self.name}", "down")

    def reconnect(self) -> None:
        """Connect the host to the network again."""
        _ip("-n", SWITCH, "link", "set", f"v-{self.name}", "up")

    def processor_seconds(self) -> float:
        """Return the processor time so far of what runs on this host, also of what was left by its parent."""
        return processor_seconds(self.processes())  # Postgres is no child of Patroni

    def stop(self) -> None:
        """Stop all processes of this host: SIGTERM first, SIGKILL for those that do not end."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        self.signal(signal.SIGKILL)
        for process in self.running.values():
            process.wait()
        self.running.clear()


@contextmanager
def network(folder: Path, numbers: Mapping[str, int]) -> Iterator[dict[str, Host]]:
    """Create hosts with these names and last numbers of addresses. They are removed at the end."""
    hosts = {name: Host(name, number, folder / name) for name, number in numbers.items()}
    _remove(hosts)  # what a run that was killed has left
    try:
        _ip("netns", "add", SWITCH)
        _ip("-n", SWITCH, "link", "add", "br0", "type", "bridge")
        _ip("-n", SWITCH, "link", "set", "br0", "up")
        for host in hosts.values():
            host.folder.mkdir(parents=True)
            own = f"{PREFIX}-{host.name}"
            _ip("netns", "add", own)
            _ip("-n", own, "link", "set", "lo", "up")
            _ip("-n", SWITCH, "link", "add", f"v-{host.name}", "type", "veth", "peer", "eth0", "netns", own)
            _ip("-n", SWITCH, "link", "set", f"v-{host.name}", "master", "br0", "up")
            _ip("-n", own, "addr", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", own, "link", "set", "eth0", "up")
        yield hosts
    except BaseException:
        for log in folder.glob("*/*.log"):
            sys.stderr.write(f"{log}:\n{log.read_text(errors='replace')[-LOG_SHOWN:]}\n")
        raise
    finally:
        for host in reversed(hosts.values()):
            host.stop()
        _remove(hosts)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until the condition holds. Raises TimeoutError that names what did not happen."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {WAIT_SECONDS} s: {what}")
        time.sleep(0.25)


def _remove(hosts: Mapping[str, Host]) -> None:
    for name in [*(f"{PREFIX}-{host}" for host in hosts), SWITCH]:
        if Path("/run/netns", name).exists():
            for process in subprocess.check_output(["ip", "netns", "pids", name], text=True).split():
                with suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
