"""The files in deploy/ (compose.yml, its image, HAProxy, SQL, systemd), and the nginx of docs/operate.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest
import yaml
from django.core.management import get_commands, load_command_class

from bench.cluster.haproxy import write_config
from config.management.commands.serve import ROLES
from config.server import postgres
from config.server.program_copy import PROJECT_PARTS
from core.data_folder import PROJECT
from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import PATIENCE, until
from tests.plugin import EMPTY_SITE

DEPLOY = PROJECT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SITE = {name: service for name, service in COMPOSE["services"].items() if name != "database"}
# The image sets these, and the embedded database has no use in a container.
SET_BY_THE_IMAGE = {"HOST", "PORT", "SOUNDOFF_HOME"}
# compose.yml itself sets it.
SET_BY_COMPOSE = {"TMPDIR"}
# For developers. OIDC_WORK_… have names of the owner's choice (docs/deploy.md).
NOT_PASSED_ON = {"DEBUG"}
REFERENCE = re.compile(r"\$\{(\w+)(:[?-])?[^}]*\}")


def find_program(name: str, package: str) -> str:
    """Return the path of a program of Debian. Skip the test without it, unless .ci/run has installed it."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        assert "CI" not in os.environ, f"no {name}"
        pytest.skip(f"no {name} (Debian's package {package})")
    return path


def variables_of_the_readme() -> set[str]:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (PROJECT / "README.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"[A-Z_]+", row) if "_WORK_" not in name}


def filled_in_example() -> dict[str, str]:
    """Return env.example as an owner fills it in: each empty value with its own secret."""
    lines = re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE)
    return {name: value or name.lower() * 5 for name, value in lines}


def environment_of(service: str, values: dict[str, str]) -> dict[str, str]:
    """Return the environment of a service as compose makes it from these values."""
    found = {}
    for name, value in COMPOSE["services"][service]["environment"].items():
        if value is not None:
            found[name] = REFERENCE.sub(lambda match: values[match[1]], value)
        elif name in values:
            found[name] = values[name]
    return found


def test_containers_and_units_start_each_part_of_a_site() -> None:
    """Each command is one that the program accepts."""
    units = [path.read_text() for path in DEPLOY.glob("systemd/*.service")]
    started = [
        re.findall(r"^ExecStart=\S+ manage\.py (.+)$", unit, re.MULTILINE)[0].split() for unit in units
    ]
    for commands in ([service["command"] for service in SITE.values()], started):
        parts = []
        for name, *options in commands:
            command = load_command_class(get_commands()[name], name)
            parts += vars(command.create_parser("manage.py", name).parse_args(options)).get("only") or [name]
        assert sorted(parts) == sorted(["upgrade", *ROLES])


def test_only_the_upgrade_has_the_login_that_owns_the_tables() -> None:
    has_it = [name for name, service in COMPOSE["services"].items() if "OWNER_PASSWORD" in str(service)]
    assert has_it == ["database", "upgrade"]


def test_large_temporary_files_are_on_a_disk() -> None:
    for service in SITE.values():
        targets = [volume.rpartition(":")[2] for volume in service["volumes"]]
        assert service["environment"]["TMPDIR"] in targets
    unit = (DEPLOY / "systemd" / "soundoff-.service.d" / "common.conf").read_text().splitlines()
    assert {"Environment=TMPDIR=/var/tmp", "PrivateTmp=yes"} <= {*unit}


def test_the_services_get_what_the_readme_names_and_nothing_else() -> None:
    passed_on = set(SITE["upgrade"]["environment"])
    assert passed_on - SET_BY_COMPOSE == variables_of_the_readme() - SET_BY_THE_IMAGE - NOT_PASSED_ON
    image = (DEPLOY / "Containerfile").read_text()
    assert all(f" {name}=" in image for name in SET_BY_THE_IMAGE)


