"""Editor's picks, locked replies, duplicates and redactions: visible to readers and exactly undone."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from comments.models import Comment, CommentRevision, Discussion, Reason, State
from comments.services.editing import edit_comment
from moderation.actions import decisions, quick_actions, redactions
from moderation.actions.decisions import decide, undo
from moderation.actions.redactions import redact_text
from moderation.actions.setting_changes import SkippedItem
from moderation.models import Action, Case
from moderation.reports import reporting
from moderation.tasks import notify_authors
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound
from tests.helpers.growth import LINEAR, growth
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks", "maria_client")]


def page(client, article) -> str:
    """Return the page of a logged-out reader, without the two version numbers that always change."""
    client.logout()
    answer = client.get(article.get_absolute_url()).content.decode()
    return re.sub(r'\sdata-(version|seq)="\d+"', "", answer)


def post_action(client, name: str, comment: Comment, **values: str):
    query = "&".join(f"{key}={value}" for key, value in values.items())
    return client.post(f"{reverse(f'moderation:{name}', args=[comment.pk])}?{query}")


def test_editors_pick_is_shown_and_undone(client, maria):
    article = make_article()
    comment = make_comment(article)
    before = page(client, article)
    client.force_login(maria)
    answer = post_action(client, "pick", comment, on="1", next="story")
    assert answer.url == f"{article.get_absolute_url()}#comment-{comment.pk}"
    assert "Editor’s pick" in page(client, article)
    client.force_login(maria)
    post_action(client, "pick", comment, on="1")
    assert Action.objects.count() == 1  # the comment was a pick already
    assert "Nothing changed." in client.get("/moderation/").text
    undo(action=Action.objects.get(), actor=maria)
    assert page(client, article) == before


def test_an_editor_picks_under_own_stories_only(client):
    editor, other = (UserFactory.create(roles=("Editor",)) for _ in range(2))
    article = make_article()
    article.editors.add(editor)
    comment = make_comment(article)
    client.force_login(other)
    assert post_action(client, "pick", comment).status_code == 404
    client.force_login(UserFactory.create())
    assert post_action(client, "pick", comment).status_code == 403
    client.force_login(editor)
    post_action(client, "pick", comment)
    assert Comment.objects.get().is_pick


def test_only_published_comments_can_be_picked(client, maria, omar):
    comment = make_comment(make_article())
    decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=omar)
    with pytest.raises(ValidationError):
        quick_actions.set_editors_pick(
            comment=comment, is_pick=True, actor=maria
        )  # the comment as it was read before the decision
    assert (
        "Only published comments"
        in client.post(f"{reverse('moderation:pick', args=[comment.pk])}?on=1", follow=True).text
    )
    assert not Comment.objects.get().is_pick


def test_locked_replies_are_refused_in_the_whole_branch(client, maria):
    article = make_article()
    root = make_comment(article)
    reply = make_comment(article, parent=root)
    below = make_comment(article, parent=reply)
    beside = make_comment(article, parent=root)
    before = page(client, article)
    client.force_login(maria)

    post_action(client, "lock", reply, on="1")

    locked = set(Comment.objects.filter(is_locked=True).values_list("pk", flat=True))
    assert locked == {reply.pk, below.pk}
    for comment in (reply, below):
        with pytest.raises(ValidationError, match="locked"):
            make_comment(article, parent=comment)
    make_comment(article, parent=beside)
    shown = page(client, article)
    assert f'reply/{reply.pk}/"' not in shown
    assert f'reply/{beside.pk}/"' in shown
    assert "Replies are locked" in shown
    form = client.get(reverse("reply", args=[article.slug, below.pk]))
    assert form.status_code == 302
    sent = {"body": "Kept", "name": "Nuala", "email": "n@example.org", "nonce": str(reply.nonce)}
    assert "Kept" in client.post(reverse("reply", args=[article.slug, below.pk]), sent).content.decode()

    undo(action=Action.objects.get(), actor=maria)
    assert not Comment.objects.filter(is_locked=True).exists()
    assert before.count("reply/") == page(client, article).count("reply/") - 1  # the one written meanwhile


def test_unlocking_does_not_block_the_undo_of_a_colleagues_lock(maria):
    article = make_article()
    root = make_comment(article)
    reply = make_comment(article, parent=root)
    inner = quick_actions.lock_replies(comment=reply, is_locked=True, actor=maria)
    outer = quick_actions.lock_replies(comment=root, is_locked=True, actor=maria)
    undo(action=outer, actor=maria)
    assert list(Comment.objects.filter(is_locked=True)) == [reply]
    undo(action=inner, actor=maria)
    assert not Comment.objects.filter(is_locked=True).exists()


def test_duplicate_links_to_its_original(client, maria):
    article, other = make_article(), make_article("Another story")
    first = make_comment(other, "Word for word")
    repeat = make_comment(article, "Word for word")
    make_comment(article, parent=repeat)
    url = reverse("moderation:duplicate", args=[repeat.pk])
    for wrong, sentence in [
        (repeat.pk, "this comment itself"),
        ("nonsense", "Enter the number of a comment"),
        (10**9, "no comment #"),
    ]:
        answer = client.post(url, {"of": wrong})
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)

    client.post(url, {"of": f"https://example.org/x/comments/{first.pk}/"})

    gone = Comment.objects.get(pk=repeat.pk)
    assert (gone.state, gone.state_reason, gone.duplicate_of_id) == ("rejected", "repeat", first.pk)
    link = f'Duplicate of <a href="{reverse("comment", args=[other.slug, first.pk])}">#{first.pk}</a>'
    assert link in page(client, article)
    permalink = client.get(reverse("comment", args=[article.slug, repeat.pk]))
    assert (permalink.status_code, link in permalink.content.decode()) == (410, True)
    undo(action=Action.objects.get(), actor=maria)
    back = Comment.objects.get(pk=repeat.pk)
    assert (back.state, back.duplicate_of_id) == ("published", None)
    assert_sound()


@pytest.mark.parametrize("away", ["draft", "hidden", "other reason"])
def test_duplicate_does_not_link_to_a_hidden_original(client, maria, away):
    article, other = make_article(), make_article("A secret title")
    first, repeat = make_comment(other, "Word for word"), make_comment(article, "Word for word")
    make_comment(article, parent=repeat)
    decisions.remove_as_duplicate(comment=repeat, of=first, actor=maria)
    match away:
        case "draft":
            Article.objects.filter(pk=other.pk).update(published_at=None)
        case "hidden":
            Discussion.objects.filter(pk=other.pk).update(status=Discussion.Status.HIDDEN)
        case "other reason":
            decide(ids=[repeat.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    story = page(client, article)
    gone = client.get(reverse("comment", args=[article.slug, repeat.pk]))
    assert gone.status_code == 410
    for shown in (story, gone.content.decode()):
        assert other.slug not in shown
        assert f"#{first.pk}<" not in shown


@pytest.mark.django_db(transaction=True)
def test_original_removed_concurrently_is_refused(maria, omar):
    """Otherwise both comments would be removed."""
    first, repeat = (
        make_comment(make_article(), "Twice"),
        make_comment(make_article("Another story"), "Twice"),
    )

    def remove():
        try:
            return decisions.remove_as_duplicate(comment=repeat, of=first, actor=maria)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as colleague:
        with transaction.atomic():
            decide(ids=[first.pk], to=State.SPAM, reason="spam", actor=omar)
            removal = colleague.submit(remove)
            wait_for_a_lock()
        with pytest.raises(ValidationError, match=f"#{first.pk} has been removed"):
            removal.result(timeout=PATIENCE)
    assert Comment.objects.get(pk=repeat.pk).state == State.PUBLISHED
    assert Action.objects.count() == 1


def test_restored_duplicate_loses_its_original(client, maria):
    """It was approved, and then removed again as a duplicate without a named original."""
    article = make_article()
    first, repeat = make_comment(article, "Twice"), make_comment(article, "Twice")
    make_comment(article, parent=repeat)
    decisions.remove_as_duplicate(comment=repeat, of=first, actor=maria)
    decide(ids=[repeat.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    act = decide(ids=[repeat.pk], to=State.REJECTED, reason="repeat", actor=maria)
    assert "Duplicate of" not in page(client, article)
    undo(action=act.action, actor=maria)
    assert Comment.objects.get(pk=repeat.pk).duplicate_of == first


@pytest.mark.parametrize(
    ("body", "marked", "result"),
    [
        ("I am Bob Smith.", "I am [[Bob Smith]].", "I am ███."),
        ("a\r\nb", "[[a]]\nb", "███\nb"),
        ("a\rb", "[[a]]\nb", "███\nb"),
        ("a b c", "[[a]] b [[c]]", "███ b ███"),
        ("[[b]] c", "[[b]] [[c]]", "[[b]] ███"),
    ],
)
def test_marked_passages_are_redacted(body, marked, result):
    assert redact_text(body, marked) == result


@pytest.mark.parametrize(
    ("marked", "code"),
    [
        ("I am Bob.", "unmarked"),
        ("I am [[]]Bob.", "unmarked"),
        ("I am [[Rob]].", "rewritten"),
        ("I am [[Bob.", "rewritten"),
        ("I am [[Bob]]. And a fool.", "rewritten"),
        ("[[I am Bob.]]", "all"),
    ],
)
def test_redaction_refuses_added_text_and_a_full_redaction(marked, code):
    with pytest.raises(ValidationError) as raised:
        redact_text("I am Bob.", marked)
    assert raised.value.code == code


def test_duplicate_decided_by_a_colleague_meanwhile_is_refused(client, maria):
    article = make_article()
    first, repeat = make_comment(article, "Twice"), make_comment(article, "Twice")
    url = reverse("moderation:duplicate", args=[repeat.pk])
    client.force_login(maria)
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', client.get(url).text)
    omar = UserFactory.create(name="Omar", roles=("Moderator",))
    decide(ids=[repeat.pk], to=State.REJECTED, reason="insult", actor=omar)
    answer = client.post(url, {"of": str(first.pk), "seen": seen}, follow=True)
    assert "Omar" in answer.text
    assert Comment.objects.get(pk=repeat.pk).state_reason == "insult"


def test_redacting_a_long_text_takes_linear_time():
    """A form may be as long as a request, and an imported comment has no maximum length."""

    def redact(text):
        assert redact_text(f"{text}Hull", f"{text}[[Hull]]") == f"{text}███"

    assert growth(redact, lambda size: "x" * size, 250_000) < LINEAR


def test_redaction_after_a_colleagues_decision_is_refused(client, maria, omar):
    """This also holds if the comment has its earlier state again."""
    comment = make_comment(make_article(), "I am Bob.")
    url = reverse("moderation:redact", args=[comment.pk])
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', client.get(url).text)
    for to, reason in ((State.SPAM, "spam"), (State.PUBLISHED, "approved")):
        decide(ids=[comment.pk], to=to, reason=reason, actor=omar)
    answer = client.post(url, {"text": "I am [[Bob]].", "seen": seen}, follow=True)
    assert "Omar: Approved" in answer.text
    assert Comment.objects.get().body == "I am Bob."
    assert not CommentRevision.objects.exists()


def test_redaction_is_shown_stored_and_undone_exactly(client, maria):
    article, guest = make_article(), GuestFactory.create()
    comment = make_comment(article, "I am *Bob* of Hull.", guest=guest)
    before = page(client, article)
    row = Comment.objects.values().get()
    client.force_login(maria)
    url = reverse("moderation:redact", args=[comment.pk])
    assert "I am *Bob* of Hull." in client.get(url).content.decode()
    assert client.post(url, {"text": "I am a fool."}).status_code == 422

    client.post(url, {"text": "I am *Bob* of [[Hull]]."})

    shown = page(client, article)
    assert "<em>Bob</em> of ███." in shown
    assert "Hull" not in shown
    assert "Redacted by a moderator" in shown
    assert CommentRevision.objects.get().body == "I am *Bob* of Hull."
    short = Comment.objects.get()
    assert short.search_text.normalized_body.count("hull") == 0
    with pytest.raises(ValidationError):  # its author does not put it back
        edit_comment(comment=short, body="I am Bob of Hull.", user=None, guest=guest)

    back = undo(action=Action.objects.get(), actor=maria)
    assert (back.skipped, page(client, article)) == ([], before)
    assert Comment.objects.values().get() == row
    undo(action=back.action, actor=maria)
    assert page(client, article) == shown
    assert_sound()


def test_comment_with_an_undone_redaction_can_be_edited_twice(maria):
    guest = GuestFactory.create()
    comment = make_comment(make_article(), "I am Bob.", guest=guest)
    undo(action=redactions.redact(comment=comment, marked="I am [[Bob]].", actor=maria), actor=maria)
    for body in ("One", "Two"):
        edit_comment(comment=Comment.objects.get(), body=body, user=None, guest=guest)
    assert Comment.objects.get().body == "Two"


def test_redaction_followed_by_another_is_not_undone(maria):
    comment = make_comment(make_article(), "Bob of Hull here.")
    first = redactions.redact(comment=comment, marked="[[Bob]] of Hull here.", actor=maria)
    second = redactions.redact(comment=Comment.objects.get(), marked="███ of [[Hull]] here.", actor=maria)
    act = undo(action=first, actor=maria)
    assert (act.action, [r.actor for r in act.skipped]) == (None, ["Maria"])
    undo(action=second, actor=maria)
    assert Comment.objects.get().body == "███ of Hull here."


def test_redaction_followed_by_a_decision_is_not_undone(maria, omar):
    """The colleague can still undo their own decision."""
    comment = make_comment(make_article(), "I am Bob.")
    redaction = redactions.redact(comment=comment, marked="I am [[Bob]].", actor=maria)
    removal = decide(ids=[comment.pk], to=State.REJECTED, reason="off_topic", actor=omar)
    act = undo(action=redaction, actor=maria)
    assert (act.action, act.skipped) == (None, [SkippedItem(comment.pk, "Omar", "Removed: off-topic")])
    assert Comment.objects.get().body == "I am ███."
    assert undo(action=removal.action, actor=omar).changed == [comment.pk]


def test_undo_of_a_redaction_reopens_its_case(maria):
    comment = make_comment(make_article(), "I am Bob.")
    reader = UserFactory.create()
    reporting.report_comment(comment=comment, user=reader, guest=None, why="abuse", details="")
    redaction = redactions.redact(comment=comment, marked="I am [[Bob]].", actor=maria)
    assert not Case.objects.open().exists()
    back = undo(action=redaction, actor=maria)
    assert Case.objects.open().get().is_reported
    undo(action=back.action, actor=maria)
    assert not Case.objects.open().exists()


def test_decision_on_an_outdated_text_is_refused(maria):
    """A moderator who read the whole text learns that it was redacted meanwhile."""
    comment = make_comment(make_article(), "I am Bob.")
    seen = {comment.pk: comment.transitions.latest("id").pk}
    redactions.redact(comment=comment, marked="I am [[Bob]].", actor=maria)
    act = decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=maria, expected_transitions=seen)
    assert act.action is None


def test_redaction_increases_the_version_once(maria):
    article = make_article()
    comment = make_comment(article)
    before = Discussion.objects.get().version
    quick_actions.set_editors_pick(comment=comment, is_pick=True, actor=maria)
    assert Discussion.objects.get().version == before + 1


def test_author_is_notified_of_a_redaction(maria, mailoutbox):
    guest = GuestFactory.create(confirmed_at=timezone.now())
    comment = make_comment(make_article(), "I am Bob.", guest=guest)
    action = redactions.redact(comment=comment, marked="I am [[Bob]].", actor=maria)
    notify_authors.call(str(action.pk))
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([guest.email], "Your comment was redacted")
    assert "Bob" not in mail.body
