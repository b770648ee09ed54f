"""Profiles of people: what they contain, and that many cards take the same number of statements."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, Reason, State
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import delete_comment
from comments.services.text_changes import erase_comments
from core.database.sql import fetch_together
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import (
    Action,
    Case,
    IllegalContentReport,
    ModeratorNote,
    Origin,
    Report,
    Restriction,
)
from moderation.people.author_records import AuthorRecord, parse_record, record_queries
from moderation.people.profiles import Person, person_facts
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def author_record(comment: Comment, user: User) -> AuthorRecord:
    queries, values = record_queries(comment, user)
    return parse_record(comment, fetch_together(queries, values))


def test_a_record_counts_all_other_comments(maria):
    article, ada = make_article(), confirm_email(UserFactory.create(name="Ada", email="ada@example.org"))
    this, other, spam = (make_comment(article, f"Word {n}", author=ada) for n in range(3))
    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    other_name = GuestFactory.create(name="A.", email="Ada@example.org", confirmed_at=timezone.now())
    GuestFactory.create(name="Not proved", email="ada@example.org")
    stranger = make_comment(article, guest=GuestFactory.create(name="Next door"))
    for comment in (this, other, stranger):
        Origin.objects.create(comment=comment, ip_hash=b"\x0a\xbc\xde" + bytes(13))
    case = Case.objects.create(comment=other, discussion_id=article.pk)
    Report.objects.create(comment=other, case=case, guest=other_name, why="spam")
    ModeratorNote.objects.create(user=ada, text="Writes from the harbour.", by=maria)

    record = author_record(this, maria)
    assert record.url == f"/moderation/people/u{ada.pk}/"
    assert record.states_text == "1 published, 1 spam"
    assert (record.numbers.reports_received, record.numbers.reports_sent, record.numbers.since) == (
        1,
        0,
        ada.date_joined,
    )
    assert [name for _key, name in record.numbers.same_email] == ["A."]
    assert record.short_ip_hash == "0abcde"
    assert (record.other_names_at_address, record.other_count_at_address) == (["Next door"], 1)
    assert [note.text for note in record.notes] == ["Writes from the harbour."]
    assert author_record(stranger, maria).is_first


def test_comments_whose_posting_was_undone_are_not_counted(maria, client):
    article, ada = make_article(), UserFactory.create(name="Ada")
    this, deleted, undone = (make_comment(article, f"Word {n}", author=ada) for n in range(3))
    delete_comment(comment=deleted, user=ada, guest=None)
    delete_comment(comment=undone, user=ada, guest=None, reason=Reason.POSTING_UNDONE)
    undone.refresh_from_db()
    namesake = make_comment(article, author=UserFactory.create(name="Ada"))

    assert author_record(this, maria).states_text == "1 deleted by the author"
    assert author_record(undone, maria).states_text == "1 published, 1 deleted by the author"
    assert author_record(namesake, maria).same_name_states == "1 published, 1 deleted by the author"
    assert person_facts(Person(user=ada), maria).states == [
        ("published", "Published", 1),
        ("deleted", "Deleted by its author", 1),
    ]
    client.force_login(maria)
    page = client.get(f"/moderation/people/u{ada.pk}/?state=deleted")
    assert [row[0] for row in page.context["comments"]] == [deleted]
    page = client.get(f"/moderation/people/u{ada.pk}/")
    assert [row[0] for row in page.context["comments"]] == [deleted, this]
    assert client.get(f"/moderation/people/u{ada.pk}/?state=bogus").status_code == 404


def test_restricted_comments_are_counted_as_such_and_have_no_tab(maria, client):
    article, ada = make_article(), UserFactory.create(name="Ada")
    this, removed, *restricted = (make_comment(article, f"Word {n}", author=ada) for n in range(4))
    client.force_login(maria)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    restrictions.restrict(ids=[c.pk for c in restricted], why=Restriction.Why.PERSONAL, actor=maria)

    assert author_record(this, maria).states_text == "1 removed, 2 with restricted access"
    known = person_facts(Person(user=ada), maria)
    assert known.states == [("published", "Published", 1), ("rejected", "Removed by a moderator", 1)]
    assert known.restricted == 2
    page = client.get(f"/moderation/people/u{ada.pk}/?state=rejected")
    assert [row[0] for row in page.context["comments"]] == [removed]
    assert "2 with restricted access" in page.text
    assert "1 published, 1 removed, 2 with restricted access" in client.get("/moderation/people/?q=Ada").text

    decide(ids=[this.pk, removed.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    restrictions.restrict(ids=[this.pk, removed.pk], why=Restriction.Why.PERSONAL, actor=maria)
    assert person_facts(Person(user=ada), maria).states == []
    page = client.get(f"/moderation/people/u{ada.pk}/").text
    assert "4 with restricted access" in page
    assert "state-links" not in page


def test_imported_comments_whose_import_was_undone_are_not_counted(maria):
    article = make_article(source_key="one")
    rows = [
        ImportedComment(source_id=str(n), author_name="Jim", body=f"Jim {n}", created_at=timezone.now())
        for n in range(3)
    ]
    actions = [Action.objects.create(kind=Action.Kind.IMPORT) for _ in range(2)]
    created = import_comments(article=article, comments=rows[:1], actor=None, action_id=actions[0].pk).created
    created += import_comments(
        article=article, comments=rows[1:], actor=None, action_id=actions[1].pk
    ).created
    undo(action=actions[1], actor=maria)
    record = author_record(Comment.objects.get(pk=created[0]), maria)
    assert record.is_first


def test_an_editor_sees_others_only_if_they_commented_under_their_articles(maria):
    editor = UserFactory.create(roles=("Editor",))
    own, elsewhere = make_article("own"), make_article("elsewhere")
    own.editors.add(editor)
    elsewhere.editors.add(maria)
    here = b"\x0a\xbc\xde" + bytes(13)
    ada = confirm_email(UserFactory.create(name="Ada", email="ada@example.org"))
    this = make_comment(own, "This", author=ada)
    texts = [this]
    for story, name in ((own, "Here"), (elsewhere, "Elsewhere")):
        alias = GuestFactory.create(name=name, email="ada@example.org", confirmed_at=timezone.now())
        make_comment(story, f"By an alias, {name}", guest=alias)
        texts.append(
            make_comment(story, f"Next door, {name}", guest=GuestFactory.create(name=f"Next door {name}"))
        )
    for comment in texts:
        Origin.objects.create(comment=comment, ip_hash=here)
    away = make_comment(elsewhere, "From elsewhere", author=ada)
    Origin.objects.create(comment=away, ip_hash=b"\xff" * 16)

    record = author_record(this, editor)
    assert [name for _key, name in record.numbers.same_email] == ["Here"]
    assert (record.other_names_at_address, record.other_count_at_address) == (["Next door Here"], 1)
    known = person_facts(Person(user=ada), editor)
    assert [name for _url, name in known.same_email] == ["Here"]
    assert [(at.short_ip_hash, [name for _url, name in at.others]) for at in known.addresses] == [
        ("0abcde", ["Next door Here"])
    ]

    record = author_record(this, maria)
    assert [name for _key, name in record.numbers.same_email] == ["Elsewhere", "Here"]
    assert record.other_count_at_address == 2
    known = person_facts(Person(user=ada), maria)
    assert [at.short_ip_hash for at in known.addresses] == ["ffffff", "0abcde"]
    assert len(known.same_email) == 2


def test_an_imported_name_is_a_person_under_its_source_only(maria):
    def bring(title, *names):
        article = make_article(title, source_key=title)
        rows = [
            ImportedComment(source_id=str(n), author_name=name, body=f"{name} {n}", created_at=timezone.now())
            for n, name in enumerate(names)
        ]
        action = Action.objects.create(kind=Action.Kind.IMPORT)
        return import_comments(article=article, comments=rows, actor=None, action_id=action.pk).created

    first, second, eben = bring("one", "Jim", "Jim", "Eben")
    (elsewhere,) = bring("two", "Jim")
    record = author_record(Comment.objects.get(pk=first), maria)
    assert (record.url, record.states_text) == (f"/moderation/people/i{first}/", "1 published")

    note = "Writes from the harbour."
    client_of(maria).post("/moderation/notes/", {"person": f"i{second}", "text": note})
    for pk in (first, second, eben, elsewhere):
        is_noted, comment = pk in {first, second}, Comment.objects.get(pk=pk)
        assert [note.text for note in author_record(comment, maria).notes] == is_noted * [
            "Writes from the harbour."
        ]
        profile = client_of(maria).get(f"/moderation/people/i{pk}/").text
        assert (note in profile) is is_noted


def test_reports_are_counted_by_person_and_of_an_imported_name_by_comment(maria):
    article, ada = make_article(), confirm_email(UserFactory.create())
    ours = [make_comment(article, f"Word {n}", author=ada) for n in range(2)]
    source = make_article("one", source_key="one")
    rows = [
        ImportedComment(source_id=str(n), author_name="Jim", body=f"Word {n}", created_at=timezone.now())
        for n in range(2)
    ]
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    jim, other = import_comments(article=source, comments=rows, actor=None, action_id=action.pk).created
    for comment in [*ours, *Comment.objects.filter(pk__in=[jim, other])]:
        case = Case.objects.create(comment=comment, discussion_id=comment.discussion_id)
        for _ in range(2):
            Report.objects.create(comment=comment, case=case, guest=GuestFactory.create(), why="spam")
    case = Case.objects.get(comment=ours[1])
    IllegalContentReport.objects.create(comment=ours[1], case=case, why="A threat.", in_good_faith=True)
    found = [author_record(Comment.objects.get(pk=pk), maria) for pk in (ours[0].pk, jim)]
    assert [record.numbers.reports_received for record in found] == [5, 2]
    known = person_facts(Person(user=ada), maria)
    assert (known.numbers.reports_received, known.numbers.illegal_reports) == (5, 1)


def test_restricted_and_erased_imported_comments_have_no_profile(maria):
    """They have no name any more, so all of a source would look like one person."""
    article = make_article("one", source_key="one")
    rows = [
        ImportedComment(source_id=str(n), author_name=name, body=f"Word {n}", created_at=timezone.now())
        for n, name in enumerate(["Jim", "Eben", "Ann", "Jim"])
    ]
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    jim, eben, ann, last = import_comments(
        article=article, comments=rows, actor=None, action_id=action.pk
    ).created
    ModeratorNote.objects.create(comment_id=jim, text="Lives in Elm Street.", by=maria)
    client = Client()
    client.force_login(maria)
    for pk, rest in ((jim, []), (ann, [eben])):
        if pk == ann:
            decide(ids=[eben], to=State.SPAM, reason=Reason.SPAM, actor=maria)
            erase_comments(ids=[eben], at=timezone.now())
        response = client.post(f"/moderation/people/i{pk}/child/", follow=True)
        assert response.status_code == 200
        assert "restricted" in response.content.decode()
        for gone in (pk, *rest):
            assert client.get(f"/moderation/people/i{gone}/").status_code == 404
    assert Comment.objects.filter(state_reason=Reason.RESTRICTED).count() == 3  # both of Jim's, and Ann's
    assert client.get(f"/moderation/people/i{last}/").status_code == 404


def test_people_with_the_same_name_are_counted_but_not_merged(client, maria):
    article, elsewhere = make_article(), make_article("elsewhere")
    editor = UserFactory.create(roles=("Editor",))
    elsewhere.editors.add(editor)
    article.editors.add(UserFactory.create(roles=("Editor",)))
    guest, another = (GuestFactory.create(name="Women") for _ in range(2))
    this, own = make_comment(article, "One.", guest=guest), make_comment(article, "Two.", guest=guest)
    spam = make_comment(article, "Three.", author=UserFactory.create(name="Women"))
    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    make_comment(elsewhere, "Four.", guest=GuestFactory.create(name="Women"))
    make_comment(article, "Five.", guest=GuestFactory.create(name="Woman"))
    gone = make_comment(article, "Six.", guest=another)
    decide(ids=[gone.pk], to=State.REJECTED, reason="insult", actor=maria)
    erase_comments(ids=[gone.pk], at=timezone.now())

    record = author_record(this, maria)
    there = author_record(own, editor)

    assert (record.same_name, record.same_name_states) == (2, "1 published, 1 spam")
    assert (there.same_name, there.same_name_states) == (1, "1 published")
    client.force_login(maria)
    card = client.get(f"/moderation/comments/{spam.pk}/").text
    assert "no other comments." in card
    assert "2 other authors used the same name (3 published) and may be different people." in card


def test_a_record_takes_one_statement_and_one_for_notes(maria, django_assert_num_queries):
    article = make_article()
    by_account = make_comment(article, "Word", author=confirm_email(UserFactory.create()))
    by_guest = make_comment(article, "A guest's word")
    for comment in (by_account, by_guest):
        Origin.objects.create(comment=comment, ip_hash=bytes(16))
    assert maria.is_moderator  # a request reads the roles once
    comments = Comment.objects.select_related("author", "guest")
    for comment in comments.filter(pk__in=[by_account.pk, by_guest.pk]):
        with django_assert_num_queries(1):
            author_record(comment, maria)
    ModeratorNote.objects.create(comment=by_guest, text="Writes from the harbour.", by=maria)
    noted = comments.get(pk=by_guest.pk)
    with django_assert_num_queries(2):
        author_record(noted, maria)
