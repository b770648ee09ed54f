"""The filter's page in Chromium, in both themes and on a phone: the setting, a version, a correction."""

import re

import pytest
from playwright.sync_api import expect

from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide
from moderation.models import FilterVersion, Finding, ModerationSettings
from moderation.spam_filter import training
from moderation.spam_filter.classifier.starter import STARTER_FILE
from tests.factories import make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import errors_of, log_in
from tests.moderation.spam_filter.helpers import GOOD, SPAM, STORY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("moderation_without_checks"),
]


@pytest.fixture
def measured_version(ada) -> FilterVersion:
    """Return an active version, measured on forty decisions, one of each label against all signals."""
    made = FilterVersion.objects.create(
        kind=FilterVersion.Kind.STARTER, weights=STARTER_FILE.read_bytes(), trained_on={}
    )
    ModerationSettings.objects.update_or_create(pk=1, defaults={"filter": made})
    article = make_article("Council closes the ferry slip", body=STORY)
    good = [make_comment(article, GOOD.format(n=n)).pk for n in range(20)]
    spam = [make_comment(article, SPAM.format(n=n)).pk for n in range(18)]
    good.append(make_comment(article, f"{SPAM.format(n=77)} casino, payday loans: http://mine.example/").pk)
    spam.append(
        make_comment(article, "I saw the harbour master Jensen at the ferry slip on Tuesday at 10:30.").pk
    )
    decide(ids=good, to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada)
    decide(ids=spam, to=State.SPAM, reason=Reason.SPAM, actor=ada)
    training.update_metrics(made)
    return made


def check(page) -> None:
    assert faults(page) == []
    cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
    assert page.locator("main :is(td, th, .scroll)").evaluate_all(cut) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_an_administrator_sets_the_percentage_corrects_a_mistake_and_switches_it_off(
    client, page, live_server, ada, measured_version, width
):
    log_in(page.context, live_server, ada)
    page.set_viewport_size({"width": width, "height": 900})
    failures, bar = errors_of(page), page.locator(".messages > .undo")

    page.goto(f"{live_server.url}/moderation/filter/")
    for summary in page.locator("main summary").all():
        summary.click()
    check(page)
    page.get_by_label("Of 100 good comments").fill("5")
    page.keyboard.press("Enter")
    expect(bar.get_by_text(re.compile(r"5 (of 100 good comments )?may wait"))).to_be_in_viewport()
    expect(page.locator("tr.now")).to_contain_text("5 in 100")
    bar.get_by_role("button", name="Undo").click()
    expect(page.locator("tr.now")).to_contain_text("1 in 100")

    wrong = page.locator("#mistakes + section .card").filter(has_text="Check my page")
    pk = Comment.objects.get(body__contains="mine.example").pk
    expect(wrong.locator("mark").first).to_be_visible()
    wrong.get_by_role("button", name="Mark as spam").click()
    expect(bar.get_by_text("Marked as spam")).to_be_in_viewport()
    expect(page.locator("#mistakes")).to_be_in_viewport()
    expect(page.locator("#mistakes + section .card").filter(has_text="mine.example")).to_have_count(0)
    assert Comment.objects.get(pk=pk).state == State.SPAM
    bar.get_by_role("button", name="Undo").click()
    expect(page.locator("#mistakes + section .card").filter(has_text="Check my page")).to_have_count(1)

    page.get_by_role("button", name="Switch off the filter").click()
    expect(page.get_by_role("heading", name="The filter is off")).to_be_visible()
    check(page)
    page.get_by_role("button", name=f"Activate version {measured_version.pk}").click()
    expect(page.get_by_role("heading", name=f"Version {measured_version.pk} is active")).to_be_visible()
    assert failures == []


def test_the_card_opens_the_parts_of_its_score(client, page, live_server, ada, measured_version):
    log_in(page.context, live_server, ada)
    page.set_viewport_size({"width": 390, "height": 900})
    comment = Comment.objects.get(body__contains="mine.example")
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.9, holds=True, filter=measured_version
    )
    page.goto(f"{live_server.url}/moderation/comments/{comment.pk}/")
    made = page.locator("details.score-details")
    expect(made.locator(".parts")).to_be_hidden()
    made.get_by_text("Technical details").click()
    expect(made.locator(".parts li").first).to_be_visible()
    expect(made.locator("mark").first).to_be_visible()
    check(page)
