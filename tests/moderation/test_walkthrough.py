"""The moderator's walkthrough in Chromium, from the login to a colleague who opens the same card."""

from datetime import timedelta

import pytest
from django.db.models import F
from playwright.sync_api import expect

from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from moderation.actions.decisions import decide
from moderation.models import Case, Rule
from tests.factories import UserFactory, make_article, make_comment

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]

PASSWORD = "a boat without a clock"
SALE = "Our showroom at the east quay has {} oak chairs and free delivery to every island this week only."
MARKED_COMMENTS = """[...document.querySelectorAll(".thread article")].map((one) => getComputedStyle(one))
  .filter(({ boxShadow, outlineStyle }) => boxShadow !== "none" || outlineStyle !== "none").length"""
ODD = [
    "Who keeps writing that a showroom at the east quay has oak chairs and free delivery to every island?",
    "Come and sit! Our showroom at the east quay has oak chairs and free delivery to every island, and tea.",
]


def published(article, texts) -> list[Comment]:
    """Create published comments, as on a story with post-moderation."""
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    return [make_comment(article, text) for text in texts]


@pytest.fixture
def site():
    """Create 14 waiting comments, the oldest of 3 hours, 15 that sell chairs, and 2 that mention chairs."""
    mona = UserFactory.create(name="Mona", email="mona@example.org", password=PASSWORD, roles=("Moderator",))
    good = [
        make_comment(make_article("The casino"), text)
        for text in ("A casino!", "Casino", "No casino, please.")
    ]
    decide(ids=[c.pk for c in good], to=State.PUBLISHED, reason=Reason.APPROVED, actor=mona)
    pier = make_article("The pier is mended")
    published(pier, [SALE.format(n) for n in range(100, 107)])
    ferry = make_article("Council votes to close the old ferry slip")
    parent = make_comment(ferry, "Let us stay with the boat until the bridge is paid for.", author=mona)
    first = make_comment(ferry, "See https://a.example and https://b.example, both say so.", parent=parent)
    rude = make_comment(ferry, "You people could not count to eleven.")
    plain = [
        make_comment(ferry, text) for text in ("I row. Nobody needs a bridge.", "My boat leaves when I do.")
    ]
    alike = [make_comment(ferry, SALE.format(n)) for n in range(200, 208)] + [
        make_comment(ferry, t) for t in ODD
    ]
    # In this order, the first for three hours.
    for minutes, comment in enumerate([first, rude, *plain, *alike]):
        ago = timedelta(hours=3, minutes=1 - minutes)
        Case.objects.filter(comment=comment).update(
            opened_at=F("opened_at") - ago, due_at=F("opened_at") - ago - timedelta(hours=24 - minutes)
        )
    return {"ferry": ferry, "pier": pier, "parent": parent, "first": first, "rude": rude}


def test_the_moderators_walkthrough(site, live_server, browser):
    page = browser.new_context().new_page()
    ferry = live_server.url + site["ferry"].get_absolute_url()

    # Mona logs in.
    page.goto(live_server.url + "/accounts/login/")
    page.locator("[name=login]").fill("mona@example.org")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("14 waiting, oldest 3 h")).to_be_visible()
    expect(page).to_have_url(live_server.url + "/moderation/")
    expect(page.locator(".masthead").get_by_role("link", name="Moderation")).to_contain_text("14")

    # The first card: the whole comment, its parent, the reasons with the words marked.
    card = page.locator(f"#comment-{site['first'].pk}")
    expect(card).to_contain_text("both say so.")
    expect(card).to_contain_text("Let us stay with the boat")
    assert card.locator("mark").all_inner_texts() == ["https://a.example", "https://b.example"]
    expect(card.get_by_text("It has 2 links")).to_be_visible()
    number = card.locator("mark").first.get_attribute("data-n")
    expect(card.locator(".evidence li").nth(int(number) - 1)).to_contain_text("It has 2 links")
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(page.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()

    # She removes a comment, and sees the message to its author.
    card = page.locator(f"#comment-{site['rude'].pk}")
    card.get_by_text("Remove…").click()
    card.get_by_label("insult").check()
    expect(card.get_by_text("Removed by a moderator: insult. It insults a person.")).to_be_visible()
    expect(card.get_by_text("A person decided this, not an automatic check.").nth(1)).to_be_visible()
    card.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Removed: insult")

    # 17 similar: two odd ones first; one is unticked, 16 are marked.
    page.goto(live_server.url + "/moderation/similar/")
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("list", name="Groups, largest first").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("17")
    odd = page.locator(".members ul").first.get_by_role("listitem")
    expect(odd).to_have_count(2)
    for text in ODD:
        expect(odd.filter(has_text=text)).to_have_count(1)
    odd.filter(has_text=ODD[0]).get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Mark as spam").click()
    expect(page.locator(".undo")).to_contain_text("Marked as spam · 16 comments")
    assert Comment.objects.filter(state=State.SPAM).count() == 16

    # She undoes the action on the page of actions, and undoes the undo.
    page.goto(live_server.url + "/moderation/actions/")
    page.get_by_role("list").get_by_role("link", name="Marked as spam").first.click()
    page.get_by_role("button", name="Undo this action").click()
    assert not Comment.objects.filter(state=State.SPAM).exists()
    page.get_by_role("button", name="Undo").first.click()
    assert Comment.objects.filter(state=State.SPAM).count() == 16

    # On the story she removes a comment from its menu, and holds all new comments for review.
    page.goto(ferry)
    menu = page.locator(f"#comment-{site['parent'].pk} .menu")
    menu.locator("> summary").click()
    menu.get_by_role("button", name="off-topic").click()
    expect(page.locator(".messages")).to_contain_text("Removed: off-topic")
    assert page.evaluate(MARKED_COMMENTS) == 0  # no other comment is outlined
    page.get_by_text("Moderate this discussion").click()
    page.get_by_role("button", name="Pre-moderation").click()
    assert Discussion.objects.get(pk=site["ferry"].pk).moderation == Discussion.Moderation.PRE

    # She tries the rule "casino", which would match three good comments, and cancels it.
    page.goto(live_server.url + "/moderation/rules/")
    page.get_by_role("link", name="term").first.click()
    page.get_by_label("Term").fill("casino")
    page.get_by_role("button", name="Try on past decisions").click()
    expect(page.get_by_role("heading", name="Would have caught 3 good comments")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    assert not Rule.objects.exists()

    # A colleague opens the same card, which names the person who reviews it.
    page.goto(live_server.url + "/moderation/")
    mine = page.locator("#queue article").first.get_attribute("id")
    other = browser.new_context().new_page()
    UserFactory.create(name="Omar", email="omar@example.org", password=PASSWORD, roles=("Moderator",))
    other.goto(page.url)
    other.locator("[name=login]").fill("omar@example.org")
    other.locator("[name=password]").fill(PASSWORD)
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", name="Moderation")).to_be_visible()
    case = Case.objects.open().get(comment=int(mine.split("-")[1]))
    other.goto(f"{live_server.url}/moderation/cases/{case.pk}/")
    expect(other.get_by_text("Mona is reviewing this comment")).to_be_visible()
