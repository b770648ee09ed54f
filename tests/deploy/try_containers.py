"""Build the image, start the containers of deploy/compose.yml, and set the site up in a browser.

Needs root and Debian's chromium, mmdebstrap, podman, runc, netavark, nftables, aardvark-dns, catatonit and
docker-compose, but no registry: the base of the image, and a stand-in for the image of Postgres, are made of
Debian's packages. It takes minutes, so it is not in the gate.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

from playwright.sync_api import Page, expect, sync_playwright

from core.data_folder import PROJECT
from tests.helpers.servers.ports import free_port

COMPOSE = PROJECT / "deploy" / "compose.yml"
BASE = "localhost/soundoff-try-base"
POSTGRES = "postgres:18-trixie"  # the name in compose.yml
PACKAGES = "python3,python3-venv,ca-certificates,postgresql"
CHROMIUM = "/usr/bin/chromium"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
WAIT_SECONDS = 300
ERASED, KEPT = "Before the restart.", "After the loss of the database."  # comments
DELETE_PERMANENTLY = """
from comments.models import Comment, State
from moderation.actions.decisions import decide
from moderation.erasure import purge
chosen = Comment.objects.get(body="{text}")
person = chosen.author
decide(ids=[chosen.pk], to=State.SPAM, reason="spam", actor=person)
print(purge.purge_list(group=purge.make_list(states=["spam"], days=0, actor=person), actor=person))
"""

# The steps of the entry point of the image of Postgres on which compose.yml relies.
ENTRYPOINT = r"""#!/bin/sh
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
data=/var/lib/postgresql/data
mkdir -p $data /run/postgresql
if [ ! -e $data/PG_VERSION ]; then
    chown -R postgres $data /run/postgresql
    as="setpriv --reuid postgres --regid postgres --clear-groups"
    echo "$POSTGRES_PASSWORD" > /tmp/password && chmod 644 /tmp/password
    $as initdb -D $data --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
    $as pg_ctl -D $data -o "-c listen_addresses=" -w start
    for file in /docker-entrypoint-initdb.d/*.sql; do
        psql -v ON_ERROR_STOP=1 --no-psqlrc --username postgres --dbname postgres -f "$file"
    done
    $as pg_ctl -D $data -m fast -w stop
fi
chown postgres /run/postgresql
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -D $data -c listen_addresses='*'
"""
CONTAINERFILE_OF_POSTGRES = f"""
FROM {BASE}
COPY entrypoint /entrypoint
RUN chmod 755 /entrypoint && ln -s /usr/lib/postgresql/*/bin/pg_isready /usr/local/bin/
STOPSIGNAL SIGINT
ENTRYPOINT ["/entrypoint"]
"""
STORAGE = '[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
# Without systemd, as on a small virtual machine.
ENGINE = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


class Engine:
    """Podman with its own storage, and docker-compose with the site's file, which talks to Podman."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.folder = folder
        self.port = free_port()
        (folder / "storage.conf").write_text(STORAGE.format(driver=driver, folder=folder))
        (folder / "containers.conf").write_text(ENGINE)
        secrets = "".join(f"{name}={name.lower() * 4}\n" for name in ("SECRET_KEY", "POSTGRES_PASSWORD"))
        secrets += "OWNER_PASSWORD=of-the-owner\nWEB_PASSWORD=of-the-web\n"
        (folder / "env").write_text(
            f"SITE_URL=http://localhost:{self.port}\nBEHIND_PROXY=0\nPORT={self.port}\n{secrets}"
        )
        self.environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
            "DOCKER_HOST": f"unix://{folder}/podman.sock",
        }
        for name in ("SECRET_KEY", "DATABASE_URL"):  # compose would prefer those of this shell
            self.environment.pop(name, None)

    def podman(self, *arguments: str | Path) -> str:
        """Run a command of Podman, and return its output."""
        return self._run(["podman", *arguments])

    def compose(self, *arguments: str | Path, stdin: Path = Path(os.devnull)) -> str:
        """Run a command of docker-compose with the site's file, and return its output."""
        argv = ["docker-compose", "--env-file", self.folder / "env", "-f", COMPOSE, *arguments]
        with stdin.open("rb") as file:
            return self._run(argv, file)

    def inspect(self, service: str) -> dict[str, Any]:
        return json.loads(self.podman("inspect", container(service)))[0]  # type: ignore[no-any-return]

    def log(self, service: str) -> str:
        done = subprocess.run(
            ["podman", "logs", container(service)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def _run(self, argv: list[str | Path], stdin: IO[bytes] | None = None) -> str:
        return subprocess.check_output(argv, env=self.environment, stdin=stdin, text=True)


def container(service: str) -> str:
    """Return the name that docker-compose gives a container."""
    return f"soundoff-{service}-1"


def build(engine: Engine) -> None:
    """Build the image of the site, and a stand-in for that of Postgres."""
    root = engine.folder / "root.tar"
    if not root.exists():
        argv = ["mmdebstrap", "--mode=root", "--variant=apt", f"--include={PACKAGES}"]
        subprocess.run([*argv, os.environ.get("SUITE", "trixie"), root], check=True)
    if not engine.podman("images", "--quiet", BASE):
        engine.podman("import", root, BASE)
    context = engine.folder / "postgres"
    context.mkdir(exist_ok=True)
    (context / "entrypoint").write_text(ENTRYPOINT)
    (context / "Containerfile").write_text(CONTAINERFILE_OF_POSTGRES)
    limits = [
        f"--ulimit={name}={resource.getrlimit(kind)[1]}:{resource.getrlimit(kind)[1]}"
        for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
    ]
    # chroot: without a runtime. This machine's certificates and settings of pip, to reach its package index.
    options = ["--isolation=chroot", *limits, f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
    if Path("/etc/pip.conf").exists():
        options.append("--volume=/etc/pip.conf:/etc/pip.conf:ro")
    engine.podman("build", *options, "-t", POSTGRES, context)
    file = PROJECT / "deploy" / "Containerfile"
    began = time.monotonic()
    engine.podman("build", *options, f"--build-arg=BASE={BASE}", "-f", file, "-t", "soundoff", PROJECT)
    found = json.loads(engine.podman("image", "inspect", "soundoff"))[0]
    report(f"The image was built in {time.monotonic() - began:.0f} s and has {found['Size'] / 1e6:.0f} MB.")
    listed = engine.podman("run", "--rm", "--entrypoint=ls", "soundoff", "-A").split()
    report(f"In the image: {' '.join(listed)}")
    assert not {".git", "tests", "var", "docs", "bench"} & set(listed)


@contextmanager
def running(engine: Engine) -> Iterator[None]:
    """Run the containers of the compose file. They and their volumes are removed afterwards."""
    is_over = threading.Event()

    def ask_for_health() -> None:
        """Run the health checks, which Podman leaves to systemd's timers."""
        while not is_over.wait(2):
            for service in ("database", "web"):
                subprocess.run(
                    ["podman", "healthcheck", "run", container(service)],
                    env=engine.environment,
                    capture_output=True,
                    check=False,
                )

    service = ["podman", "system", "service", "--time=0", engine.environment["DOCKER_HOST"]]
    serving = subprocess.Popen(service, env=engine.environment)
    asking = threading.Thread(target=ask_for_health)
    asking.start()
    try:
        wait_until((engine.folder / "podman.sock").exists, "Podman's socket")
        engine.compose("up", "-d", "--no-build")
        yield
    except BaseException:
        for service in ("database", "upgrade", "web", "worker", "scheduler"):
            report(f"{service}:\n{engine.log(service)[-1500:]}")
        raise
    finally:
        is_over.set()
        asking.join()
        engine.compose("down", "--volumes")
        serving.terminate()
        serving.wait()


def wait_until(condition: Any, what: str) -> None:
    """Wait until the condition holds. Raises TimeoutError that names what did not happen."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {WAIT_SECONDS} s: {what}")
        time.sleep(0.5)


def answers(url: str) -> bool:
    """Return whether a page answers with 200."""
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def check_containers(engine: Engine) -> None:
    """Check the containers, and set the site up as its owner does."""
    url = f"http://localhost:{engine.port}"
    wait_until(lambda: answers(f"{url}/healthz") and answers(f"{url}/readyz"), "the web server is ready")
    wait_until(lambda: engine.inspect("web")["State"]["Health"]["Status"] == "healthy", "web is healthy")
    report(f"Ready. upgrade printed: {engine.log('upgrade').strip()}")
    for service in ("web", "worker", "scheduler"):
        who = engine.podman("exec", container(service), "id", "-u").strip()
        assert who == "1000", who
        rights = engine.podman("exec", container(service), "grep", "CapEff", "/proc/1/status").split()[1]
        assert int(rights, 16) == 0, rights
        trial = "touch /srv/soundoff/x 2>&1 || touch /etc/x 2>&1 || touch /data/x && rm /data/x; echo"
        printed = engine.podman("exec", container(service), "sh", "-c", trial)
        assert printed.count("Read-only file system") == 2, printed
        variables = engine.podman("exec", container(service), "cat", "/proc/1/environ")
        assert "of-the-owner" not in variables
    report("Three containers: user 1000, no rights, a read-only root, without the owner's password.")

    link = re.search(rf"{url}/setup/\S+", engine.log("web"))
    assert link, "the log has the link to the set-up"
    expect.set_options(timeout=30_000)  # milliseconds
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(base_url=url)
        try:
            story = use_site(engine, page, link[0])
        except Exception:
            report(f"{page.url}:\n{page.inner_text('body')[:1500]}")
            raise
        finally:
            browser.close()
    report(engine.podman("exec", container("web"), "python", "manage.py", "check_integrity").strip())
    upgrade(engine, url)
    backup_and_restore(engine, url, story)


def use_site(engine: Engine, page: Page, link: str) -> str:
    """Set the site up, and post comments around restarts of the web server and of the database.

    Returns the address of the story.
    """
    url = f"http://localhost:{engine.port}"
    story = set_up(page, link)
    comment(page, story, ERASED)
    engine.compose("restart", "web")
    wait_until(lambda: answers(f"{url}/readyz"), "the web server is back")
    assert engine.log("web").count("/setup/") == 1, "a site that is set up prints no link"
    comment(page, story, "After the restart of the web server.")
    restarted_at = time.monotonic()
    started_at = engine.inspect("database")["State"]["StartedAt"]
    engine.podman("kill", "--signal=KILL", container("database"))
    engine.podman("start", container("database"))  # does nothing while the killed one still ends
    wait_until(lambda: restarted(engine, "database", started_at), "another process of the database")
    wait_until(lambda: answers(f"{url}/readyz"), "the database is back")
    report(f"Ready {time.monotonic() - restarted_at:.1f} s after the database was killed and started.")
    comment(page, story, KEPT)
    page.goto("/owner/status/")
    for host in ("web", "worker", "scheduler"):
        expect(page.get_by_text(f"{host}: ").first).to_be_visible()
    return story


def restarted(engine: Engine, service: str, started_at: str) -> bool:
    """Return whether a container has been started after this time. Starts it if it does not run."""
    state = engine.inspect(service)["State"]
    if not state["Running"]:
        engine.podman("start", container(service))
    return bool(state["Running"] and state["StartedAt"] != started_at)


def set_up(page: Page, link: str) -> str:
    """Set the site up, publish a story, and return its path."""
    page.goto(link)
    values = {"name": "The Slip", "you-name": "Ada", "you-email": "ada@example.org"}
    for name, value in (values | {"you-password": "seven-green-herons"}).items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Set up the site").click()
    page.get_by_role("button", name="Send a test e-mail").click()
    page.get_by_role("link", name="Continue").click()
    page.goto("/admin/articles/article/add/")
    page.locator("#id_title").fill("A story in a container")
    page.locator("#id_body").fill("At nine.")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.goto("/")
    page.get_by_role("link", name="A story in a container").first.click()
    page.wait_for_url("**/stories/**")
    return page.url


def comment(page: Page, story: str, text: str) -> None:
    """Post a comment, and see it on the page.

    Each web process notices within a second that the database is back, and answers 503 until then.
    """
    field = page.get_by_label("Your comment")
    wait_until(lambda: page.goto(f"{story}reply/") and field.is_visible(), "the form of a comment")
    field.fill(text)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_text(text, exact=True).first).to_be_visible()
    report(f"Posted: {text}")


def upgrade(engine: Engine, url: str) -> None:
    """Upgrade the site as docs/deploy.md says. The old web server answers until its container is replaced."""
    old = engine.inspect("web")["Id"]
    report(engine.compose("run", "-T", "--rm", "upgrade").strip())
    assert engine.inspect("web")["Id"] == old
    assert answers(f"{url}/readyz")
    engine.compose("up", "-d", "--no-build", "--force-recreate")  # recreate the containers as for a new image
    assert engine.inspect("web")["Id"] != old
    wait_until(lambda: answers(f"{url}/readyz"), "the upgraded site is ready")


def backup_and_restore(engine: Engine, url: str, story: str) -> None:
    """Lose all volumes, and restore what was copied from them as docs/deploy.md says.

    A comment that was deleted permanently after the backup was made is deleted again.
    """
    files = ("now.zip", "erasures.jsonl")
    engine.podman("exec", container("web"), "python", "manage.py", "backup", f"/data/backups/{files[0]}")
    delete = DELETE_PERMANENTLY.format(text=ERASED)
    report(
        engine.podman("exec", container("web"), "python", "manage.py", "shell", "-v0", "-c", delete).strip()
    )
    for path in (f"web:/data/backups/{files[0]}", f"web:/data/{files[1]}"):
        engine.compose("cp", path, engine.folder)
    engine.compose("down", "--volumes")
    engine.compose("create", "--no-build")
    for name in files:
        copy = f"cat > /data/backups/{name}"
        argv = ["run", "--rm", "-T", "--no-deps", "--entrypoint", "sh", "upgrade", "-c", copy]
        engine.compose(*argv, stdin=engine.folder / name)
    engine.compose("up", "-d", "--no-build", "--wait", "database")
    paths = [f"/data/backups/{name}" for name in files]
    restored = engine.compose("run", "-T", "--rm", "upgrade", "restore", paths[0], "--erasures", paths[1])
    report(restored.strip()[-500:])
    engine.compose("up", "-d", "--no-build")
    wait_until(lambda: answers(f"{url}/readyz"), "the restored site is ready")
    with urlopen(story) as response:
        page = response.read().decode()
    assert KEPT in page
    assert ERASED not in page
    report("All volumes were lost, and the site was restored from the backup and the list of erasures.")


def report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.try_containers", description=__doc__)
    parser.add_argument("folder", type=Path, help="for root.tar, which is kept, and the images")
    parser.add_argument("--driver", default="overlay", help="of Podman's storage; vfs works everywhere")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(options.folder.absolute(), options.driver)
    build(engine)
    with running(engine):
        check_containers(engine)


if __name__ == "__main__":
    main()
