"""Walk through the cluster's site in Chromium, on the client's host. Prints as JSON how long each step took.

The browser's requests go to the load balancer, which spreads them over the web servers. Public pages
are also requested from each web server after a step. So the servers must share everything: sessions, drafts,
uploads, images, and what was decided a moment ago.
"""

import http.client
import io
import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bench.cluster.seed import PASSWORD, email_of
from bench.servers import chromium
from core.data_folder import PROJECT

PATIENCE = 60_000  # milliseconds
WEB_PORT = 8000
SAVED_PAGE = PROJECT / "archive" / "sample" / "story.txt"
REPLY = "The last boat leaves at nine, and the office at four."


class Walkthrough:
    """A walkthrough, with a browser context for each person. The steps are in order.

    `servers` are the addresses of the web servers, `comment` is the one that guests reply to.
    """

    def __init__(self, browser: Browser, url: str, servers: list[str], story: str, comment: int) -> None:
        self.browser, self.url, self.servers = browser, url, servers
        self.story, self.comment = story, comment
        self.moderator = self.new_page()
        self.editor = self.new_page()

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

    def new_page(self, **options: Any) -> Page:
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

    def read(self, server: str, path: str) -> bytes:
        """Return the page that an anonymous reader gets from one web server. Raises for an error page."""
        connection = http.client.HTTPConnection(server, WEB_PORT, timeout=PATIENCE / 1000)
        connection.request("GET", path, headers={"Host": urlsplit(self.url).netloc})
        response = connection.getresponse()
        assert response.status == 200, (server, path, response.status)
        with closing(connection):
            return response.read()

    def check_thread(self, text: str, *, is_shown: bool) -> None:
        """Check whether each web server shows a comment with this text."""
        for server in self.servers:
            page = self.read(server, f"{self.story}?order=newest").decode()
            assert (text in page) == is_shown, (server, text)

    def post_reply(self, page: Page, name: str, text: str) -> None:
        """Send the form of a reply as a guest, and check that the reply waits."""
        form = page.locator(".reply-form")
        form.get_by_label("Name").fill(name)
        form.get_by_label("E-mail").fill(f"{name.lower()}@cluster.invalid")
        form.get_by_label("Your comment").fill(text)
        form.get_by_role("button", name="Post comment").click()
        posted = page.locator(".thread article", has_text=text).last
        expect(posted.get_by_text("Waiting for review").first).to_be_visible()

    def reply(self) -> None:
        page = self.new_page()
        page.goto(f"{self.story}comments/{self.comment}/")
        page.locator(f"#comment-{self.comment}").get_by_role("link", name="Reply").click()
        self.post_reply(page, "Jorunn", REPLY)
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
        page = self.new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
        page.goto(f"{self.story}reply/{self.comment}/")
        self.post_reply(page, "Signe", "The office has a clock of its own, as everybody knows.")

    def follow(self) -> None:
        page = self.new_page()
        self.log_in(page, "Reader")
        page.goto(self.story)
        page.get_by_role("link", name="Follow", exact=True).first.click()
        page.get_by_role("main").get_by_role("button").first.click()
        page.wait_for_url(lambda url: "/follow/" not in url)
        for _server in self.servers:
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
        for server in self.servers:
            shown = self.read(server, "/stories/the-tide-table-is-printed-twice/").decode()
            image = re.search(r'<img[^>]*src="([^"]+)"[^>]*alt="Two tables on one wall"', shown)
            assert image, server
            picture = Image.open(io.BytesIO(self.read(server, urlsplit(image[1]).path)))
            assert picture.width > 0

    def import_page(self) -> None:
        page = self.editor
        page.goto("/admin/archive/import/add/")
        page.get_by_label("File").set_input_files(SAVED_PAGE)
        page.get_by_role("button", name="Preview import").click()
        expect(page.get_by_role("status")).to_contain_text("This is a preview: nothing was written.")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.locator(".messagelist")).to_contain_text("Comments imported: 31.")

    def search(self) -> None:
        for server in self.servers:
            assert b"the-tide-table-is-printed-twice" in self.read(server, "/search/?q=tide+table"), server

    def status(self) -> None:
        page = self.new_page()
        self.log_in(page, "Administrator")
        page.goto("/owner/status/")
        for name in ("web1", "web2", "web3", "worker"):
            expect(page.get_by_role("main")).to_contain_text(name)


def _picture() -> Any:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((900, 600)).save(made, "JPEG")
    return {"name": "tide.jpg", "mimeType": "image/jpeg", "buffer": made.getvalue()}


def main() -> None:
    url, seeded, web_servers = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), sys.argv[3:]
    expect.set_options(timeout=PATIENCE)
    seconds = {}
    with chromium() as browser:
        walk = Walkthrough(browser, url, web_servers, seeded["story"], seeded["comments"][1])
        for name, step in walk.steps.items():
            print(name, "…", file=sys.stderr, flush=True)
            started = time.monotonic()
            step()
            seconds[name] = time.monotonic() - started
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
