"""Tests of a thread for screen readers, by Chromium's accessibility tree."""

from collections.abc import Iterator
from textwrap import shorten
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from archive.services import import_sample_story
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.browser

THREE_LEVELS = """\
listitem
  article
    heading 3 "Marit"
    link "9 October 2014, 09:41, comment by Marit"
    paragraph: My grandmother ran for the last boat of 1961 by […]
    link "Reply to Marit"
    group
      DisclosureTriangleGrouped "More about the comment by Marit", collapsed
        text: ⋯
  button "6 replies to Marit", expanded
  list
    listitem
      article
        heading 3 "Jun, replying to Marit"
          link "Marit", collapsed
        text: , level 2
        link "09:58, comment by Jun"
        paragraph: Somebody should count how many people in this […]
        link "Reply to Jun"
        group
          DisclosureTriangleGrouped "More about the comment by Jun", collapsed
            text: ⋯
      button "4 replies to Jun", expanded
      list
        listitem
          article
            heading 3 "Tollef, replying to Jun"
              link "Jun", collapsed
            text: , level 3
            link "10:06, comment by Tollef"
            paragraph: I make it four, and one of them runs the kiosk.
            link "Reply to Tollef"
            group
              DisclosureTriangleGrouped "More about the comment by Tollef", collapsed
                text: ⋯
"""
ONE_REMOVED = """\
listitem
  article
    paragraph: Removed by a moderator: insult
  button "2 replies to a removed comment", expanded
  list
    listitem
      article
        heading 3 "Marit"
        text: , level 2
        link "9 October 2014, 15:29, comment by Marit"
        paragraph: We have phones. They are fast.
        link "Reply to Marit"
        group
          DisclosureTriangleGrouped "More about the comment by Marit", collapsed
            text: ⋯
"""
TWO_INCOMPLETE = """\
listitem
  article
    heading 3 "ferrywatcher"
    link "10 October 2014, 08:05, comment by ferrywatcher"
    paragraph: What nobody has mentioned so far is that the […]
    paragraph: The rest is missing in the original
    link "Reply to ferrywatcher"
    group
      DisclosureTriangleGrouped "More about the comment by ferrywatcher", collapsed
        text: ⋯
"""
WITHOUT_SCRIPTS = """\
listitem
  article
    heading 3 "ferrywatcher"
    link "10 October 2014, 08:05"
    paragraph: What nobody has mentioned so far is that the […]
    paragraph: The rest is missing in the original
    link "Reply"
    group
      DisclosureTriangleGrouped "More", collapsed
        text: ⋯
  list
    listitem
      article
        heading 3 "Jun, replying to ferrywatcher"
          link "ferrywatcher"
        text: , level 2
        link "08:09"
        paragraph: Inside the what?
        link "Reply"
        group
          DisclosureTriangleGrouped "More", collapsed
            text: ⋯
"""


@pytest.fixture
def sample(transactional_db: None) -> dict[str, Comment]:
    """Return the comments of the sample story by the start of their text. One of them is removed."""
    comments = import_sample_story().discussion.comments.select_related("discussion__article")
    comments_by_start = {comment.body[:6]: comment for comment in comments}
    ids = [comments_by_start["Only a"].pk]
    change_states(ids=ids, to=State.REJECTED, reason=Reason.INSULT, actor=None)
    return comments_by_start


@pytest.fixture
def story_page(live_server, page, sample) -> Page:
    page.goto(live_server.url + sample["My gra"].discussion.article.get_absolute_url())
    page.wait_for_selector(".fold")
    return page


def test_a_screen_reader_announces_comments_with_author_time_and_text(story_page, sample):
    assert announced_lines(story_page, sample["My gra"]).startswith(THREE_LEVELS)
    assert announced_lines(story_page, sample["Only a"]).startswith(ONE_REMOVED)
    assert announced_lines(story_page, sample["What n"]).startswith(TWO_INCOMPLETE)


def test_a_screen_reader_announces_comments_without_scripts(live_server, browser, sample):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(live_server.url + sample["My gra"].discussion.article.get_absolute_url())
    assert announced_lines(page, sample["What n"]) == WITHOUT_SCRIPTS
    page.context.close()


def test_headings_lead_through_the_page(story_page):
    nodes = tree(story_page)
    headings = [node for node in walk_nodes(next(iter(nodes.values())), nodes) if role(node) == "heading"]
    assert [(value(node, "level"), name(node)) for node in headings[:2]] == [
        (1, "Harbour clock to stay eleven minutes slow, council decides"),
        (2, "30 comments"),
    ]
    comments = [node for node in headings[2:] if value(node, "level") == 3]
    others = [name(node) for node in headings[2 + len(comments) :]]
    assert others == [
        "About this discussion",
        "How this discussion was moderated",
        "Read",
        "Take part",
        "About",
    ]
    assert {value(node, "level") for node in comments} == {3}
    assert len(comments) == story_page.locator(".thread article:not(.gone)").count() == 30
    named = [node for node in nodes.values() if role(node) == "region"]
    assert [name(node) for node in named] == ["30 comments"]


def test_each_link_has_a_label_that_names_its_comment(story_page):
    """Screen readers list links without their context."""
    for article in story_page.locator(".thread article:not(.gone)").all():
        author = article.locator("h3 > bdi").inner_text()
        moment, reply = article.locator("h3 ~ a"), article.locator("footer > a")
        more, report = article.locator("footer summary"), article.locator("footer details a")
        assert moment.get_attribute("aria-label") == f"{moment.inner_text()}, comment by {author}"
        assert reply.get_attribute("aria-label") == f"Reply to {author}"
        assert more.get_attribute("aria-label") == f"More about the comment by {author}"
        assert report.get_attribute("aria-label") == f"Report, comment by {author}"


