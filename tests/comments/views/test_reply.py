"""/stories/<slug>/reply/ and /stories/<slug>/reply/<pk>/: posting comments."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Guest
from articles.markup.markdown import TEXT_TAGS
from articles.publishing.services import unpublish
from comments.models import MAX_BODY_LENGTH, Comment, CommentDraft, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states
from tests.comments.views.helpers import fields, url
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def nonce_in(response) -> str:
    return re.search(r'name="nonce" value="([^"]*)"', response.content.decode())[1]


def test_a_guest_answers_the_story(client):
    article = make_article()
    form = client.get(url(article))
    assert form.status_code == 200
    assert "Add to the discussion" in form.content.decode()

    response = client.post(url(article), fields(nonce=nonce_in(form)), follow=True)

    comment = Comment.objects.get()
    assert response.redirect_chain == [
        (comment.get_absolute_url(), 302),
        (f"{article.get_absolute_url()}#comment-{comment.pk}", 302),
    ]
    assert (comment.author_name, comment.author_email, comment.body) == ("Ida", "ida@example.org", "It did.")
    assert comment.guest == Guest.objects.get()
    assert "It did." in response.content.decode()
    assert "ida@example.org" not in response.content.decode()


def test_a_member_answers_a_comment(client):
    article, user = make_article(), UserFactory.create(name="Bo")
    root = make_comment(article, "Who *rowed*?")
    client.force_login(user)

    page = client.get(url(article, root)).content.decode()
    assert "Who <em>rowed</em>?" in page
    assert 'name="email"' not in page
    client.post(url(article, root), {"body": "I did.", "nonce": uuid4()})

    comment = Comment.objects.get(parent=root)
    assert (comment.author, comment.guest, comment.author_name) == (user, None, "Bo")


def test_a_member_whose_session_has_ended_is_told_so_and_keeps_the_text(client):
    article = make_article()
    told = f'You are logged out.*<a href="/accounts/login/\\?next={url(article)}"'
    response = client.post(url(article), {"body": "I did.", "nonce": uuid4()})
    page = response.content.decode()
    assert response.status_code == 422
    assert re.search(told, page, re.DOTALL)
    assert "I did.</textarea>" in page

    guest = client.post(url(article), fields() | {"name": ""}).content.decode()
    member = Client()
    member.force_login(UserFactory.create())
    empty = member.post(url(article), {"body": "", "nonce": uuid4()}).content.decode()
    assert "You are logged out" not in guest + empty


def test_the_form_opens_in_place(client):
    article = make_article()
    root = make_comment(article)
    page = client.get(url(article, root), headers=HTMX).content.decode()
    assert page.lstrip().startswith('<div class="reply-form"')
    assert f'action="{url(article, root)}"' in page
    assert f'id="id_reply_{root.pk}_body"' in page
    assert "maxlength" not in page.split("<textarea")[1].split("</textarea>")[0]

    response = client.post(url(article, root), fields(), headers=HTMX)
    reply = Comment.objects.get(parent=root)
    trigger = json.loads(response["HX-Trigger"])
    assert (response.status_code, response.content) == (204, b"")
    assert trigger == {"posted": {"id": reply.pk, "url": reply.get_absolute_url()}}


def test_a_form_with_a_token_is_not_cached(client):
    response = client.get(url(make_article()))
    assert "no-store" in response["Cache-Control"]
    assert "csrfmiddlewaretoken" in response.content.decode()


def test_a_forged_request_is_refused():
    client, article = Client(enforce_csrf_checks=True), make_article()
    assert client.post(url(article), fields()).status_code == 403
    assert not Comment.objects.exists()


def test_other_methods_are_refused(client):
    article = make_article()
    assert client.put(url(article)).status_code == 405
    assert client.delete(url(article)).status_code == 405


def test_a_form_sent_ten_times_by_a_member_is_one_comment(client):
    article = make_article()
    client.force_login(UserFactory.create())
    sent = {"body": "Once.", "nonce": uuid4()}
    locations = {client.post(url(article), sent)["Location"] for _ in range(10)}
    assert locations == {Comment.objects.get().get_absolute_url()}


def test_a_form_sent_ten_times_by_a_browser_that_is_not_known_yet_is_one_comment():
    """Ten clicks before the first response, with the cookie, has arrived."""
    article, sent = make_article(), fields()
    responses = [Client().post(url(article), sent) for _ in range(10)]
    comment = Comment.objects.get()
    assert {r["Location"] for r in responses} == {comment.get_absolute_url()}
    assert Guest.objects.get() == comment.guest
    assert len({signing.loads(r.cookies["guest"].value, salt="guest") for r in responses}) == 1


def test_a_form_sent_by_a_new_browser_several_times_at_once_is_one_comment(transactional_db):
    article, sent = make_article(), fields()

    def post(_: int) -> str:
        try:
            return Client().post(url(article), sent)["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        locations = set(pool.map(post, range(6)))

    comment = Comment.objects.get()
    assert locations == {comment.get_absolute_url()}
    assert Guest.objects.get() == comment.guest


def test_one_nonce_for_two_stories_is_one_comment(client):
    client.force_login(UserFactory.create())
    sent, first, second = fields(), make_article(), make_article("Another")
    assert client.post(url(first), sent)["Location"] == client.post(url(second), sent)["Location"]
    assert Comment.objects.get().discussion.article == first


def test_the_nonce_of_another_is_refused_once(client):
    article, theirs = make_article(), uuid4()
    make_comment(article, "Mine.", author=UserFactory.create(), nonce=theirs)

    refused = client.post(url(article), fields(nonce=theirs, body="Mine."))

    assert refused.status_code == 422
    assert "already used" in refused.content.decode()
    assert not Guest.objects.filter(email="ida@example.org").exists()
    assert client.post(url(article), fields(nonce=nonce_in(refused), body="Mine.")).status_code == 302
    assert Comment.objects.filter(body="Mine.", guest__email="ida@example.org").count() == 1


@pytest.mark.parametrize(
    "nonce", ["", "1", "x" * 9999, "'; DROP TABLE x", "\x00", "🙂", "{}", "null", "0" * 31]
)
def test_a_damaged_nonce_loses_no_text(client, nonce):
    article = make_article()
    refused = client.post(url(article), fields(nonce=nonce, body="Still here."))
    assert refused.status_code == 422
    assert "Post your comment again" in refused.content.decode()
    assert "Still here." in refused.content.decode()
    assert client.post(url(article), fields(nonce=nonce_in(refused))).status_code == 302


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_text_that_is_too_long_is_refused_with_its_count_and_kept(client, headers):
    article, sent = make_article(), fields(body="å" * (MAX_BODY_LENGTH + 1))
    refused = client.post(url(article), sent, headers=headers)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "10,001" in page
    assert "10,000" in page
    assert sent["body"] in page
    assert nonce_in(refused) == sent["nonce"]
    assert not Comment.objects.exists()
    assert not Guest.objects.exists()


def test_a_text_of_the_maximum_length_is_accepted_with_line_ends_counted_once(client):
    body = "\r\n".join(["x" * 99] * 100)
    assert client.post(url(make_article()), fields(body=body)).status_code == 302
    assert Comment.objects.get().body == body.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"body": ""}, "Write something first."),
        ({"body": " \n\t "}, "Write something first."),
        ({"name": ""}, "This field is required."),
        ({"name": "\u200b"}, "Enter your name"),
        ({"name": "x" * 81}, "at most 80"),
        ({"email": ""}, "This field is required."),
        ({"email": "ida"}, "Enter a valid e-mail."),
        ({"email": "ida@example.org\nBcc: x@example.org"}, "Enter a valid e-mail."),
    ],
)
def test_missing_fields_are_reported_at_the_field(client, changed, sentence):
    refused = client.post(url(make_article()), fields(**changed))
    assert refused.status_code == 422
    assert sentence in refused.content.decode()
    assert not Comment.objects.exists()


def test_a_closed_discussion_is_announced_on_the_reply_page(client):
    article = make_article()
    change_discussion(article=article, status=Discussion.Status.CLOSED)

    assert "This discussion is closed." in client.get(url(article), follow=True).content.decode()
    assert client.get(url(article), headers=HTMX)["HX-Redirect"] == f"{article.get_absolute_url()}#comments"
    refused = client.post(url(article), fields(body="Too late?"))

    assert refused.status_code == 422
    assert "This discussion is closed." in refused.content.decode()
    assert "Too late?" in refused.content.decode()
    assert not Guest.objects.exists()


def test_a_discussion_is_closed_a_year_after_its_story(client):
    article = make_article(published_at=timezone.now() - timedelta(days=366))
    assert client.post(url(article), fields()).status_code == 422


def test_a_message_for_one_browser_makes_the_page_private(client):
    article = make_article()
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    response = client.get(url(article), follow=True)
    assert "private" in response["Cache-Control"]


def test_the_text_of_a_reply_to_a_comment_that_was_just_removed_is_kept(client):
    article = make_article()
    root = make_comment(article, "Loud words.")
    change_states(ids=[root.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)

    assert client.get(url(article, root))["Location"] == root.get_absolute_url()
    refused = client.post(url(article, root), fields(body="My answer."))

    assert refused.status_code == 422
    assert "just removed" in refused.content.decode()
    assert "My answer." in refused.content.decode()
    assert "Loud words" not in refused.content.decode()
    assert "Press “Post comment” to post it without replying to anybody." in refused.content.decode()
    assert re.search(r'<input type="hidden"[^>]*name="top_level"', refused.content.decode())
    client.post(url(article, root), fields(body="My answer.", top_level="1"))
    assert Comment.objects.get(body="My answer.").parent is None


def test_a_reply_to_a_published_comment_stays_one_whatever_the_form_says(client):
    root = make_comment(make_article(), "A word.")
    client.post(url(root.discussion.article, root), fields(body="My answer.", top_level="1"))
    assert Comment.objects.get(body="My answer.").parent == root


def test_a_members_draft_of_a_reply_goes_with_the_comment_at_the_top_level(client):
    article, member = make_article(), UserFactory.create()
    root = make_comment(article, "Loud words.")
    client.force_login(member)
    client.post(url(article), {"draft": "1", "body": "For everybody.", "nonce": str(uuid4())})
    client.post(url(article, root), {"draft": "1", "body": "My answer.", "nonce": str(uuid4())})
    assert CommentDraft.objects.filter(parent=root).exists()
    change_states(ids=[root.pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    client.post(url(article, root), {"body": "My answer.", "nonce": str(uuid4()), "top_level": "1"})
    assert Comment.objects.get(body="My answer.").parent is None
    assert [draft.body for draft in CommentDraft.objects.all()] == ["For everybody."]


@pytest.mark.parametrize("where", ["other story", "nowhere", "hidden", "draft", "too far"])
def test_there_is_no_form_where_replies_are_impossible(client, where):
    article = make_article()
    root = make_comment(article)
    target = {
        "other story": url(make_article("Another"), root),
        "nowhere": f"{url(article)}{root.pk + 1}/",
        "hidden": url(article, root),
        "draft": url(make_article("Later", published_at=None)),
        "too far": f"{url(article)}{2**63}/",
    }[where]
    if where == "hidden":
        change_discussion(article=article, status=Discussion.Status.HIDDEN)
    assert client.get(target).status_code == 404
    assert client.post(target, fields()).status_code == 404
    assert Comment.objects.count() == 1


@pytest.mark.parametrize("origin", ["http://testserver", "http://other.example"])
def test_a_text_for_a_story_that_was_just_unpublished_can_be_sent_again(client, origin):
    """Only a form of this site is repeated."""
    article = make_article()
    unpublish(article=article, reason="", seen=article.version)
    sent = fields(body="An hour of <work>.")
    refused = client.post(url(article), sent, headers={"Origin": origin})
    page = refused.content.decode()
    assert refused.status_code == 404
    assert "Page not found" in page
    if origin == "http://other.example":
        assert "An hour of" not in page
        return
    assert "Your text was not sent" in page
    assert page.count("btn-primary") == 1, "the search is not the main thing here"
    form = page[page.index(f'action="{url(article)}"') :]
    assert "An hour of &lt;work&gt;.</textarea>" in form
    assert f'name="nonce" value="{sent["nonce"]}"' in form
    assert "csrfmiddlewaretoken" in form


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("all", "Text missing in the original"), ("rest", "The rest is missing in the original")],
)
def test_the_reply_page_shows_what_is_missing_of_the_answered_comment(client, missing, sentence):
    article = make_article()
    root = make_comment(article)
    Comment.objects.filter(pk=root.pk).update(text_missing=missing)
    page = client.get(url(article, root)).content.decode()
    assert f'<p class="missing">{sentence}</p>' in page


class Inert(HTMLParser):
    """A parser that fails on scripts in a page, and on anything but formatting and links in comments."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.div, self.bodies, self.links = 0, 0, list[str]()
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        assert tag not in {"iframe", "object", "embed", "base", "math", "style"}, tag
        # Only icons of core/appearance/icons.py have these attributes alone.
        is_icon = names.keys() <= {"class", "viewbox", "aria-hidden"}
        assert tag != "svg" or is_icon, attributes
        is_data = names.get("type") == "application/ld+json"  # browsers do not run such scripts
        assert tag != "script" or is_data or names.get("src", "").startswith("/static/"), attributes
        assert not [name for name in names if name.startswith("on") or name in {"style", "srcdoc"}], (
            attributes
        )
        for name in names.keys() & {"href", "src", "action", "formaction"}:
            address = re.sub(r"[\x00-\x20]", "", unquote(names[name] or "")).casefold()
            assert not address.startswith(("javascript:", "data:", "vbscript:")), address
        if self.div:
            assert tag in TEXT_TAGS, tag
            assert names.keys() <= {"href", "rel", "title", "start", "class"}, attributes
            if tag == "a":
                self.links.append(names["rel"])
        elif tag == "div" and names.get("dir") == "auto" and "class" not in names:
            self.div, self.bodies = 1, self.bodies + 1

    def handle_endtag(self, tag):
        if tag == "div":
            self.div = 0


