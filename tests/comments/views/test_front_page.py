"""/: what the discussions of the listed stories have to offer."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states, set_comment_field
from comments.views.front_page import MAX_MOST_DISCUSSED
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


def pick(article, text):
    comment = make_comment(article, text)
    set_comment_field(field="is_pick", values={comment.pk: True})
    return comment


def test_the_lead_quotes_its_newest_pick_and_the_others_are_beside_it(client):
    older = make_article("The older story")
    lead = make_article("The lead")
    pick(older, "The boat was early.")
    pick(lead, "An earlier pick.")
    newest = pick(lead, "The clock is right.")
    page = client.get("/").content.decode()
    head, _, rest = page.partition('<div class="columns">')
    assert "The clock is right." in head
    assert f"comments/{newest.pk}/" in head
    assert "An earlier pick." not in head
    assert "From the discussions" in rest
    assert "The boat was early." in rest


def test_no_pick_of_a_removed_comment_or_a_hidden_discussion_is_quoted(client):
    article, hidden = make_article("One"), make_article("Two")
    gone = pick(article, "Removed words.")
    pick(hidden, "Hidden words.")
    change_states(ids=[gone.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)
    change_discussion(article=hidden, status=Discussion.Status.HIDDEN)
    page = client.get("/").content.decode()
    assert "Removed words." not in page
    assert "Hidden words." not in page


def test_the_most_discussed_are_ranked_and_few_are_not(client):
    stories = [make_article(f"Story {n}") for n in range(MAX_MOST_DISCUSSED + 1)]
    for n, story in enumerate(stories[:2], 1):
        for _ in range(n):
            make_comment(story)
    assert "Most discussed" not in client.get("/").content.decode()
    for n, story in enumerate(stories[2:], 3):
        for _ in range(n):
            make_comment(story)
    ranking = client.get("/").context["most_discussed"]
    assert [story.title for story in ranking] == [f"Story {n}" for n in range(MAX_MOST_DISCUSSED, 0, -1)]


def test_the_statements_do_not_grow_with_picks(client):
    article = make_article()
    pick(article, "One.")
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for n in range(5):
        other = make_article(f"Story {n}")
        pick(other, "Two.")
        pick(other, "Three.")
    with CaptureQueriesContext(connection) as many:
        client.get("/")
    assert len(many) == len(few)


def test_a_first_story_without_a_picture_shows_its_opening(client):
    make_article("The slip closes", body="The **slip** closes at four. " * 60)
    page = client.get("/").content.decode()
    assert "The slip closes at four." in page.partition("<main")[2]
    assert re.search(r"<a class=\"btn btn-primary\"[^>]*>Read the story<", page)
