"""The desk at /moderation/: who sees what, a page of cards, and each act with its way back."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article
from comments.models import Comment, Reason, State
from comments.policy import policy
from comments.services import Imported, change_discussion, edit_comment, import_comments
from moderation.models import Batch
from moderation.services import decide, screen_import, undo
from tests.factories import GuestFactory, UserFactory, make_article, say

pytestmark = pytest.mark.django_db

LONG = "The slip was there before any of us, and it will be there when we are gone."


@pytest.fixture(autouse=True)
def _moderation(settings):
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def maria(client):
    user = UserFactory.create(name="Maria", roles=("Moderator",))
    client.force_login(user)
    return user


@pytest.fixture
def omar():
    return UserFactory.create(name="Omar", roles=("Moderator",))


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def shown(response) -> list[int]:
    """Ids of the cards, from top to bottom."""
    return [int(pk) for pk in re.findall(r'<article class="card" id="comment-(\d+)"', text(response))]


def seen(page, comment) -> str:
    found = re.search(rf'name="seen" value="({comment.pk}\.\d+)"', text(page))
    assert found
    return found[1]


def press(client, page, *comments, **fields):
    values = {
        "ids": [c.pk for c in comments],
        "seen": [seen(page, c) for c in comments],
        "next": "/moderation/",
        **fields,
    }
    return client.post("/moderation/decide/", values, follow=True)


def state(comment) -> tuple[str, str]:
    return Comment.objects.values_list("state", "state_reason").get(pk=comment.pk)


# Who


def test_the_desk_is_for_moderators_and_editors(client):
    omar = UserFactory.create(roles=("Moderator",))
    act = Batch.objects.create(kind="decision", actor=omar, to_state="spam", reason="spam")
    gets = ["/moderation/", "/moderation/acts/", f"/moderation/acts/{act.pk}/"]
    posts = ["/moderation/decide/", f"/moderation/acts/{act.pk}/undo/"]
    for path in gets:
        assert client.get(path).headers["Location"].startswith("/accounts/login/?next=/moderation/")
        assert client.post(path).status_code == 405
    for path in posts:
        assert client.post(path).headers["Location"] == "/accounts/login/?next=/moderation/"
        assert client.get(path).status_code == 405

    client.force_login(UserFactory.create())
    assert [client.get(path).status_code for path in gets] == [403] * 3
    assert [client.post(path).status_code for path in posts] == [403] * 2

    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert [client.get(path).status_code for path in gets] == [200] * 3

    client.force_login(UserFactory.create(roles=("Editor",)))  # another's act is not an editor's business
    assert [client.get(path).status_code for path in gets] == [200, 200, 404]
    assert [client.post(path).status_code for path in posts] == [400, 404]  # let in, and sent nothing


def test_an_editor_decides_under_own_stories_only(client):
    own, other, nobodys = make_article("Own"), make_article("Other"), make_article("Nobody's")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    mine, theirs, free = say(own), say(other, "Words elsewhere"), say(nobodys, "Words again")
    client.force_login(editor)

    page = client.get("/moderation/")
    assert shown(page) == [mine.pk, free.pk]

    refused = client.post("/moderation/decide/", {"ids": [mine.pk, theirs.pk], "act": "approved"})
    assert refused.status_code == 404
    assert state(mine)[0] == "pending"
    assert press(client, page, mine, act="approved").status_code == 200
    assert state(mine) == ("published", "approved")
    assert client.get(f"/moderation/acts/{Batch.objects.get().pk}/").status_code == 200


def test_a_twin_is_named_to_those_who_may_know_of_it_and_linked_where_it_can_be_read(client, maria):
    own, other = make_article("Own"), make_article("Other")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    twin = say(other, LONG, guest=GuestFactory.create(name="Secret Sue"))
    same = say(own, LONG)
    named, link = f"The same text as comment {twin.pk} by Secret Sue.", f'href="{twin.get_absolute_url()}"'

    def told(user) -> tuple[bool, bool]:
        client.force_login(user)
        page = text(client.get("/moderation/"))
        card = page[page.index(f'id="comment-{same.pk}"') :]
        return named in card, link in card

    def author_is_told() -> bool:
        return policy().reasons([same.pk])[same.pk][-1] == named

    assert (told(editor), told(maria), author_is_told()) == ((False, False), (True, True), False)
    decide(ids=[twin.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert (told(editor), told(maria), author_is_told()) == ((True, True), (True, True), True)
    change_discussion(article=other, status="hidden")
    assert (told(editor), told(maria), author_is_told()) == ((False, False), (True, False), False)
    change_discussion(article=other, status="open")
    Article.objects.filter(pk=other.pk).update(published_at=None)
    assert (told(editor), told(maria), author_is_told()) == ((False, False), (True, False), False)


@pytest.mark.parametrize("hidden", [True, False])
def test_links_lead_only_to_what_can_be_read(client, maria, hidden):
    article = make_article("Taken back")
    comment = say(article)
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).batch
    waits = say(article, "Another", parent=say(article, "Its parent", author=maria))
    pages = [
        "/moderation/",
        f"/moderation/acts/{act.pk}/",
        f"/admin/comments/comment/?discussion={article.pk}",
        f"/admin/comments/comment/{comment.pk}/change/",
        f"/moderation/comments/{waits.pk}/move/",
    ]
    assert all(article.get_absolute_url() in text(client.get(page)) for page in pages)

    if hidden:
        change_discussion(article=article, status="hidden")
    else:
        Article.objects.filter(pk=article.pk).update(published_at=None)
    assert waits.pk in shown(client.get(pages[0]))
    for page in pages:
        links = re.findall(r'href="(/stories/[^"]+)"', text(client.get(page)))
        assert [link for link in links if client.get(link).status_code != 200] == []


# The page


def test_a_card_has_all_that_a_decision_needs(client, maria):
    article = make_article("Council votes to close the slip")
    parent = say(article, "Seven to four.", author=maria)
    guest = GuestFactory.create(name="Teak <b>", confirmed_at=timezone.now())
    first = say(article, "An earlier word", guest=guest)
    decide(ids=[first.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    comment = say(article, "See https://a.example\nand https://b.example <i>", parent=parent, guest=guest)

    page = text(client.get("/moderation/"))

    assert "1 waiting, oldest 0 min" in page
    assert "Council votes to close the slip" in page
    assert "<bdi>Maria</bdi>: " in page
    assert "Seven to four." in page
    assert "<bdi>Teak &lt;b&gt;</bdi>" in page
    assert "guest, e-mail confirmed · 1 removed · here since" in page
    assert "<mark>https://a.example</mark><br> and <mark>https://b.example</mark> &lt;i&gt;" in page
    assert "It has 2 links; with more than 1, a person looks first." in page
    assert "Nothing by this person was approved here yet." in page
    assert f"/stories/{article.slug}/#comment-{comment.pk}" in page


def test_the_oldest_come_first_25_a_page_also_when_some_have_gone(client, maria):
    article = make_article()
    made = [say(article, f"Words {n}") for n in range(30)]
    first = client.get("/moderation/")
    assert shown(first) == [c.pk for c in made[:25]]
    link = re.search(r'href="(\?after=\d+)"', text(first))[1]

    decide(ids=[c.pk for c in made[20:27]], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert shown(client.get("/moderation/" + link)) == [c.pk for c in made[27:]]
    assert "From the start" in text(client.get("/moderation/" + link))


@pytest.mark.parametrize("path", ["/moderation/", "/moderation/?list=published"])
def test_25_cards_take_the_statements_of_2(client, maria, path):
    def fill(count: int) -> None:
        for number in range(count):
            article = make_article(f"Story {path} {number} of {count}")
            parent = say(article, "A parent by a moderator", author=maria)
            body = f"{LONG} {number} https://a.example https://b.example"
            say(article, body, parent=parent)
            say(article, body, author=maria)  # published, with findings

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    fill(2)
    assert len(shown(client.get(path))) == 2
    few = statements()
    fill(30)
    assert len(shown(client.get(path))) == 25
    assert statements() == few <= 14


def test_earlier_versions_are_on_the_card_the_latest_first(client, maria):
    guest = GuestFactory.create()
    comment = say(make_article(), "First <b>words", guest=guest)
    for body in ("Second words", "Third words"):
        edit_comment(comment=comment, body=body, user=None, guest=guest)
    plain = say(make_article(), "Never edited")

    page = text(client.get("/moderation/"))
    edited, _, other = page.partition(f'id="comment-{plain.pk}"')
    details = edited[edited.index("<summary>Earlier versions</summary>") :]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Third words" not in details
    assert "Earlier versions" not in other

    form = text(client.get(f"/admin/comments/comment/{comment.pk}/change/"))
    details = form[form.index("<summary>Earlier versions</summary>") :]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Earlier versions" not in text(client.get(f"/admin/comments/comment/{plain.pk}/change/"))


def test_an_unknown_list_is_not_found(client, maria):
    assert client.get("/moderation/?list=everything").status_code == 404
    for after in ("0", "999999", "x", "9" * 30, "-1"):
        assert client.get("/moderation/", {"after": after}).status_code == 200


# Acts


@pytest.mark.parametrize(
    ("fields", "expected", "words"),
    [
        ({"act": "approved", "reason": "off_topic"}, ("published", "approved"), "Approved"),
        ({"reason": "off_topic"}, ("rejected", "off_topic"), "Removed: off topic"),
        ({"reason": "insult"}, ("rejected", "insult"), "Removed: insult"),
        ({"reason": "name"}, ("rejected", "name"), "Removed: name"),
        ({"reason": "repeat"}, ("rejected", "repeat"), "Removed: repeat"),
        ({"reason": "text_missing"}, ("rejected", "text_missing"), "Removed: text missing"),
        ({"reason": "other"}, ("rejected", "other"), "Removed: other"),
        ({"act": "spam", "reason": "off_topic"}, ("spam", "spam"), "Marked as spam"),
    ],
)
def test_each_act_lands_on_a_bar_with_its_undo(client, maria, fields, expected, words):
    comment = say(make_article())
    page = press(client, client.get("/moderation/"), comment, **fields)

    assert state(comment) == expected
    assert shown(page) == []
    assert words in text(page)
    undo = re.search(r'action="(/moderation/acts/[-\w]+/undo/)"', text(page))[1]

    back = client.post(undo, {"next": "/moderation/"}, follow=True)
    assert state(comment) == ("pending", "screened")
    assert shown(back) == [comment.pk]
    assert f"Undone: {words}" in text(back)

    again = re.search(r'action="(/moderation/acts/[-\w]+/undo/)"', text(back))[1]
    assert f"Done again: {words}" in text(client.post(again, {"next": "/moderation/"}, follow=True))
    assert state(comment) == expected


def test_several_are_ticked_and_decided_at_once(client, maria):
    article = make_article()
    made = [say(article, f"Words {n}") for n in range(4)]
    page = press(client, client.get("/moderation/"), *made[:3], act="spam")
    assert shown(page) == [made[3].pk]
    assert "Marked as spam" in text(page)
    assert "3 comments" in text(page)
    assert Batch.objects.count() == 1


def test_a_colleague_was_faster(client, maria, omar):
    article = make_article()
    one, two = say(article), say(article, "Other words")
    page = client.get("/moderation/")
    decide(ids=[one.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar)

    answer = press(client, page, one, two, act="approved")

    assert [state(one), state(two)] == [("rejected", "insult"), ("published", "approved")]
    assert "A comment was left as it is" in text(answer)
    assert f'<a href="#comment-{one.pk}">#{one.pk}</a>: Omar: Removed: insult.' in text(answer)


def test_nothing_ticked_and_nonsense_change_nothing(client, maria):
    comment = say(make_article())
    nothing = client.post("/moderation/decide/", {"act": "spam", "next": "/moderation/"}, follow=True)
    assert "Tick the comments that you mean first." in text(nothing)
    for reason in ("", "posted", "imported", "x"):
        answer = client.post("/moderation/decide/", {"ids": comment.pk, "act": reason})
        assert answer.status_code == 400
    assert client.post("/moderation/decide/", {"ids": "999999", "act": "spam"}).status_code == 404
    assert state(comment)[0] == "pending"
    assert not Batch.objects.exists()


def test_one_is_sent_back_only_within_the_site(client, maria):
    comment = say(make_article())
    answer = client.post(
        "/moderation/decide/", {"ids": comment.pk, "act": "spam", "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == f"/moderation/acts/{Batch.objects.get().pk}/"


def test_an_act_of_the_articles_menu_comes_back_to_the_story(client, maria):
    article = make_article()
    comment = say(article)
    menu = policy().actions([Comment.objects.get(pk=comment.pk)], maria)[comment.pk]
    urls = {item["label"]: item["url"] for item in menu}

    # The form of the menu sends its list of reasons whichever button is pressed.
    answer = client.post(urls["Approve"], {"reason": "insult"})
    assert answer.headers["Location"] == f"/stories/{article.slug}/#comment-{comment.pk}"
    assert state(comment) == ("published", "approved")

    stale = client.post(urls["Remove"], {"reason": "insult"}, follow=True)
    assert "Maria: Approved" in text(stale)
    assert state(comment) == ("published", "approved")

    fresh = policy().actions([Comment.objects.get(pk=comment.pk)], maria)[comment.pk]
    removed = client.post(fresh[0]["url"], {"reason": "insult"}, follow=True)
    assert f'Removed: insult. <a href="/moderation/acts/{Batch.objects.first().pk}/">Undo</a>' in text(
        removed
    )
    assert state(comment) == ("rejected", "insult")


def test_after_a_removal_the_menu_comes_back_to_what_is_left_nearest(client, maria):
    article = make_article()
    first = say(article, "First", author=maria)
    reply = say(article, "A reply", author=maria, parent=first)

    def remove(comment) -> str:
        fresh = policy().actions([Comment.objects.get(pk=comment.pk)], maria)[comment.pk]
        url = next(item["url"] for item in fresh if item["label"] == "Remove")
        return client.post(url, {"reason": "other"}).headers["Location"]

    assert remove(reply) == f"/stories/{article.slug}/#comment-{first.pk}"
    assert remove(first) == f"/stories/{article.slug}/#comments"
    second = say(article, "Second", author=maria)
    say(article, "Its reply", author=maria, parent=second)
    assert remove(second) == f"/stories/{article.slug}/#comment-{second.pk}"  # a sentence stands there


# What an import brought


def test_published_with_findings_until_a_person_has_looked(client, maria):
    article = make_article(source_key="a" * 64, published_at=datetime(2013, 6, 19, tzinfo=UTC))
    bodies = [LONG, LONG, "A plain word", "https://a.example https://b.example"]
    at = datetime(2013, 6, 20, tzinfo=UTC)
    comments = [
        Imported(source_id=str(n), author_name=f"N{n}", body=body, created_at=at + timedelta(minutes=n))
        for n, body in enumerate(bodies)
    ]
    ids = import_comments(article=article, comments=comments, actor=None, batch=uuid4()).created
    screen_import(article=article, ids=ids)
    repeat, links = Comment.objects.get(pk=ids[1]), Comment.objects.get(pk=ids[3])

    assert shown(client.get("/moderation/")) == []
    here = "/moderation/?list=published"
    page = client.get(here)
    assert shown(page) == [repeat.pk, links.pk]
    assert f"The same text as comment {ids[0]} by N0." in text(page)

    confirmed = press(client, page, links, act="approved", next=here)
    assert shown(confirmed) == [repeat.pk]
    removed = press(client, page, repeat, reason="repeat", next=here)
    assert shown(removed) == []
    assert "somebody has looked at all of it" in text(removed)

    client.post(f"/moderation/acts/{Batch.objects.earliest('at').pk}/undo/")
    assert shown(client.get(here)) == [links.pk]


# History


def test_the_history_names_each_act_and_its_page_undoes_it(client, maria, omar):
    article = make_article("Council votes")
    comment = say(article)
    first = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar).batch

    history = text(client.get("/moderation/acts/"))
    assert "Removed: insult" in history
    assert "Omar" in history
    page = text(client.get(f"/moderation/acts/{first.pk}/"))
    assert "Undo this action" in page
    assert "A word about the boat." in page
    assert "now: Removed by a moderator: insult" in page

    undone = client.post(f"/moderation/acts/{first.pk}/undo/", follow=True)
    assert undone.redirect_chain[-1][0] == f"/moderation/acts/{Batch.objects.first().pk}/"
    assert "Undone by Maria" in text(client.get(f"/moderation/acts/{first.pk}/"))
    assert "undone" in text(client.get("/moderation/acts/"))

    twice = client.post(f"/moderation/acts/{first.pk}/undo/", follow=True)
    assert "A comment was left as it is" in text(twice)
    assert Batch.objects.count() == 2
    assert client.get(f"/moderation/acts/{uuid4()}/").status_code == 404


def test_an_act_whose_undo_was_undone_is_in_force_and_says_so(client, maria):
    comment = say(make_article())
    first = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria).batch
    chain = [first]
    for number, said in enumerate(["Undone by Maria", "it is in force", "Undone by Maria"]):
        chain.append(undo(batch=chain[-1], actor=maria).batch)
        page = text(client.get(f"/moderation/acts/{first.pk}/"))
        assert said in page
        assert ("Undone by" in page) == (number != 1)
        assert "Undo this action" not in page
        assert f'<a href="/moderation/acts/{chain[-1].pk}/">That act, with Undo</a>' in page
        assert "Undo this action" in text(client.get(f"/moderation/acts/{chain[-1].pk}/"))
        history = re.findall(
            r'<li><a href="/moderation/acts/[-0-9a-f]{36}.*?</li>', text(client.get("/moderation/acts/"))
        )
        # The last one is in force, the one before it not, and so on up to the first.
        assert ["<span>undone</span>" in line for line in history] == [n % 2 == 1 for n in range(number + 2)]
    assert state(comment)[0] == "pending"


def test_the_history_is_paged_in_the_same_statements(client, maria):
    article = make_article()

    def take(count: int) -> None:
        for number in range(count):
            comment = say(article, f"Words {number}")
            decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/moderation/acts/")
        return len(queries)

    take(2)
    few = statements()
    take(28)
    assert statements() == few
    page = text(client.get("/moderation/acts/"))
    link = re.search(r'href="(\?before=[-\w]+)"', page)[1]
    assert page.count("Marked as spam") == 25
    assert text(client.get("/moderation/acts/" + link)).count("Marked as spam") == 5
