"""A running `manage.py serve` for tests, and clients for it."""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from core.data_folder import PROJECT
from tests.helpers.servers import processes
from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import until


class Served:
    """A running `manage.py serve`, what it has printed, and the address of its sample story."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self.log = log
        self.printed = log.read_text()  # at its start
        self.url = f"http://127.0.0.1:{port}"

    @cached_property
    def story(self) -> str:
        page = build_opener().open(self.url, timeout=60).read().decode()
        found = re.search(r'href="(?:http://[^/"]+)?(/stories/[^/"]+/)"', page)
        assert found
        return found[1]

    def read(self, path: str, seconds: float = 60, **headers: str) -> tuple[int, str]:
        return _open(build_opener(), Request(self.url + path, headers=headers), seconds)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def descendants(self, words: str) -> list[int]:
        """Return the ids of all descendant processes with these words in the command line."""
        found, left = [], [self.process.pid]
        while left:
            children = Path(f"/proc/{left[0]}/task/{left.pop(0)}/children").read_text().split()
            left += map(int, children)
            found += [
                int(child)
                for child in children
                if words in Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            ]
        return found


@contextmanager
def frozen(site: Served) -> Iterator[None]:
    """Freeze the database of a site while the block runs."""
    found = site.descendants("postgres")
    assert len(found) > 5
    with processes.frozen(found):
        yield
    # Each web process finds out by itself, and either may answer.
    until(lambda: all(site.read("/readyz")[0] == 200 for _ in range(16)))


class Guest:
    """A browser of a guest, who replies to the story."""

    def __init__(self, site: Served, name: str = "Jim") -> None:
        self.site = site
        self.name = name
        self.jar = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.jar))

    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)

    def open_form(self) -> dict[str, str]:
        """Return the hidden fields of the form."""
        status, page = _open(self.opener, Request(f"{self.site.url}{self.site.story}reply/"))
        assert status == 200, page
        found = dict(re.findall(r'name="(csrfmiddlewaretoken|nonce)" value="([^"]+)"', page))
        assert found.keys() == {"csrfmiddlewaretoken", "nonce"}
        return found

    def post(self, body: str, hidden: dict[str, str] | None = None, seconds: float = 60) -> tuple[int, str]:
        """Send a reply. Return the status and the page after redirects; 200 if the comment was accepted."""
        fields = {"name": self.name, "email": f"{self.name.lower()}@example.org", "body": body}
        data = urlencode(fields | (hidden or self.open_form())).encode()
        request = Request(f"{self.site.url}{self.site.story}reply/", data, {"Origin": self.site.url})
        return _open(self.opener, request, seconds)


class Member(Guest):
    """A browser in which a member is logged in."""

    def __init__(self, site: Served, email: str, password: str) -> None:
        super().__init__(site, "Member")
        url = f"{site.url}/accounts/login/"
        _status, page = _open(self.opener, Request(url))
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        fields = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
        status, page = _open(self.opener, Request(url, urlencode(fields).encode()))
        assert status == 200, page
        assert "Log out" in page


def _open(opener: OpenerDirector, request: Request, seconds: float = 60) -> tuple[int, str]:
    try:
        with opener.open(request, timeout=seconds) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def run(environment: dict[str, str], program: str) -> str:
    """Run a program with the site's settings and return what it prints."""
    argv = [sys.executable, "manage.py", "shell", "-v0", "-c", program]
    return subprocess.check_output(argv, cwd=PROJECT, env=environment, text=True)


@contextmanager
def serving(environment: dict[str, str], port: int | None = None) -> Iterator[Served]:
    """Run the site on this port, or on a free one, while the block runs."""
    port = port or free_port()
    with tempfile.NamedTemporaryFile(prefix="soundoff-", suffix=".log") as log:
        written = Path(log.name)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=PROJECT,
            env=environment | {"PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while b"Ctrl-C stops it." not in written.read_bytes():
                assert process.poll() is None, written.read_text()
                time.sleep(0.1)
            yield Served(port, process, written)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