@pytest.fixture(scope="session")
def payloads(data) -> list[str]:
    files = [*sorted((data / "hostile" / "patt_xss").iterdir()), data / "hostile" / "blns.txt"]
    lines = {line.strip("\r") for file in files for line in file.read_text(errors="replace").split("\n")}
    return sorted(line.replace("\x00", "") for line in lines if line.strip())


@pytest.mark.data
@pytest.mark.parametrize("is_plain_text", [True, False])
def test_no_hostile_text_does_anything(client, payloads, is_plain_text):
    article = make_article()
    article.source_key = "test"
    article.save()
    comments = [
        ImportedComment(
            source_id=str(n),
            author_name=text[:200],
            body=text,
            created_at=timezone.now(),
            is_plain_text=is_plain_text,
        )
        for n, text in enumerate(payloads)
    ]
    assert len(comments) > 500
    import_comments(article=article, comments=comments, actor=None, action_id=uuid4())

    bodies, query = 0, "?order=oldest"
    while query:
        page = client.get(article.get_absolute_url() + query).content.decode()
        seen = Inert(page)
        bodies += seen.bodies
        assert all("nofollow" in rel and "ugc" in rel for rel in seen.links)
        more = re.search(r'class="more" href="([^"#]*)#comments"', page)
        query = more[1].replace("&amp;", "&") if more else ""
    assert bodies == len(comments)


