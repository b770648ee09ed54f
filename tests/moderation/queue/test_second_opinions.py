"""Second opinions: a sample of decided cases, answered without seeing the decision, changing nothing."""

from collections import Counter

import pytest

from comments.models import Comment, Reason, State, Transition
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.actions.redactions import redact
from moderation.models import Case, FilterVersion, Finding, SecondOpinion
from moderation.queue import second_opinions
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]
URL = "/moderation/second-opinions/"


@pytest.fixture
def noor():
    return UserFactory.create(name="Noor", roles=("Moderator",))


@pytest.fixture
def question(monkeypatch, maria, noor):
    """Return a question about a case that Maria decided."""
    monkeypatch.setattr(second_opinions, "SAMPLED_ONE_IN", 1)
    monkeypatch.setattr(second_opinions, "MIN_DECISIONS", 1)
    article = make_article()
    first, other = make_comment(article, body="Is this spam?"), make_comment(article)
    for comment in (first, other):
        change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    decide(ids=[first.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert second_opinions.create_questions() == 0  # one of them has decided nothing yet
    decide(ids=[other.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=noor)
    assert second_opinions.create_questions() == 2
    assert second_opinions.create_questions() == 0
    return SecondOpinion.objects.get(comment=first)


def test_one_decided_case_in_fifty_is_sampled(monkeypatch, maria, noor):
    monkeypatch.setattr(second_opinions, "MIN_DECISIONS", 1)
    monkeypatch.setattr(second_opinions, "SAMPLED_ONE_IN", 2)
    article = make_article()
    comments = [make_comment(article) for _ in range(24)]
    for n, comment in enumerate(comments):
        change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
        by = maria if n % 2 else noor
        decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=by)
    assert 2 <= second_opinions.create_questions() <= 22
    assert Case.objects.open().count() == 0


def test_bulk_action_is_not_sampled(monkeypatch, question, maria):
    monkeypatch.setattr(second_opinions, "MAX_COMMENTS_OF_ACTION", 1)
    article = make_article()
    comments = [make_comment(article) for _ in range(2)]
    for comment in comments:
        change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    decide(ids=[c.pk for c in comments], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert second_opinions.create_questions() == 0


def test_question_hides_the_decision_and_is_not_for_the_decider(client, question, maria, noor):
    client.force_login(maria)
    assert "Is this spam?" not in client.get(URL).text
    assert client.post(f"{URL}{question.pk}/", {"to": "spam"}).status_code == 404
    client.force_login(noor)
    page = client.get(URL).text
    assert "Is this spam?" in page
    assert "Maria" not in page
    assert str(State.SPAM.label) not in page
    assert "Marked as spam" not in page


def test_question_shows_no_check_that_found_nothing(client, question, noor):
    version = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"")
    for check, strength in (("filter", 0.2), ("scorer", 0.9)):
        Finding.objects.create(
            comment=question.comment,
            revision=1,
            check_name=check,
            strength=strength,
            holds=False,
            filter=version if check == "filter" else None,
        )
    client.force_login(noor)
    page = client.get(URL).text
    assert page.count('<li data-strength="1">') == 1
    assert "Probably not spam" not in page


def test_question_is_not_for_the_author(question, noor):
    assert question in second_opinions.open_questions(noor)
    Comment.objects.filter(pk=question.comment_id).update(author=noor, guest=None)
    assert question not in second_opinions.open_questions(noor)


def test_question_about_another_text_than_the_first_moderator_saw_is_closed(question, maria, noor):
    other = SecondOpinion.objects.exclude(pk=question.pk).get()
    assert other in second_opinions.open_questions(maria)
    assert "Second opinions" in client_of(maria).get("/moderation/").text
    redaction = redact(comment=other.comment, marked="A word about the [[boat]].", actor=noor)
    assert other not in second_opinions.open_questions(maria)
    assert "Second opinions" not in client_of(maria).get("/moderation/").text
    answer = client_of(maria).post(f"{URL}{other.pk}/", {"to": "spam"}, follow=True)
    assert "the comment has changed" in answer.text
    undo(action=redaction, actor=noor)
    assert other in second_opinions.open_questions(maria)


def test_answer_is_stored_once_and_changes_nothing(client, question, noor):
    client.force_login(noor)
    lines, version = Transition.objects.count(), question.comment.discussion.version
    assert client.post(f"{URL}{question.pk}/", {"to": "deleted"}).status_code == 400
    assert client.get(f"{URL}{question.pk}/").status_code == 405
    for to in ("published", "spam"):  # the second time it is too late
        assert client.post(f"{URL}{question.pk}/", {"to": to}).status_code == 302
    question.refresh_from_db()
    assert (question.to_state, question.actor) == ("published", noor)
    comment = Comment.objects.select_related("discussion").get(pk=question.comment_id)
    assert (comment.state, comment.discussion.version) == (State.SPAM, version)
    assert Transition.objects.count() == lines
    assert second_opinions.agreement() == second_opinions.Agreement(1, 0, 0.0)


def test_only_moderators_are_asked(client, question):
    assert client.get(URL).status_code == 302
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert client.get(URL).status_code == 403
    assert client.post(f"{URL}{question.pk}/", {"to": "spam"}).status_code == 403


@pytest.mark.parametrize(
    ("pairs", "same", "kappa"),
    [
        ({}, 0, None),
        ({("spam", "spam"): 9}, 9, None),  # kappa is undefined if all answers are the same
        ({("spam", "spam"): 20, ("published", "published"): 15, ("spam", "published"): 5,
          ("published", "spam"): 10}, 35, 0.4),  # the example that every textbook has
        ({("spam", "published"): 5, ("published", "spam"): 5}, 0, -1.0),
    ],
)  # fmt: skip
def test_kappa_measures_the_agreement_beyond_chance(pairs, same, kappa):
    found = second_opinions.agreement_of_pairs(Counter(pairs))
    assert found.same == same
    assert found.kappa == (None if kappa is None else pytest.approx(kappa))
