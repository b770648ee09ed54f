"""The card: urgent comments first, appeals, signals, and the bar with Undo."""

import re
from html import unescape

import pytest
from django.core import mail
from django.utils import timezone

from comments.models import Comment, RemovalReason, State
from comments.services.imports import ImportedComment, import_comments
from moderation.actions.decisions import decide
from moderation.models import Action, Case, FilterVersion, Finding, Rule
from moderation.reports.reporting import appeal_removal, report_illegal_content
from moderation.tasks import notify_authors
from tests.factories import UserFactory, confirm_email, make_article, make_comment
from tests.moderation.queue.helpers import expected_transition, open_card, state, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks", "maria_client")]


def opened(page: str) -> list[str]:
    return re.findall(r'<article class="card" id="comment-(\d+)"', page)


def test_published_comment_reported_as_illegal_comes_first(client, maria):
    article = make_article()
    reported = make_comment(article, "Published, and against the law.", author=UserFactory.create())
    waits = make_comment(article, "It has waited for a long time.", author=UserFactory.create())
    decide(ids=[waits.pk], to=State.PENDING, reason="", actor=None)
    assert [c.state for c in Comment.objects.order_by("pk")] == ["published", "pending"]
    report_illegal_content(comment=reported, why="§ 130", email="n@example.org", name="N")

    page = text(client.get("/moderation/"))
    assert opened(page) == [str(reported.pk)]
    assert re.findall(r'name="ids" value="(\d+)" form="bulk"', page) == [str(reported.pk), str(waits.pk)]
    assert "<title>1 reported as illegal · 1 waiting, oldest" in page
    assert "<b>2</b> <strong>1 reported as illegal</strong>" in page  # the number of listed comments
    assert "<strong>Reported as illegal.</strong> Please review it first." in page
    assert "<small> <strong>Reported as illegal</strong>" in page

    decide(ids=[reported.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    page = text(client.get("/moderation/"))
    assert opened(page) == [str(waits.pk)]
    assert "reported as illegal" not in page.lower()


def test_only_a_comment_posted_here_is_called_the_first_one(client):
    article = make_article(source_key="an-archive")
    rows = [ImportedComment(source_id="1", author_name="Jim", body="A word.", created_at=timezone.now())]
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    [imported] = import_comments(article=article, comments=rows, actor=None, action_id=action.pk).created
    for pk, count in ((make_comment(article).pk, 1), (imported, 0)):
        page = client.get(f"/moderation/comments/{pk}/").text
        assert page.count("First comment</span>") == count
        assert "no other comments." in page


@pytest.mark.parametrize(
    ("state", "reason", "sentence"), [(State.REJECTED, "insult", "insult"), (State.SPAM, "spam", "spam")]
)
def test_appeal_is_answered_with_keep_removed(client, maria, state, reason, sentence):
    jim = UserFactory.create(name="Jim", email="jim@example.org")
    confirm_email(jim)
    comment = make_comment(make_article(), "You fool.", author=jim)
    omar = UserFactory.create(roles=("Moderator",))
    decide(ids=[comment.pk], to=state, reason=reason, actor=omar)
    comment.refresh_from_db()
    appeal_removal(comment=comment, user=jim, guest=None, text="Why?")

    page = client.get("/moderation/?queue=second").content.decode()
    assert page.index("Earlier decisions") < page.index("You fool.") < page.index("The author appeals")
    form = re.search(
        r'<form method="post" action="/moderation/decide/">(?:(?!</form>).)*value="stays"', page, re.S
    )
    assert form
    values = {
        name: unescape(re.search(rf'name="{name}" value="([^"]*)"', form[0])[1])
        for name in ("ids", "seen", "next")
    }
    done = text(client.post("/moderation/decide/", values | {"act": "stays"}, follow=True))
    assert f"Kept removed: {sentence}" in done
    action = Action.objects.latest("at")
    assert (action.actor, action.to_state, action.reason) == (maria, state, reason)
    assert not Case.objects.open().filter(comment=comment).exists()
    comment.refresh_from_db()
    assert (comment.state, comment.state_reason) == (state, reason)

    notify_authors.func(str(action.pk))
    assert mail.outbox[-1].to == ["jim@example.org"]
    assert mail.outbox[-1].subject == "Your comment stays removed"
    assert f"It stays removed: {sentence}." in mail.outbox[-1].body

    client.post(f"/moderation/actions/{action.pk}/undo/")
    assert Case.objects.open().get(comment=comment).is_appealed


def test_only_removed_comments_can_be_kept_removed(client, maria):
    comment = make_comment(make_article(), "All is well.", author=UserFactory.create())
    sent = {"ids": comment.pk, "act": "stays", "next": "/moderation/"}
    assert "This comment is not removed" in text(client.post("/moderation/decide/", sent, follow=True))
    assert client.post("/moderation/decide/", sent | {"ids": [comment.pk, comment.pk + 1]}).status_code == 400
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    "expected_transition", ["{pk}.{last}9999999999999999999", "\x00", "{pk}", "{pk}.", "x.y", "{pk}.1.2"]
)
def test_malformed_seen_value_is_refused(client, maria, expected_transition):
    comment = make_comment(make_article(), "Words.", author=UserFactory.create())
    sent = {"ids": comment.pk, "act": "spam", "seen": expected_transition.format(pk=comment.pk, last=1)}
    assert client.post("/moderation/decide/", sent).status_code == 400
    assert not Action.objects.exists()


def test_action_on_the_story_is_undone_there(client, maria):
    article = make_article()
    comment = make_comment(article, "Words.", author=UserFactory.create())
    story = article.get_absolute_url()
    sent = {"ids": comment.pk, "act": "off_topic", "next": "story"}
    page = text(client.post("/moderation/decide/", sent, follow=True))
    bar = re.search(r'<div class="undo">.*?</div>', page)[0]
    assert "Removed: off-topic</a>" in bar
    undo = unescape(re.search(r'action="([^"]+)"', bar)[1])
    back = client.post(undo)
    assert back.headers["Location"] == f"{story}#comment-{comment.pk}"
    comment.refresh_from_db()
    assert comment.state == "published"
    assert "Undone: Removed: off-topic" in text(client.get(story))
    assert 'class="undo"' not in text(client.get(story))  # shown once


def test_removal_reasons_show_the_sentence_for_the_author(client, maria):
    reason = RemovalReason.objects.get(code="off_topic")
    reason.message = "Write to the editors about that."
    reason.save()
    article = make_article()
    make_comment(article, "Words.", author=UserFactory.create())
    page = text(client.get(article.get_absolute_url()))
    assert 'name="act" value="off_topic">off-topic <small>Write to the editors about that.</small>' in page
    assert '<select name="reason"' not in page


def test_bar_undoes_the_switch_of_a_rule(client, maria):
    sent = {"value": "casino", "holds": "on", "note": "Ads", "save": "1"}
    saved = text(client.post("/moderation/rules/new/term/", sent, follow=True))
    rule = Rule.objects.get()
    assert "Saved and switched on.</a>" in re.search(r'<div class="undo">.*?</div>', saved)[0]
    off = text(client.post(f"/moderation/rules/{rule.pk}/switch/", {"on": "0"}, follow=True))
    bar = re.search(r'<div class="undo">.*?</div>', off)[0]
    assert "Switched off: casino." in bar
    back = client.post(unescape(re.search(r'action="([^"]+)"', bar)[1]))
    assert back.headers["Location"] == "/moderation/rules/#main"
    assert Rule.objects.get().is_active


@pytest.mark.parametrize("holds", [False, True])
def test_check_that_found_nothing_is_not_shown(client, maria, holds):
    comment = make_comment(make_article(), "The slip in 1907 was mine.", author=UserFactory.create())
    decide(ids=[comment.pk], to=State.PENDING, reason="", actor=None)
    version = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"")
    Finding.objects.create(
        comment=comment, revision=1, check_name="filter", strength=0.2, holds=holds, filter=version
    )
    Finding.objects.create(comment=comment, revision=1, check_name="scorer", strength=0.4, holds=False)
    page = open_card(client, comment)
    summary = re.search(r'<p class="score">([^<]*)</p>', page)[1]
    sentences = re.findall(r'<li data-strength="\d"><span>([^<]*?) *</span>', page)
    if holds:  # the threshold is low, so the comment waits because of it
        assert (summary, sentences) == (
            "1 weak signal",
            ["Possibly spam: 20 in 100 comments like this are spam."],
        )
    else:
        assert (summary, sentences) == ("No signals", [])
    assert ("Why it is waiting" in page) == holds  # signals that were not found are no reason


