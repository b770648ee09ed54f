"""templates/comments/thread.jinja and _trees.jinja, rendered with rows."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template import engines
from django.utils import timezone

from comments.policy import ExplainedDecision
from comments.thread.reader import ViewerContext
from comments.thread.rows import ThreadRow
from comments.thread.template_filters import relative_time_start

START = datetime(2013, 6, 19, 21, 28, tzinfo=UTC)


def row(number: int, level: int = 0, **fields: Any) -> ThreadRow:
    values = {
        "id": number,
        "author_id": None,
        "guest_id": None,
        "author_name": f"Name {number}",
        "role": "",
        "body_html": f"<p>Body {number}</p>",
        "text_missing": "",
        "state": "published",
        "state_reason": "posted",
        "created_at": START + timedelta(minutes=number),
        "edited_at": None,
        "replied_to_id": None,
        "replied_to_name": None,
        "recommend_count": 0,
        "is_pick": False,
        "is_locked": False,
        "is_redacted": False,
        "duplicate_of_id": None,
        "duplicate_of_slug": None,
        "duplicate_of_versions": None,
        "replied_to_on_page": True,
        "level": level,
        "omitted_replies": 0,
        "last_id": number,
    }
    return ThreadRow(**values | fields)


def render(rows: list[ThreadRow], **context: Any) -> str:
    context = {
        "rows": rows,
        "zone": "America/New_York",
        "open": False,
        "story_path": "",
        "focus": None,
        "reasons": {"off_topic": "off-topic"},
        "viewer": None,
        "actions": {},
        "relative_since": relative_time_start(),
    } | context
    trees = engines["jinja2"].get_template("comments/_trees.jinja").render(context)
    context |= {"has_rows": bool(rows), "trees": trees}
    return engines["jinja2"].get_template("comments/thread.jinja").render(context)


class Outline(HTMLParser):
    """A parser of the depth of each comment. It fails if a closing tag does not match the open one."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open, self.depths = list[str](), list[int]()
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag == "article":
            self.depths.append(self.open.count("ol"))
        if tag not in {"input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "levels",
    [
        [],
        [0],
        [0, 0],
        [0, 1, 2, 1, 0],
        [0, 1, 2, 3, 0, 1],
        [2, 3, 2],  # a branch
        [*range(64), 5, 0],
    ],
)
def test_lists_are_nested_as_the_rows_are(levels):
    depths = Outline(render([row(n, level) for n, level in enumerate(levels, 1)])).depths
    assert depths == [level - levels[0] + 1 for level in levels]


def test_the_heading_names_the_author_and_the_parent():
    page = render([row(1), row(2, 1, author_name="Jim", replied_to_id=1, replied_to_name="Eben")])
    heading = re.findall(r"<h3>(.*?)</h3>", page)[1]
    assert re.sub(r"<[^>]+>", "", heading) == "Jim, replying to Eben"
    assert 'href="#comment-1"' in heading


def test_the_authors_mark_stands_beside_the_author():
    page = render([row(1, role="author", author_name="Ada", replied_to_id=9, replied_to_name="Bo")])
    assert re.search(r"Ada</bdi> <span class=\"role\">author</span> replying", page)


def test_typed_text_is_escaped_and_rendered_html_is_not():
    page = render(
        [row(1, author_name='<b a="', replied_to_id=2, replied_to_name="<i>", body_html="<em>x</em>")]
    )
    assert "&lt;b a=&#34;" in page
    assert "&lt;i&gt;" in page
    assert "<em>x</em>" in page


def test_explanations_and_labels_are_escaped():
    bad = "<i>&"
    viewer = ViewerContext(
        moderates=True, own={1, 2}, reasons={1: [bad], 2: [bad]}, pending_label=bad, may_recommend=True
    )
    acts = [{"label": bad, "url": "/x/?a=1&b=<i>", "post": True, "reasons": [(bad, bad, bad)]}]
    rows = [
        row(1, author_name=bad, state="pending"),
        row(2, state="rejected", state_reason="off_topic"),
        row(3, 1, author_name=bad, replied_to_id=9, replied_to_name=bad, recommend_count=3),
    ]
    page = render(rows, viewer=viewer, actions={1: acts, 3: acts}, reasons={"off_topic": bad}, open=True)
    Outline(page.replace("<bdi>", "").replace("</bdi>", ""))
    assert page.count("&lt;i&gt;&amp;") == 3 + 3 + 1 + 2 * 4  # names, why and usual, a reason, the menus
    assert page.count("?a=1&amp;b=&lt;i&gt;") == 2
    assert "<i>&" not in page


def test_only_the_author_of_a_removed_comment_sees_the_name_and_time_on_it():
    rows = [row(1, author_name="Jim", state="rejected", state_reason="off_topic", body_html="")]
    viewer = ViewerContext(
        moderates=False,
        own={1},
        decisions={1: ExplainedDecision(["Off-topic."], "<p>Rash.</p>", can_appeal=True)},
        decision_urls={1: "/d/"},
    )
    own, public = render(rows, viewer=viewer), render(rows)
    assert re.sub(r"<[^>]+>", "", re.search(r"<h3>.*?</h3>", own)[0]) == "Jim Removed"
    assert 'comments/1/">19 June 2013, 17:29</a>' in own
    assert '<bdi>Off-topic.</bdi> <a href="/d/">Appeal this decision</a>' in own
    assert '<summary>Your comment</summary><div dir="auto"><p>Rash.</p></div></details>' in own
    assert "Removed by a moderator: off-topic" in public
    assert "Jim" not in public
    assert "Your comment" not in public