def test_the_example_names_what_compose_needs() -> None:
    example = (DEPLOY / "env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    references = {match[1]: match[2] for match in REFERENCE.finditer((DEPLOY / "compose.yml").read_text())}
    assert {name for name, kind in references.items() if kind == ":?"} == set(filled_in_example()) - {
        "BEHIND_PROXY"
    }
    assert named <= references.keys() | set(SITE["web"]["environment"])
    assert references.keys() <= named


def test_the_settings_accept_the_example(tmp_path: Path) -> None:
    environment = environment_of("upgrade", filled_in_example())
    subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOST": "0.0.0.0", "SOUNDOFF_HOME": str(tmp_path)} | environment,
        check=True,
    )


def test_the_image_has_the_program_and_nothing_else() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    copied = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert rules == ["*", *(f"!{name}" for name in copied), "**/__pycache__"]
    assert set(copied) == {*PROJECT_PARTS, "LICENSE", "requirements.txt"}
    assert all((PROJECT / name).exists() for name in copied)
    assert "\nUSER 1000:1000\n" in (DEPLOY / "Containerfile").read_text()


def test_each_container_that_keeps_running_has_a_health_check() -> None:
    without = {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service}
    assert without == {"upgrade"}


def test_the_sql_creates_a_database_with_two_logins() -> None:
    with postgres.temporary_server(Path(os.environ[EMPTY_SITE], "postgres")) as owner:
        superuser = owner.replace("soundoff_owner", "postgres").removesuffix("/soundoff") + "/postgres"
        psql: list[Any] = [postgres.find_binaries().folder / "psql", "-X", "-v", "ON_ERROR_STOP=1", superuser]
        empty = "DROP DATABASE soundoff; DROP ROLE soundoff_owner; DROP ROLE soundoff_web;"
        subprocess.run(psql, input=empty, text=True, check=True)
        passwords = {"OWNER_PASSWORD": "it's ours", "WEB_PASSWORD": "w"}
        subprocess.run([*psql, "-f", DEPLOY / "create_database.sql"], env=passwords, check=True)
        with psycopg2.connect(owner) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY)")
            cursor.execute("SELECT similarity('Ähre', 'ähre'), unaccent('é')")
            assert cursor.fetchone() == (1, "e")
        with psycopg2.connect(owner.replace("soundoff_owner", "soundoff_web")) as web, web.cursor() as cursor:
            cursor.execute("INSERT INTO made DEFAULT VALUES RETURNING id")
            assert cursor.fetchone() == (1,)
            cursor.execute("SHOW random_page_cost")
            assert cursor.fetchone() == ("1.1",)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("DROP TABLE made")
        connection.close()
        web.close()


