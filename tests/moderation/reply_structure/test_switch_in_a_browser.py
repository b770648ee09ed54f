"""The switch of the reply structure in Chromium, with its script and without."""

import pytest

from moderation.reply_structure.decisions import accept
from tests.helpers.axe import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_reader_switches_and_stays_in_the_saved_structure_in_another_order(
    browser, live_server, capped, maria, has_scripts
):
    accept(article=capped.article, actor=maria)
    page = browser.new_context(java_script_enabled=has_scripts).new_page()
    page.goto(live_server.url + capped.article.get_absolute_url())
    switch = page.get_by_role("navigation", name="Reply structure")
    answer = page.locator(f"#comment-{capped.pk(6)}")
    assert "Jim, replying to Safe haven!??" in answer.inner_text()
    with page.expect_navigation():
        switch.get_by_role("link", name="As saved").click()
    assert "Jim, replying to Root" in answer.inner_text()
    page.locator(".orders summary").click()
    with page.expect_navigation():
        page.get_by_role("link", name="Newest first").click()
    assert page.url.endswith("?order=newest&replies=saved#comments")
    assert "Jim, replying to Root" in answer.inner_text()
    assert switch.locator("[aria-current]").inner_text() == "As saved"
    if has_scripts:
        assert faults(page) == []
    with page.expect_navigation():
        switch.get_by_role("link", name="Restored").click()
    assert "Jim, replying to Safe haven!??" in answer.inner_text()
    page.context.close()
