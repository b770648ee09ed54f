"""My comments: the list of one's own comments, with their states, reasons and replies."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import expect

from articles.models import Article
from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.mutes import mute_author
from comments.services.recommendations import recommend
from comments.services.states import change_states, delete_comment
from comments.tasks import count_recommendations
from moderation.actions.decisions import decide
from moderation.erasure import restrictions
from moderation.models import Restriction
from moderation.people.own_comments import PAGE_SIZE
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of, client_of_guest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL = "/account/comments/"


@pytest.fixture
def ida():
    return UserFactory.create(name="Ida")


def later(comment: Comment, **ago: float) -> Comment:
    """Move the posting of a comment into the past."""
    Comment.objects.filter(pk=comment.pk).update(created_at=timezone.now() - timedelta(**ago))
    return comment


def set_pending(comment: Comment) -> Comment:
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    return comment


def read(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def items(page: str) -> dict[int, str]:
    """Return the HTML of each listed comment, by its id, in the order of the page."""
    found = re.findall(r'<article class="feed-item own" id="comment-(\d+)">(.*?)</article>', page, re.DOTALL)
    return {int(pk): html for pk, html in found}


def test_an_unknown_visitor_is_asked_to_log_in(client):
    page = read(client)
    assert "You are not logged in" in page
    assert "next=/account/comments/" in page


def test_a_member_sees_their_own_comments_newest_first_with_their_stories(ida):
    other = make_comment(make_article("The kiosk"), "Not hers.")
    first = later(make_comment(make_article("The ferry"), "Early & <b>short</b>.", author=ida), hours=2)
    second = make_comment(make_article("The clock"), "Late.", author=ida)
    found = items(read(client_of(ida)))
    assert list(found) == [second.pk, first.pk]
    assert other.pk not in found
    assert "The ferry" in found[first.pk]
    assert "Early &amp; &lt;b&gt;short" in found[first.pk]
    assert "Published" in found[first.pk]
    assert first.get_absolute_url() in found[first.pk]


def test_a_guest_sees_those_of_this_browser(ida):
    guest, other = GuestFactory.create(), GuestFactory.create()
    article = make_article()
    mine = make_comment(article, "A guest's.", guest=guest)
    for person in ({"guest": other}, {"author": ida}):
        make_comment(article, "Of somebody else.", **person)
    assert list(items(read(client_of_guest(guest)))) == [mine.pk]


def test_a_pending_comment_has_its_reason_and_can_be_withdrawn(ida):
    waiting = later(set_pending(make_comment(make_article(), "Is it open?", author=ida)), hours=1)
    found = items(read(client_of(ida)))[waiting.pk]
    assert "Waiting for review" in found
    assert "Only you and the moderators can see it." in found
    assert "Not reviewed yet." in found
    assert f"/comments/{waiting.pk}/resubmit/" in found
    assert f"/comments/{waiting.pk}/edit/" not in found
    assert "Withdraw" in found
    client_of(ida).post(f"/comments/{waiting.pk}/delete/")
    waiting.refresh_from_db()
    assert waiting.state == State.DELETED
    assert "Withdraw" not in items(read(client_of(ida)))[waiting.pk]


def test_a_removed_comment_has_its_reason_and_can_be_appealed(ida, maria):
    removed = make_comment(make_article(), "You fool.", author=ida)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    client = client_of(ida)
    found = items(read(client))[removed.pk]
    assert "Removed by a moderator: insult." in found
    assert "Appeal this decision" in found
    assert f"/comments/{removed.pk}/decision/" in found
    assert f"/comments/{removed.pk}/delete/" not in found
    client.post(f"/comments/{removed.pk}/decision/", {"text": "It was a joke."})
    found = items(read(client))[removed.pk]
    assert "You have appealed this decision." in found
    assert "Appeal this decision" not in found
    assert "Edit and resubmit" not in found


def test_within_the_first_minutes_it_can_be_undone_edited_and_deleted(ida):
    client, article = client_of(ida), make_article()
    new = make_comment(article, "Just now.", author=ida)
    older = later(make_comment(article, "Five minutes ago.", author=ida), minutes=5)
    old = later(make_comment(article, "An hour ago.", author=ida), hours=1)
    found = items(read(client))
    for verb, allowed in {"unpost": {new.pk}, "edit": {new.pk, older.pk}, "delete": set(found)}.items():
        assert {pk for pk, html in found.items() if f"/comments/{pk}/{verb}/" in html} == allowed, verb
    assert old.pk in found


def test_recommendations_and_picks_are_named(ida):
    liked = make_comment(make_article(), "The reason is the tide.", author=ida)
    recommend(comment=liked, user=UserFactory.create(), guest=None, is_given=True)
    count_recommendations.call()
    Comment.objects.filter(pk=liked.pk).update(is_pick=True)
    found = items(read(client_of(ida)))[liked.pk]
    assert "1 recommendation" in found
    assert "Editor’s pick" in found


def test_replies_of_others_are_counted_with_a_link_to_the_latest(ida, maria):
    article = make_article()
    question = make_comment(article, "When does it leave?", author=ida)
    make_comment(article, "At eight.", parent=question)
    latest = make_comment(article, "At nine.", parent=question)
    make_comment(article, "Thank you.", parent=question, author=ida)
    set_pending(make_comment(article, "Not yet to be seen.", parent=question))
    make_comment(article, "A reply to a reply.", parent=latest)
    found = items(read(client_of(ida)))[question.pk]
    assert "2 replies" in found
    assert latest.get_absolute_url() in found


def test_a_reply_at_the_deepest_level_belongs_to_the_comment_that_it_replies_to(ida):
    article, parent = make_article(), None
    for _level in range(63):
        parent = make_comment(article, "Deeper.", parent=parent)
    deepest = make_comment(article, "The deepest.", parent=parent, author=ida)
    make_comment(article, "To another.", parent=parent)
    reply = make_comment(article, "To hers.", parent=deepest)
    reply.refresh_from_db()
    assert reply.parent_id == parent.pk
    found = items(read(client_of(ida)))[deepest.pk]
    assert "1 reply" in found
    assert reply.get_absolute_url() in found


def test_replies_by_muted_people_are_not_counted(ida):
    """A moderator may move an imported comment below one that was written here."""
    article = make_article()
    question = make_comment(article, "When does it leave?", author=ida)
    member, guest = UserFactory.create(), GuestFactory.create()
    by_member = make_comment(article, "At eight.", parent=question, author=member)
    by_guest = make_comment(article, "At nine.", parent=question, guest=guest)
    imported = [make_comment(article, f"At {hour}.", parent=question) for hour in (10, 11, 12)]
    for comment, name in zip(imported, ("Eben", "Eben", "Jim"), strict=True):
        Comment.objects.filter(pk=comment.pk).update(
            source="https://example.org/", source_id=comment.pk, author_name=name, author=None, guest=None
        )
        comment.refresh_from_db()
    ida_client = client_of(ida)
    assert "5 replies" in items(read(ida_client))[question.pk]
    for comment, left in ((by_member, "4 replies"), (by_guest, "3 replies"), (imported[0], "1 reply")):
        mute_author(comment=comment, user=ida)
        assert left in items(read(ida_client))[question.pk]
    assert imported[2].get_absolute_url() in items(read(ida_client))[question.pk]


def test_deleted_undone_and_restricted_texts_are_not_shown(ida, ada, maria):
    deleted = make_comment(make_article(), "Words of the deleted one", author=ida)
    delete_comment(comment=deleted, user=ida, guest=None)
    undone = make_comment(make_article(), "Words of the undone one", author=ida)
    delete_comment(comment=undone, user=ida, guest=None, reason=Reason.POSTING_UNDONE)
    restricted = make_comment(make_article(), "Words of the restricted one", author=ida)
    restrictions.restrict(ids=[restricted.pk], why=Restriction.Why.CHILD, actor=ada)
    page = read(client_of(ida))
    assert "Words of" not in page
    assert undone.pk not in items(page)
    assert "You deleted this comment." in items(page)[deleted.pk]
    assert "must not be visible on this site" in items(page)[restricted.pk]
    assert "Appeal this decision" not in items(page)[restricted.pk]


def test_a_comment_whose_story_cannot_be_read_has_no_link(ida):
    hidden, gone = make_article("A hidden discussion"), make_article("A secret title")
    comments = [make_comment(article, "Words.", author=ida) for article in (hidden, gone)]
    change_discussion(article=hidden, status=Discussion.Status.HIDDEN)
    Article.objects.filter(pk=gone.pk).update(published_at=None)
    page = read(client_of(ida))
    assert "A secret title" not in page
    for comment in comments:
        assert "href" not in items(page)[comment.pk]


def test_the_list_is_filtered_by_state(ida, maria):
    article = make_article()
    published, waiting, removed, spam, deleted = (
        make_comment(article, f"Word {n}.", author=ida) for n in range(5)
    )
    set_pending(waiting)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    delete_comment(comment=deleted, user=ida, guest=None)
    client = client_of(ida)
    expected = {
        "published": [published.pk],
        "waiting": [waiting.pk],
        "removed": [spam.pk, removed.pk],
        "deleted": [deleted.pk],
        "nonsense": [deleted.pk, spam.pk, removed.pk, waiting.pk, published.pk],
    }
    assert {state: list(items(read(client, f"{URL}?state={state}"))) for state in expected} == expected


def test_pages_of_25_without_gaps_or_repeats(ida):
    article = make_article()
    ids = [make_comment(article, f"Word {n}.", author=ida).pk for n in range(PAGE_SIZE + 3)]
    Comment.objects.update(created_at=timezone.now())  # at the same time: the id orders them
    client, url, seen = client_of(ida), f"{URL}?state=published", []
    while url:
        page = read(client, url)
        seen.append([*items(page)])
        following = re.search(r'<a href="([^"]+)" rel="next"', page)
        url = following[1].replace("&amp;", "&") if following else ""
    assert [len(page) for page in seen] == [PAGE_SIZE, 3]
    assert [pk for page in seen for pk in page] == ids[::-1]
    assert client.get(f"{URL}?before=nonsense").status_code == 404


# Site, session, user, roles and masthead; the comments, their replies, and seven of their notices.
STATEMENTS = 14


def test_the_number_of_statements_does_not_grow(ida, maria):
    client = client_of(ida)

    def post(stories: int) -> None:
        for n in range(stories):
            article = make_article(f"Story {n}")
            make_comment(article, "A reply.", parent=make_comment(article, f"Word {n}.", author=ida))
            set_pending(make_comment(article, f"Waiting {n}.", author=ida))
            removed = make_comment(article, f"Removed {n}.", author=ida)
            decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)

    def count(comments: int) -> int:
        read(client)  # removal reasons, and how long a review usually takes, are read once
        with CaptureQueriesContext(connection) as queries:
            assert len(items(read(client))) == comments
        return len(queries)

    post(1)
    assert count(3) == STATEMENTS
    post(9)
    assert count(PAGE_SIZE) == STATEMENTS


def test_post_is_refused(ida):
    assert client_of(ida).post(URL).status_code == 405


def test_account_status_leads_there(ida):
    assert f'href="{URL}"' in read(client_of(ida), "/account/status/")


@pytest.mark.browser
def test_withdrawing_by_keyboard_and_no_accessibility_errors(browser, live_server, ida, maria):
    article = make_article()
    waiting = set_pending(
        make_comment(article, "Is it open? https://example.org/" + "long-" * 30, author=ida)
    )
    make_comment(article, "At eight.", parent=make_comment(article, "When does it leave?", author=ida))
    removed = make_comment(article, "You fool.", author=ida)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    log_in(context, live_server, ida)
    page = context.new_page()
    page.goto(live_server.url + URL)
    assert faults(page, widths=WIDTHS) == []
    item = page.locator(f"#comment-{waiting.pk}")
    item.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(item.get_by_role("button", name="Withdraw")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You deleted this comment.")).to_be_visible()
    context.close()
