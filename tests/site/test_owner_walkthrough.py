"""The owner's walkthrough in Chromium, from the first start on a real address to the backup.

The imported page is a saved one: WordPress exports cannot be imported yet.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data_folder import PROJECT
from tests.config.conftest import copy_home, data_folder, environment_of
from tests.config.serving import Served, run, serving
from tests.helpers.browser import fill_set_up
from tests.helpers.servers.ports import free_port
from tests.plugin import EMPTY_SITE

pytestmark = pytest.mark.browser

SAVED_PAGE = PROJECT / "tests" / "moderation" / "second_thread.txt"
SPAM = 9  # late comments that the site groups by itself
OLD_ADDRESS = "/2015/03/03/library-ladder/"
NEWEST_COMMENTS = "  29. Nilsine Fennimore"  # this comment and later ones were written after the first save


@pytest.fixture
def environment():
    with data_folder() as folder:
        copy_home(Path(os.environ[EMPTY_SITE]), folder)  # tests/test_fresh_machine.py begins without
        yield environment_of(folder)


@pytest.fixture
def site(environment):
    """Run a site that others can reach, with an empty database."""
    port = free_port()
    reach = {"HOST": "0.0.0.0", "SITE_URL": f"http://localhost:{port}"}
    with serving(environment | reach, port) as served:
        yield served


def import_file(page: Page, data: bytes) -> None:
    """Preview a saved page on the import page, read the counts, and import it."""
    page.get_by_label("File").set_input_files(
        {"name": "ladder.txt", "mimeType": "text/plain", "buffer": data}
    )
    page.get_by_label("Source URL").fill(f"https://old.example{OLD_ADDRESS}")
    page.get_by_role("button", name="Preview import").click()


def test_the_owners_walkthrough(site: Served, environment: dict[str, str], browser, tmp_path: Path) -> None:
    home, url = Path(environment["SOUNDOFF_HOME"]), f"http://localhost:{site.port}"
    page = browser.new_context(base_url=url, timezone_id="Africa/Cairo").new_page()

    # bin/serve prints a one-time link to the set-up on a real address, and creates no sample.
    assert "example.org" not in site.printed
    link = re.search(rf"{url}/setup/\S+", site.printed)
    assert link
    page.goto(link[0])
    fill_set_up(page)
    page.locator("[name=language]").select_option("en")
    expect(page.locator("[name=time_zone]")).to_have_value("Africa/Cairo")
    page.get_by_label("Contact address").fill("desk@example.org")
    expect(page.get_by_label("First comment reviewed")).to_be_checked()
    page.get_by_role("button", name="Set up the site").click()

    # A test e-mail. Without a mail server it is a file.
    page.get_by_role("button", name="Send a test e-mail").click()
    expect(page.get_by_text("Written to a file", exact=True)).to_be_visible()
    (mail,) = (home / "mail").iterdir()
    assert "To: ada@example.org" in mail.read_text()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Newsroom")
    assert browser.new_context().new_page().goto(link[0]).status == 404

    # Imports a saved page, and reads the counts first.
    saved = SAVED_PAGE.read_bytes()
    page.get_by_role("link", name="Import", exact=True).first.click()
    import_file(page, saved[: saved.index(NEWEST_COMMENTS.encode())])
    report = page.get_by_role("status")
    expect(report).to_contain_text("38 comments in the file. The page announces 41. Level 1: 28.")
    expect(report).to_contain_text("New comments: 38. Existing: 0. This is a preview: nothing was written.")
    expect(report).to_contain_text("The discussion will be closed")
    page.get_by_role("button", name="Import", exact=True).click()
    done = page.locator(".messagelist")
    expect(done).to_contain_text("Comments imported: 38. Existing: 0.")
    story = page.get_by_role("link", name="View on site").get_attribute("href")

    # Opens old URLs, and an old link to a comment: all arrive.
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Redirects").click()
    page.get_by_role("link", name="Add redirect").click()
    page.get_by_label("Old URL").fill("/?p=12")
    page.get_by_label("Redirects to").fill(story)
    page.get_by_role("button", name="Save", exact=True).click()
    reader = browser.new_context(base_url=url).new_page()
    for address in (OLD_ADDRESS, f"{OLD_ADDRESS.rstrip('/')}?utm_source=a", "/?p=12"):
        reader.goto(address)
        expect(reader.get_by_role("heading", level=1)).to_have_text(re.compile("^Library will lend out"))
    comment = reader.locator(".thread article", has_text="it has been lent 211 times")
    reader.goto(f"{OLD_ADDRESS}#{comment.get_attribute('id')}")
    expect(comment).to_be_in_viewport()
    expect(reader.locator("#comments")).to_contain_text("38 comments · Closed")

    # In the clean-up list the owner looks at the least similar members of each group, and accepts.
    page.goto("/moderation/")
    page.get_by_role("navigation", name="Moderation").get_by_role("link", name="Similar comments").click()
    page.get_by_role("button", name="Refresh").click()
    groups = page.get_by_role("list", name="Groups, largest first")
    expect(groups.get_by_role("heading")).to_have_count(2)
    groups.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Late promotional spam: {SPAM} comments")
    edges = page.locator(".members ul").first
    expect(page.get_by_role("heading", name="Most likely mistakes")).to_be_visible()
    expect(edges.get_by_role("checkbox", checked=True).first).to_be_visible()
    expect(edges).not_to_contain_text("lent 211 times")
    proposed = page.locator(".action-bar.bulk .btn-primary")
    while proposed.count():
        title = page.get_by_role("heading", level=1).inner_text()
        proposed.click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text(title)
    reader.goto(story)
    kept = reader.locator(".thread article[id]")
    expect(reader.locator(".thread")).not_to_contain_text("book marked")

    # Old discussions are closed: the list confirms it.
    page.get_by_role("link", name="Discussions", exact=True).click()
    expect(page.get_by_role("region", name="Library will lend out")).to_contain_text("Comments are closed")
    expect(page.get_by_role("region", name="Library will lend out")).to_contain_text("Reopen")

    # A newer save the day before the switch adds only what is new.
    before = kept.count()
    page.goto("/admin/archive/import/add/")
    import_file(page, saved)
    expect(report).to_contain_text("New comments: 2. Existing: 38.")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(done).to_contain_text("Comments imported: 2. Existing: 38.")
    reader.goto(story)
    expect(kept).to_have_count(before + 2)
    expect(reader.locator(".thread")).to_contain_text("the ladder was at the funeral")

    # A backup: a file on the disk, which the system status names.
    file = tmp_path / "soundoff.zip"
    argv = [sys.executable, "manage.py", "backup", str(file), "--json"]
    made = json.loads(subprocess.check_output(argv, cwd=PROJECT, env=environment, text=True))
    assert file.stat().st_size == made["size"] > 0
    assert file.stat().st_mode & 0o777 == 0o600
    page.goto("/owner/status/")
    expect(page.get_by_role("region", name="Backups")).to_contain_text(str(file))
    expect(page.locator("main")).to_contain_text("served without HTTPS")
    expect(page.locator("main")).to_contain_text(f"in the data folder {home}")
    expect(page.locator("main")).not_to_contain_text("could rewrite the audit log")
    assert run(environment, "from comments.integrity import check; print(check())").strip() == "{}"