def test_pages_use_lists_and_articles_instead_of_trees(live_server, story_page, sample):
    story = story_page.url
    urls = [story, f"{story}?order=oldest", f"{story}reply/{sample['My gra'].pk}/", f"{story}find/?q=clock"]
    for url in urls:
        story_page.goto(url)
        roles = {role(node) for node in tree(story_page).values()}
        assert not {"tree", "treeitem", "application", "grid"} & roles
        assert {"main", "banner", "contentinfo", "heading"} <= roles


def announced_lines(page: Page, comment: Comment) -> str:
    """Return a line for each node of the comment's list item: role, name and state, with long texts cut."""
    session = page.context.new_cdp_session(page)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    place = {"nodeId": root, "selector": f"li:has(> #comment-{comment.pk})"}
    item = session.send("DOM.querySelector", place)["nodeId"]
    start = session.send("DOM.describeNode", {"nodeId": item})["node"]["backendNodeId"]
    session.detach()
    nodes = tree(page)
    first = next(node for node in nodes.values() if node.get("backendDOMNodeId") == start)
    return "".join(f"{line}\n" for line in lines(first, nodes, "", False))


def tree(page: Page) -> dict[str, Any]:
    """Return Chromium's accessibility nodes by id, without hidden ones."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return {node["nodeId"]: node for node in nodes}


def walk_nodes(node: Any, nodes: dict[str, Any]) -> Iterator[Any]:
    """Yield a node and all below it in the order of the page."""
    yield node
    for child in children_of(node, nodes):
        yield from walk_nodes(child, nodes)


SILENT = {"generic", "none", "sectionfooter", "InlineTextBox"}  # containers that are not announced
NAMED_BY_CONTENT = {"heading", "link", "button"}


def lines(node: Any, nodes: dict[str, Any], indent: str, is_named: bool) -> Iterator[str]:
    """Yield a node and its children as lines. `is_named`: the name above already contains their text."""
    last_indent = indent
    if role(node) == "StaticText":
        if not is_named and name(node).strip():
            yield f"{indent}text: {name(node).strip()}"
        return
    if not node["ignored"] and role(node) not in SILENT:
        if role(node) == "paragraph":
            yield f"{indent}paragraph: {shorten(words(node, nodes), 52, placeholder=' […]')}"
            return
        last_indent += role(node)
        if role(node) == "heading":
            last_indent += f" {value(node, 'level')}"
        if name(node):
            last_indent += f' "{name(node)}"'
        if (expanded := value(node, "expanded")) is not None:
            last_indent += ", expanded" if expanded else ", collapsed"
        yield last_indent
        indent, is_named = f"{indent}  ", role(node) in NAMED_BY_CONTENT
    for child in children_of(node, nodes):
        yield from lines(child, nodes, indent, is_named)


def words(node: Any, nodes: dict[str, Any]) -> str:
    if role(node) == "StaticText":
        return name(node)
    return "".join(words(child, nodes) for child in children_of(node, nodes))


def children_of(node: Any, nodes: dict[str, Any]) -> list[Any]:
    return [nodes[child] for child in node.get("childIds", ()) if child in nodes]


def role(node: Any) -> str:
    return node.get("role", {}).get("value", "none")


def name(node: Any) -> str:
    return node.get("name", {}).get("value", "")


def value(node: Any, property_name: str) -> Any:
    return next((p["value"]["value"] for p in node.get("properties", ()) if p["name"] == property_name), None)


def focused(page: Page) -> Any:
    """Return the node that has the focus, apart from the page itself."""
    return next(
        node for node in tree(page).values() if value(node, "focused") and role(node) != "RootWebArea"
    )


def test_a_screen_reader_announces_each_step_of_a_reply_on_a_phone(
    browser, live_server, transactional_db, policy_without_moderation
):
    """Each focused element is read with its name and error, from the comment count to the sent reply."""
    article = make_article("Harbour clock")
    eben = make_comment(article, "It is slow.", author=UserFactory.create(name="Eben"))
    jim = make_comment(article, "Is it?", parent=eben, author=UserFactory.create(name="Jim"))
    for number in range(47):
        make_comment(article, f"Comment {number}", parent=eben)
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ).new_page()
    phone.goto(live_server.url + article.get_absolute_url() + "?order=oldest")
    headings = [
        (value(node, "level"), name(node)) for node in tree(phone).values() if role(node) == "heading"
    ]
    assert (2, "49 comments") in headings
    assert (3, "Jim, replying to Eben") in headings

    place = phone.locator(f"#comment-{jim.pk}")
    place.get_by_role("link", name="Reply to Jim").press("Enter")
    form = place.locator(".reply-form")
    expect(form.get_by_label("Your comment")).to_be_focused()
    field = focused(phone)
    assert (role(field), value(field, "required")) == ("textbox", True)
    assert name(field).startswith("Your comment")

    form.get_by_label("Your comment").fill("It is.")
    form.get_by_label("Name").fill("Ida")
    form.get_by_label("E-mail").fill("ida@harbour")  # the browser accepts it, the site does not
    form.get_by_role("button", name="Post comment").press("Enter")
    expect(form.get_by_label("E-mail")).to_be_focused()
    expect(form.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    field = focused(phone)
    assert (role(field), value(field, "invalid")) == ("textbox", "true")
    assert "Enter a valid e-mail." in field["description"]["value"]

    form.get_by_label("E-mail").fill("ida@example.org")
    form.get_by_role("button", name="Post comment").press("Enter")
    expect(phone.locator(".thread article", has_text="It is.").last).to_be_focused()
    own = focused(phone)
    assert (role(own), name(own)) == ("article", "Ida, replying to Jim")
    phone.context.close()
