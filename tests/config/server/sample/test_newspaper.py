"""The sample newspaper: what it has for each account, how it stays recent, and what its removal leaves."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db.models import Max
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoDbBlocker

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, User
from articles.editing.notes import add_correction, add_note
from articles.models import Article, Author, Image, Topic
from articles.services import save_article
from comments.models import Comment, Discussion, DiscussionDay, Follow, Recommendation, State
from comments.policy import Submission, policy
from comments.services.posting import post_comment
from config.server import sample
from config.server.sample import content, dates
from moderation.actions.decisions import decide
from moderation.models import Case, CommentGroup, Report
from tests.config.server.sample.conftest import damage
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.clients import client_of
from tests.helpers.data_folder import data_path
from tests.helpers.postgres.database import rolled_back

pytestmark = pytest.mark.django_db

STORY = f"/stories/{content.CURRENT_STORY}/"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def created(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Create the sample once for the tests of this file, and roll it back after them. Return its data folder.

    Each test then runs in a savepoint of one transaction, in which now() of SQL stands still.
    """
    folder = tmp_path_factory.mktemp("home")
    with django_db_blocker.unblock(), rolled_back():
        with override_settings(HOME=folder):
            assert sample.create_sample_data(folder)
        yield folder


@pytest.fixture
def newspaper(created: Path, home: Path, db: None) -> dict[str, User]:
    """Return the accounts of the sample by role. The test has its own copy of the data folder."""
    shutil.copytree(created, home, dirs_exist_ok=True)
    sample.create_sample_data(home)  # again, if a test has failed: its clean-up ends the connection
    return {account["role"]: User.objects.get(email=account["email"]) for account in sample.accounts(home)}


def current_story() -> Article:
    return Article.objects.get(slug=content.CURRENT_STORY)


def comment_as_a_guest(article: Article) -> Comment:
    guest = GuestFactory.create(confirmed_at=timezone.now())
    return make_comment(article, guest=guest, body="I was only passing.")


# Its content


def test_it_is_a_small_newspaper(newspaper: dict[str, User], home: Path) -> None:
    published = Article.objects.published()
    assert published.count() == 8
    assert Article.objects.filter(published_at=None).get().slug == content.DRAFT
    assert published.filter(source_key="").count() == 7
    assert not published.exclude(source_key="").get().discussion.is_open(timezone.now())
    assert Author.objects.count() == 2
    assert published.exclude(lead_image=None).count() == Image.objects.count() == 5
    for image in Image.objects.all():
        assert image.alt
        assert image.caption
        assert image.credit == "Drawing: Soundoff"
        assert (data_path(image.folder) / "full.jpg").stat().st_size > 50_000
    jobs = set(DBTaskResult.objects.values_list("task_path", flat=True))
    assert jobs == {"articles.images.tasks.make_sizes_of"}, "mails would go to people who do not exist"
    assert not sample.create_sample_data(home)
    assert not damage()


def test_its_dates_are_recent(newspaper: dict[str, User]) -> None:
    now, story = timezone.now(), current_story()
    ours = Article.objects.published().filter(source_key="")
    assert ours.first() == story
    assert now - 2 * DAY < story.published_at < now  # type: ignore[operator]
    assert not ours.filter(published_at__lt=now - 21 * DAY)
    last = story.discussion.comments.aggregate(last=Max("created_at"))["last"]
    assert now - timedelta(hours=1) < last < now - timedelta(minutes=15), "nobody can edit it any more"
    for comment in Comment.objects.exclude(parent=None).filter(source=content.SOURCE):
        assert comment.parent
        assert comment.created_at > comment.parent.created_at


def test_the_sample_discussion_has_picks_replies_and_recommendations(newspaper: dict[str, User]) -> None:
    comments = current_story().discussion.comments.all()
    assert 25 <= comments.visible().count() <= 40
    assert comments.aggregate(deepest=Max("level"))["deepest"] >= 3
    assert comments.filter(is_pick=True).count() == 3
    assert comments.filter(author=newspaper[EDITOR], parent__isnull=False).exists()
    assert comments.filter(state=State.REJECTED).get().replies.visible().exists()
    assert Recommendation.objects.filter(comment__in=comments).count() > 100
    page = Client().get(STORY).content.decode()
    assert "How this discussion was moderated" in page
    assert policy().describe_usual_delay() == "", "the sample's decisions took no time that means anything"


