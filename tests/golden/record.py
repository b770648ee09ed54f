"""Save the responses of the site: record.py BACKUP OUT [--renames FILE].

BACKUP was made by fill.py, together with BACKUP.json. It is restored into an empty data folder of the code
that this file belongs to, and served. Every page that a person of each role finds is saved, then the
responses to the actions in actions.txt, the mails, and the output of the commands. No module of the project
is imported, so its names may change; FILE has a line `old new` for each renamed URL or form field. Everything
that depends on the run (tokens, times after its start, spans of minutes, ports, folders, new UUIDs) is
replaced, so that two runs are equal byte by byte. `--late` starts the clock later, to prove it.
"""

import argparse
import email
import email.policy
import hashlib
import re
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

import actions
from browser import Browser, Page
from normalizing import Normalizer
from served_site import Site, clock_of_postgres

PAGES, QUERIES, MAX_FOLLOWED = 5, 2, 350  # found pages: of a pattern without a query, with one; of a role


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
        self.site, self.out, self.renames, self.normal = site, out, renames, Normalizer(site)
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
            if n >= fixed and (
                of_pattern[kind] >= (QUERIES if parts.query else PAGES) or followed >= MAX_FOLLOWED
            ):
                continue
            followed += n >= fixed
            of_pattern[kind] += 1
            seen.add(key)
            answer = browser.send_request("GET", path)
            self.save(folder or browser.role, path, answer.saved())
            if follow and answer.is_page:
                if answer.headers["Location"]:
                    queue.append(urljoin(url, answer.headers["Location"]))
                queue += Page(url, answer.text).links
        (self.out / "patterns").mkdir(exist_ok=True)
        if follow:
            lines = "".join(f"{count:4} {kind}\n" for kind, count in sorted(of_pattern.items()))
            (self.out / "patterns" / f"{browser.role}.txt").write_text(self.normal(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backup", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--renames", type=Path)
    parser.add_argument("--late", type=float, default=0, metavar="MINUTES")
    parser.add_argument(
        "--crawl", nargs="*", metavar="ROLE", help="to try something: as these roles only, or as none"
    )
    options = parser.parse_args()
    renames = (
        [tuple(line.split()[:2]) for line in options.renames.read_text().splitlines() if line.strip()]
        if options.renames
        else []
    )  # type: ignore[misc]
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    began = time.monotonic()
    site = Site(options.backup.resolve(), options.out, options.late)
    recorder = Recorder(site, options.out, renames)
    with clock_of_postgres(site.env):
        record(recorder, options.crawl, began)
    shutil.rmtree(site.home)
    print(f"{time.monotonic() - began:5.0f} s in all:", dict(recorder.counts))


def record(recorder: Recorder, crawled: list[str] | None, began: float) -> None:
    """Restore the backup, and save pages, actions, mails and commands.

    Only the roles `crawled` follow links.
    """
    site = recorder.site
    for argv in (["restore", str(site.backup)], ["upgrade", "--without-backup"], ["tick"]):
        done = site.run(*argv)
        recorder.save("commands", f"0 {argv[0]}", actions.format_result(argv, done))
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    site.start()
    try:
        browsers = {role: Browser(site, role) for role in ("stranger", "guest", *site.fixture["people"])}
        for role, browser in browsers.items():
            site.advance_clock(20 * 60)  # until nobody holds a case that the one before has looked at
            browser.log_in(recorder.now("/accounts/login/"))
            if crawled is None or role in crawled:
                recorder.crawl(browser, actions.roots(site.fixture, role))
            print(f"{time.monotonic() - began:5.0f} s  {role}: {recorder.counts[role]} pages", flush=True)
        actions.perform(recorder, browsers)
        site.advance_clock(20 * 60)
        print(f"{time.monotonic() - began:5.0f} s  actions", flush=True)
        for role in ("stranger", "administrator"):
            lists = [
                url
                for url in actions.roots(site.fixture, role)
                if not re.search(r"/(?:comments|people|article)/\w*\d", url)
            ]
            recorder.crawl(browsers[role], lists, folder=f"after-{role}", follow=False)
        site.advance_clock(600)
        site.wait_for_jobs()
        save_mails(recorder)
        actions.commands(recorder)
    finally:
        site.stop()


def save_mails(recorder: Recorder) -> None:
    """Save each mail once, sorted by content, since two may be sent in the same second."""
    mails = list[str]()
    for path in sorted((recorder.site.home / "site" / "mail").glob("*")):
        for one in re.split(rb"^-{79}\n", path.read_bytes(), flags=re.M):
            if not one.strip():
                continue
            mail = email.message_from_bytes(one, policy=email.policy.default)
            head = [f"{name}: {mail[name]}" for name in ("From", "To", "Reply-To", "Subject")]
            parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
            mails.append(recorder.normal("\n".join(head) + "\n\n" + "\n-- part --\n".join(parts)))
    for n, text in enumerate(sorted(mails, key=lambda text: (text.split("\nTo: ")[1], text)), 1):
        recorder.save("mails", f"{n:03}", text)


if __name__ == "__main__":
    main()
