"""The parts of a comment's score on its card."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import State
from moderation.actions.decisions import decide
from moderation.models import FilterVersion, Finding
from moderation.spam_filter import stored_scores
from moderation.spam_filter.classifier.model import Model, sigmoid
from moderation.spam_filter.classifier.starter import load_starter
from tests.factories import make_article, make_comment
from tests.moderation.queue.helpers import open_card
from tests.moderation.spam_filter.helpers import SPAM, STORY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture
def blank() -> FilterVersion:
    """Return a version that is not active."""
    return FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED, weights=Model(load_starter()).to_bytes(), trained_on={}
    )


def test_the_card_explains_the_score(client, maria, blank):
    client.force_login(maria)
    article = make_article("Council closes the ferry slip", body=STORY)
    comment = make_comment(article, SPAM.format(n=1))
    decide(ids=[comment.pk], to=State.PENDING, reason="", actor=None)
    assert "Technical details" not in open_card(client, comment)
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.9, holds=True, filter=blank
    )
    Finding.objects.create(comment=comment, revision=1, check_name="spam_host", strength=1, holds=False)
    page = open_card(client, comment)
    made = page.split("Technical details")[1].split("</details>")[0]
    assert "It has words of a public block list." in made
    assert "The word “<bdi>" in made or "The word “" in made
    assert "against, +" in made


def test_an_unusable_version_gives_no_parts(client, maria):
    client.force_login(maria)
    stale = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"")
    comment = make_comment(make_article(), "A word.")
    decide(ids=[comment.pk], to=State.PENDING, reason="", actor=None)
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.9, holds=True, filter=stale
    )
    page = open_card(client, comment)
    made = page.split("Technical details")[1].split("</details>")[0]
    assert "Likely spam: 9 in 10 comments like this are spam." in made
    assert "The parts of this score can’t be shown" in made


def test_a_score_that_is_no_signal_is_among_the_details(client, maria, blank):
    client.force_login(maria)
    comment = make_comment(make_article("Council closes the ferry slip", body=STORY), "The slip is old.")
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.04, holds=False, filter=blank
    )
    before, made = client.get(f"/moderation/comments/{comment.pk}/").text.split("Technical details")
    assert "comments like this" not in before
    assert "Probably not spam: 4 in 100 comments like this are spam." in made.split("</details>")[0]


def test_the_explanation_takes_one_more_statement(client, maria, blank, monkeypatch):
    client.force_login(maria)
    comment = make_comment(make_article("Council closes the ferry slip", body=STORY), SPAM.format(n=1))
    decide(ids=[comment.pk], to=State.PENDING, reason="", actor=None)
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.9, holds=True, filter=blank
    )
    open_card(client, comment)  # the version is read once in a process
    with CaptureQueriesContext(connection) as full:
        open_card(client, comment)
    monkeypatch.setattr("moderation.spam_filter.stored_scores.explain_stored", lambda comment, findings: [])
    with CaptureQueriesContext(connection) as bare:
        open_card(client, comment)
    assert len(full) == len(bare) + 1


def test_the_explanation_loads_no_facts_of_the_site(maria, blank, monkeypatch):
    """Names and hosts were checked when the comment was posted."""
    comment = make_comment(make_article("Council closes the ferry slip", body=STORY), SPAM.format(n=1))
    found = Finding(comment=comment, revision=1, check_name="filter", strength=0.9, filter=blank)
    monkeypatch.setattr("moderation.features.site_facts.SITE_FACTS_SQL", "SELECT all FROM nowhere")
    assert stored_scores.explain_stored(comment, [found])


def test_the_parts_add_up_to_the_score(maria, blank):
    comment = make_comment(
        make_article("Council closes the ferry slip", body=STORY), f"{SPAM.format(n=1)} " * 3
    )
    found = Finding(comment=comment, revision=1, check_name="filter", strength=0.9, filter=blank)
    parts = stored_scores.explain_stored(comment, [found])
    assert [part["kind"] for part in parts[-2:]] == ["rest", "start"]
    total = sum(part["logit"] for part in parts)
    assert sigmoid(total) == pytest.approx(
        Model(load_starter()).score(stored_scores._stored_comment_data(comment)), abs=1e-6
    )
