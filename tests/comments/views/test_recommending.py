"""/stories/<slug>/recommend/<comment>/, services.recommend, and the job that counts."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments.models import Comment, Discussion, Reason, Recommendation, State
from comments.services.discussions import change_discussion
from comments.services.recommendations import recommend
from comments.services.states import change_states
from comments.tasks import COUNT_DELAY, count_recommendations
from tests.comments.thread.helpers import read
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import set_pending, version

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def comment() -> Comment:
    return make_comment(make_article(), "A word about the boat.")


def url(comment) -> str:
    return f"{comment.discussion.article.get_absolute_url()}recommend/{comment.pk}/"


def count(comment) -> int:
    return Comment.objects.get(pk=comment.pk).recommend_count


def run_count_job() -> None:
    count_recommendations.func()


def confirmed():
    return GuestFactory.create(confirmed_at=timezone.now())


def test_a_recommendation_is_counted_once_by_the_job(comment):
    user, guest = UserFactory.create(), confirmed()
    before = version(comment.discussion.article)
    assert recommend(comment=comment, user=user, is_given=True)
    assert not recommend(comment=comment, user=user, is_given=True)
    recommend(comment=comment, guest=guest, is_given=True)
    assert (count(comment), version(comment.discussion.article)) == (0, before)

    run_count_job()
    run_count_job()

    assert count(comment) == 2
    assert version(comment.discussion.article) == before + 1, "two at once change the page once"


def test_a_withdrawn_recommendation_is_subtracted(comment):
    user = UserFactory.create()
    assert recommend(comment=comment, user=user, is_given=False) is None
    recommend(comment=comment, user=user, is_given=True)
    run_count_job()
    recommend(comment=comment, user=user, is_given=False)
    assert count(comment) == 1
    run_count_job()
    assert count(comment) == 0
    before = version(comment.discussion.article)
    recommend(comment=comment, user=user, is_given=True)
    recommend(comment=comment, user=user, is_given=False)
    run_count_job()
    assert (count(comment), version(comment.discussion.article)) == (0, before), "nothing that a reader sees"
    assert Recommendation.objects.count() == 1


def test_a_recommendation_locks_no_discussion(comment):
    with CaptureQueriesContext(
        connection,
    ) as statements:
        recommend(comment=comment, user=UserFactory.create(), is_given=True)
    sql = " ".join(s["sql"] for s in statements)
    assert "comments_discussion" not in sql
    assert "UPDATE" not in sql.replace("DO UPDATE", "")


def test_refusals_are_explained(comment):
    author = UserFactory.create()
    own, hidden = (
        make_comment(comment.discussion.article, author=author),
        make_comment(comment.discussion.article),
    )
    set_pending(hidden)
    hidden.refresh_from_db()
    for values, words in (
        ({"comment": own, "user": author}, "your own"),
        ({"comment": comment, "guest": comment.guest}, "your own"),
        ({"comment": own, "guest": GuestFactory.create()}, "Confirm your e-mail"),
        ({"comment": hidden, "user": author}, "no longer available"),
    ):
        with pytest.raises(ValidationError, match=words):
            recommend(**values, is_given=True)
    assert not Recommendation.objects.exists()


def test_one_job_counts_all_recommendations_before_it_runs(comment, django_capture_on_commit_callbacks):
    now = timezone.now()
    for second in range(3):
        with (
            time_machine.travel(now + timedelta(seconds=second), tick=False),
            django_capture_on_commit_callbacks(execute=True),
        ):
            recommend(comment=comment, user=UserFactory.create(), is_given=True)
    [job] = DBTaskResult.objects.all()
    assert job.task_path == count_recommendations.module_path
    assert job.run_after == now + COUNT_DELAY


def test_a_recommendation_whose_job_was_lost_is_counted_with_the_next(
    comment, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=False):
        recommend(comment=comment, user=UserFactory.create(), is_given=True)
    Recommendation.objects.update(at=timezone.now() - timedelta(minutes=2))
    with django_capture_on_commit_callbacks(execute=True):
        recommend(comment=comment, user=UserFactory.create(), is_given=True)
    assert DBTaskResult.objects.count() == 1


def test_recommendations_during_the_job_are_not_lost(comment):
    """A recommendation that is stored while the job counts is left to the next job."""
    recommend(comment=comment, user=UserFactory.create(), is_given=True)
    late = UserFactory.create()
    execute = connection.execute_wrapper

    def come_late(run, sql, params, many, context):
        found = run(sql, params, many, context)
        if "recommend_count +" in sql:
            Recommendation.objects.create(comment=comment, user=late)
        return found

    with execute(come_late):
        run_count_job()
    assert count(comment) == 1
    assert DBTaskResult.objects.count() == 1


def test_a_removed_comment_is_counted_and_changes_no_page(comment):
    recommend(comment=comment, user=UserFactory.create(), is_given=True)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    before = version(comment.discussion.article)
    run_count_job()
    assert (count(comment), version(comment.discussion.article)) == (1, before)


def test_a_removed_comment_that_stands_by_its_count_changes_the_page(comment):
    make_comment(comment.discussion.article, parent=comment)
    recommend(comment=comment, user=UserFactory.create(), is_given=True)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    before = version(comment.discussion.article)
    run_count_job()
    assert version(comment.discussion.article) == before + 1


def test_a_member_recommends_and_sees_it_at_once(client, comment):
    member = UserFactory.create()
    client.force_login(member)
    page = read(client, comment.discussion.article)
    assert f'formaction="recommend/{comment.pk}/" aria-pressed="false">Recommend</button>' in page

    response = client.post(url(comment))
    assert (response.status_code, response["Location"]) == (302, comment.get_absolute_url())
    page = read(client, comment.discussion.article)
    assert f'formaction="recommend/{comment.pk}/" aria-pressed="true">Recommend <b>1</b></button>' in page
    run_count_job()
    assert 'aria-pressed="true">Recommend <b>1</b></button>' in read(client, comment.discussion.article)

    client.post(url(comment))
    assert 'aria-pressed="false">Recommend</button>' in read(client, comment.discussion.article)
    client.force_login(UserFactory.create())
    assert 'aria-pressed="false">Recommend <b>1</b></button>' in read(client, comment.discussion.article)


def test_htmx_gets_the_button_back(client, comment):
    client.force_login(UserFactory.create())
    for given, count in ((True, " <b>1</b>"), (False, ""), (True, " <b>1</b>")):
        page = client.post(url(comment), **HTMX).content.decode()
        assert f'formaction="{url(comment)}"' in page
        assert f'aria-pressed="{str(given).lower()}">Recommend{count}</button>' in page
        assert Recommendation.objects.get().is_given is given


def test_without_scripts_there_is_a_page_with_the_button(client, comment):
    client.force_login(UserFactory.create())
    page = client.get(url(comment)).content.decode()
    assert "A word about the boat." in page
    assert re.search(r"<button[^>]*>\s*Recommend\s*</button>", page)
    client.post(url(comment))
    assert "Withdraw recommendation" in client.get(url(comment)).content.decode()


def test_an_anonymous_reader_sees_where_to_log_in(client, comment):
    page = client.get(url(comment)).content.decode()
    assert f"?next={url(comment)}" in page
    assert "<button" not in page.split("<main")[1].split("</main")[0]
    assert "Recommend" not in read(client, comment.discussion.article).split('class="thread"')[1]

    response = client.post(url(comment))
    assert (response.status_code, response["Location"]) == (302, url(comment))
    assert client.post(url(comment), **HTMX)["HX-Redirect"] == url(comment)
    assert not Recommendation.objects.exists()


def test_the_readers_own_comment_cannot_be_recommended(client):
    author = UserFactory.create()
    own = make_comment(make_article(), author=author)
    client.force_login(author)
    assert "Recommend" not in read(client, own.discussion.article).split('class="thread"')[1]
    page = client.post(url(own), follow=True).content.decode()
    assert "recommend your own comment" in page


def test_there_is_nothing_to_recommend_where_nothing_is_shown(client, comment):
    article = comment.discussion.article
    client.force_login(UserFactory.create())
    assert client.get(f"{article.get_absolute_url()}recommend/{2**63}/").status_code == 404
    assert client.get(f"{article.get_absolute_url()}recommend/{comment.pk + 1}/").status_code == 404
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert client.post(url(comment))["Location"] == comment.get_absolute_url()
    change_discussion(article=article, status=Discussion.Status.HIDDEN)
    assert client.get(url(comment)).status_code == 404
    assert client.post(url(comment)).status_code == 404


def test_a_button_that_is_outdated_withdraws_nothing(comment, client):
    client.force_login(UserFactory.create())
    page = client.get(url(comment)).content.decode()
    assert '<input type="hidden" name="given" value="1">' in page
    for _ in range(2):  # in two tabs, or by a double click
        assert client.post(url(comment), {"given": "1"}).status_code == 302
    assert Recommendation.objects.get().is_given
    button = client.post(url(comment), {"given": "1"}, **HTMX).content.decode()
    assert 'aria-pressed="true"' in button
    assert "<b>1</b>" in button
    assert '<input type="hidden" name="given" value="0">' in client.get(url(comment)).content.decode()
    client.post(url(comment), {"given": "0"})
    assert not Recommendation.objects.get().is_given
