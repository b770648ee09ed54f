"""The highlighted places in a notice: the author's own words, without the rule that covers them."""

import re
from html import escape

import pytest
from django.core import mail

from comments.models import Reason, State
from comments.services.states import change_states
from moderation.models import Finding
from moderation.reports import reporting
from moderation.rules import active_rules as rules
from moderation.rules.matching import RuleDefinition
from moderation.tasks import notify_authors, notify_not_published
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.notifications.decided_comments import checked, matching_a_rule
from tests.moderation.notifications.helpers import TERM, approved, decided, page_of

pytestmark = pytest.mark.django_db


def test_findings_are_highlighted(client, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    client.force_login(jim)
    quoted = re.sub(r"</?a\b[^>]*>", "", page_of(client, comment))
    assert "See <mark>https://one.example</mark> and <mark>https://two" in quoted
    notify_not_published.func(comment.pk)
    assert "Highlighted: “https://one.example”, “https://two.example”" in mail.outbox[-1].body


RULES = [
    (
        RuleDefinition(pk=None, kind="term", value="casino"),
        "The Casino pays, a casino!",
        TERM,
        ["Casino", "casino"],
    ),
    (
        RuleDefinition(pk=None, kind="list", value="a.txt", terms="pill\nboots\ncheap boots"),
        "Get cheap boots here",
        "It contains words from a list of terms of this site.",
        ["cheap boots"],
    ),
    (
        RuleDefinition(pk=None, kind="domain", value="evil.example"),
        "See http://www.evil.example/x for more",
        "It links to a domain that a rule of this site covers.",
        ["http://www.evil.example/x"],
    ),
    (
        RuleDefinition(pk=None, kind="name", value="^jim"),
        "See you there",
        "The name matches a rule of this site.",
        [],
    ),
    (
        RuleDefinition(pk=None, kind="list", value="a.txt", terms="pill\njim"),
        "See you there",
        "The name contains a word from a list of terms of this site.",
        [],
    ),
]


@pytest.mark.parametrize("becomes", ["waits", "removed", "spam", "stays"])
@pytest.mark.parametrize(("rule", "body", "sentence", "own"), RULES)
def test_the_authors_words_are_highlighted_without_the_rule(
    rule, body, sentence, own, becomes, client, jim, maria
):
    article = make_article()
    approved(article, author=jim, maria=maria)
    rules.save(rule=rule, note="", actor=maria)
    comment = make_comment(article, body, author=jim)
    if becomes == "waits":
        notify_not_published.func(comment.pk)
    else:
        to, reason = (State.SPAM, "spam") if becomes == "spam" else (State.REJECTED, "insult")
        act = decided(comment, to, reason, maria)
        if becomes == "stays":
            reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
            act = decided(comment, to, reason, UserFactory.create(roles=("Moderator",)))
        notify_authors.func(str(act.pk))
    client.force_login(jim)
    page, written = page_of(client, comment), mail.outbox[-1].body
    assert sentence in page
    assert sentence in written
    assert re.findall(r"<mark>(.*?)</mark>", page) == own
    assert ("Highlighted:" in written) == bool(own)
    assert all(f"“{words}”" in written for words in own)
    assert not any(part in page + written for part in ("pill", "a.txt", "^jim"))


MARKDOWN = r"I *counted* the \*lamps\* between <two> piers."
HTML = "I <em>counted</em> the *lamps* between &lt;two&gt; piers."
PLAIN = "I counted the *lamps* between <two> piers."


def test_a_removed_comment_is_shown_without_markdown(client, jim, maria):
    comment = make_comment(make_article(), MARKDOWN, author=jim)
    notify_authors.func(str(decided(comment, State.REJECTED, "insult", maria).pk))
    client.force_login(jim)
    assert f"<p>{HTML}</p>" in page_of(client, comment)
    own_comments = client.get("/account/comments/").content.decode()
    assert f'<p class="excerpt" dir="auto">{escape(PLAIN)}</p>' in own_comments
    assert PLAIN in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("piers", HTML.replace("piers", "<mark>piers</mark>")),
        # The HTML does not have these words as they were typed.
        ("*counted*", escape(MARKDOWN).replace("*counted*", "<mark>*counted*</mark>")),
    ],
)
def test_findings_are_highlighted_in_markdown(term, shown, client, jim, maria):
    article = make_article()
    approved(article, author=jim, maria=maria)
    comment = make_comment(article, MARKDOWN, author=jim)
    start = MARKDOWN.index(term)
    span = [start, start + len(term)]
    Finding.objects.create(
        comment=comment, revision=1, check_name="links", strength=1, holds=True, spans=[span]
    )
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    client.force_login(jim)
    assert f"<p>{shown}</p>" in page_of(client, comment)


def test_nothing_is_highlighted_in_a_published_comment(client, jim, maria):
    comment, _ = matching_a_rule(make_article(), jim, maria)
    decided(comment, State.PUBLISHED, Reason.APPROVED, maria)
    client.force_login(jim)
    page = page_of(client, comment)
    assert TERM not in page
    assert "<mark>" not in page


def test_a_removal_notice_has_only_findings_that_proposed_it(client, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    decided(comment, State.REJECTED, "insult", maria)
    client.force_login(jim)
    page = page_of(client, comment)
    assert "It has 2 links" not in page
    assert "<mark>" not in page
