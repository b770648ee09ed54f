"""The history of acts: what it says of those that are undone in part, and that it leads to all of each."""

import pytest
from django.urls import reverse

from comments.models import Reason, State
from moderation import acts, desk, seals, words
from moderation.models import Batch, Seal
from moderation.services import decide, undo
from moderation.views import history
from tests.factories import UserFactory, make_article, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("publishing_policy")]


@pytest.fixture
def maria():
    return UserFactory.create(name="Maria", roles=("Moderator",))


@pytest.fixture
def chief():
    return UserFactory.create(name="Charlie", roles=("Administrator", "Moderator"))


def page_of(client, act: Batch, query: str = "") -> str:
    return client.get(reverse("moderation:batch", args=[act.pk]) + query).text


def test_an_act_that_is_undone_in_part_is_told_as_that(client, maria):
    article = make_article()
    ids = [say(article).pk for _ in range(3)]
    client.force_login(maria)
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).batch
    decide(ids=ids[:1], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert desk.acts([act])[0].part == ""
    back = undo(batch=act, actor=maria).batch  # the insult is left as it is
    assert desk.acts([act])[0].part == "undone for 2 of 3"
    assert "undone for 2 of 3" in client.get(reverse("moderation:history")).text
    assert "Undone for 2 of 3." in page_of(client, act)
    undo(batch=back, actor=maria)
    assert desk.acts([act])[0].part == ""


def test_a_seal_that_is_lifted_from_one_is_neither_undone_nor_left(client, chief):
    article = make_article()
    ids = [say(article).pk for _ in range(2)]
    client.force_login(chief)
    seals.seal(ids=ids, why=Seal.Why.COURT, actor=chief)
    act = Batch.objects.get(kind=Batch.Kind.SEAL)
    first, second = Seal.objects.order_by("comment")
    seals.lift(seal=first, actor=chief)
    assert "Undone for 1 of 2." in page_of(client, act)
    assert "only an administrator can lift" not in page_of(client, Batch.objects.get(undoes=act))
    assert 'class="undone"' not in client.get(reverse("moderation:history")).text
    seals.lift(seal=second, actor=chief)
    shown = desk.acts([act])[0]
    assert (shown.is_undone, shown.part) == (True, "")


def test_the_page_of_an_act_leads_to_all_its_comments_once(client, maria, monkeypatch):
    monkeypatch.setattr(history, "LISTED", 2)
    article = make_article()
    ids = [say(article).pk for _ in range(5)]
    client.force_login(maria)
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).batch
    url, query, found, headings = reverse("moderation:batch", args=[act.pk]), "", [], []
    while query is not None:
        page = client.get(url + query)
        found += [line.comment_id for line, _excerpt, _now in page.context["lines"]]
        headings.append((page.context["first"], page.context["final"]))
        query = page.context["next_page"] or None
    assert found == ids
    assert headings == [(1, 2), (3, 4), (5, 5)]
    assert "Its comments, 1 to 2 of 5" in page_of(client, act)
    for nonsense in ("?after=x", "?after=999999999999999999", "?after=%00", "?after=-1"):
        assert client.get(url + nonsense).status_code == 200


def test_acts_are_named_as_what_they_did(maria):
    article = make_article()
    comment = say(article)
    hidden = acts.press(name="hide", article=None, actor=maria)
    assert words.done(hidden) == "On the whole site: discussions are hidden"
    assert words.decided(State.DELETED, Reason.IMPORT_UNDONE) == "Taken back with its import"
    brought = Batch.objects.create(kind=Batch.Kind.IMPORT, actor=maria)
    comment.transitions.create(
        discussion_id=article.pk,
        revision=1,
        to_state="published",
        reason="imported",
        batch=brought.pk,
        seq=99,
        hash=b"",
    )
    assert desk.acts([brought])[0].about == article.title
