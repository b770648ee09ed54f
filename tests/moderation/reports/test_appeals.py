"""Appeals of authors, and comments that are edited and resubmitted: each is possible once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from threading import Barrier

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.db.models import F
from django.utils import timezone

from comments.models import Comment, CommentRevision, Reason, State
from comments.policy import policy
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from moderation.actions.cases import APPEAL_HOURS
from moderation.actions.decisions import decide, undo
from moderation.actions.redactions import redact
from moderation.models import Appeal, Case, Finding
from moderation.queue import queues
from moderation.reports import reporting
from moderation.tasks import notify_authors, notify_reporters
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import set_pending
from tests.moderation.queue.helpers import listed_comment_ids

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


@pytest.fixture
def removed(jim, maria):
    comment = make_comment(make_article(), "You fool, the boat is late.", author=jim)
    decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=maria)
    comment.refresh_from_db()
    return comment


def appeal(comment, jim, words="Read it again, please."):
    return reporting.appeal_removal(comment=comment, user=jim, guest=None, text=words)


def edit_and_appeal(comment, jim, body="The boat is late."):
    return reporting.edit_and_resubmit(comment=comment, body=body, user=jim, guest=None)


def page(comment) -> str:
    return f"/comments/{comment.pk}/decision/"


def test_an_appeal_of_the_maximum_length_is_accepted(client, removed, jim):
    client.force_login(jim)
    text = "x\r\n" * 999 + "yz"  # a browser counts 2,000 characters and sends 2,999
    assert client.post(page(removed), {"text": text}).status_code == 302
    assert Appeal.objects.get().text == text.replace("\r", "")


def test_an_author_appeals_once_and_sees_the_appeal(client, removed, jim, maria):
    client.force_login(jim)
    for nothing in ("", "  \n "):  # an empty appeal does not count
        empty = client.post(page(removed), {"text": nothing})
        assert empty.status_code == 422
        assert "Please explain why." in empty.content.decode()
    assert not Appeal.objects.exists()
    long = "x\r\n" * 999 + "boat"  # a browser counts 2,002 characters
    assert client.post(page(removed), {"text": long}).status_code == 422
    response = client.post(page(removed), {"text": "I meant the boat."}, follow=True)
    shown = response.content.decode()
    assert "Your appeal is sent." in shown
    assert shown.count("You have appealed this decision. You will see the answer here.") == 1
    assert "I meant the boat." in shown
    assert 'name="text"' not in shown
    case = Case.objects.open().get(comment=removed)
    assert case.is_appealed
    assert case.opened_at - case.due_at >= timedelta(hours=APPEAL_HOURS)
    (request,) = reporting.review_requests(case, maria)
    assert (request.kind, request.text) == ("appeal", "I meant the boat.")

    assert client.post(page(removed), {"text": "I meant the boat."}).status_code == 302  # a double click
    second = client.post(page(removed), {"text": "And again!"})
    assert second.status_code == 422
    assert "You have appealed this decision already." in second.text
    assert "Your text, which was not sent" in second.text
    assert "And again!</textarea>" in second.text
    assert 'value="Appeal this decision"' not in second.text
    assert Appeal.objects.count() == 1
    assert Comment.objects.get(pk=removed.pk).state == State.REJECTED


def test_after_an_appeal_the_story_says_so_and_nothing_else_is_offered(client, removed, jim):
    client.force_login(jim)
    story = removed.discussion.article.get_absolute_url()
    before = client.get(story).text
    assert f'<a href="{page(removed)}">Appeal this decision</a>' in before
    decision = unescape(client.get(page(removed)).text)
    assert "you can appeal it once, within 30 days. Before that, you can edit your comment" in unescape(
        decision
    )

    client.post(page(removed), {"text": "I meant the boat."})

    after = client.get(story).text
    assert "You have appealed this decision. You will see the answer here." in after
    assert f'<a href="{page(removed)}">Details</a>' in after
    assert "Appeal this decision" not in after
    resubmit = f"/comments/{removed.pk}/resubmit/"
    assert client.get(resubmit).status_code == 302
    assert client.post(resubmit, {"body": "The boat is late."}).status_code == 422
    for path in (page(removed), "/account/comments/"):
        shown = client.get(path).text
        assert "You have appealed this decision." in shown
        assert "Edit and resubmit" not in shown
        assert "Appeal this decision" not in shown


def test_an_appeal_goes_to_another_moderator_if_there_is_one(removed, jim, maria):
    appeal(removed, jim)
    others = Case.objects.open().exclude(reporting.appeals_for_colleagues(maria))
    assert others.count() == 1  # she is the only moderator
    (request,) = reporting.review_requests(others.get(), maria)
    assert "another moderator" not in request.sentence
    otto = UserFactory.create(roles=("Administrator",))
    assert not Case.objects.open().exclude(reporting.appeals_for_colleagues(maria)).exists()
    assert Case.objects.open().exclude(reporting.appeals_for_colleagues(otto)).count() == 1
    case = Case.objects.open().get()
    assert (
        "You took the first decision, so another moderator answers."
        in reporting.review_requests(case, maria)[0].sentence
    )
    assert "another moderator" not in reporting.review_requests(case, otto)[0].sentence
    otto.is_active = False
    otto.save()
    assert Case.objects.open().exclude(reporting.appeals_for_colleagues(maria)).count() == 1


def test_an_empty_queue_says_that_a_colleague_decides(client, removed, jim, maria, omar):
    sentence = "A colleague decides appeals about your own comments and decisions."
    client.force_login(maria)
    assert sentence not in client.get("/moderation/?queue=second").text
    appeal(removed, jim)
    assert sentence in client.get("/moderation/?queue=second").text
    assert sentence not in client.get("/moderation/?queue=waiting").text
    client.force_login(omar)
    assert sentence not in client.get("/moderation/?queue=second").text


def test_the_queue_of_appeals_has_only_those_that_the_person_may_answer(client, removed, jim, maria, omar):
    appeal(removed, jim)
    Case.objects.filter(comment=removed).update(opened_at=timezone.now() - timedelta(hours=5))
    other = make_comment(make_article(), "The other boat.")
    Case.objects.create(comment=other, discussion_id=other.discussion_id, is_appealed=True)
    for user, found, oldest in ((maria, {other.pk}, "0 min"), (omar, {removed.pk, other.pk}, "5 h")):
        (appeals,) = [
            one for one in queues.summarize_queues(user, "/moderation/") if one.key == queues.APPEALS
        ]
        assert (appeals.count, appeals.oldest) == (len(found), oldest)
        client.force_login(user)
        assert set(listed_comment_ids(client.get("/moderation/?queue=second"))) == found


@pytest.mark.parametrize("act", ["stays", "spam", "insult"])
def test_the_moderator_who_decided_cannot_answer_but_can_restore_the_comment(
    client, removed, jim, maria, omar, act
):
    appeal(removed, jim)
    client.force_login(maria)
    sent = {"ids": removed.pk, "act": act, "next": "/moderation/"}
    page = client.post("/moderation/decide/", sent, follow=True).text
    assert "An appeal must be decided by another moderator." in page
    assert Case.objects.open().get(comment=removed).is_appealed
    assert Comment.objects.get(pk=removed.pk).state_reason == "insult"
    client.post("/moderation/decide/", {"ids": removed.pk, "act": "approved"})
    assert Comment.objects.get(pk=removed.pk).state == State.PUBLISHED


def test_the_moderator_who_decided_cannot_answer_by_naming_a_duplicate(client, removed, jim, maria, omar):
    appeal(removed, jim)
    other = make_comment(removed.discussion.article, "The same boat.")
    client.force_login(maria)
    address = f"/moderation/comments/{removed.pk}/duplicate/"
    form = client.get(address).context["form"]
    page = client.post(address, {"of": other.pk, "seen": form["seen"].value()}).text
    assert "An appeal must be decided by another moderator." in page
    assert Case.objects.open().get(comment=removed).is_appealed
    assert Comment.objects.get(pk=removed.pk).state_reason == "insult"


def test_moderators_cannot_answer_their_own_appeal(removed, jim, maria):
    """The moderator who decided may answer if the author is the only other moderator."""
    jim.set_roles(["Moderator"])
    appeal(removed, jim)
    case = Case.objects.open().exclude(reporting.appeals_for_colleagues(maria)).get()
    assert not Case.objects.open().exclude(reporting.appeals_for_colleagues(jim)).exists()
    assert "another moderator" not in reporting.review_requests(case, maria)[0].sentence
    assert (
        "It is your own comment, so another moderator answers."
        in reporting.review_requests(case, jim)[0].sentence
    )
    maria.is_active = False
    maria.save()
    assert (
        Case.objects.open().exclude(reporting.appeals_for_colleagues(jim)).exists()
    )  # he is the only moderator


def test_other_cases_are_for_every_moderator(jim, maria):
    UserFactory.create(roles=("Moderator",))
    comment = make_comment(make_article(), author=jim)
    reporting.report_comment(comment=comment, user=maria, guest=None, why="spam", details="")
    assert Case.objects.open().exclude(reporting.appeals_for_colleagues(maria)).count() == 1


def test_the_outcome_says_that_it_is_final(client, removed, jim):
    appeal(removed, jim)
    otto = UserFactory.create(roles=("Moderator",))
    act = decide(ids=[removed.pk], to=State.REJECTED, reason="insult", actor=otto).action
    assert not Case.objects.open().exists()
    assert notify_reporters.func(str(act.pk)) == 0
    assert notify_authors.func(str(act.pk)) == 1
    assert mail.outbox[0].subject == "Your comment stays removed"
    client.force_login(jim)
    shown = client.get(page(removed)).content.decode()
    assert "This decision is final. You can’t appeal it again." in shown
    assert "What you can do" not in shown
    assert "what you can do" not in mail.outbox[0].body
    assert 'name="text"' not in shown
    with pytest.raises(ValidationError):
        appeal(removed, jim)
    with pytest.raises(ValidationError):
        edit_and_appeal(removed, jim)


def test_an_appeal_that_is_answered_before_the_mail_about_the_removal_is_mailed_once(removed, jim):
    """The worker may be late, or the answer quick. Both mails would say the same."""
    otto = UserFactory.create(roles=("Moderator",))
    removal = removed.transitions.latest("pk").action_id
    appeal(removed, jim)
    act = decide(ids=[removed.pk], to=State.REJECTED, reason="insult", actor=otto).action
    assert notify_authors.func(str(removal)) == 0
    assert notify_authors.func(str(act.pk)) == 1


def test_an_author_who_appealed_is_mailed_once_even_after_a_mass_spam_action(removed, jim, maria):
    appeal(removed, jim)
    other = make_comment(removed.discussion.article, "Something else.")
    act = decide(ids=[removed.pk, other.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    assert notify_reporters.func(str(act.pk)) == 0
    assert notify_authors.func(str(act.pk)) == 1
    assert [m.to for m in mail.outbox] == [["jim@example.org"]]

    redone = undo(action=undo(action=act, actor=maria).action, actor=maria).action
    assert notify_authors.func(str(redone.pk)) == 1  # the redo is also mailed


def test_a_resubmitted_comment_waits_with_its_new_text_and_keeps_the_old_one(client, removed, jim, maria):
    client.force_login(jim)
    path = f"/comments/{removed.pk}/resubmit/"
    assert "You fool, the boat is late." in client.get(path).content.decode()
    same = client.post(path, {"body": removed.body})
    assert same.status_code == 422
    preview = client.post(path, {"body": "The boat is *late*.", "preview": "Preview"})
    assert (preview.status_code, "<p>The boat is <em>late</em>.</p>" in preview.text) == (200, True)
    assert client.post(path, {"body": "The boat is late."}).headers["Location"] == page(removed)

    comment = Comment.objects.get(pk=removed.pk)
    assert (comment.state, comment.state_reason) == (State.PENDING, Reason.SCREENED)
    assert (comment.body, comment.revision) == ("The boat is late.", 2)
    assert CommentRevision.objects.get(comment=comment).body == "You fool, the boat is late."
    line = comment.transitions.latest("id")
    assert (line.from_state, line.to_state, line.actor, line.revision) == ("rejected", "pending", None, 2)
    case = Case.objects.open().get(comment=comment)
    assert (case.is_pending, case.is_appealed) == (True, True)
    assert case.appeals.get().appealed_transition.actor == maria
    assert "Your edited comment is waiting for review" in client.get(page(removed)).content.decode()

    response = client.post(path, {"body": "A third text."})
    assert response.status_code == 422
    assert "A third text." in response.content.decode()
    assert client.get(path).headers["Location"] == page(removed)


def test_a_resubmission_based_on_an_earlier_text_shows_both_texts(client, jim):
    comment = make_comment(make_article(), "A boat.", author=jim)
    set_pending(comment)
    comment.refresh_from_db()
    edit_comment(comment=comment, body="A big boat.", user=jim, guest=None)  # in another window
    client.force_login(jim)
    path = f"/comments/{comment.pk}/resubmit/"
    shown = client.post(path, {"body": "A small boat.", "revision": "1"})
    assert shown.status_code == 422
    for text in ("this comment was changed after", "A small boat.</textarea>", "A big boat.</textarea>"):
        assert text in shown.text
    assert client.post(path, {"body": "A small boat.", "revision": "2"}).status_code == 302
    comment.refresh_from_db()
    assert comment.body == "A small boat."


def test_a_resubmitted_comment_is_not_marked_as_redacted(jim, maria):
    comment = make_comment(make_article(), "Call Ann Smith.", author=jim)
    redaction = redact(comment=comment, marked="Call [[Ann Smith]].", actor=maria)
    decide(ids=[comment.pk], to=State.REJECTED, reason="insult", actor=maria)
    comment.refresh_from_db()
    edit_and_appeal(comment, jim, "Call the harbour.")
    comment.refresh_from_db()
    assert not comment.is_redacted
    kept = comment.revisions.order_by("revision").values_list("body", "is_redacted")
    assert [is_redacted for _, is_redacted in kept] == [False, True]
    assert undo(action=redaction, actor=maria).action is None
    comment.refresh_from_db()
    assert comment.body == "Call the harbour."


def test_the_checks_run_without_a_lock(removed, jim, monkeypatch):
    """Checks may call outside services, which can be slow."""
    depth, seen = len(connection.savepoint_ids), []
    real = policy().examine
    monkeypatch.setattr(
        policy(), "examine", lambda submission: seen.append(len(connection.savepoint_ids)) or real(submission)
    )
    edit_and_appeal(removed, jim)
    assert seen == [depth]


def test_the_checks_run_on_a_resubmitted_text(removed, jim, settings):
    settings.COMMENT_POLICY = "moderation.policy.ModerationPolicy"
    from comments.policy import policy  # after the fixture

    policy.cache_clear()
    edit_and_appeal(removed, jim, "See https://one.example and https://two.example.")
    assert "links" in {f.check_name for f in Finding.objects.filter(comment=removed, revision=2)}


def test_a_resubmitted_comment_that_is_removed_again_can_be_appealed(removed, jim, maria):
    edit_and_appeal(removed, jim)
    decide(ids=[removed.pk], to=State.REJECTED, reason="off_topic", actor=maria)
    with pytest.raises(ValidationError):
        edit_and_appeal(removed, jim, "Another text.")
    assert appeal(removed, jim).appealed_transition.actor == maria


def test_a_waiting_comment_can_be_resubmitted_once(jim):
    waiting = make_comment(make_article(), author=jim)
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    waiting.refresh_from_db()
    with pytest.raises(ValidationError):
        appeal(waiting, jim)  # it will be reviewed anyway
    assert edit_and_appeal(waiting, jim, "Other words.").is_edit
    waiting.refresh_from_db()
    with pytest.raises(ValidationError):
        edit_and_appeal(waiting, jim, "Still others.")


@pytest.mark.parametrize("way", [appeal, edit_and_appeal])
def test_when_no_appeal_is_possible(removed, jim, maria, way, time_machine):
    with pytest.raises(ValidationError):
        way(removed, maria)  # this is not her own comment
    published = make_comment(removed.discussion.article, "Stands.", author=jim)
    with pytest.raises(ValidationError):
        way(published, jim)
    deleted = make_comment(removed.discussion.article, "Taken back.", author=jim)
    delete_comment(comment=deleted, user=jim, guest=None)
    deleted.refresh_from_db()
    with pytest.raises(ValidationError):
        way(deleted, jim)
    sealed = make_comment(removed.discussion.article, "Unspeakable.", author=jim)
    change_states(ids=[sealed.pk], to=State.REJECTED, reason=Reason.RESTRICTED, actor=maria)
    sealed.refresh_from_db()
    with pytest.raises(ValidationError):
        way(sealed, jim)
    time_machine.move_to(timezone.now() + timedelta(days=31))
    with pytest.raises(ValidationError):
        way(removed, jim)
    assert not Appeal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_of_two_simultaneous_appeals_is_refused(removed, jim):
    together = Barrier(2)

    def try_to_appeal(way) -> int:
        try:
            together.wait()
            return bool(way(Comment.objects.get(pk=removed.pk), jim))
        except ValidationError:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_to_appeal, [appeal, edit_and_appeal])) == [False, True]
    assert Appeal.objects.count() == 1


def test_appeals_per_day_are_limited(jim, maria):
    article = make_article()
    comments = [
        make_comment(article, f"Word {n}.", author=jim) for n in range(reporting.MAX_APPEALS_PER_DAY + 1)
    ]
    decide(ids=[one.pk for one in comments], to=State.REJECTED, reason="insult", actor=maria)
    for one in comments[:-1]:
        appeal(Comment.objects.get(pk=one.pk), jim)
    with pytest.raises(ValidationError, match="try again tomorrow"):
        appeal(Comment.objects.get(pk=comments[-1].pk), jim)
    Appeal.objects.update(at=F("at") - timedelta(days=2))
    appeal(Comment.objects.get(pk=comments[-1].pk), jim)


def test_a_decision_in_the_meantime_is_not_overwritten(removed, jim, maria):
    decide(ids=[removed.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    with pytest.raises(ValidationError):
        edit_and_appeal(removed, jim)  # the form is from a page opened before
    assert Comment.objects.get(pk=removed.pk).state == State.PUBLISHED
