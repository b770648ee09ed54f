"""The pages about restrictions: who sees what, and that a reading is logged before the text is sent."""

import io
import json
import re
import zipfile
from hashlib import sha256

import pytest
from django.db import connection, transaction
from django.test import Client

from comments.models import Comment, Reason, Transition
from moderation.actions import decisions
from moderation.actions.redactions import redact
from moderation.erasure import restrictions
from moderation.models import Action, RestrictedText, RestrictedTextReading, Restriction
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

SECRET = "Xylographer"  # a word that appears nowhere else


@pytest.fixture
def comment() -> Comment:
    return make_comment(make_article(), f"{SECRET} lives at the harbour, number 5.")


def client_or_anonymous(user) -> Client:
    return client_of(user) if user else Client()


@pytest.fixture
def restricted_comment(comment, maria) -> Comment:
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.PERSONAL, actor=maria)
    return comment


def test_a_moderator_restricts_with_a_reason(comment, maria):
    client, url = client_or_anonymous(maria), f"/moderation/comments/{comment.pk}/restrict/"
    page = client.get(url)
    assert page.status_code == 200
    assert SECRET in page.content.decode()  # the person who restricts it may read it
    assert client.post(url, {}).status_code == 422
    assert not Restriction.objects.exists()

    done = client.post(url, {"why": "court", "legal_hold": "on"}, follow=True)

    assert done.redirect_chain[-1][0] == f"/moderation/restricted/{comment.pk}/"
    text = done.content.decode()
    assert "Access restricted." in text
    assert "order of a court or an authority" in text
    assert SECRET not in text
    assert Restriction.objects.get().is_legal_hold
    assert client.get(url).url == f"/moderation/restricted/{comment.pk}/"


def test_comments_with_the_same_text_are_restricted_too(comment, maria):
    same = make_comment(make_article("Another"), f"{SECRET} lives at  the harbour, number 5.")
    nearly = make_comment(make_article("A third"), f"{SECRET} lives at the harbour, number 5!!")
    other = make_comment(
        make_article("A fourth"), "Of the harbour, and of number 5, much else can be said than that."
    )
    url = f"/moderation/comments/{comment.pk}/restrict/"
    page = client_or_anonymous(maria).get(url).content.decode()
    assert "Also restrict the 2 other comments with the same or nearly the same text" in page
    client_or_anonymous(maria).post(url, {"why": "personal", "same": "on"})
    assert set(Restriction.objects.values_list("comment", flat=True)) == {comment.pk, same.pk, nearly.pk}
    assert Action.objects.filter(kind=Action.Kind.RESTRICTION).count() == 1
    assert Comment.objects.get(pk=other.pk).state_reason != Reason.RESTRICTED


def test_comments_that_a_colleague_restricted_meanwhile_are_counted(comment, maria, ada, monkeypatch):
    others = [make_comment(make_article(f"Copy {n}"), comment.body).pk for n in range(6)]
    restrict = restrictions.restrict

    def restrict_after_a_colleague(**values):
        assert len(restrict(ids=others, why=Restriction.Why.COURT, actor=ada).changed) == 6
        return restrict(**values)

    monkeypatch.setattr(restrictions, "restrict", restrict_after_a_colleague)
    sent = {"why": "personal", "same": "on"}
    page = client_of(maria).post(f"/moderation/comments/{comment.pk}/restrict/", sent, follow=True).text
    assert "Access restricted." in page
    assert "6 were left unchanged, because they have changed meanwhile." in page


def test_only_deciders_see_the_page(comment, restricted_comment):
    comment.discussion.article.editors.add(UserFactory.create(roles=("Editor",)))
    for person in (UserFactory.create(), UserFactory.create(roles=("Editor",))):
        client = client_or_anonymous(person)
        expected = 404 if person.is_editor else 403
        assert client.get(f"/moderation/comments/{comment.pk}/restrict/").status_code == expected
        assert client.get(f"/moderation/restricted/{comment.pk}/").status_code == expected
    assert client_or_anonymous(None).get(f"/moderation/restricted/{comment.pk}/").status_code == 302


