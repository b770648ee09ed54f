"""Browser tests of the choice of a theme on a list and on a member's page, which needs no JavaScript."""

import pytest

from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import WIDTHS, faults

pytestmark = pytest.mark.browser

BACKGROUND = {"light": "rgb(251, 250, 247)", "dark": "rgb(17, 23, 27)"}


@pytest.fixture
def urls(transactional_db, policy_without_moderation):
    article = make_article("The “quiet hours” begin", standfirst="And the boats lie still.", byline="Ida")
    member = UserFactory.create(name="Jim", has_page=True)
    make_comment(article, "I *learned* to row there.", author=member)
    at = article.published_at
    return {"month": f"/archive/{at.year}/{at.month:02}/", "person": f"/people/{member.pk}/"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_chosen_theme(live_server, page, urls, theme):
    """The other pages are checked with the theme of the system, in tests/site/test_layout.py."""
    page.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    assert page.goto(live_server.url + urls["person"]).status == 200
    assert faults(page, widths=WIDTHS) == []


def test_colours_are_chosen_without_javascript_against_the_system(live_server, browser, urls):
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{live_server.url}{urls['month']}")

    def shown():
        # Through the protocol, as the page may run no script.
        client = context.new_cdp_session(page)
        client.send("DOM.enable")
        client.send("CSS.enable")
        root = client.send("DOM.getDocument")["root"]["nodeId"]
        html = client.send("DOM.querySelector", {"nodeId": root, "selector": "html"})["nodeId"]
        styles = client.send("CSS.getComputedStyleForNode", {"nodeId": html})["computedStyle"]
        return next(style["value"] for style in styles if style["name"] == "background-color")

    assert shown() == BACKGROUND["dark"]
    for choice, paper in (("light", "light"), ("dark", "dark"), ("System", "dark")):
        page.get_by_role("button", name=choice).click()
        assert page.url == f"{live_server.url}{urls['month']}#foot"  # the buttons of the theme are there
        assert shown() == BACKGROUND[paper], choice
        assert page.get_by_role("button", name=choice).get_attribute("aria-pressed") == "true"
    context.close()
