"""The open case is claimed: colleagues get the next one until the claim ends."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from moderation.models import Case
from tests.factories import make_article, make_comment
from tests.moderation.queue.helpers import WORDS, open_card, open_comment_ids, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]


def test_open_case_is_claimed_and_colleagues_get_the_next(client, maria, omar):
    client.force_login(maria)
    article = make_article()
    one, two = make_comment(article, "One"), make_comment(article, "Two")
    other = Client()
    other.force_login(omar)

    assert open_comment_ids(client.get("/moderation/")) == [one.pk]
    assert open_comment_ids(client.get("/moderation/")) == [one.pk]  # for oneself it stays in front
    assert open_comment_ids(other.get("/moderation/")) == [two.pk]
    assert "Maria is reviewing it" in text(other.get("/moderation/"))
    page = open_card(other, one)
    assert "Maria is reviewing this comment until" in page
    assert "is reviewing this comment until" not in open_card(client, one)
    assert Case.objects.get(comment=one).claimed_by == maria

    Case.objects.filter(comment=one).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert open_comment_ids(other.get("/moderation/")) == [one.pk]
    assert Case.objects.get(comment=one).claimed_by == omar
    assert "Colleagues are reviewing all comments in this queue." in text(client.get("/moderation/"))


def test_colleague_gets_the_first_case_after_a_claimed_page(client, maria, omar):
    client.force_login(maria)
    article = make_article()
    comments = [make_comment(article, f"{words}.") for words in WORDS[:22]]
    until = timezone.now() + timedelta(minutes=5)
    Case.objects.exclude(comment=comments[21]).update(claimed_by=omar, claimed_until=until)
    assert open_comment_ids(client.get("/moderation/")) == [comments[21].pk]


def test_prefetch_claims_nothing_and_consumes_no_messages(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article())
    client.post("/moderation/decide/", {"act": "spam", "next": "/moderation/"})  # nothing was ticked
    ahead = client.get("/moderation/", headers={"Soundoff-Ahead": "1"})
    assert (open_comment_ids(ahead), Case.objects.get().claimed_by) == ([comment.pk], None)
    assert "Select comments" not in text(ahead)
    assert "Select comments" in text(client.get("/moderation/"))