def test_a_moderator_sees_number_reason_and_time(restricted_comment, maria):
    client = client_or_anonymous(maria)
    for url in ("/moderation/restricted/", f"/moderation/restricted/{restricted_comment.pk}/"):
        text = client.get(url).content.decode()
        assert f"#{restricted_comment.pk}" in text
        assert "private data" in text
        assert SECRET not in text
        assert "Guest" not in text
        assert "Show text" not in text
    for act in ("text", "evidence", "legal-hold", "lift", "purge"):
        url = f"/moderation/restricted/{restricted_comment.pk}/{act}/"
        assert client.post(url, {"confirm": "1"}).status_code == 403
        assert client.get(url).status_code == 405
    assert not RestrictedTextReading.objects.exists()
    assert Restriction.objects.get().lifted_at is None


def test_a_reading_is_logged_before_the_text_is_sent(restricted_comment, ada):
    client, url = client_or_anonymous(ada), f"/moderation/restricted/{restricted_comment.pk}/"
    assert SECRET not in client.get(url).content.decode()
    assert not RestrictedTextReading.objects.exists()

    page = client.post(f"{url}text/")
    assert SECRET in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    reading = RestrictedTextReading.objects.get()
    assert (reading.by, reading.is_export) == (ada, False)
    assert "Ada" in page.content.decode()

    # If the reading can't be logged, nothing is sent.
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON moderation_restrictedtextreading "
            "FOR EACH ROW EXECUTE FUNCTION refuse_write('The disk is full.')"
        )
    for act in ("words", "evidence"):
        with transaction.atomic():
            assert SECRET.encode() not in client.post(f"{url}{act}/").content
            transaction.set_rollback(True)
    assert RestrictedTextReading.objects.get() == reading


def test_the_evidence_file_can_be_checked_by_others(restricted_comment, ada):
    response = client_or_anonymous(ada).post(f"/moderation/restricted/{restricted_comment.pk}/evidence/")
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == f'attachment; filename="comment-{restricted_comment.pk}.zip"'
    assert RestrictedTextReading.objects.get().is_export
    folder = f"comment-{restricted_comment.pk}"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {
        f"{folder}/{name}" for name in ("README.txt", "SHA256SUMS", "comment.json", "text-1.txt")
    }
    for line in files[f"{folder}/SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert sha256(files[name]).hexdigest() == digest
    assert files[f"{folder}/text-1.txt"].decode() == f"{SECRET} lives at the harbour, number 5."

    record = json.loads(files[f"{folder}/comment.json"])
    assert record["texts"][0]["text"].startswith(SECRET)
    assert record["author"]["comment_name"] == restricted_comment.author_name
    assert record["author"]["comment_email"] == restricted_comment.author_email
    assert [line["to_state"] for line in record["log"]] == ["published", "rejected"]
    for line in record["log"]:
        made = sha256(bytes.fromhex(line["before"]) + line["hashed"].encode()).hexdigest()
        assert made == line["hash"]
    assert record["log_ends_with"]["hash"] == bytes(Transition.objects.latest("seq").hash).hex()
    assert record["restriction"]["readings"][0]["is_export"] is True


def test_redacted_versions_are_marked(comment, maria, ada):
    """This includes the version that was shown."""
    redact(comment=comment, marked=comment.body.replace("number 5", "[[number 5]]"), actor=maria)
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.COURT, actor=maria)
    client, url = client_or_anonymous(ada), f"/moderation/restricted/{comment.pk}/"
    assert client.post(f"{url}text/").content.decode().count("redacted by a moderator") == 1
    with zipfile.ZipFile(io.BytesIO(client.post(f"{url}evidence/").content)) as archive:
        record = json.loads(archive.read(f"comment-{comment.pk}/comment.json"))
    texts = [(text["text"][-9:], text["is_redacted"]) for text in record["texts"]]
    assert texts == [("number 5.", False), ("our, ███.", True)]


def test_an_administrator_sets_and_ends_a_legal_hold_and_deletes(restricted_comment, ada):
    client, url = client_or_anonymous(ada), f"/moderation/restricted/{restricted_comment.pk}/"
    assert "legal hold" in client.post(f"{url}legal-hold/", {"legal_hold": "1"}, follow=True).content.decode()
    text = client.post(f"{url}purge/", {"confirm": "1"}, follow=True).content.decode()
    assert "A legal hold prevents the deletion." in text
    client.post(f"{url}legal-hold/")
    client.post(f"{url}purge/")
    assert RestrictedText.objects.exists()  # the confirmation was missing

    text = client.post(f"{url}purge/", {"confirm": "1"}, follow=True).content.decode()

    assert "permanently deleted by" in text
    assert not RestrictedText.objects.exists()
    assert "Show text" not in text


