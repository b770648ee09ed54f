"""The contents of the card: all that a decision needs, the duplicate's original, and earlier versions."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Reason, State
from comments.services.editing import edit_comment
from moderation.actions.decisions import decide, undo
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.queue.helpers import LONG, open_card, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]


def test_the_card_of_a_duplicate_reads_the_findings_once(client, maria):
    client.force_login(maria)
    article = make_article("Own")
    original = make_comment(article, LONG, guest=GuestFactory.create(name="Sue"))
    same = make_comment(article, LONG)
    with CaptureQueriesContext(connection) as queries:
        page = open_card(client, same)
    assert f"It has the same text as comment {original.pk} by Sue." in page
    assert [q["sql"] for q in queries if 'FROM "moderation_finding"' in q["sql"]] == []


def test_a_card_has_all_that_a_decision_needs(client, maria):
    client.force_login(maria)
    article = make_article("Council votes to close the slip")
    parent = make_comment(article, "Seven to **four**.", author=maria)
    guest = GuestFactory.create(name="Teak <b>", confirmed_at=timezone.now())
    first = make_comment(article, "An earlier word", guest=guest)
    decide(ids=[first.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    body = "See [a *shop*](https://a.example)\nand https://b.example <i>"
    comment = make_comment(article, body, parent=parent, guest=guest)
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    undo(action=act, actor=maria)

    page = text(client.get("/moderation/"))

    assert "1 waiting, oldest 0 min" in page
    assert "Council votes to close the slip" in page
    assert "Seven to <strong>four</strong>." in page
    assert "<bdi>Teak &lt;b&gt;</bdi>" in page
    assert "guest, e-mail confirmed" in page
    assert "1 removed, since" in page
    # The text that readers see, and the hidden targets of links; the highlights are in both.
    assert '>a <em>shop</em></a> <small class="leads">(<mark data-n="1">https://a.example</mark>)<' in page
    assert '<mark data-n="1">https://b.example</mark></a> &lt;i&gt;' in page
    assert "It has 2 links; comments with more than 1 are reviewed first." in page
    assert "1 medium and 1 weak signal" in page
    assert page.index("It has 2 links") < page.index("No comment by this person has been approved yet.")
    assert f"/stories/{article.slug}/#comment-{comment.pk}" in page
    assert f'<a href="/moderation/actions/{act.pk}/">Marked as spam</a>' in page
    assert f'href="/moderation/people/g{guest.pk}/"' in page
    assert "Removed by a moderator: off-topic." in page


def test_earlier_versions_are_on_the_card_the_latest_first(client, maria):
    client.force_login(maria)
    guest = GuestFactory.create()
    comment = make_comment(make_article(), "First <b>words", guest=guest)
    for body in ("Second words", "Third words"):
        edit_comment(comment=comment, body=body, user=None, guest=guest)
    plain = make_comment(make_article(), "Never edited")

    page = open_card(client, comment)
    details = re.search(r"<summary>Earlier versions</summary>(.*?)</details>", page)[1]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Third words" not in details
    assert "Earlier versions" not in open_card(client, plain)

    form = text(client.get(f"/admin/comments/comment/{comment.pk}/change/"))
    details = form[form.index("<summary>Earlier versions</summary>") :]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Earlier versions" not in text(client.get(f"/admin/comments/comment/{plain.pk}/change/"))