def test_a_signal_that_held_nothing_is_not_the_reason_to_wait(client, maria):
    comment = make_comment(make_article(), "The slip in 1907 was mine.", author=UserFactory.create())
    decide(ids=[comment.pk], to=State.PENDING, reason="", actor=None)
    Finding.objects.create(comment=comment, revision=1, check_name="links", strength=0.9, holds=False)
    assert re.search(r'<h3 id="signals-\d+">\s*Signals', open_card(client, comment))
    Finding.objects.create(comment=comment, revision=1, check_name="dashes", strength=0.9, holds=True)
    assert "Why it is waiting" in open_card(client, comment)


def test_published_comment_is_kept(client, maria):
    comment = make_comment(make_article(), "Words.", author=UserFactory.create())
    page = text(client.get(f"/moderation/comments/{comment.pk}/"))
    form = re.search(r'<div class="action-bar"> <form .*?</form>', page)[0]
    assert re.findall(r'name="act" value="(\w+)"', form) == ["approved", "spam"]
    assert (
        '<button class="btn" name="act" value="approved">Keep<kbd aria-hidden="true">a</kbd></button>' in form
    )

    report_illegal_content(comment=comment, why="§ 130", email="n@example.org", name="N")
    sent = {
        "ids": comment.pk,
        "seen": expected_transition(client.get("/moderation/"), comment),
        "act": "approved",
        "next": "/moderation/",
    }
    assert ">Kept</a>" in text(client.post("/moderation/decide/", sent, follow=True))
    assert state(comment) == (State.PUBLISHED, "approved")
    del sent["seen"]  # then nothing says that it was published until now
    assert ">Approved</a>" in text(client.post("/moderation/decide/", sent, follow=True))
    assert not Case.objects.open().filter(comment=comment).exists()


def test_unknown_name_explains_that_the_full_name_is_needed(client, maria):
    assert "Enter the full name of a person" in text(client.get("/moderation/?author=lux"))


def test_removal_redirects_to_the_comment_before(client, maria):
    article = make_article()
    first, second = (make_comment(article, words, author=UserFactory.create()) for words in ("One.", "Two."))
    sent = {"ids": second.pk, "act": "off_topic", "next": "story"}
    answer = client.post("/moderation/decide/", sent)
    assert answer.headers["Location"] == f"{article.get_absolute_url()}#comment-{first.pk}"
