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
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from bench.cluster.seed import PASSWORD, email_of
from bench.servers import chromium
from core.data_folder import PROJECT

PATIENCE = 60_000  # milliseconds
WEB_PORT = 8000
SENDING_SECONDS = 10  # at most, from the form of a scheduled story to its answer
SAVED_PAGE = PROJECT / "archive" / "sample" / "story.txt"
REPLY = "The last boat leaves at nine, and the office at four."
ZONE = "Africa/Cairo"  # of the browser, and so of the site
# Each has the word of the rule, and they are not alike.
CHECKED = [
    "The lighthouse was dark again.",
    "Nobody paints a lighthouse in winter, as everybody on the quay knows.",
    "My aunt kept that lighthouse for nine years and never saw a whale.",
]
SPAM = "your web site has a superb layout"  # of a late comment of SAVED_PAGE


class Walkthrough:
    """A walkthrough, with a browser context for each person. The steps are in order.

    `servers` are the addresses of the web servers, `setup` is the link to the set-up, and `comment` is the
    one that guests reply to.
    """

    def __init__(
        self, browser: Browser, url: str, servers: list[str], setup: str, story: str, comment: int
    ) -> None:
        self.browser, self.url, self.servers = browser, url, servers
        self.setup, self.story, self.comment = setup, story, comment
        self.administrator = self.new_page(timezone_id=ZONE)
        self.moderator = self.new_page()
        self.editor = self.new_page()
        self.imported = ""  # the path of the imported story

    @property
    def steps(self) -> dict[str, Callable[[], None]]:
        return {
            "an administrator sets the site up: no server does it again": self.set_up,
            "a guest replies, and the reply waits": self.reply,
            "a moderator logs in and approves it: every server shows it": self.approve,
            "the approval is undone: no server shows it": self.undo,
            "a colleague opens the same comment, and is told who has it": self.claim,
            "a moderator tries and saves a rule, and three replies are checked by it": self.add_rule,
            "a guest replies on a phone without scripts": self.reply_without_scripts,
            "a member logs in, and follows the discussion": self.follow,
            "an editor publishes a story with a picture: every server shows both": self.publish,
            "an editor schedules a story: every server shows it at its time": self.schedule,
            "two editors save the same story, and both texts are kept": self.edit_at_once,
            "an editor previews a saved page and imports it": self.import_page,
            "a moderator removes similar comments: no server shows them": self.remove_group,
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

    def request(self, server: str, path: str) -> tuple[int, bytes]:
        """Return the status and the page that an anonymous reader gets from one web server."""
        connection = http.client.HTTPConnection(server, WEB_PORT, timeout=PATIENCE / 1000)
        with closing(connection):
            connection.request("GET", path, headers={"Host": urlsplit(self.url).netloc})
            response = connection.getresponse()
            return response.status, response.read()

    def read(self, server: str, path: str) -> bytes:
        """Return the page that an anonymous reader gets from one web server. Raises for an error page."""
        status, page = self.request(server, path)
        assert status == 200, (server, path, status)
        return page

    def check_thread(self, text: str, *, is_shown: bool, story: str = "") -> None:
        """Check whether each web server shows a comment with this text."""
        for server in self.servers:
            page = self.read(server, f"{story or self.story}?order=newest").decode()
            assert (text in page) == is_shown, (server, text)

    def post_reply(self, page: Page, name: str, text: str) -> int:
        """Send the form of a reply as a guest, check that the reply waits, and return its id."""
        form = page.locator(".reply-form")
        form.get_by_label("Name").fill(name)
        form.get_by_label("E-mail").fill(f"{name.lower()}@cluster.invalid")
        form.get_by_label("Your comment").fill(text)
        form.get_by_role("button", name="Post comment").click()
        posted = page.locator(".thread article", has_text=text).last
        expect(posted.get_by_text("Waiting for review").first).to_be_visible()
        return comment_id(posted)

    def set_up(self) -> None:
        page = self.administrator
        page.goto(self.setup)
        page.locator("[name=name]").fill("The Slip")
        page.locator("[name=you-name]").fill("Administrator")
        page.locator("[name=you-email]").fill(email_of("Administrator"))
        page.locator("[name=you-password]").fill(PASSWORD)
        page.get_by_label("Contact address").fill("desk@cluster.invalid")
        page.get_by_role("button", name="Set up the site").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Send a test e-mail")
        for server in self.servers:
            assert "The Slip" in self.read(server, "/").decode(), server
            assert self.request(server, urlsplit(self.setup).path)[0] == 404, server

    def open_form(self, page: Page) -> None:
        """Open the form of a reply on the page of the story."""
        page.goto(f"{self.story}comments/{self.comment}/")
        page.locator(f"#comment-{self.comment}").get_by_role("link", name="Reply").click()

    def reply(self) -> None:
        page = self.new_page()
        self.open_form(page)
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

    def claim(self) -> None:
        comment = comment_id(self.moderator.locator("[id^=comment-]", has_text=REPLY))
        for page in (self.moderator, self.administrator):
            page.goto(f"/moderation/comments/{comment}/")
        expect(self.administrator.get_by_text("Moderator is reviewing this comment")).to_be_visible()

    def add_rule(self) -> None:
        page = self.moderator
        page.goto("/moderation/rules/")
        page.get_by_role("link", name="term", exact=True).click()
        page.get_by_label("Term").fill("lighthouse")
        page.get_by_role("button", name="Try on past decisions").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("main")).to_contain_text("lighthouse")
        for text in CHECKED:
            guest = self.new_page()
            self.open_form(guest)
            page.goto(f"/moderation/comments/{self.post_reply(guest, 'Ingrid', text)}/")
            expect(page.get_by_text("It contains “lighthouse”.")).to_be_visible()

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

    def schedule(self) -> None:
        page = self.editor
        page.goto("/admin/articles/article/add/")
        page.get_by_label("Title", exact=True).fill("The ferry sails at noon")
        page.get_by_label("Body", exact=True).fill("It sails for the last time.")
        page.locator(".split summary").click()
        page.get_by_role("button", name="Schedule…").click()
        at = datetime.now(ZoneInfo(ZONE)).replace(second=0) + timedelta(minutes=1)
        if at - datetime.now(ZoneInfo(ZONE)) < timedelta(seconds=SENDING_SECONDS):
            at += timedelta(minutes=1)
        question = page.get_by_role("dialog", name="Schedule")
        question.get_by_label("Date", exact=True).fill(f"{at:%Y-%m-%d}")
        question.get_by_label("Time", exact=True).fill(f"{at:%H:%M}")
        question.get_by_role("button", name="Schedule").click()
        expect(page.locator(".publication .state")).to_contain_text("Scheduled")
        path = "/stories/the-ferry-sails-at-noon/"
        assert {self.request(server, path)[0] for server in self.servers} == {404}
        page.wait_for_timeout(1000 * (at - datetime.now(ZoneInfo(ZONE))).total_seconds())
        assert {self.request(server, path)[0] for server in self.servers} == {200}

    def edit_at_once(self) -> None:
        other, path = self.administrator, urlsplit(self.editor.url).path
        self.editor.goto(path)
        other.goto(path)
        for page, text in ((other, "It sails once more."), (self.editor, "It never sails again.")):
            page.get_by_label("Body", exact=True).fill(text)
            page.locator("[name=_save]").first.click()
        conflict = self.editor.locator(".conflict")
        expect(conflict).to_contain_text("It sails once more.")
        expect(conflict).to_contain_text("It never sails again.")

    def import_page(self) -> None:
        page = self.editor
        page.goto("/admin/archive/import/add/")
        page.get_by_label("File").set_input_files(SAVED_PAGE)
        page.get_by_role("button", name="Preview import").click()
        expect(page.get_by_role("status")).to_contain_text("This is a preview: nothing was written.")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.locator(".messagelist")).to_contain_text("Comments imported: 31.")
        self.imported = str(page.get_by_role("link", name="View on site").get_attribute("href"))

    def remove_group(self) -> None:
        page = self.moderator
        self.check_thread(SPAM, is_shown=True, story=self.imported)
        page.goto("/moderation/similar/")
        page.get_by_role("button", name="Refresh").click()
        groups = page.get_by_role("list", name="Groups, largest first")
        groups.get_by_role("link", name="Late promotional spam").first.click()
        page.locator(".action-bar.bulk .btn-primary").click()
        expect(page.locator(".undo")).to_be_visible()
        self.check_thread(SPAM, is_shown=False, story=self.imported)

    def search(self) -> None:
        for server in self.servers:
            assert b"the-tide-table-is-printed-twice" in self.read(server, "/search/?q=tide+table"), server

    def status(self) -> None:
        page = self.administrator
        page.goto("/owner/status/")
        for name in ("web1", "web2", "web3", "worker"):
            expect(page.get_by_role("main")).to_contain_text(name)


def comment_id(shown: Locator) -> int:
    """Return the id of a comment in a thread or on a card."""
    return int(str(shown.get_attribute("id")).rpartition("-")[2])


def _picture() -> Any:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((900, 600)).save(made, "JPEG")
    return {"name": "tide.jpg", "mimeType": "image/jpeg", "buffer": made.getvalue()}


def main() -> None:
    url, seeded, web_servers = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), sys.argv[3:]
    expect.set_options(timeout=PATIENCE)
    seconds = {}
    with chromium() as browser:
        walk = Walkthrough(browser, url, web_servers, seeded["setup"], seeded["story"], seeded["comments"][1])
        for name, step in walk.steps.items():
            print(name, "…", file=sys.stderr, flush=True)
            started = time.monotonic()
            step()
            seconds[name] = time.monotonic() - started
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
