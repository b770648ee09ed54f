"""Walk through the cluster's site in Chromium, on the client's host. Prints as JSON how long each step took.

Requests go to the front, which sends each of them to another web server. So a step succeeds only if the
servers share everything: sessions, drafts, uploads, images, and what was decided a moment ago.
"""

import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.cluster.seed import PASSWORD, email_of
from core.data_folder import PROJECT

PATIENCE = 60_000  # milliseconds
TIMES = 6  # a page is opened so often, and so twice from each of three web servers
SAVED_PAGE = PROJECT / "archive" / "sample" / "story.txt"
REPLY = "The last boat leaves at nine, and the office at four."


class Walkthrough:
    """A walkthrough, with a browser context for each person. The steps are in order."""

    def __init__(self, browser: Browser, url: str, story: str, comment: int) -> None:
        self.browser, self.url, self.story, self.comment = browser, url, story, comment
        self.stranger = self.enter()
        self.moderator = self.enter()
        self.editor = self.enter()

    @property
    def steps(self) -> dict[str, Callable[[], None]]:
        return {
            "a guest replies, and the reply waits": self.reply,
            "a moderator logs in and approves it: every server shows it": self.approve,
            "the approval is undone: no server shows it": self.undo,
            "a guest replies on a phone without scripts": self.reply_without_scripts,
            "a member logs in, and follows the discussion": self.follow,
            "an editor publishes a story with a picture: every server shows both": self.publish,
            "an editor previews a saved page and imports it": self.import_page,
            "the new story is found by a search": self.search,
            "an administrator sees all servers in the system status": self.status,
        }

    def enter(self, **options: Any) -> Page:
        """Return a page of a new browser context."""
        context = self.browser.new_context(base_url=self.url, **options)
        context.set_default_timeout(PATIENCE)
        return context.new_page()

    def log_in(self, page: Page, role: str) -> None:
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(email_of(role))
        page.locator("[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login/" not in url)

    def check_thread(self, text: str, *, is_shown: bool) -> None:
        for _ in range(TIMES):
            self.stranger.goto(f"{self.story}?order=newest")
            expect(self.stranger.locator(".thread article", has_text=text)).to_have_count(int(is_shown))

    def fill_reply(self, page: Page, name: str, text: str) -> None:
        form = page.locator(".reply-form")
        form.get_by_label("Name").fill(name)
        form.get_by_label("E-mail").fill(f"{name.lower()}@cluster.invalid")
        form.get_by_label("Your comment").fill(text)
        form.get_by_role("button", name="Post comment").click()
        posted = page.locator(".thread article", has_text=text).last
        expect(posted.get_by_text("Waiting for review").first).to_be_visible()

    def reply(self) -> None:
        page = self.enter()
        page.goto(f"{self.story}comments/{self.comment}/")
        page.locator(f"#comment-{self.comment}").get_by_role("link", name="Reply").click()
        self.fill_reply(page, "Jorunn", REPLY)
        self.check_thread(REPLY, is_shown=False)

    def approve(self) -> None:
        self.log_in(self.moderator, "Moderator")
        card = self.moderator.locator("[id^=comment-]", has_text=REPLY)
        card.get_by_role("button", name="Approve").click()
        expect(self.moderator.locator(".undo")).to_contain_text("Approved")
        self.check_thread(REPLY, is_shown=True)

    def undo(self) -> None:
        self.moderator.locator(".undo").get_by_role("button", name="Undo").click()
        expect(self.moderator.locator("[id^=comment-]", has_text=REPLY)).to_be_visible()
        self.check_thread(REPLY, is_shown=False)

    def reply_without_scripts(self) -> None:
        page = self.enter(java_script_enabled=False, viewport={"width": 390, "height": 844})
        page.goto(f"{self.story}reply/{self.comment}/")
        self.fill_reply(page, "Signe", "The office has a clock of its own, as everybody knows.")

    def follow(self) -> None:
        page = self.enter()
        self.log_in(page, "Reader")
        page.goto(self.story)
        page.get_by_role("link", name="Follow", exact=True).first.click()
        page.get_by_role("main").get_by_role("button").first.click()
        page.wait_for_url(lambda url: "/follow/" not in url)
        for _ in range(TIMES):
            page.goto("/account/following/")
            expect(page.get_by_role("main")).to_contain_text("A thread of the cluster")

    def publish(self) -> None:
        page = self.editor
        self.log_in(page, "Editor")
        page.goto("/admin/articles/article/add/")
        page.get_by_label("Title", exact=True).fill("The tide table is printed twice")
        page.get_by_label("Body", exact=True).fill("Both of its tides are right.")
        page.locator(".editor-tools ~ input[type=file]").set_input_files(_picture())
        dialog = page.get_by_role("dialog", name="Image: tide.jpg")
        dialog.get_by_label("Alternative text").fill("Two tables on one wall")
        dialog.get_by_role("button", name="Insert").click()
        expect(page.get_by_label("Body", exact=True)).to_have_value(re.compile("Two tables on one wall"))
        page.get_by_role("button", name="Publish", exact=True).click()
        expect(page.locator(".publication .state")).to_contain_text("Published")
        for _ in range(TIMES):
            self.stranger.goto("/stories/the-tide-table-is-printed-twice/")
            image = self.stranger.get_by_role("img", name="Two tables on one wall")
            image.scroll_into_view_if_needed()
            expect(image).to_have_js_property("complete", value=True)
            assert image.evaluate("(image) => image.naturalWidth") > 0

    def import_page(self) -> None:
        page = self.editor
        page.goto("/admin/archive/import/add/")
        page.get_by_label("File").set_input_files(SAVED_PAGE)
        page.get_by_role("button", name="Preview import").click()
        expect(page.get_by_role("status")).to_contain_text("This is a preview: nothing was written.")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Comments imported: 31.")

    def search(self) -> None:
        for _ in range(TIMES):
            self.stranger.goto("/search/?q=tide+table")
            expect(self.stranger.get_by_role("main")).to_contain_text("The tide table is printed twice")

    def status(self) -> None:
        page = self.enter()
        self.log_in(page, "Administrator")
        page.goto("/owner/status/")
        for name in ("web1", "web2", "web3", "worker"):
            expect(page.get_by_role("main")).to_contain_text(name)


def _picture() -> Any:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((900, 600)).save(made, "JPEG")
    return {"name": "tide.jpg", "mimeType": "image/jpeg", "buffer": made.getvalue()}


def main() -> None:
    url, seeded = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    expect.set_options(timeout=PATIENCE)
    seconds = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        walk = Walkthrough(browser, url, seeded["story"], seeded["comments"][1])
        for name, step in walk.steps.items():
            print(name, "…", file=sys.stderr, flush=True)
            started = time.monotonic()
            step()
            seconds[name] = time.monotonic() - started
        browser.close()
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
