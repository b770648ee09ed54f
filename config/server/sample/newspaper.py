"""Creation of the sample newspaper: stories with pictures, discussions, a draft, and work for each account.

Everything goes through the services that a person's requests use. A comment's time is part of the submission,
so comments can be dated back; the log has the time at which they were stored, as the database demands.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import cycle, islice
from uuid import uuid4

from django.core.files import File
from django.db.models import OuterRef, Subquery
from django_tasks_db.models import DBTaskResult

from accounts.guests import confirm_guest
from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, Guest, User
from articles.images.services import add_image
from articles.images.uploads import read_upload
from articles.models import Article, Author, Image
from articles.services import get_or_create_topic, save_article, save_author, set_article_authors
from comments.models import Comment, Reason, State
from comments.policy import Submission
from comments.services.discussions import ensure_discussion
from comments.services.posting import post_comment
from comments.services.recommendations import recommend
from config.server.sample import content
from config.server.sample.content import SampleComment, Story
from moderation.actions.decisions import decide
from moderation.actions.quick_actions import set_editors_pick
from moderation.models import Case, Report
from moderation.reports.reporting import report_comment
from moderation.similar.scan import run_scan


def create_newspaper(users: dict[str, User], start: datetime) -> None:
    """Create the newspaper as of `start`. `users` are the accounts of the sample by role."""
    pictures = {name: _add_picture(name, users[EDITOR]) for name in content.pictures()}
    articles = {story.slug: _create_story(story, users, pictures, start) for story in content.stories()}
    for role in (EDITOR, ADMINISTRATOR):
        author = Author.objects.get(user=users[role])
        author.bio = content.account_people()[role]["bio"]
        save_author(author=author)
    _Discussions(articles, users).create()
    run_scan()  # so that the moderator finds the flood as one group, without waiting for a job
    # These people have no mailbox. The other jobs, such as those that make the sizes of the pictures, stay.
    DBTaskResult.objects.filter(task_path__startswith="moderation.tasks.notify_").delete()


def _add_picture(name: str, editor: User) -> Image:
    """Store a picture as an upload of the editor. A job makes its sizes."""
    path = content.picture_file(name)
    with path.open("rb") as file:
        decoded = read_upload(File(file, name=path.name))
    return add_image(decoded=decoded, actor=editor, **content.pictures()[name])


def _create_story(
    story: Story, users: dict[str, User], pictures: dict[str, Image], start: datetime
) -> Article:
    by_first_name = {user.name.split()[0]: user for user in users.values()}
    authors = [by_first_name[name] for name in story.authors]
    article = Article(
        title=story.title,
        slug=story.slug,
        standfirst=story.standfirst,
        body=story.body,
        lead_image=pictures.get(story.picture),
        published_at=None if story.age is None else start - story.age,
    )
    save_article(article=article, by=authors[0])
    set_article_authors(article=article, people=authors)
    article.topics.set([get_or_create_topic(name) for name in story.topics])
    return article


class _Discussions:
    """Creator of the discussions of the stories."""

    def __init__(self, articles: dict[str, Article], users: dict[str, User]) -> None:
        self.articles = articles
        self.users = users
        self.guests = {
            key: _create_guest(name, f"{key}@example.com") for key, name in content.guests().items()
        }
        for guest in self.guests.values():
            confirm_guest(guest)
        self.posted: dict[tuple[str, str], Comment] = {}  # by story and key

    def create(self) -> None:
        """Post the comments, and apply the actions of moderators, editors and readers to them."""
        # A person whose first comment was approved is known, and their other comments appear at once.
        first, others = _split_first_comments(content.comments())
        pending = [comment.pk for comment in map(self._post, first) if comment.state == State.PENDING]
        moderator = self.users[MODERATOR]
        decide(ids=pending, to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator)
        for planned in [*others, *content.flood()]:
            self._post(planned)
        self._name_sources()
        for n, planned in enumerate(content.comments()):
            comment = Comment.objects.get(pk=self.posted[planned.story, planned.key].pk)
            comment.discussion = self.posted[planned.story, planned.key].discussion
            self._recommend(comment, planned.recommended, n)
            if planned.is_pick:
                set_editors_pick(comment=comment, is_pick=True, actor=self.users[EDITOR])
            if planned.report:
                reporter = self.guests[planned.report["by"]]
                why, details = planned.report["why"], planned.report["details"]
                report_comment(comment=comment, user=None, guest=reporter, why=why, details=details)
            if planned.removed:
                decide(ids=[comment.pk], to=State.REJECTED, reason=planned.removed, actor=moderator)
        self._date_cases()

    def _date_cases(self) -> None:
        """Date cases and reports like their comments, so that the queue shows how long they have waited."""
        cases = list(Case.objects.filter(comment__in=self.posted.values()).select_related("comment"))
        for case in cases:
            age = case.opened_at - case.comment.created_at
            case.opened_at, case.due_at = case.opened_at - age, case.due_at - age
        Case.objects.bulk_update(cases, ["opened_at", "due_at"])
        opened_at = Case.objects.filter(pk=OuterRef("case")).values("opened_at")
        Report.objects.filter(case__in=cases).update(at=Subquery(opened_at))

    def _post(self, planned: SampleComment) -> Comment:
        article = self.articles[planned.story]
        assert article.published_at
        author, guest = self.users.get(planned.by), None
        if author is None:
            guest = self.guests.get(planned.by) or _create_guest(planned.by, planned.email)
        person = author or guest
        assert person
        submission = Submission(
            discussion=ensure_discussion(article),
            parent=self.posted[planned.story, planned.parent] if planned.parent else None,
            author=author,
            guest=guest,
            name=person.name,
            body=planned.text,
            at=article.published_at + planned.after,
        )
        comment = post_comment(submission, nonce=uuid4())
        self.posted[planned.story, planned.key] = comment
        return comment

    def _name_sources(self) -> None:
        """Name these files as the source of the comments, since their times are not those of the log."""
        for (story, key), comment in self.posted.items():
            comment.source, comment.source_id = content.SOURCE, f"{story}/{key}"
        Comment.objects.bulk_update(self.posted.values(), ["source", "source_id"])

    def _recommend(self, comment: Comment, count: int, start: int) -> None:
        """Let `count` people recommend a comment.

        `start` rotates the people, so that comments get different ones.
        """
        people: list[User | Guest] = [*self.guests.values(), *self.users.values()]
        rotated = islice(cycle(people), start % len(people), start % len(people) + len(people))
        others = [person for person in rotated if person not in (comment.author, comment.guest)]
        for person in others[:count]:
            if isinstance(person, User):
                recommend(comment=comment, user=person, is_given=True)
            else:
                recommend(comment=comment, guest=person, is_given=True)


def _create_guest(name: str, email: str) -> Guest:
    return Guest.objects.create(name=name, email=email)


def _split_first_comments(
    planned: Iterable[SampleComment],
) -> tuple[list[SampleComment], list[SampleComment]]:
    """Return the first comment that each known person posts on the story of this week, and all others.

    The newcomer's comment, which stays in the queue, is among the others.
    """
    known = {READER, *content.guests()}
    first: dict[str, SampleComment] = {}
    others = []
    for comment in planned:
        if comment.story == content.CURRENT_STORY and comment.by in known and comment.by not in first:
            first[comment.by] = comment
        else:
            others.append(comment)
    return list(first.values()), others