def test_each_account_has_something_to_do(newspaper: dict[str, User]) -> None:
    moderator = client_of(newspaper[MODERATOR])
    queue = moderator.get(reverse("moderation:queue"), follow=True).content.decode()
    assert "13" in queue
    ages = Case.objects.filter(is_pending=True).values_list("opened_at", "comment__created_at")
    assert {opened for opened, _created in ages} == {created for _opened, created in ages}
    (report,) = Report.objects.all()
    assert report.comment.state == State.PUBLISHED
    assert report.at == report.case.opened_at == report.comment.created_at
    flood = CommentGroup.objects.order_by("-size")[0]
    assert flood.size == 12
    group = moderator.get(reverse("moderation:group", args=[flood.pk])).content.decode()
    assert "bright-lamps.example" in group

    draft = Article.objects.get(slug=content.DRAFT)
    editor = client_of(newspaper[EDITOR])
    drafts = reverse("admin:articles_article_changelist") + "?publication=draft"
    assert draft.title in editor.get(drafts).content.decode()
    assert editor.get(reverse("admin:articles_article_change", args=[draft.pk])).status_code == 200
    assert client_of(newspaper[ADMINISTRATOR]).get("/owner/status/").status_code == 200


def test_the_readers_comment_appears_at_once(newspaper: dict[str, User]) -> None:
    reader = client_of(newspaper[READER])
    form = reader.get(f"{STORY}reply/").content.decode()
    nonce = re.search(r'name="nonce" value="([^"]+)"', form)
    assert nonce
    fields = {"nonce": nonce[1], "body": "We shall bring two chairs, and a third for the neighbour."}
    assert reader.post(f"{STORY}reply/", fields).status_code == 302
    assert Comment.objects.get(body=fields["body"]).state == State.PUBLISHED


def test_serve_prints_three_things_to_try(newspaper: dict[str, User], settings: Any) -> None:
    title, *steps = sample.things_to_try()
    assert title == "Three things to try:"
    paths = [step.partition(settings.SITE_URL)[2] for step in steps]
    clients = [client_of(newspaper[role]) for role in (READER, MODERATOR, EDITOR)]
    assert [client.get(path).status_code for client, path in zip(clients, paths, strict=True)] == [200] * 3


# Its dates


def make_older(days: int) -> list[tuple[Any, ...]]:
    """Move the sample into the past, as if it had been created then. Return its dates from before."""
    before = stored_dates()
    ids = set(Article.objects.filter(source_key="").exclude(published_at=None).values_list("pk", flat=True))
    dates._move_dates(ids, -days * DAY)
    return before


def stored_dates() -> list[tuple[Any, ...]]:
    days = DiscussionDay.objects.order_by("discussion", "day")
    return [
        *Article.objects.order_by("pk").values_list("pk", "published_at", "updated_at"),
        *Comment.objects.order_by("pk").values_list("pk", "created_at"),
        *Report.objects.values_list("pk", "at"),
        *days.values_list("discussion", "day", "visible_count"),
    ]


def test_a_later_start_moves_the_dates(newspaper: dict[str, User]) -> None:
    before = make_older(5)
    stamp = current_story().version, Discussion.objects.get(article__slug=content.CURRENT_STORY).version
    assert sample.renew_dates() == 7
    assert stored_dates() == before
    after = current_story().version, Discussion.objects.get(article__slug=content.CURRENT_STORY).version
    assert (after[0] > stamp[0], after[1] > stamp[1]) == (True, True), "cached pages would show the old dates"
    assert not damage()
    assert sample.renew_dates() == 0


def test_a_start_on_the_same_day_moves_nothing(newspaper: dict[str, User]) -> None:
    before = stored_dates()
    assert sample.renew_dates() == 0
    assert stored_dates() == before


def test_edited_stories_keep_their_dates(newspaper: dict[str, User]) -> None:
    make_older(5)
    edited, answered, decided, commented = (
        Article.objects.get(slug=slug) for slug in ("three-motions", "the-sign", "lamp-14", "school-bell")
    )
    edited.title += " again"
    save_article(article=edited, by=newspaper[EDITOR])
    comment_as_a_guest(answered)
    first = decided.discussion.comments.pending().earliest("created_at")
    decide(ids=[first.pk], to=State.PUBLISHED, reason="approved", actor=newspaper[MODERATOR])
    post_comment(
        Submission(
            discussion=commented.discussion, author=newspaper[READER], name="Ruth", body="It rang twice."
        ),
        nonce=uuid4(),
    )
    before = dict(Article.objects.values_list("pk", "published_at"))
    assert sample.renew_dates() == 3
    for article in (edited, answered, decided, commented):
        assert Article.objects.get(pk=article.pk).published_at == before[article.pk]