@pytest.mark.data
def test_hostile_texts_and_names_that_are_posted_do_nothing(client, payloads):
    article = make_article()
    user = UserFactory.create()
    client.force_login(user)
    for text in payloads[::8]:
        response = client.post(url(article), {"body": text, "nonce": uuid4()})
        assert response.status_code in {302, 422}, text
        if response.status_code == 422:  # the text is invisible or too long
            assert len(text) > MAX_BODY_LENGTH or not re.search(r"\w|[!-~]", text)
    client.logout()
    for text in payloads[::40]:
        response = Client().post(url(article), fields(name=text[:80], body="A word."))
        assert response.status_code in {302, 422}, text
        if response.status_code == 422:
            Inert(response.content.decode())
    assert Inert(client.get(article.get_absolute_url()).content.decode()).bodies > 100
    Inert(client.get(url(article, Comment.objects.first())).content.decode())


def test_an_invisible_text_or_an_e_mail_longer_than_any_is_refused_and_kept(client):
    article = make_article()
    url = f"/stories/{article.slug}/reply/"
    sent = {"name": "Jun", "email": "jun@example.org", "body": "\u200b\u202e", "nonce": str(uuid4())}
    assert "Write something first." in client.post(url, sent).content.decode()
    sent |= {"body": "Words to keep.", "email": f"{'e' * 300}@example.org"}
    answer = client.post(url, sent)
    assert (answer.status_code, "Words to keep." in answer.content.decode()) == (422, True)
    assert not Comment.objects.exists()


def test_the_same_form_with_corrected_words_keeps_them_and_sends_them_the_next_time(client):
    article = make_article()
    sent = fields(body="Frist words.")
    client.post(url(article), sent)
    answer = client.post(url(article), sent | {"body": "First words."})
    assert answer.status_code == 422
    assert "First words." in answer.content.decode()
    renewed = re.search(r'name="nonce" value="([^"]+)"', answer.content.decode())
    assert renewed
    assert client.post(url(article), sent | {"body": "First words.", "nonce": renewed[1]}).status_code == 302
    assert set(Comment.objects.values_list("body", flat=True)) == {"Frist words.", "First words."}
