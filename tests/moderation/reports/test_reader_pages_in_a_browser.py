"""The pages of readers and authors in Chromium: axe, a phone, and all of it without scripts."""

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from comments.models import Comment, Reason, State
from comments.policy import policy
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.models import IllegalContentReport, Report
from moderation.reports import reporting
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("publishing")]


@pytest.fixture
def publishing(transactional_db, moderation_without_checks):
    """Make a site with a published and a removed comment."""


@pytest.fixture
def site(publishing):
    jim, maria = UserFactory.create(name="Jim"), UserFactory.create(roles=("Moderator",))
    article = make_article("The slip closes")
    reported = make_comment(article, "Buy pills, at https://pills.example.")
    removed = make_comment(article, "You fool.", author=jim)
    decide(ids=[removed.pk], to=State.REJECTED, reason="insult", actor=maria)
    waiting = make_comment(article, "See here.", author=jim)
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    report = reporting.report_illegal_content(
        comment=reported, why="It is forbidden to sell them.", email="n@example.org"
    )
    policy.cache_clear()
    return SimpleNamespace(
        jim=jim,
        maria=maria,
        article=article,
        reported=reported,
        removed=removed,
        waiting=waiting,
        report=report,
    )


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(live_server, page, site):
    story = site.article.get_absolute_url()
    anybody = [
        f"{story}report/{site.reported.pk}/",
        f"/report-illegal/?comment={site.reported.pk}",
        f"/report-illegal/{site.report.receipt}/",
        site.removed.get_absolute_url(),
    ]
    own = [
        f"/comments/{site.removed.pk}/decision/",
        f"/comments/{site.removed.pk}/resubmit/",
        f"/comments/{site.waiting.pk}/decision/",
        story,
    ]

    def check(url) -> list[str]:
        page.goto(live_server.url + url)
        return faults(page, widths=WIDTHS)

    found = {url: check(url) for url in anybody}
    log_in(page.context, live_server, site.jim)
    found |= {url: check(url) for url in own}
    assert found == {url: [] for url in found}


def test_a_stranger_reports_without_scripts(live_server, browser, site):
    page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    page.goto(live_server.url + site.article.get_absolute_url())
    comment = page.locator(f"#comment-{site.reported.pk}")
    comment.locator("footer summary").click()
    comment.get_by_role("link", name="Report").click()
    page.get_by_label("It is spam or advertising").check()
    page.get_by_label("Name").fill("Bo")
    page.get_by_label("E-mail").fill("bo@example.org")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your report")
    assert Report.objects.get().why == "spam"
    page.context.close()


def test_the_abuse_of_a_child_is_reported_without_a_name(live_server, page, site):
    page.goto(f"{live_server.url}/report-illegal/?comment={site.reported.pk}")
    expect(page.get_by_label("Your name")).to_be_visible()
    page.get_by_label("It shows child abuse").check()
    expect(page.get_by_label("Your name")).to_be_hidden()
    expect(page.get_by_label("Your e-mail")).to_be_hidden()
    page.get_by_label("Why it is illegal").fill("It links to pictures.")
    page.get_by_label("I believe in good faith").check()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We received your report")
    assert IllegalContentReport.objects.latest("id").name == ""


def test_an_author_edits_and_resubmits_a_removed_comment(live_server, page, site, client):
    log_in(page.context, live_server, site.jim)
    page.goto(live_server.url + site.article.get_absolute_url())
    page.locator(f"#comment-{site.removed.pk}").get_by_role("link", name="Appeal this decision").click()
    page.get_by_role("link", name="Edit and resubmit").click()
    page.get_by_label("Your comment").fill("I do not agree.")
    page.get_by_role("button", name="Resubmit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your edited comment is waiting for review")
    assert Comment.objects.get(pk=site.removed.pk).body == "I do not agree."