# Its removal


def test_comments_of_others_are_removed_only_if_that_is_confirmed(
    newspaper: dict[str, User], remove: Callable[..., str]
) -> None:
    ours = make_article("A story of our own")
    elsewhere, here = comment_as_a_guest(ours), comment_as_a_guest(current_story())
    before = Comment.objects.count()
    with pytest.raises(CommandError, match=r"1 comment that somebody else has written .* --yes"):
        remove()
    assert Comment.objects.count() == before
    assert "93 comments" in remove("--yes")
    assert not Comment.objects.filter(pk=here.pk).exists()
    assert Comment.objects.get() == elsewhere
    assert Article.objects.get() == ours
    assert not damage()


@pytest.mark.parametrize("write", ["save", "correct", "note"])
def test_removing_an_edited_story_needs_confirmation(
    newspaper: dict[str, User], remove: Callable[..., str], write: str
) -> None:
    draft, editor = Article.objects.get(slug=content.DRAFT), newspaper[EDITOR]
    match write:
        case "save":
            draft.body += "\n\nIt is finished now."
            save_article(article=draft, by=editor)
        case "correct":
            add_correction(article=draft, by=editor, text="High tide is at nine.")
        case "note":
            add_note(article=draft, by=editor, body="Is nine right?")
    comment_as_a_guest(current_story())
    expected = rf"noted in “{draft.title}” and 1 comment that somebody else .* --yes"
    with pytest.raises(CommandError, match=expected):
        remove()
    assert Article.objects.filter(pk=draft.pk).exists()
    assert "9 stories" in remove("--yes")
    assert not damage()


def test_topics_of_our_own_are_kept(newspaper: dict[str, User], remove: Callable[..., str]) -> None:
    used = Topic.objects.filter(articles__slug=content.CURRENT_STORY)[0]
    for article in used.articles.all():
        article.topics.remove(used)
    assert "7 topics" in remove()
    assert Topic.objects.get() == used, "a topic of no sample story is ours, whatever its name is"


def test_pictures_of_an_earlier_version_of_our_story_are_kept(
    newspaper: dict[str, User], remove: Callable[..., str]
) -> None:
    picture = Image.objects.earliest("pk")
    ours = make_article("A story of our own", body=picture.markdown)
    ours.body = "Without the picture."
    save_article(article=ours)
    assert "4 pictures" in remove()
    assert Image.objects.get() == picture
    assert (data_path(picture.folder) / "full.jpg").exists()


def test_a_duplicate_of_a_removed_comment_stays(
    newspaper: dict[str, User], remove: Callable[..., str]
) -> None:
    original = Comment.objects.visible().filter(source=content.SOURCE).earliest("pk")
    copy = comment_as_a_guest(make_article("A story of our own"))
    Comment.objects.filter(pk=copy.pk).update(duplicate_of=original)
    remove()
    copy.refresh_from_db()
    assert copy.duplicate_of is None
    assert not damage()


def test_an_account_that_follows_another_story_is_kept(
    newspaper: dict[str, User], remove: Callable[..., str]
) -> None:
    ours = make_article("A story of our own")
    Follow.objects.create(user=newspaper[MODERATOR], article=ours, kind="comments", delivery="site")
    assert "3 accounts. Kept, because they were used for something else: moderator@example.org." in remove()


def test_an_account_that_was_used_for_something_else_is_kept(
    newspaper: dict[str, User], home: Path, remove: Callable[..., str]
) -> None:
    ours = make_article("A story of our own")
    save_article(article=ours, by=newspaper[EDITOR])
    picture = Image.objects.filter(led__slug="kiosk-queue").get()
    ours.lead_image = picture
    save_article(article=ours)
    comment = make_comment(ours, author=newspaper[READER])
    User.objects.filter(pk=newspaper[ADMINISTRATOR].pk).update(email="grace@example.net")
    printed = remove()
    assert "4 pictures" in printed
    assert "1 account. Kept, because they were used for something else: reader@example.org, ed" in printed
    kept = set(User.objects.filter(is_active=True).values_list("name", flat=True))
    assert kept == {"Ruth Quist", "Emil Sander", "Ada Lindqvist"}
    assert sample.path(home).exists()
    assert Comment.objects.get() == comment
    assert (data_path(picture.folder) / "full.jpg").exists()
    assert not damage()