@pytest.mark.parametrize("name", ["haproxy.cfg", "haproxy_database.cfg"])
def test_haproxy_accepts_its_files(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    # It would read the certificate.
    file.write_text((DEPLOY / name).read_text().replace(" ssl crt /etc/haproxy/site.pem", ""))
    argv = [find_program("haproxy", "haproxy"), "-c", "-f", file]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_files_of_a_cluster_agree() -> None:
    patroni = yaml.safe_load((DEPLOY / "patroni.yml").read_text())
    dcs = patroni["bootstrap"]["dcs"]
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"], "as Patroni demands"
    assert dcs["primary_start_timeout"] < dcs["ttl"], "no fault lets posts wait longer than a lost primary"
    assert patroni["restapi"]["authentication"]["password"]
    etcd = (DEPLOY / "etcd.env").read_text()
    nodes = re.findall(r"etcd\d=http://([\d.]+):2380", etcd)
    assert patroni["etcd3"]["hosts"] == [f"{address}:2379" for address in nodes]
    assert {*re.findall(r"^ETCD_(?!NAME|DATA_DIR|INITIAL_CLUSTER)\w+=http://([\d.]+):\d+$", etcd, re.M)} == {
        nodes[0]
    }
    servers = re.findall(r"^  server pg\d (\S+)$", (DEPLOY / "haproxy_database.cfg").read_text(), re.M)
    assert patroni["postgresql"]["listen"] == servers[0]


def test_a_shell_reads_the_documented_settings_as_systemd_does(tmp_path: Path) -> None:
    """The scripts of docs/deploy.md and docs/operate.md read the files with a shell."""
    secret = "a&b<c>d;e|f $HOME `id` g"
    block = re.search(
        r"```\n# /etc/soundoff\.env\n(.+?)```", (PROJECT / "docs" / "deploy.md").read_text(), re.S
    )
    assert block
    lines = [line.replace("…", secret) for line in block[1].splitlines() if not line.startswith("#")]
    file = tmp_path / "soundoff.env"
    file.write_text("\n".join(lines))
    argv = ["sh", "-c", f'set -ae; . "{file}"; exec env -0']
    found = subprocess.check_output(argv, env={"PATH": os.environ["PATH"]}, text=True).split("\0")
    written = {line.replace("'", "") for line in lines if line}
    assert written <= {*found}
    assert sum(secret in line for line in written) == 4


class EchoHandler(BaseHTTPRequestHandler):
    """A server that answers each request with its headers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(ConnectionError):  # a health check of HAProxy ends with the status
            self.wfile.write(json.dumps(dict(self.headers)).encode())

    def log_message(self, *args: object) -> None:
        pass


def haproxy_command(folder: Path, port: int, web: int) -> list[str | Path]:
    """Write the configuration of deploy/haproxy.cfg, with these ports. Return the command that runs it."""
    servers = {"web1": f"127.0.0.1:{web}"}
    return ["haproxy", "-db", "-f", write_config("haproxy.cfg", folder, f"127.0.0.1:{port}", servers)]


def nginx_command(folder: Path, port: int, web: int) -> list[str | Path]:
    """Write the configuration of docs/operate.md, with these ports. Return the command that runs it."""
    server = (PROJECT / "docs" / "operate.md").read_text().partition("```nginx\n")[2].partition("```")[0]
    server = server.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace(":8000", f":{web}")
    folders = "".join(
        f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"daemon off; pid pid; error_log stderr; events {{}} http {{ access_log off; {folders} {server} }}"
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", folder, "-c", "nginx.conf"]


@pytest.mark.parametrize("command", [haproxy_command, nginx_command])
def test_a_proxy_sets_the_headers_that_the_site_trusts(
    command: Callable[[Path, int, int], list[str | Path]], tmp_path: Path
) -> None:
    port = free_port()
    web = ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
    argv = command(tmp_path, port, web.server_port)
    program = find_program(str(argv[0]), "nginx-light" if argv[0] == "nginx" else "haproxy")
    Thread(target=web.serve_forever).start()
    proxy = subprocess.Popen([program, *argv[1:]])

    def get(path: str, **headers: str) -> tuple[int, bytes]:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as client:
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            return answer.status, answer.read()

    def answers() -> bool:
        with suppress(OSError):
            return get("/")[0] == 200
        return False

    try:
        until(answers)
        [row] = re.findall(r"^\| `BEHIND_PROXY` .*$", (PROJECT / "README.md").read_text(), re.MULTILINE)
        trusted = re.findall(r"`(X-[\w-]+)`", row)
        assert len(trusted) == 3
        echo = json.loads(get("/", **dict.fromkeys(trusted, "forged-by-a-client"))[1])
        arrived = {name.lower(): value for name, value in echo.items()}
        assert arrived.keys() >= {name.lower() for name in trusted}
        assert "forged" not in str(arrived)
        assert arrived["x-forwarded-for"] == "127.0.0.1"
        assert [get(path)[0] for path in ("/metrics", "/%6detrics?x", "/metrics/")] == [404, 404, 200]
    finally:
        proxy.terminate()
        proxy.wait()
        web.shutdown()
        web.server_close()


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = find_program("systemd-analyze", "systemd")
    units = tmp_path / "units"
    shutil.copytree(DEPLOY / "systemd", units)
    services = sorted(units.glob("*.service"))
    for unit in services:  # the program is not installed at this path here
        unit.write_text(unit.read_text().replace("/srv/soundoff/.venv/bin/python", sys.executable))
    done = subprocess.run(
        [program, "verify", "--man=no", *services, units / "soundoff.target"],
        cwd=units,
        env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
