"""Groups made from a filtered queue, to decide on all its comments in one action."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from accounts.models import Guest
from articles.models import Topic
from comments.models import Comment, State
from moderation.actions.decisions import decide, undo
from moderation.erasure import purge
from moderation.models import Action, Case, CommentGroup, Rule
from moderation.people.profiles import Person
from moderation.queue import queues
from moderation.queue.queues import describe_query
from moderation.reports.reporting import report_illegal_content
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import state, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy", "maria_client")]


@pytest.fixture
def flood(maria):
    """Create 25 waiting comments on one story that match a rule, and comments that each filter leaves out."""
    Rule.objects.create(value="casino")
    article, other = make_article("The slip closes"), make_article("A road opens")
    waiting = [make_comment(article, f"The casino, word {n}") for n in range(25)]
    illegal = make_comment(article, "The casino of threats")
    Case.objects.filter(comment=illegal).update(is_reported_illegal=True)
    return article, waiting, illegal, make_comment(other, "A casino elsewhere")


def create_group(client, article):
    return client.post(f"/moderation/lists/new/?queue=waiting&article={article.slug}", follow=True)


def test_one_decision_takes_the_filtered_queue_and_undo_restores_it(client, maria, flood):
    article, waiting, illegal, elsewhere = flood
    queue = text(client.get(f"/moderation/?article={article.slug}"))
    assert f'action="/moderation/lists/new/?queue=waiting&amp;article={article.slug}"' in queue
    page = create_group(client, article)
    assert "All 25 comments of a queue" in text(page)
    assert "Story: The slip closes" in text(page)
    kept = waiting[3]
    late = make_comment(article, "The casino, meanwhile")  # is not in the group
    done = client.post(page.redirect_chain[-1][0], {"shown": [kept.pk], "act": "spam"}, follow=True)
    assert done.redirect_chain[-1][0].startswith(f"/moderation/?queue=waiting&article={article.slug}&done=")
    gone = {c.pk for c in waiting} - {kept.pk}
    assert set(Comment.objects.filter(state=State.SPAM).values_list("pk", flat=True)) == gone
    assert {state(c)[0] for c in (kept, late, illegal, elsewhere)} == {"pending"}
    act = Action.objects.get(kind="decision")
    article.discussion.refresh_from_db()
    # The rule had proposed the removals, so they count as confirmed.
    assert article.discussion.removal_counts == {"spam/spam/confirmed": 24}
    assert undo(action=act, actor=maria).changed
    assert not Comment.objects.filter(state=State.SPAM).exists()
    assert_sound()


def test_comments_decided_by_a_colleague_since_are_refused(client, maria, omar, flood):
    article, waiting, *_ = flood
    page = create_group(client, article)
    decide(ids=[waiting[0].pk], to=State.PUBLISHED, reason="approved", actor=omar)
    client.post(page.redirect_chain[-1][0], {"act": "spam"})
    assert state(waiting[0]) == ("published", "approved")
    assert Comment.objects.filter(state=State.SPAM).count() == 24


def test_comments_reported_as_illegal_are_listed_and_left_out(client, maria, flood):
    article, waiting, illegal, _elsewhere = flood
    page = create_group(client, article)
    assert (
        f"1 was reported as illegal and is not included. It needs a decision of its own. {link(illegal)}"
        in (text(page))
    )
    reported = waiting[0]  # while the group is open in a window
    with triggers_disabled():
        Comment.objects.filter(pk=reported.pk).update(state="published")
    report_illegal_content(comment=reported, why="It is a threat.", name="Zoe", email="zoe@example.org")
    done = client.post(page.redirect_chain[-1][0], {"act": "spam"}, follow=True)
    assert f"{link(reported)}: Reported as illegal: it needs a decision of its own" in text(done)
    assert state(reported)[0] == "published"
    assert Case.objects.open().get(comment=reported).is_reported_illegal
    assert state(illegal)[0] == "pending"
    assert Comment.objects.filter(state=State.SPAM).count() == 24


def link(comment) -> str:
    return f'<a href="/moderation/comments/{comment.pk}/">#{comment.pk}</a>'


def test_removed_comments_are_in_no_group(client, maria):
    article = make_article()
    gone = make_comment(article, "A word")
    client.post("/moderation/decide/", {"ids": gone.pk, "act": "spam"})
    Case.objects.filter(comment=gone).update(closed_at=None, is_appealed=True, is_pending=False)
    for queue in ("second", "recent"):
        answer = client.post(f"/moderation/lists/new/?queue={queue}", follow=True)
        assert "There are no comments to decide on together." in text(answer)
    assert not CommentGroup.objects.exists()


def test_group_stores_ids_and_codes_but_no_typed_names(client, maria):
    topic = Topic.objects.create(name="Sea", slug="sea")
    bob = GuestFactory.create(name="Bob Private")
    article = make_article("The slip closes")
    article.topics.add(topic)
    comments = [make_comment(article, f"Word {n} of mine", guest=bob) for n in range(3)]
    url = f"https://x.example{article.get_absolute_url()}"
    chief = UserFactory.create(roles=("Administrator",))

    def create_filtered_group(**query) -> tuple[dict[str, object], str]:
        CommentGroup.objects.all().delete()
        page = client.post(f"/moderation/lists/new/?{urlencode({'queue': 'waiting', **query})}", follow=True)
        return CommentGroup.objects.get().details, text(page)

    by_code, page = create_filtered_group(author=f"g{bob.pk}", article=url, topic="sea")
    assert by_code == {
        "query": f"?queue=waiting&topic=sea&author=g{bob.pk}&article={article.slug}",
        "typed": [],
    }
    assert "Waiting for review · Story: The slip closes · Topic: Sea · Person: Bob Private" in page
    by_name, page = create_filtered_group(author="bob private", article="slip")
    assert by_name == {"query": "", "typed": ["article", "author"]}
    assert "Waiting for review · Story: typed text · Person: typed text" in page

    client.post(f"/moderation/similar/{CommentGroup.objects.get().pk}/", {"act": "spam"})
    CommentGroup.objects.update(details=by_code)
    purge.erase_person(person=Person(guest=bob), actor=chief)
    topic.delete()
    assert describe_query(CommentGroup.objects.get(), maria) == [
        *("Waiting for review", "Story: The slip closes", "Topic: sea"),
        f"Person: {Guest.objects.get(pk=bob.pk)}",
    ]
    assert "Bob" not in str(by_code) + str(Guest.objects.get(pk=bob.pk)) + str(state(comments[0]))


def test_editor_lists_comments_of_own_stories(client, flood):
    editor, other = (UserFactory.create(roles=("Editor",)) for _ in range(2))
    own = make_article("Own")
    own.editors.add(editor)
    for article in {flood[0], flood[3].discussion.article}:
        article.editors.add(other)
    mine = make_comment(own, "A casino of my own")
    client.force_login(editor)
    assert client.post("/moderation/lists/new/?queue=waiting").status_code == 302
    assert list(CommentGroup.objects.get().members.values_list("comment", flat=True)) == [mine.pk]


def test_group_of_twenty_takes_as_many_statements_as_of_two(client, maria, flood):
    article, *_ = flood

    def statements(view) -> int:
        with CaptureQueriesContext(connection) as queries:
            view.create_group()
        return len(queries)

    assert maria.is_moderator  # a request reads the roles once
    few = queues.QueuePage.read(QueryDict("queue=waiting&article=a-road-opens"), maria)
    many = queues.QueuePage.read(QueryDict(f"queue=waiting&article={article.slug}"), maria)
    assert statements(few) == statements(many) <= 7
