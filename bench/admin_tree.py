"""Measure the admin's comment tree in Chromium: `python -m bench.admin_tree` prints a table in Markdown.

Each page is opened ROUNDS times by a moderator; styles and scripts come from the browser's cache. "Ready" is
the load event, "drag" the moment when a row follows the mouse, both from the start of the navigation.
Server, database and browser share the machine.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import machine, soundoff
from bench.report import publish, rows
from bench.soundoff import Soundoff
from bench.threads import ThreadComment, one_tree, thread

# Playwright runs an event loop in the thread that asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

ROUNDS = 5
TREE = "/admin/comments/comment/"
LARGE = 50_000
SCATTERED, ALONE = "50,000, a third top-level", "one tree of "


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.admin_tree", description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="to see that it runs; no figures to keep")
    parser.add_argument("--write", action="store_true", help="put the table into docs/measured.md")
    options = parser.parse_args()
    with machine.folder() as folder, soundoff.running(folder / "soundoff") as site:
        for name, comments in threads(300 if options.smallest else LARGE):
            soundoff.add_thread(site, name, comments, days=400)
        soundoff.tidy()
        head = ("page", "rows", "statements", "kB (sent)", "server ms", "ready ms", "drag ms, worst of 5")
        publish("admin_tree", rows(head, measure(site, pages(site))), write=options.write)


def threads(large: int) -> Iterator[tuple[str, list[ThreadComment]]]:
    yield "100 comments", thread(100)
    yield "300 comments", thread(300)
    yield SCATTERED, (comments := thread(large))
    yield "50,000, all top-level", [row._replace(parent=None) for row in comments]
    yield f"{ALONE}5,000", one_tree(large // 10)
    yield f"{ALONE}50,000", one_tree(large)


def pages(site: Soundoff) -> Iterator[tuple[str, str]]:
    """Return the pages to open, by name, with their queries."""
    from articles.models import Article
    from comments.models import Comment

    for name, slug in site.slugs.items():
        discussion = f"?discussion={Article.objects.get(slug=slug).pk}"
        yield name, discussion
        comments, middle = Comment.objects.filter(pk__in=site.ids[name]), len(site.ids[name]) // 2
        if name.startswith(ALONE):
            branch = f"{discussion}&branch={comments.get(parent=None).pk}"
            yield "… opened", branch
            yield "… from its middle", f"{branch}&after={comments.order_by('lft')[middle].pk}"
        elif name == SCATTERED:
            root = comments.filter(parent=None).order_by("created_at")[middle // 3]
            yield "… from its middle", f"{discussion}&after={root.pk}"
            yield "… searched for two words", f"{discussion}&q=would+said"
            yield "… searched for an unused word", f"{discussion}&q=xyzzy"
            yield "… searched for its number", f"{discussion}&q=%23{root.pk}"
            yield "… filtered by an unused state", f"{discussion}&state__exact=spam"


def measure(site: Soundoff, pages: Iterator[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([log_in(site)])
        context.set_default_timeout(120_000)  # milliseconds, long because the machine may be busy
        page = context.new_page()
        for name, query in pages:
            url = f"http://{site.host}{TREE}{query}"
            statements = site.statements(lambda url=url: page.goto(url))  # from here on its styles are cached
            rounds = [visit(page, url) for _ in range(ROUNDS)]
            middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            worst = max(r["drag"] for r in rounds)
            yield (
                name,
                f"{middle['rows']:.0f}",
                f"{len(statements)}",
                f"{middle['plain'] / 1e3:.0f} ({middle['sent'] / 1e3:.0f})",
                f"{middle['server']:.0f}",
                f"{middle['ready']:.0f}",
                f"{middle['drag']:.0f}, {worst:.0f}" if worst else "–",
            )


def visit(page: Any, url: str) -> dict[str, float]:
    """Return milliseconds from the start of the navigation, bytes and rows.

    Drag is 0 if there is nothing to drag.
    """
    start = time.monotonic()
    page.goto(url)
    drag = 0.0
    if page.locator(".drag-handle").count() > 1:
        box = page.locator(".drag-handle").nth(1).bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 40)
        page.locator("#ghost").wait_for()
        drag = (time.monotonic() - start) * 1e3
        page.keyboard.press("Escape")
        page.mouse.up()
    figures: dict[str, float] = page.evaluate(
        """() => {
          const entry = performance.getEntriesByType("navigation")[0];
          return {
            server: entry.responseStart, ready: entry.loadEventEnd, sent: entry.encodedBodySize,
            plain: entry.decodedBodySize, rows: document.querySelectorAll("#result_list tbody tr").length,
          };
        }"""
    )
    return figures | {"drag": drag}


def log_in(site: Soundoff) -> dict[str, str]:
    """Return the session cookie of a moderator."""
    value = soundoff.session(soundoff.moderator())
    return {"name": "sessionid", "value": value, "url": f"http://{site.host}"}


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
