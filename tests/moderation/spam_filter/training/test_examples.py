"""The examples for training are the last decisions of people, without those that may not be learnt."""

import pytest

from articles.models import Topic
from comments.models import Comment, State
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import Restriction
from moderation.spam_filter.examples import current_decisions
from tests.factories import GuestFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def lines() -> list[tuple[int, bool]]:
    return [(one.comment, one.is_spam) for one in current_decisions()]


def test_the_last_decision_by_a_person_counts(maria, omar, moderation_without_checks):
    article = make_article()
    one, two, three, four = (make_comment(article, f"Word {n}") for n in range(4))
    decide(ids=[one.pk], to=State.SPAM, reason="spam", actor=maria)
    decide(ids=[two.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    decide(ids=[one.pk], to=State.PUBLISHED, reason="approved", actor=omar)
    # The state says nothing about spam.
    decide(ids=[three.pk], to=State.REJECTED, reason="insult", actor=maria)
    decide(ids=[four.pk], to=State.SPAM, reason="spam", actor=None)  # decisions by checks are no examples
    assert lines() == [(two.pk, False), (one.pk, False)]


def test_undone_restricted_and_erased_comments_are_not_learnt(maria, moderation_without_checks):
    article = make_article()
    undone, sealed, stays = (make_comment(article, f"Word {n}") for n in range(3))
    acts = [
        decide(ids=[c.pk], to=State.SPAM, reason="spam", actor=maria).action for c in (undone, sealed, stays)
    ]
    undo(action=acts[0], actor=maria)
    restrictions.restrict(ids=[sealed.pk], why=Restriction.Why.OTHER, actor=maria)
    assert lines() == [(stays.pk, True)]


def test_an_imported_name_is_no_account(maria, moderation_without_checks):
    account, brought = (
        make_comment(make_article("One"), "A word"),
        make_comment(make_article("Two"), "Another"),
    )
    Comment.objects.filter(pk=account.pk).update(guest=None, author=maria)
    name = f"U{maria.pk}"
    Comment.objects.filter(pk=brought.pk).update(author=None, guest=None, author_name=name)
    for comment in (account, brought):
        decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=maria)
    assert [one.author for one in current_decisions()] == [f"u{maria.pk}", f"nu{maria.pk}"]


def test_the_text_is_that_of_the_decision(maria, moderation_without_checks):
    from comments.services.editing import edit_comment

    guest = GuestFactory.create()
    comment = make_comment(make_article(), "First words", guest=guest)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    edit_comment(comment=comment, body="Other words", user=None, guest=guest)
    assert [one.data.body for one in current_decisions()] == ["First words"]


def test_as_many_statements_however_many_stories(
    maria, moderation_without_checks, django_assert_max_num_queries
):
    topic = Topic.objects.create(name="Ferries", slug="ferries")
    for n in range(70):
        article = make_article(f"Story {n}")
        article.topics.add(topic)
        decide(
            ids=[make_comment(article, f"Word {n}").pk], to=State.PUBLISHED, reason="approved", actor=maria
        )
    with django_assert_max_num_queries(5):  # two of them begin and end
        found = list(current_decisions())
    assert [one.data.article_title for one in found] == [f"Story {n}" for n in range(70)]
    assert {one.topics for one in found} == {(topic.pk,)}