@pytest.mark.parametrize("state", ["published", "pending", "rejected"])
def test_a_guests_own_comments_lead_to_their_pages(state):
    """The guest has no account menu."""
    rows = [row(1, state=state), row(2)]
    member = ViewerContext(moderates=False, own={1})
    guest = ViewerContext(moderates=False, is_guest=True, own={1})
    links = '<a href="/account/comments/">My comments</a><a href="/account/notifications/">Notifications</a>'
    page = render(rows, viewer=guest)
    Outline(page)
    assert page.count(links) == page.partition('id="comment-2"')[0].count(links) == 1
    assert "/account/" not in render(rows, viewer=member) + render(rows)


def test_the_full_date_is_shown_once_in_each_tree():
    own = row(4, 1, state="rejected", state_reason="off_topic", body_html="")
    viewer = ViewerContext(
        moderates=False,
        own={4},
        decisions={4: ExplainedDecision([], "", can_appeal=True)},
        decision_urls={4: "/d/"},
    )
    page = render([row(1), row(2, 1), own, row(3, created_at=START + timedelta(days=1))], viewer=viewer)
    assert re.findall(r"comments/\d+/\">([^<]*)</a>", page) == [
        "19 June 2013, 17:29",
        "17:30",
        "17:32",
        "20 June 2013, 17:28",
    ]


def test_a_time_of_today_is_marked_up_for_the_script_that_says_how_long_ago_it_was():
    page = render([row(1, created_at=timezone.now()), row(2, 1, created_at=timezone.now())])
    assert page.count("<time datetime=") == 2
    assert "<time" not in render([row(1), row(2, 1)])


def test_a_pending_comment_is_shown_only_to_its_author_and_moderators():
    rows = [row(1, state="pending", body_html="<p>SECRET</p>")]
    notice = (
        "<strong>Waiting for review, usually 2 h:</strong> it has two links."
        ' <a href="/decision/">Details</a></p>'
    )
    others = ViewerContext(moderates=False, own={2})
    mine = ViewerContext(
        moderates=False,
        own={1},
        reasons={1: ["it has two links."]},
        pending_label="Waiting for review, usually 2 h",
        decision_urls={1: "/decision/"},
    )

    for viewer in (None, others):
        assert "SECRET" not in render(rows, viewer=viewer)
        assert "Waiting for review" in render(rows, viewer=viewer)
    own = render(rows, viewer=mine)
    assert "SECRET" in own
    assert notice in " ".join(own.split())
    theirs = render(rows, viewer=ViewerContext(moderates=True))
    assert "SECRET" in theirs
    assert "Details" not in theirs


@pytest.mark.parametrize(
    ("state", "reason", "placeholder"),
    [
        ("rejected", "off_topic", "Removed by a moderator: off-topic"),
        ("rejected", "other", "Removed by a moderator"),
        ("deleted", "author", "Deleted by its author"),
        ("deleted", "import_undone", "Import undone"),
    ],
)
def test_a_removed_comment_shows_the_reason_but_no_text_or_name(state, reason, placeholder):
    page = render([row(1, state=state, state_reason=reason, body_html="<p>SECRET</p>", author_name="Who")])
    assert re.search(rf"<p>{placeholder}\s*</p>", page)
    assert "SECRET" not in page
    assert "Who" not in page


def test_missing_text_is_explained():
    page = render([row(1, text_missing="all"), row(2, text_missing="rest", body_html="<p>IN OUR</p>")])
    assert "Text missing in the original" in page
    assert "Body 1" not in page
    assert page.index("IN OUR") < page.index("The rest is missing in the original")


def test_replies_left_out_are_announced_at_the_end_of_their_tree():
    page = render([row(1, omitted_replies=131, last_id=2), row(2, 1), row(3, omitted_replies=1, last_id=3)])
    first, second = page.index("Show 131 more replies"), page.index("Show 1 more reply<")
    assert page.index("Body 2") < first < page.index("Body 3") < second
    assert 'href="comments/1/?after=2"' in page


def test_links_are_relative_to_the_story():
    page = render([row(7)], open=True, story_path="../../")
    assert 'href="../../comments/7/"' in page
    assert 'href="../../reply/7/" rel="nofollow"' in page


def test_removed_comments_and_closed_discussions_take_no_reply():
    assert "reply/" not in render([row(1)], open=False)
    assert "reply/" not in render([row(1, state="rejected")], open=True)


def test_a_moderators_menu_is_a_form_and_links():
    acts = [
        {"label": "Remove…", "url": "/remove/1/", "post": True, "reasons": [("insult", "insult", "")]},
        {"label": "History", "url": "/history/1/", "post": False, "reasons": []},
    ]
    page = render([row(1), row(2)], actions={1: acts}, viewer=ViewerContext(moderates=True))
    Outline(page)
    assert page.count("<summary>Moderate</summary>") == 1
    assert '<button formaction="/remove/1/" name="act" value="insult">insult</button>' in page
    assert '<a href="/history/1/">History</a>' in page
