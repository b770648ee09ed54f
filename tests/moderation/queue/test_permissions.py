"""Permissions of the moderation pages: logins, editors' own stories, and links that the reader may open."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from articles.models import Article
from comments.models import Reason, State
from comments.policy import policy
from comments.services.discussions import change_discussion
from moderation.actions.decisions import decide
from moderation.models import Action, Case
from moderation.urls import urlpatterns
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.moderation.queue.helpers import LONG, listed_comment_ids, open_card, post_decision, state, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]


def test_queue_is_for_moderators_and_editors(client):
    omar = UserFactory.create(roles=("Moderator",))
    act = Action.objects.create(kind="decision", actor=omar, to_state="spam", reason="spam")
    gets = ["/moderation/", "/moderation/actions/", f"/moderation/actions/{act.pk}/"]
    posts = ["/moderation/decide/", f"/moderation/actions/{act.pk}/undo/"]
    for path in gets:
        assert client.get(path).headers["Location"].startswith("/accounts/login/?next=/moderation/")
        assert client.post(path).status_code == 405
    for path in posts:
        assert client.post(path).status_code == 403
        assert client.get(path).status_code == 405

    client.force_login(UserFactory.create())
    assert [client.get(path).status_code for path in gets] == [403] * 3
    assert [client.post(path).status_code for path in posts] == [403] * 2

    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert [client.get(path).status_code for path in gets] == [200] * 3

    client.force_login(UserFactory.create(roles=("Editor",)))  # editors cannot open actions of others
    assert [client.get(path).status_code for path in gets] == [200, 200, 404]
    # The editor may post, but has sent no data.
    assert [client.post(path).status_code for path in posts] == [400, 404]


ANY = {"int": 1, "uuid": uuid4(), "slug": "review", "str": "u1"}  # a value of each kind in a URL


def test_a_form_that_is_sent_after_the_session_has_ended_comes_back(client):
    forms = 0
    for pattern in urlpatterns:
        kinds = re.findall(r"<(\w+):", str(pattern.pattern))
        url = reverse(f"moderation:{pattern.name}", args=[ANY[kind] for kind in kinds])
        sent = client.post(url, {"text": "An hour of work."}, headers={"origin": "http://testserver"})
        if sent.status_code != 405:
            assert "Not saved: you are logged out" in sent.text, url
            assert 'name="text" value="An hour of work."' in sent.text, url
            forms += 1
    assert forms > 30


def test_an_editor_decides_under_own_stories_only(client):
    own, other, nobodys = make_article("Own"), make_article("Other"), make_article("Nobody's")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    mine, theirs, free = (
        make_comment(own),
        make_comment(other, "Words elsewhere"),
        make_comment(nobodys, "Words again"),
    )
    client.force_login(editor)

    page = client.get("/moderation/")
    assert listed_comment_ids(page) == [mine.pk, free.pk]
    assert "2 waiting" in text(page)
    assert client.get(f"/moderation/comments/{theirs.pk}/").status_code == 404
    assert client.get(f"/moderation/cases/{Case.objects.get(comment=theirs).pk}/").status_code == 404
    assert theirs.pk not in listed_comment_ids(client.get("/moderation/?queue=recent"))
    rooms = re.findall(
        r'href="(/moderation/[a-z]*/?)"',
        re.search(r'<nav class="wrap wide" aria-label="Moderation".*?</nav>', text(page))[0],
    )
    assert [path for path in rooms if client.get(path).status_code != 200] == []
    # The navigation of the newsroom has these, so the tabs do not repeat them.
    assert {"/moderation/people/", "/moderation/rules/"}.isdisjoint(rooms)

    refused = client.post("/moderation/decide/", {"ids": [mine.pk, theirs.pk], "act": "approved"})
    assert refused.status_code == 404
    assert state(mine)[0] == "pending"
    assert post_decision(client, page, mine, act="approved").status_code == 200
    assert state(mine) == ("published", "approved")
    assert client.get(f"/moderation/actions/{Action.objects.get().pk}/").status_code == 200


def test_duplicate_names_the_original_only_to_people_who_may_read_it(client, maria):
    client.force_login(maria)
    own, other = make_article("Own"), make_article("Other")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    original = make_comment(other, LONG, guest=GuestFactory.create(name="Secret Sue"))
    same = make_comment(own, LONG)
    sentence, link = (
        f"It has the same text as comment {original.pk} by Secret Sue.",
        f'href="{original.get_absolute_url()}"',
    )

    def shown_to(user) -> tuple[bool, bool]:
        client.force_login(user)
        card = open_card(client, same)
        return sentence in card, link in card

    def shown_to_author() -> bool:
        return policy().explain_pending([same.pk])[same.pk][-1] == sentence

    assert (shown_to(editor), shown_to(maria), shown_to_author()) == ((False, False), (True, True), False)
    decide(ids=[original.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert (shown_to(editor), shown_to(maria), shown_to_author()) == ((True, True), (True, True), True)
    change_discussion(article=other, status="hidden")
    assert (shown_to(editor), shown_to(maria), shown_to_author()) == ((False, False), (True, False), False)
    change_discussion(article=other, status="open")
    Article.objects.filter(pk=other.pk).update(published_at=None)
    assert (shown_to(editor), shown_to(maria), shown_to_author()) == ((False, False), (True, False), False)


@pytest.mark.parametrize("hidden", [True, False])
def test_links_lead_only_to_readable_pages(client, maria, hidden):
    client.force_login(maria)
    article = make_article("Taken back")
    comment = make_comment(article)
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    waits = make_comment(article, "Another", parent=make_comment(article, "Its parent", author=maria))
    pages = [
        "/moderation/",
        f"/moderation/actions/{act.pk}/",
        f"/admin/comments/comment/?discussion={article.pk}",
        f"/admin/comments/comment/{comment.pk}/change/",
        f"/moderation/comments/{waits.pk}/move/",
    ]
    assert all(article.get_absolute_url() in text(client.get(page)) for page in pages)

    if hidden:
        change_discussion(article=article, status="hidden")
    else:
        Article.objects.filter(pk=article.pk).update(published_at=None)
    assert waits.pk in listed_comment_ids(client.get(pages[0]))
    for page in pages:
        links = re.findall(r'href="(/stories/[^"]+)"', text(client.get(page)))
        assert [link for link in links if client.get(link).status_code != 200] == []
