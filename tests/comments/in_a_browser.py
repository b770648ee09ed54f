"""Helpers for browser tests of a story with its thread."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from comments.services.imports import ImportedComment, import_comments

# Record every layout shift, also one after a press: in these tests nothing may shift.
SHIFTS = """window.shifts = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) shifts.push(entry.value);
}).observe({ type: "layout-shift" })"""
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def import_thread(article, roots, replies):
    """Post top-level comments, the first with a chain of replies, each to the one before."""
    article.source_key = f"test|{article.slug}"
    article.save()
    start, made = timezone.now() - timedelta(days=3), []
    for n in range(roots):
        made.append(
            ImportedComment(
                source_id=f"{n}", author_name="Ida", body=f"Root {n}", created_at=start + timedelta(hours=n)
            )
        )
    for n in range(replies):
        at = start + timedelta(days=2, minutes=n)
        parent = len(made) - 1 if n else 0
        made.append(
            ImportedComment(
                source_id=f"r{n}", author_name=f"Bo {n}", body=f"Reply {n}", created_at=at, parent=parent
            )
        )
    import_comments(article=article, comments=made, actor=None, action_id=uuid4())


def open_story(live_server, page, article, rest=""):
    page.failures = []
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    page.goto(live_server.url + article.get_absolute_url() + rest)


def locate(page, comment):
    return page.locator(f"#comment-{comment.pk}")


def order_of(page) -> list[int]:
    found = page.locator(".thread article").evaluate_all("nodes => nodes.map((node) => node.id)")
    return [int(key.removeprefix("comment-")) for key in found]


def choose_order(page, label):
    """Choose an order of the comments in its menu."""
    page.locator(".orders summary").click()
    page.locator(".orders").get_by_role("link", name=label).click()


def fold_all(page, label="Fold all"):
    page.locator(".orders summary").click()
    page.locator(".orders").get_by_role("button", name=label, exact=True).click()
