"""What the desk knows of people, for any number of cards in the same few statements."""

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment, Reason, State
from comments.services import Imported, import_comments
from moderation.models import Batch, Case, Note, Origin, Report
from moderation.people import records
from moderation.services import decide
from tests.factories import GuestFactory, UserFactory, make_article, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("publishing_policy")]


@pytest.fixture
def maria():
    return UserFactory.create(name="Maria", roles=("Moderator",))


def proved(user):
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def test_a_record_tells_of_all_but_this_comment(maria):
    article, ada = make_article(), proved(UserFactory.create(name="Ada", email="ada@example.org"))
    this, other, spam = (say(article, f"Word {n}", author=ada) for n in range(3))
    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    other_name = GuestFactory.create(name="A.", email="Ada@example.org", confirmed_at=timezone.now())
    GuestFactory.create(name="Not proved", email="ada@example.org")
    stranger = say(article, guest=GuestFactory.create(name="Next door"))
    for comment in (this, other, stranger):
        Origin.objects.create(comment=comment, ip_hash=b"\x0a\xbc\xde" + bytes(13))
    case = Case.objects.create(comment=other, discussion_id=article.pk)
    Report.objects.create(comment=other, case=case, guest=other_name, why="spam")
    Note.objects.create(user=ada, text="Writes from the harbour.", by=maria)

    record = records([this])[this.pk]
    assert record.url == f"/moderation/people/u{ada.pk}/"
    assert (record.published, record.spam, record.said) == (1, 1, "1 published, 1 spam")
    assert (record.against, record.by, record.since) == (1, 0, ada.date_joined)
    assert (record.same_email, record.ip, record.same_ip, record.people_at_ip) == (
        ["A."],
        "0abcde",
        ["Next door"],
        1,
    )
    assert [note.text for note in record.notes] == ["Writes from the harbour."]
    assert records([stranger])[stranger.pk].is_first


def test_an_imported_name_is_a_person_under_its_source_only(maria):
    def bring(title, *names):
        article = make_article(title, source_key=title)
        rows = [
            Imported(source_id=str(n), author_name=name, body=f"{name} {n}", created_at=timezone.now())
            for n, name in enumerate(names)
        ]
        batch = Batch.objects.create(kind=Batch.Kind.IMPORT)
        return import_comments(article=article, comments=rows, actor=None, batch=batch.pk).created

    first, *_ = bring("one", "Jim", "Jim", "Eben")
    bring("two", "Jim")
    record = records([Comment.objects.get(pk=first)])[first]
    assert (record.url, record.said) == (f"/moderation/people/i{first}/", "1 published")


def test_25_cards_take_as_many_statements_as_one(maria):
    article = make_article()
    comments = [say(article, f"Word {n}", author=proved(UserFactory.create())) for n in range(12)]
    comments += [say(article, f"Guest's word {n}") for n in range(13)]
    for comment in comments:
        Origin.objects.create(comment=comment, ip_hash=bytes(16))

    def count(some):
        some = list(Comment.objects.filter(pk__in=[c.pk for c in some]))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            records(some)
        return len(queries)

    assert count(comments[11:13]) == count(comments) <= 11
