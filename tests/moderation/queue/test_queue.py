"""The page of a queue: its comments, their order, and its statements."""

import re

import pytest

from comments.models import Comment, Reason, State
from comments.services.discussions import change_discussion
from moderation.actions.decisions import decide
from moderation.models import Case
from tests.factories import make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import (
    LONG,
    WORDS,
    links,
    listed_comment_ids,
    open_comment_ids,
    post_decision,
    state,
    text,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]


def test_queue_is_ordered_by_due_time_across_pages(client, maria):
    client.force_login(maria)
    article = make_article()
    comments = [make_comment(article, f"{word}.") for word in WORDS[:30]]
    first = client.get("/moderation/")
    assert listed_comment_ids(first) == [c.pk for c in comments[:20]]
    assert open_comment_ids(first) == [comments[0].pk]
    link = re.search(r'href="([^"]+after=\d+)">Next page', links(first))[1]

    decide(ids=[c.pk for c in comments[17:22]], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    further = client.get(link)
    assert (listed_comment_ids(further), open_comment_ids(further)) == (
        [c.pk for c in comments[22:]],
        [comments[22].pk],
    )
    assert "First page" in text(further)
    # After an action on one of these, the same filters stay, also after the last one.
    page = client.get(
        re.search(rf'name="ids" value="{comments[28].pk}".*?<a href="([^"]+)"', links(further))[1]
    )
    form = links(page).split('name="seen"')[1]
    then = re.search(r'name="next" value="([^"]+)"', form)[1]
    after = post_decision(client, page, comments[28], act="spam", next=then)
    assert (open_comment_ids(after), listed_comment_ids(after)) == (
        [comments[29].pk],
        [c.pk for c in [*comments[22:28], comments[29]]],
    )


# A page of any size reads session, person, roles, site, numbers of the queues, keys of the rows, rows,
# comment, what belongs to it, and links of the masthead in one statement each, and claims the case. The open
# comment of the test repeats another one, which is two statements more.
STATEMENTS = 13


# Reports and appeals are one statement more.
MORE_STATEMENTS = {"waiting": 0, "reported": 1, "new": 0, "second": 1, "published": 0, "recent": 0}


def test_a_page_takes_as_many_statements_whatever_its_size(client, maria, django_assert_num_queries):
    client.force_login(maria)

    def fill(count: int) -> None:
        for number in range(count):
            article = make_article(f"Story {number} of {count}")
            parent = make_comment(article, "A parent by a moderator", author=maria)
            make_comment(article, f"{LONG} {number} https://a.example https://b.example", parent=parent)

    for count, shown in ((2, 2), (22, 20)):
        fill(count)
        for queue, more in MORE_STATEMENTS.items():
            Case.objects.exclude(comment__parent=None).update(
                is_pending=queue in ("waiting", "new"),
                is_new_person=True,
                is_reported=queue == "reported",
                is_appealed=queue == "second",
            )
            url = f"/moderation/?queue={queue}"
            assert len(listed_comment_ids(client.get(url))) >= shown  # this caches the removal reasons
            with django_assert_num_queries(STATEMENTS + more):
                assert client.get(url).status_code == 200


def test_flagged_comment_is_in_its_queue_after_publication(client, maria):
    client.force_login(maria)
    article = make_article()
    change_discussion(article=article, moderation="post")
    comment = make_comment(article, "https://a.example https://b.example")
    assert state(comment)[0] == "published"
    page = client.get("/moderation/?queue=published")
    assert listed_comment_ids(page) == [comment.pk]
    assert (
        listed_comment_ids(
            post_decision(client, page, comment, act="approved", next="/moderation/?queue=published")
        )
        == []
    )


def test_restricted_comment_is_in_no_queue(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article(), "What nobody may see")
    with triggers_disabled():
        Comment.objects.filter(pk=comment.pk).update(state="rejected", state_reason="sealed")
    for queue in ("waiting", "recent"):
        assert listed_comment_ids(client.get(f"/moderation/?queue={queue}")) == []
        assert "What nobody may see" not in text(client.get(f"/moderation/?queue={queue}"))
    for path in (f"comments/{comment.pk}", f"cases/{Case.objects.get().pk}"):
        answer = client.get(f"/moderation/{path}/?queue=waiting", follow=True)
        assert answer.redirect_chain == [("/moderation/?queue=waiting", 302)]
        assert f"Access to comment {comment.pk} is restricted." in text(answer)
        assert open_comment_ids(answer) == []
        assert "What nobody may see" not in text(answer)


@pytest.mark.parametrize("path", ["cases", "comments"])
def test_huge_numbers_are_no_errors(client, maria, path):
    client.force_login(maria)
    for number in ("0", "9" * 18, "9" * 40):
        assert client.get(f"/moderation/{path}/{number}/").status_code == 404


def test_closed_case_has_a_page(client, maria, omar):
    client.force_login(maria)
    comment = make_comment(make_article())
    url = f"/moderation/cases/{Case.objects.get().pk}/"
    assert open_comment_ids(client.get(url)) == [comment.pk]
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar)
    page = client.get(url)
    assert open_comment_ids(page) == [comment.pk]
    assert "Removed: insult" in text(page)
    assert "Omar" in text(page)
    # After an action on a comment that was opened by its own URL, it stays open.
    back = post_decision(client, page, comment, act="approved", next=url)
    assert open_comment_ids(back) == [comment.pk]
    assert state(comment) == ("published", "approved")


def test_moderation_opens_on_the_first_queue_that_is_not_empty(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article(), "Words.", author=maria)
    assert "This queue is empty." in text(client.get("/moderation/"))
    reported = Case.objects.create(
        comment=comment, discussion_id=comment.discussion_id, is_reported=True, is_pending=False
    )
    page = client.get("/moderation/")
    assert open_comment_ids(page) == [reported.comment_id]
    assert '<a href="/moderation/?queue=reported" aria-current="page">' in text(page)
    assert open_comment_ids(client.get("/moderation/?queue=waiting")) == []
