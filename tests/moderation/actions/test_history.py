"""The list of actions and the page of each: what was done, what is undone, and Undo."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from comments.models import Reason, State
from moderation import explanations
from moderation.actions import history as action_history
from moderation.actions import history_views, quick_actions
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import Action, Restriction
from moderation.queue import card as queue_card
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import state, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks", "maria_client")]


@pytest.fixture
def administrator():
    return UserFactory.create(name="Charlie", roles=("Administrator", "Moderator"))


def page_of(client, act: Action, query: str = "") -> str:
    return client.get(reverse("moderation:action", args=[act.pk]) + query).text


def test_partly_undone_action_is_shown_as_such(client, maria):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(3)]
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    decide(ids=ids[:1], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert action_history.summarize([act], None)[0].partly_undone == ""
    back = undo(action=act, actor=maria).action  # the insult is left as it is
    assert action_history.summarize([act], None)[0].partly_undone == "undone for 2 of 3"
    assert "undone for 2 of 3" in client.get(reverse("moderation:history")).text
    assert "Undone for 2 of 3." in page_of(client, act)
    undo(action=back, actor=maria)
    assert action_history.summarize([act], None)[0].partly_undone == ""


def test_restriction_lifted_for_one_comment_is_partly_undone(client, administrator):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(2)]
    client.force_login(administrator)
    restrictions.restrict(ids=ids, why=Restriction.Why.COURT, actor=administrator)
    act = Action.objects.get(kind=Action.Kind.RESTRICTION)
    first, second = Restriction.objects.order_by("comment")
    restrictions.lift(restriction=first, actor=administrator)
    assert "Undone for 1 of 2." in page_of(client, act)
    assert "only an administrator can lift" not in page_of(client, Action.objects.get(undoes=act))
    assert 'class="undone"' not in client.get(reverse("moderation:history")).text
    restrictions.lift(restriction=second, actor=administrator)
    shown = action_history.summarize([act], None)[0]
    assert (shown.is_undone, shown.partly_undone) == (True, "")


def test_renewed_restriction_does_not_affect_another_comment(administrator):
    article = make_article()
    ids = [make_comment(article).pk for _ in range(2)]
    restrictions.restrict(ids=ids, why=Restriction.Why.COURT, actor=administrator)
    lifted = [
        restrictions.lift(restriction=restriction, actor=administrator).action
        for restriction in Restriction.objects.order_by("comment")
    ]
    again = undo(action=lifted[0], actor=administrator).action
    shown = {act.action: act for act in action_history.summarize([*lifted, again], None)}
    assert [(shown[act].is_undone, shown[act].latest) for act in lifted] == [
        (True, again.pk),
        (False, lifted[1].pk),
    ]
    assert not shown[again].is_undone


def test_page_of_an_action_lists_each_comment_once(client, maria, monkeypatch):
    monkeypatch.setattr(history_views, "MAX_LISTED", 2)
    article = make_article()
    ids = [make_comment(article).pk for _ in range(5)]
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    url, query, found, headings = reverse("moderation:action", args=[act.pk]), "", [], []
    while query is not None:
        page = client.get(url + query)
        found += [comment.pk for comment, _excerpt, _state in page.context["comments"]]
        headings.append((page.context["first"], page.context["last"]))
        query = page.context["next_page"] or None
    assert found == ids
    assert headings == [(1, 2), (3, 4), (5, 5)]
    assert "Comments 1 to 2 of 5" in page_of(client, act)
    for nonsense in ("?after=x", "?after=999999999999999999", "?after=%00", "?after=-1"):
        assert client.get(url + nonsense).status_code == 200


def test_actions_are_described_by_their_effect(maria):
    article = make_article()
    comment = make_comment(article)
    hidden = quick_actions.apply_quick_action(name="hide", article=None, actor=maria)
    assert explanations.describe_action(hidden) == "Whole site: discussions are hidden"
    assert action_history.summarize([hidden], None)[0].target == ""  # the description names the site already
    assert explanations.describe_decision(State.DELETED, Reason.IMPORT_UNDONE) == "Import undone"
    brought = Action.objects.create(kind=Action.Kind.IMPORT, actor=maria)
    with triggers_disabled():
        comment.transitions.create(
            discussion_id=article.pk,
            revision=1,
            to_state="published",
            reason="imported",
            action_id=brought.pk,
            seq=99,
            hash=b"",
        )
    assert action_history.summarize([brought], None)[0].target == article.title


def test_list_names_each_action_and_its_page_undoes_it(client, maria, omar):
    article = make_article("Council votes")
    comment = make_comment(article)
    first = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar).action

    history = text(client.get("/moderation/actions/"))
    assert "Removed: insult" in history
    assert "Omar" in history
    page = text(client.get(f"/moderation/actions/{first.pk}/"))
    assert "Undo this action" in page
    assert "A word about the boat." in page
    assert "now: Removed: insult" in page

    undone = client.post(f"/moderation/actions/{first.pk}/undo/", follow=True)
    assert undone.redirect_chain[-1][0] == f"/moderation/actions/{Action.objects.first().pk}/"
    assert "Undone by Maria" in text(client.get(f"/moderation/actions/{first.pk}/"))
    assert "undone" in text(client.get("/moderation/actions/"))

    twice = client.post(f"/moderation/actions/{first.pk}/undo/", follow=True)
    assert "One was left unchanged" in text(twice)
    assert Action.objects.count() == 2
    assert client.get(f"/moderation/actions/{uuid4()}/").status_code == 404


def test_action_on_one_comment_names_it_and_its_story(client, maria):
    article = make_article("The slip closes")
    one, other, more = (make_comment(article, f"Words {n}") for n in range(3))
    decide(ids=[one.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    act = decide(ids=[other.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    undo(action=act, actor=maria)
    quick_actions.set_editors_pick(comment=one, is_pick=True, actor=maria)
    make_comment(article, "Words below.", parent=one)
    quick_actions.lock_replies(comment=one, is_locked=True, actor=maria)
    decide(ids=[one.pk, more.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    page = text(client.get("/moderation/actions/")).split("<main")[1].split("</main")[0]
    listed = re.findall(r"<li.*?<div>(.*?)</div>", page, re.DOTALL)
    assert [re.sub(r"<[^>]+>", "", line) for line in listed] == [
        "Marked as spam",
        f"Replies are locked · #{one.pk}, “The slip closes”",
        f"Editor’s pick · #{one.pk}, “The slip closes”",
        f"Undone: Marked as spam · #{other.pk}, “The slip closes”",
        f"Marked as spam · #{other.pk}, “The slip closes”",
        f"Approved · #{one.pk}, “The slip closes”",
    ]


def test_an_action_whose_undo_was_undone_is_marked(client, maria):
    comment = make_comment(make_article())
    first = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria).action
    chain = [first]
    for number, sentence in enumerate(["Undone by Maria", "then done again by Maria", "Undone by Maria"]):
        chain.append(undo(action=chain[-1], actor=maria).action)
        page = text(client.get(f"/moderation/actions/{first.pk}/"))
        assert sentence in page
        assert ("Undone by" in page) == (number != 1)
        assert "Undo this action" not in page
        assert f'<a href="/moderation/actions/{chain[-1].pk}/">Go to that action to undo it</a>' in page
        assert "Undo this action" in text(client.get(f"/moderation/actions/{chain[-1].pk}/"))
        lines = text(client.get("/moderation/actions/"))
        history = re.findall(r'<li[^>]*> <div><a href="/moderation/actions/[-0-9a-f]{36}.*?</li>', lines)
        # The last one is active, the one before it not, and so on up to the first.
        assert ["<span>undone</span>" in line for line in history] == [n % 2 == 1 for n in range(number + 2)]
    assert state(comment)[0] == "published"


def test_every_page_of_actions_takes_the_same_statements(client, maria):
    article = make_article()

    def take(count: int) -> None:
        for number in range(count):
            comment = make_comment(article, f"Words {number}")
            decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/moderation/actions/")
        return len(queries)

    take(2)
    few = statements()
    take(28)
    assert statements() == few
    page = text(client.get("/moderation/actions/"))
    link = re.search(r'href="/moderation/actions/(\?before=[-.\w%]+)"', page)[1]
    assert page.count("Marked as spam") == 25
    assert text(client.get("/moderation/actions/" + link)).count("Marked as spam") == 5


def test_repeated_undo_does_not_add_statements(client, maria):
    comment = make_comment(make_article())
    card = f"/moderation/comments/{comment.pk}/"
    last = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action

    def statements() -> list[int]:
        counts = []
        for url in ("/moderation/actions/", f"/moderation/actions/{last.pk}/", card):
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
        return counts

    def undo_repeatedly(times: int) -> Action:
        act = last
        for _ in range(times):
            act = undo(action=act, actor=maria).action
        return act

    last = undo_repeatedly(2)
    few = statements()
    last = undo_repeatedly(10)
    assert statements() == few
    last = undo_repeatedly(9)
    assert explanations.describe_action(Action.objects.get(pk=last.pk)) == "Undone: Marked as spam"
    assert len(client.get(card).context["card"].decisions) == queue_card.MAX_LISTED
