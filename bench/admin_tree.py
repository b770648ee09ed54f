"""Measure the admin's comment tree in Chromium: `python -m bench.admin_tree` prints a table in Markdown.

Each page is opened several times by a moderator; styles and scripts come from the browser's cache. "Ready" is
the load event, "drag" the moment when a row follows the mouse, both from the start of the navigation.
Server, database and browser share the machine.
"""

import os
import time
from collections.abc import Iterator
from statistics import median
from types import SimpleNamespace
from typing import Any

from bench import fixture
from bench.fixture import one_tree, thread
from bench.load import Target
from bench.runner import Run, rows, run
from bench.servers import chromium

# Playwright runs an event loop in the thread that asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

SIZES = {"rounds": 5, "large": 50_000, "warm_up": True}
SMALLEST = {"rounds": 1, "large": 20, "warm_up": False}
TREE = "/admin/comments/comment/"
SCATTERED, ALONE = "50,000, a third top-level", "one tree of "
FIGURES = """() => {
  const entry = performance.getEntriesByType("navigation")[0];
  return {
    server: entry.responseStart, ready: entry.loadEventEnd, sent: entry.encodedBodySize,
    plain: entry.decodedBodySize, rows: document.querySelectorAll("#result_list tbody tr").length,
  };
}"""


def measure(bench: Run) -> Iterator[str]:
    """Open each page of the tree of discussions of several shapes."""
    large = bench.sizes.large
    threads = {
        "100 comments": thread(min(100, large)),
        "300 comments": thread(min(300, large)),
        SCATTERED: thread(large),
        "50,000, all top-level": [row._replace(parent=None) for row in thread(large)],
        f"{ALONE}5,000": one_tree(large // 10),
        f"{ALONE}50,000": one_tree(large),
    }
    stories = {name: fixture.add_thread(name, comments, 400) for name, comments in threads.items()}
    fixture.analyze()
    cookie = fixture.session_cookie(fixture.moderator())
    name, _, value = cookie.partition("=")
    url = bench.site.target("", "").url
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": name, "value": value, "url": url}])
        context.set_default_timeout(120_000)  # milliseconds, long because the machine may be busy
        page = context.new_page()
        head = "page | rows | statements | kB (sent) | server ms | ready ms | drag ms, worst of 5"
        pages = [
            bench.site.target(name, f"{TREE}{query}", cookie)
            for of, story in stories.items()
            for name, query in _pages(of, story)
        ]
        counts = bench.site.page_statements(dict(enumerate(pages)), {})
        table = (_measure_page(bench, page, target, counts[n]) for n, target in enumerate(pages))
        yield from rows(head, table)


def _pages(name: str, story: fixture.ImportedStory) -> Iterator[tuple[str, str]]:
    """Yield the pages to open, by name, with their queries."""
    from comments.models import Comment

    discussion = f"?discussion={story.article}"
    yield name, discussion
    comments, middle = Comment.objects.filter(pk__in=story.ids), len(story.ids) // 2
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


def _measure_page(bench: Run, page: Any, target: Target, statements: int) -> str:
    if bench.sizes.warm_up:
        page.goto(target.url)  # from here on its styles are cached
    rounds = [_visit(page, target.url) for _ in range(bench.sizes.rounds)]
    middle = SimpleNamespace(**{key: median(one[key] for one in rounds) for key in rounds[0]})
    worst = max(one["drag"] for one in rounds)
    size = f"{middle.plain / 1e3:.0f} ({middle.sent / 1e3:.0f})"
    drag = f"{middle.drag:.0f}, {worst:.0f}" if worst else "–"
    times = f"{middle.server:.0f} | {middle.ready:.0f} | {drag}"
    return f"{target.name} | {middle.rows:.0f} | {statements} | {size} | {times}"


def _visit(page: Any, url: str) -> dict[str, float]:
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
    return {**page.evaluate(FIGURES), "drag": drag}


if __name__ == "__main__":
    run("admin_tree", measure, __doc__, sizes=SIZES, smallest=SMALLEST)
