"""The faults that the cluster has to survive: how each begins, and how it ends twenty seconds later."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cluster.engines import Cluster


@dataclass(frozen=True)
class Fault:
    """A fault. `begin` returns the function that ends it."""

    name: str
    begin: Callable[[Cluster], Callable[[], None]]
    removed_before: float = 6.0  # seconds, from the removal of a comment until the fault


def _nothing(cluster: Cluster) -> Callable[[], None]:
    return lambda: None


def _kill_postgres(cluster: Cluster) -> Callable[[], None]:
    """Kill the primary's Postgres alone, which Patroni starts again in place."""
    primary = cluster.hosts[cluster.primary()]
    os.kill(int(Path(primary.folder, "data", "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    return lambda: None


def _kill(choose: Callable[[Cluster], str]) -> Callable[[Cluster], Callable[[], None]]:
    """Cut a host's power, and start it again at the end.

    It is disconnected first: the kernel of a process that is killed still closes its connections.
    """

    def begin(cluster: Cluster) -> Callable[[], None]:
        host = cluster.hosts[choose(cluster)]
        host.disconnect()
        host.signal(signal.SIGKILL)

        def end() -> None:
            host.stop()
            host.reconnect()
            cluster.start(host.name)

        return end

    return begin


def _disconnect(choose: Callable[[Cluster], str]) -> Callable[[Cluster], Callable[[], None]]:
    def begin(cluster: Cluster) -> Callable[[], None]:
        host = cluster.hosts[choose(cluster)]
        host.disconnect()
        return host.reconnect

    return begin


def _freeze(choose: Callable[[Cluster], str]) -> Callable[[Cluster], Callable[[], None]]:
    def begin(cluster: Cluster) -> Callable[[], None]:
        host = cluster.hosts[choose(cluster)]
        host.signal(signal.SIGSTOP)
        return lambda: host.signal(signal.SIGCONT)

    return begin


def _pause_replay(cluster: Cluster) -> Callable[[], None]:
    """Let no replica replay the log. Each still receives it, so posts do not wait."""
    replicas = cluster.replicas()
    for name in replicas:
        cluster.query(name, "SELECT pg_wal_replay_pause()")

    def end() -> None:
        for name in replicas:
            cluster.query(name, "SELECT pg_wal_replay_resume()")

    return end


FAULTS = [
    Fault("none", _nothing),
    Fault("Postgres of the primary killed", _kill_postgres),
    Fault("host of the primary killed", _kill(Cluster.primary)),
    # Copies that are older than the removal are not shown, and there are no newer ones.
    Fault("… 0.7 s after a removal", _kill(Cluster.primary), removed_before=0.7),
    Fault("network of the primary", _disconnect(Cluster.primary)),
    Fault("host of the synchronous replica frozen", _freeze(Cluster.synchronous)),
    Fault("replicas replay nothing", _pause_replay),
    Fault("web host killed", _kill(lambda cluster: "web1")),
    Fault("network of a web host", _disconnect(lambda cluster: "web2")),
    Fault("worker host killed", _kill(lambda cluster: "worker")),
    Fault("store killed", _kill(lambda cluster: "store")),
    Fault("store frozen", _freeze(lambda cluster: "store")),
]
