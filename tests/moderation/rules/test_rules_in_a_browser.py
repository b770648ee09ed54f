"""Trying a rule in Chromium, in both themes and on a phone."""

import pytest
from playwright.sync_api import expect

from comments.models import Reason, State
from moderation.actions.decisions import decide
from moderation.models import Rule
from moderation.rules import active_rules
from moderation.rules.matching import RuleDefinition
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import errors_of, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_casino_catches_three_good_comments_and_is_cancelled(client, page, live_server):
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    log_in(page.context, live_server, maria)
    page.set_viewport_size({"width": 390, "height": 900})
    article, failures = make_article(), errors_of(page)
    good = [make_comment(article, f"I was at the casino, {n}").pk for n in range(3)]
    decide(ids=good, to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    spam = make_comment(article, "Best CASINO").pk
    decide(ids=[spam], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    active_rules.save(
        rule=RuleDefinition(pk=None, kind="list", value="words.txt", terms="a\nb"), note="", actor=maria
    )

    page.goto(f"{live_server.url}/moderation/rules/")
    assert faults(page, widths=WIDTHS) == []
    page.get_by_role("link", name="term", exact=True).click()
    assert faults(page, widths=WIDTHS) == []
    page.get_by_label("Term").fill("casino")
    page.keyboard.press("Enter")
    verdict = "Would have caught 1 of 1 removed comments and 3 of 3 approved comments."
    expect(page.locator(".verdict")).to_have_text(verdict)
    page.go_back()
    expect(page.get_by_label("Term")).to_have_value("casino")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_have_text(verdict)
    expect(page.locator(".mistakes mark")).to_have_text(["casino"] * 3)
    assert faults(page, widths=WIDTHS) == []
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rules")
    assert list(Rule.objects.values_list("value", flat=True)) == ["words.txt"]

    page.get_by_role("link", name="words.txt").click()
    assert faults(page, widths=WIDTHS) == []
    page.get_by_role("button", name="Switch off").click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        bar = page.locator(".messages > .undo")
        expect(bar.get_by_text("Switched off: words.txt.")).to_be_in_viewport()
    assert not Rule.objects.get().is_active
    assert failures == []
