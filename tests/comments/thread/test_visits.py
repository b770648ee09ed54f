"""The stored visits of a member to a discussion, and the information about the last one on their page."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from comments.models import Mute, Reason, State, Visit
from comments.services.states import change_states
from comments.thread.new_comments import MAX_NEW_IDS
from comments.thread.visits import STORE_INTERVAL, VISIT_RETENTION, VISIT_TIMEOUT, delete_old_visits
from moderation.erasure.purge import erase_person
from moderation.people.profiles import Person
from tests.factories import UserFactory, make_comment

pytestmark = pytest.mark.django_db

# A minute more, because the database's now() is the time at which the transaction of the test began.
AFTER_TIMEOUT = VISIT_TIMEOUT + timedelta(minutes=1)
PLAIN, BY_THE_VIEW = "", "?order=oldest"
BOTH = pytest.mark.parametrize("query", [PLAIN, BY_THE_VIEW])


@pytest.fixture
def ylva():
    return UserFactory.create(name="Ylva")


@pytest.fixture
def ylva_client(ylva):
    client = Client()
    client.force_login(ylva)
    return client


def read(client, article, query="", **headers):
    """Return the log number at the end of the last visit, and the last one, as the page names them."""
    page = client.get(f"{article.get_absolute_url()}{query}", headers=headers).content.decode()
    seq, since = re.search(r'data-seq="(\d+)"\s+data-since="(\d*)"', page).groups()
    return int(since) if since else None, int(seq)


def pass_time(span):
    """Move the visits into the past, which is as if so much time had passed since."""
    for visit in Visit.objects.all():
        Visit.objects.filter(pk=visit.pk).update(at=visit.at - span)


@BOTH
def test_a_visit_after_the_timeout_shows_where_the_last_one_ended(ylva_client, ylva, article, thread, query):
    first, seen = read(ylva_client, article, query)
    assert first is None
    pass_time(AFTER_TIMEOUT)
    make_comment(article)
    since, seq = read(ylva_client, article, query)
    assert since == seen < seq
    assert read(ylva_client, article, query) == (seen, seq)  # a reload keeps what is new
    pass_time(VISIT_TIMEOUT - timedelta(minutes=1))
    assert read(ylva_client, article, query) == (seen, seq)
    pass_time(AFTER_TIMEOUT)
    assert read(ylva_client, article, query) == (seq, seq)
    assert Visit.objects.get().user == ylva


def test_comments_published_during_a_visit_are_not_new_in_the_next(ylva_client, article, thread):
    read(ylva_client, article)
    make_comment(article)
    # The script loads this page to show the comment.
    _since, seq = read(ylva_client, article, "?order=newest")
    pass_time(AFTER_TIMEOUT)
    assert read(ylva_client, article) == (seq, seq)


def test_both_ways_to_make_the_page_know_of_each_other(ylva_client, article, thread):
    _first, seen = read(ylva_client, article, BY_THE_VIEW)
    pass_time(AFTER_TIMEOUT)
    assert read(ylva_client, article, PLAIN) == (seen, seen)
    assert read(ylva_client, article, BY_THE_VIEW) == (seen, seen)


def test_each_member_has_visits_of_their_own(ylva_client, article, thread):
    read(ylva_client, article)
    pass_time(AFTER_TIMEOUT)
    other = Client()
    other.force_login(UserFactory.create(name="Bo"))
    assert read(other, article)[0] is None
    assert read(ylva_client, article)[0] is not None


def test_a_discussion_without_comments_is_visited_too(ylva_client, article):
    assert read(ylva_client, article) == (None, 0)
    pass_time(AFTER_TIMEOUT)
    make_comment(article)
    assert read(ylva_client, article)[0] == 0


@BOTH
@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_prefetched_page_is_no_visit(ylva_client, article, thread, query, purpose):
    read(ylva_client, article, query, **{"sec-purpose": purpose})
    ylva_client.head(f"{article.get_absolute_url()}{query}")
    assert not Visit.objects.exists()


def test_visits_of_anonymous_readers_are_not_stored(client, article, thread):
    assert read(client, article)[0] is None
    assert read(client, article, BY_THE_VIEW)[0] is None
    assert not Visit.objects.exists()


@BOTH
def test_a_reload_writes_nothing_and_a_later_one_a_single_row(ylva_client, article, thread, query):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            read(ylva_client, article, query)
        return [q["sql"] for q in queries if "comments_visit" in q["sql"] and "INSERT" in q["sql"]]

    assert len(statements()) == 1
    assert statements() == []
    pass_time(STORE_INTERVAL + timedelta(minutes=1))
    assert len(statements()) == 1
    assert Visit.objects.count() == 1


def test_old_visits_are_deleted(ylva_client, article, thread):
    read(ylva_client, article)
    pass_time(VISIT_RETENTION - timedelta(minutes=1))
    assert delete_old_visits() == 0
    pass_time(timedelta(minutes=2))
    assert delete_old_visits() == 1
    assert not Visit.objects.exists()


def test_an_erased_account_leaves_no_visits(ylva_client, ylva, article, thread):
    read(ylva_client, article)
    erase_person(person=Person(user=ylva), actor=None)
    assert not Visit.objects.exists()


@BOTH
def test_without_scripts_a_link_leads_to_the_comments_since_the_last_visit(
    ylva_client, ylva, article, thread, query
):
    link = re.compile(r'<noscript>.*?<a href="([^"]+/since/\?since=\d+)"[^>]*>New since your last visit</a>')
    address = f"{article.get_absolute_url()}{query}"
    assert not link.search(ylva_client.get(address).text)  # the first visit
    pass_time(AFTER_TIMEOUT)
    assert not link.search(ylva_client.get(address).text)  # no comments were posted
    pass_time(AFTER_TIMEOUT)
    make_comment(article, "My *own* word.", author=ylva)
    new = [make_comment(article, f"The *tide* is in, {n}.") for n in range(2)]
    for _ in range(2):  # a reload keeps it
        path = link.search(ylva_client.get(address).text)[1]
    response = ylva_client.get(path)
    assert "private" in response.headers["Cache-Control"]
    page = response.text
    assert "Only the latest ones are listed." not in page
    assert re.findall(r'<a href="([^"]+/comments/\d+/)">', page) == [
        f"{article.get_absolute_url()}comments/{comment.pk}/" for comment in new
    ]
    assert "The tide is in, 1." in page
    assert "My own word." not in page
    change_states(ids=[new[0].pk], to=State.REJECTED, reason=Reason.OTHER, actor=None)
    page = ylva_client.get(path).text
    assert "The tide is in, 0." not in page
    assert "The tide is in, 1." in page


@BOTH
def test_there_is_no_link_to_new_comments_without_one_by_somebody_else(
    ylva_client, ylva, article, thread, query
):
    def has_link() -> bool:
        return "New since your last visit" in ylva_client.get(f"{article.get_absolute_url()}{query}").text

    old = make_comment(article, "An old word.")
    has_link()
    pass_time(AFTER_TIMEOUT)
    change_states(ids=[old.pk], to=State.REJECTED, reason=Reason.OTHER, actor=None)
    assert not has_link()
    change_states(ids=[old.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    assert not has_link()  # it was there at the last visit
    make_comment(article, "My own word.", author=ylva)
    waiting = make_comment(article, "A word that waits.")
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    assert not has_link()
    change_states(ids=[waiting.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    assert has_link()
    change_states(ids=[waiting.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert not has_link()


def test_the_list_of_new_comments_folds_muted_people_and_names_its_limit(ylva_client, ylva, article, thread):
    kofi = UserFactory.create(name="Kofi")
    Mute.objects.create(user=ylva, muted_user=kofi)
    made = [make_comment(article, f"Word {n}.", author=kofi) for n in range(MAX_NEW_IDS + 2)]
    page = ylva_client.get(f"{article.get_absolute_url()}since/?since=0").text
    assert page.count("Comment by a person you muted. Show") == MAX_NEW_IDS
    assert "Only the latest ones are listed." in page
    assert f"comments/{made[0].pk}/" not in page
    page = ylva_client.get(f"{article.get_absolute_url()}since/?since=999").text
    assert "No new comments." in page