def test_an_administrator_lifts_it(restricted_comment, ada):
    done = client_or_anonymous(ada).post(f"/moderation/restricted/{restricted_comment.pk}/lift/", follow=True)
    assert "Restriction lifted" in done.content.decode()
    assert Comment.objects.get(pk=restricted_comment.pk).body.startswith(SECRET)


def test_a_lifted_restriction_redirects_with_a_message(restricted_comment, ada, maria):
    restrictions.lift(restriction=Restriction.objects.get(), actor=ada)
    reading = RestrictedTextReading.objects.get()  # restoring the text counts as a reading
    url = f"/moderation/restricted/{restricted_comment.pk}/"
    there = f"/moderation/comments/{restricted_comment.pk}/"
    for act in ("lift", "text", "legal-hold", "purge", "evidence"):
        response = client_or_anonymous(ada).post(f"{url}{act}/", {"confirm": "1"}, follow=True)
        assert response.redirect_chain[-1][0] == there
        assert "The restriction was lifted" in response.content.decode()
        assert client_or_anonymous(maria).post(f"{url}{act}/").status_code == 403
    assert client_or_anonymous(maria).get(url).url == there
    assert RestrictedTextReading.objects.get() == reading
    other = make_comment(make_article(), "Never hidden.")
    assert client_or_anonymous(ada).get(f"/moderation/restricted/{other.pk}/").status_code == 404
    assert client_or_anonymous(ada).post(f"/moderation/restricted/{other.pk}/lift/").status_code == 404


def test_a_refused_undo_ends_with_one_full_stop(maria):
    restricted_comment = make_comment(make_article(), "Unspeakable.")
    act = restrictions.restrict(ids=[restricted_comment.pk], why=Restriction.Why.OTHER, actor=maria).action
    page = client_or_anonymous(maria).post(f"/moderation/actions/{act.pk}/undo/", follow=True).text
    assert "Only an administrator can lift a restriction." in page
    assert "lift a restriction.." not in page


def test_the_list_has_pages(maria, monkeypatch):
    monkeypatch.setattr("moderation.erasure.restriction_views.PAGE_SIZE", 2)
    article = make_article()
    ids = [make_comment(article, f"Word {n}").pk for n in range(3)]
    restrictions.restrict(ids=ids, why=Restriction.Why.OTHER, actor=maria)
    client = client_or_anonymous(maria)
    first = client.get("/moderation/restricted/").context
    assert len(first["restrictions"]) == 2
    assert len(client.get(first["next_page"]).context["restrictions"]) == 1
    for hostile in ("?before=x", "?before=" + "9" * 40, "?before=-1", "?before=%00"):
        assert client.get(f"/moderation/restricted/{hostile}").status_code == 200


def test_undo_on_the_action_page_is_for_administrators(restricted_comment, maria):
    act = Action.objects.get(kind=Action.Kind.RESTRICTION)
    text = (
        client_or_anonymous(maria).post(f"/moderation/actions/{act.pk}/undo/", follow=True).content.decode()
    )
    assert "Only an administrator can lift a restriction." in text
    assert Restriction.objects.get().lifted_at is None
    assert decisions.undo(action=act, actor=maria).action is None


def test_undo_of_a_lift_is_offered_only_with_permission(restricted_comment, maria, ada):
    lifted = restrictions.lift(restriction=Restriction.objects.get(), actor=ada).action
    url = f"/moderation/actions/{lifted.pk}/"
    page = client_or_anonymous(maria).get(url).text
    assert "Undo this action" not in page
    assert "Only an administrator can lift a restriction." in page
    assert "Undo this action" in client_or_anonymous(ada).get(url).text


def test_the_story_comes_back_byte_by_byte(comment, maria, ada):
    """Its version and the number of its last log entry are left out, since they only grow."""
    make_comment(comment.discussion.article, "How do you know?", parent=comment)
    url = comment.discussion.article.get_absolute_url()

    def page() -> bytes:
        return re.sub(rb'data-(version|seq)="[0-9]+"', b"", Client().get(url).content)

    before = page()
    assert SECRET.encode() in before
    act = restrictions.restrict(ids=[comment.pk], why=Restriction.Why.OTHER, actor=maria)
    sealed_page = page()
    assert SECRET.encode() not in sealed_page
    undone = decisions.undo(action=act.action, actor=ada)
    assert page() == before
    decisions.undo(action=undone.action, actor=ada)
    assert page() == sealed_page
