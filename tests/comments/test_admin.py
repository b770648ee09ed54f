"""The admin of discussions: permissions, settings, and how they are saved."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from articles.models import Site
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from tests.articles.editing.editor_forms import article_form
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

LIST = reverse("admin:comments_discussion_changelist")


@pytest.fixture
def moderator(client):
    client.force_login(UserFactory.create(name="Mo", roles=("Moderator",)))
    return client


@pytest.fixture
def editor(client):
    user = UserFactory.create(name="Edie", roles=("Editor",))
    client.force_login(user)
    client.user = user
    return client


def test_the_list_counts_visible_pending_and_stored_comments(moderator):
    article = make_article("Whales")
    first, second = make_comment(article), make_comment(article)
    make_comment(article)
    change_states(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    change_states(ids=[second.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)

    page = moderator.get(LIST)

    row = page.context["cl"].result_list[0]
    assert (row.stored_count, row.pending_count + row.visible_count) == (3, 2)
    assert f"/admin/comments/comment/?discussion={article.pk}" in page.content.decode()


def test_the_list_takes_the_same_number_of_statements_for_one_discussion_and_for_thirty(
    moderator, django_assert_num_queries, django_assert_max_num_queries
):
    make_comment(make_article("Number 0"))
    with django_assert_max_num_queries(10) as one:
        moderator.get(LIST)
    for n in range(1, 30):
        make_comment(make_article(f"Number {n}"))
    with django_assert_num_queries(len(one)):
        moderator.get(LIST)


def test_the_list_finds_by_title_and_filters(moderator):
    for title in ("Whales", "Kelp"):
        make_comment(make_article(title))
    change_discussion(article=Discussion.objects.first().article, status="closed")

    assert [d.article.title for d in moderator.get(LIST, {"q": "kelp"}).context["cl"].result_list] == ["Kelp"]
    closed = moderator.get(LIST, {"status__exact": "closed"}).context["cl"].result_list
    assert [d.pk for d in closed] == [Discussion.objects.get(status="closed").pk]


def test_an_editor_sees_own_discussions_and_those_of_nobody(editor):
    mine, nobodys, hers = make_article("Mine"), make_article("Nobody's"), make_article("Hers")
    mine.editors.add(editor.user)
    hers.editors.add(UserFactory.create(roles=("Editor",)))
    for article in (mine, nobodys, hers):
        make_comment(article)

    listed = editor.get(LIST).context["cl"].result_list
    assert {d.article.title for d in listed} == {"Mine", "Nobody's"}
    assert editor.get(reverse("admin:comments_discussion_change", args=[hers.pk])).status_code == 302


def test_a_reader_is_sent_to_log_in(client):
    client.force_login(UserFactory.create())
    assert client.get(LIST).status_code == 302


def test_an_editor_closes_a_discussion_and_cached_pages_are_outdated(editor):
    article = make_article()
    make_comment(article)
    before = Discussion.objects.get().version

    sent = {"status": "closed", "closes_at_0": "", "closes_at_1": "", "moderation": "pre"}
    answer = editor.post(reverse("admin:comments_discussion_change", args=[article.pk]), sent)

    assert answer.status_code == 302
    discussion = Discussion.objects.get()
    assert (discussion.status, discussion.moderation) == ("closed", "pre")
    assert discussion.version == before + 1


def test_a_year_that_can_t_be_right_is_refused(editor):
    article = make_article()
    make_comment(article)
    sent = {"status": "open", "closes_at_0": "0001-01-01", "closes_at_1": "00:00", "moderation": "pre"}
    answer = editor.post(reverse("admin:comments_discussion_change", args=[article.pk]), sent)
    assert "The year 1 is not valid." in answer.text
    assert Discussion.objects.get().closes_at is None


def test_a_time_that_a_clock_change_skips_is_refused(editor):
    Site.objects.update(time_zone="Africa/Cairo")
    article = make_article()
    make_comment(article)
    sent = {"status": "open", "closes_at_0": "2030-04-26", "closes_at_1": "00:15", "moderation": "pre"}
    answer = editor.post(reverse("admin:comments_discussion_change", args=[article.pk]), sent)
    assert "26 April 2030, 00:15 does not exist in Cairo time" in answer.text
    assert "such as 01:15." in answer.text
    assert Discussion.objects.get().closes_at is None


def test_a_moderator_reads_settings_and_does_not_change_them(moderator):
    article = make_article()
    make_comment(article)
    url = reverse("admin:comments_discussion_change", args=[article.pk])
    assert moderator.get(url).status_code == 200
    assert moderator.post(url, {"status": "closed", "moderation": "pre"}).status_code == 403
    assert Discussion.objects.get().status == "open"


def test_discussions_cannot_be_added_or_deleted(client):
    client.force_login(UserFactory.create(roles=("Administrator",)))
    article = make_article()
    make_comment(article)
    assert client.post(reverse("admin:comments_discussion_delete", args=[article.pk])).status_code == 403
    assert client.get(reverse("admin:comments_discussion_add")).status_code == 403


def test_the_page_of_an_article_sets_a_discussion_that_nobody_has_written_in(editor):
    article = make_article()
    url = reverse("admin:articles_article_change", args=[article.pk])
    assert "discussion-0-status" in editor.get(url).content.decode()

    assert editor.post(url, article_form(article)).status_code == 302
    assert not Discussion.objects.exists()  # the defaults need no row

    assert editor.post(url, article_form(article, moderation="pre")).status_code == 302
    assert Discussion.objects.get(pk=article.pk).moderation == "pre"


def test_the_page_of_an_article_closes_its_discussion(editor):
    article = make_article()
    make_comment(article)
    article.refresh_from_db()
    url = reverse("admin:articles_article_change", args=[article.pk])
    assert "Reply structure" in editor.get(url).content.decode()
    before = Discussion.objects.get().version

    assert editor.post(url, article_form(article, status="closed")).status_code == 302
    discussion = Discussion.objects.get()
    assert (discussion.status, discussion.version) == ("closed", before + 1)


def test_when_it_closes_is_asked_in_the_zone_of_the_site(editor):
    """It has the browser's date and time fields, as everywhere else, and does not name the server's time."""
    Site.objects.update(time_zone="Africa/Cairo")
    article = make_article("Whales", published_at=None)
    article.editors.add(editor.user)
    at = datetime(2030, 1, 15, 12, 0, 30, tzinfo=UTC)
    change_discussion(article=article, closes_at=at)
    urls = (reverse("admin:articles_article_change", args=[article.pk]), f"{LIST}{article.pk}/change/")
    for url, prefix in zip(urls, ("discussion-0-", ""), strict=True):
        page = editor.get(url).content.decode()
        fields = {
            name: field
            for field in re.findall(r"<input[^>]*>", page)
            for name in re.findall(rf'name="{prefix}closes_at_(\d)"', field)
        }
        assert 'type="date"' in fields["0"]
        assert 'value="2030-01-15"' in fields["0"]
        assert 'type="time"' in fields["1"]
        assert 'value="14:00:30"' in fields["1"]
        assert all("Closes at" in field and "vDateField" not in field for field in fields.values())
        assert "Cairo time. Leave empty to close by the number of days." in page
    editor.post(
        urls[1],
        {"status": "open", "moderation": "pre", "closes_at_0": "2030-01-15", "closes_at_1": "14:00:30"},
    )
    stored = Discussion.objects.get()
    assert (stored.moderation, stored.closes_at) == ("pre", at)
