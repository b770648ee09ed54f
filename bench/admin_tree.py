"""How long the admin's tree takes in Chromium: `python -m bench.admin_tree`. Prints a table in Markdown.

It makes a throw-away database with discussions of several shapes, starts the web server as bin/serve does,
and opens each page ROUNDS times as a moderator. "Drag" is the time from the start of the navigation until a
row hangs on the mouse. Server, database and browser share the machine.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from config import postgres

ROUNDS = 5
PORT = "8791"
ADDRESS = f"http://127.0.0.1:{PORT}"
WORDS = [
    "slip",
    "closed",
    "before",
    "anybody",
    "asked",
    "who",
    "still",
    "rows",
    "across",
    "at",
    "dawn",
    "costs",
]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="soundoff-") as home, postgres.temporary() as database:
        Path(home).chmod(0o755)
        os.environ |= {
            "DATABASE_URL": database,
            "SOUNDOFF_HOME": home,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
            "HOST": "127.0.0.1",
            "PORT": PORT,
        }
        import django

        django.setup()
        from django.core.management import call_command

        from config.management.commands.serve import web_server

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        pages, cookie = make_pages(), log_in()
        web = subprocess.Popen(web_server())
        try:
            measure(pages, cookie)
        finally:
            web.terminate()
            web.wait()


def make_pages() -> dict[str, str]:
    """The address of each page that is opened, by what it shows."""
    from django.db import connection

    from comments.models import Comment

    shapes: dict[str, list[int | None]] = {
        "100 comments": thirds(100),
        "1,000 comments": thirds(1_000),
        "50,000 comments, 16,667 at the first level": thirds(50_000),
        "50,000 comments, all at the first level": [None] * 50_000,
        "one tree of 5,000": one_tree(5_000),
        "one tree of 50,000": one_tree(50_000),
    }
    found = {name: discussion(parents) for name, parents in shapes.items()}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    pages = {name: f"?discussion={pk}" for name, pk in found.items()}
    large = found["50,000 comments, 16,667 at the first level"]
    middle = Comment.objects.filter(discussion=large, parent=None).order_by("pk")[8_000]
    pages["… from its middle"] = f"?discussion={large}&after={middle.pk}"
    for size in ("5,000", "50,000"):
        tree = Comment.objects.filter(discussion=found[f"one tree of {size}"])
        root, half = tree.get(parent=None), tree.order_by("lft")[int(size.replace(",", "")) // 2]
        pages[f"one tree of {size}, opened"] = f"?discussion={root.discussion_id}&branch={root.pk}"
        pages[f"one tree of {size}, its middle"] = (
            f"?discussion={root.discussion_id}&branch={root.pk}&after={half.pk}"
        )
    pages["found by words among 50,000"] = f"?discussion={large}&q=rows+across"
    pages["found by number among 50,000"] = f"?discussion={large}&q=%23{middle.pk}"
    pages["found by state among 50,000 (none)"] = f"?discussion={large}&state__exact=spam"
    return pages


def thirds(count: int) -> list[int | None]:
    return [None if n % 3 == 0 else n - 1 for n in range(count)]


def one_tree(count: int) -> list[int | None]:
    """Half answer one of the last fifty, half any; at most 40 levels deep."""
    dice = random.Random(3)  # noqa: S311
    parents: list[int | None] = [None]
    levels = [0]
    while len(parents) < count:
        parent = dice.randrange(max(0, len(parents) - 50) if dice.random() < 0.5 else 0, len(parents))
        if levels[parent] < 40:
            parents.append(parent)
            levels.append(levels[parent] + 1)
    return parents


def discussion(parents: list[int | None]) -> int:
    from django.utils import timezone

    from articles.models import Article, free_slug
    from articles.services import save_article
    from comments.services import Imported, import_comments

    dice = random.Random(len(parents))  # noqa: S311
    title = f"A story with {len(parents)} comments"
    body = " ".join(dice.choices(WORDS, k=2_000))
    article = save_article(
        article=Article(
            title=title,
            slug=free_slug(title),
            body=body,
            source_key=str(uuid4()),
            published_at=timezone.now() - timedelta(days=400),
        )
    )
    start: datetime = article.published_at  # type: ignore[assignment]
    comments = [
        Imported(
            str(n),
            f"Person {n % 997}",
            f"{n}: {' '.join(dice.choices(WORDS, k=49))}.",
            start + timedelta(minutes=n),
            parent=parent,
            is_plain_text=True,
        )
        for n, parent in enumerate(parents)
    ]
    import_comments(article=article, comments=comments, actor=None, batch=uuid4())
    return article.pk


def log_in() -> dict[str, str]:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group
    from django.contrib.sessions.backends.db import SessionStore

    from accounts.models import MODERATOR, User

    moderator = User.objects.create_user(name="Mo", email="mo@example.org")
    moderator.groups.add(Group.objects.get(name=MODERATOR))
    session = SessionStore()
    session[SESSION_KEY] = str(moderator.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = moderator.get_session_auth_hash()
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": ADDRESS}


def measure(pages: dict[str, str], cookie: dict[str, str]) -> None:
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([cookie])
        page = context.new_page()
        print("| page | rows | kB (sent) | server ms | ready ms | drag ms, median (worst) |")
        print("|---|--:|--:|--:|--:|--:|", flush=True)
        for name, query in pages.items():
            rounds = [visit(page, f"{ADDRESS}/admin/comments/comment/{query}") for _ in range(ROUNDS)]
            middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            worst = max(r["drag"] for r in rounds)
            print(
                f"| {name} | {middle['rows']:.0f} | {middle['plain'] / 1e3:.0f} ({middle['sent'] / 1e3:.0f}) "
                f"| {middle['server']:.0f} | {middle['ready']:.0f} | "
                + (f"{middle['drag']:.0f} ({worst:.0f}) |" if worst else "– |"),
                flush=True,
            )


def visit(page: Any, url: str) -> dict[str, float]:
    """Milliseconds from the start of the navigation, bytes, rows."""
    start = time.monotonic()
    page.goto(url, timeout=120_000)
    drag = 0.0
    handles = page.locator(".drag-handle")
    if handles.count() > 1:
        box = handles.nth(1).bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 40)
        page.locator("#ghost").wait_for()
        drag = (time.monotonic() - start) * 1e3
        page.keyboard.press("Escape")
        page.mouse.up()
    timing = page.evaluate(
        """() => { const n = performance.getEntriesByType("navigation")[0];
        return {server: n.responseStart, ready: n.loadEventEnd,
        sent: n.encodedBodySize, plain: n.decodedBodySize,
        rows: document.querySelectorAll("#result_list tbody tr").length} }"""
    )
    return {**timing, "drag": drag}


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
    sys.exit(main())
