"""Helpers for tests in Chromium."""

import time
from collections.abc import Callable
from typing import Any

from django.test import Client
from playwright.sync_api import BrowserContext, Page

from accounts.models import User
from tests.helpers.waiting import BROWSER_PATIENCE


def log_in(context: BrowserContext, live_server: Any, user: User) -> None:
    """Log the user in without the pages for it, which have tests of their own."""
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])


def fill_set_up(page: Page) -> None:
    """Fill in the name of the site and its first administrator on the set-up page."""
    page.locator("[name=name]").fill("The Slip")
    page.locator("[name=you-name]").fill("Ada")
    page.locator("[name=you-email]").fill("ada@example.org")
    page.locator("[name=you-password]").fill("seven-green-herons")


def wait_for_fonts(page: Page) -> None:
    """Wait until the page is drawn with its own fonts, which come after the page on a busy machine."""
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")


def wait_for_frames(page: Page) -> None:
    """Wait until the layout of now is drawn and an observer of layout shifts has been told."""
    page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    )


def wait_until(page: Page, condition: Callable[[], Any]) -> None:
    """Wait until `condition()` is true, while events of the page are handled.

    Playwright's wait_for_function compiles its text in the page, which the content security policy forbids.
    """
    deadline = time.monotonic() + BROWSER_PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not so within {BROWSER_PATIENCE} s: {condition}"
        page.wait_for_timeout(50)


def errors_of(page: Page) -> list[str]:
    """Return a list that collects the errors of the page from now on."""
    failures = list[str]()
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    return failures
