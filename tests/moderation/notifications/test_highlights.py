"""The highlighted places in a notice: the author's own words, without the rule that covers them."""

import re

import pytest
from django.core import mail

from comments.models import Reason, State
from moderation.reports import reporting
from moderation.rules import active_rules as rules
from moderation.rules.matching import RuleDefinition
from moderation.tasks import notify_authors, notify_not_published
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.notifications.decided_comments import checked, listed
from tests.moderation.notifications.helpers import TERM, approved, decided, page_of

pytestmark = pytest.mark.django_db


def test_findings_are_highlighted(client, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    client.force_login(jim)
    assert "See <mark>https://one.example</mark> and <mark>https://two" in page_of(client, comment)
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


def test_nothing_is_highlighted_in_a_published_comment(client, jim, maria):
    comment, _ = listed(make_article(), jim, maria)
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
