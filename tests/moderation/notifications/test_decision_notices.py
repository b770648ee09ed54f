"""Notices about each kind of decision, on the author's page and by mail, which nobody else can read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from django.core import mail
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.guests import COOKIE
from accounts.models import User
from articles.models import Site
from comments.models import Comment, Discussion, Reason, RemovalReason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.actions.quick_actions import redact
from moderation.models import Batch, Rule
from moderation.notifications.decision_kinds import Kind
from moderation.notifications.notices import decision_url, render_notices
from moderation.reports import reporting
from moderation.rules import active_rules as rules
from moderation.rules.matching import RuleDefinition
from moderation.tasks import NOTIFY_AFTER, notify_authors, notify_not_published
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = pytest.mark.django_db


def proved(**fields) -> User:
    return confirm_email(UserFactory.create(**fields))


def decided(comment, to, reason, actor):
    return decide(ids=[comment.pk], to=to, reason=reason, actor=actor).batch


def approved(article, body="A word about the boat.", *, author, maria) -> Comment:
    comment = make_comment(article, body, author=author)
    decided(comment, State.PUBLISHED, Reason.APPROVED, maria)
    comment.refresh_from_db()
    return comment


def an_hour_later() -> None:
    with triggers_disabled():
        Batch.objects.update(at=F("at") - timedelta(hours=1))


# Each function makes a comment of Jim's and returns it with the action that he is notified of, if there is
# one.


def new(article, jim, maria):
    return make_comment(article, "Hello, everybody.", author=jim), None


def checked(article, jim, maria):
    approved(article, author=jim, maria=maria)
    return make_comment(article, "See https://one.example and https://two.example here.", author=jim), None


def listed(article, jim, maria):
    approved(article, author=jim, maria=maria)
    Rule.objects.create(kind=Rule.Kind.TERM, value="casino")
    return make_comment(article, "A casino is planned.", author=jim), None


def everything(article, jim, maria):
    approved(article, author=jim, maria=maria)
    change_discussion(article=article, moderation=Discussion.Moderation.PRE)
    return make_comment(article, "The night boat was quieter.", author=jim), None


def changed(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    edited = edit_comment(
        comment=comment, body="See https://one.example and https://two.example.", user=jim, guest=None
    )
    return edited, None


def published(article, jim, maria):
    comment = make_comment(article, author=jim)
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)


def removed(article, jim, maria):
    RemovalReason.objects.filter(code="off_topic").update(message="Keep to the boat.")
    Site.objects.update(version=F("version") + 1)
    comment = approved(article, author=jim, maria=maria)
    return comment, decided(comment, State.REJECTED, "off_topic", maria)


def reported(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    bo = UserFactory.create(name="Bo Reporter")
    reporting.report_comment(comment=comment, user=bo, guest=None, why="abuse", details="He is rude.")
    return comment, decided(comment, State.REJECTED, "insult", maria)


def illegal(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    reporting.report_illegal_content(
        comment=comment, why="It is a threat.", name="Nia", email="nia@example.org"
    )
    return comment, decided(comment, State.REJECTED, "other", maria)


def proposed_by_a_check(article, jim, maria):
    comment, _ = listed(article, jim, maria)
    return comment, decided(comment, State.REJECTED, "off_topic", maria)


def spam(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    return comment, decided(comment, State.SPAM, Reason.SPAM, maria)


def marked_by_filter(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    return comment, None


def restored(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    an_hour_later()
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)


def redacted_comment(article, jim, maria):
    comment = approved(article, "Call Ann Smith about the boat.", author=jim, maria=maria)
    return comment, redact(comment=comment, marked="Call [[Ann Smith]] about the boat.", actor=maria)


def restricted(article, jim, maria):
    comment = approved(article, "Something unspeakable.", author=jim, maria=maria)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.RESTRICTED, actor=maria)
    return comment, None


def appeal_turned_down(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
    other = UserFactory.create(roles=("Moderator",))
    return comment, decided(comment, State.REJECTED, "off_topic", other)


def restored_after_appeal(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    an_hour_later()
    reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)


@dataclass
class Case:
    make: Callable
    title: str
    said: list[str]  # all of these
    ways: str  # "ask", "again", "both" or nothing
    unsaid: tuple[str, ...] = ()


WAITS = "Your comment is waiting for review"
ALONE = "Only you and the moderators can see it."
NOBODY = "Not reviewed yet."
PERSON = "A person decided this, not an automatic check."
TERM = "It contains a term that a rule of this site covers."
CASES = [
    Case(
        new,
        WAITS,
        [
            ALONE,
            "Comments by new people are reviewed before they are published.",
            "This is your first comment.",
            NOBODY,
        ],
        "again",
    ),
    Case(
        checked, WAITS, [ALONE, "A check of this site sent it to review.", "It has 2 links", NOBODY], "again"
    ),
    Case(listed, WAITS, [ALONE, TERM, NOBODY], "again"),
    Case(everything, WAITS, [ALONE, "In this discussion every comment is reviewed before", NOBODY], "again"),
    Case(
        changed,
        "Your edited comment is waiting for review",
        [ALONE, "You edited it, so a moderator reviews the new text first.", NOBODY],
        "again",
    ),
    Case(published, "Your comment is published", ["A moderator approved your comment"], ""),
    Case(
        removed,
        "Your comment was removed",
        [
            "Removed by a moderator: off-topic.",
            "Keep to the boat.",
            "Nobody had reported it.",
            PERSON,
        ],
        "both",
    ),
    Case(
        reported,
        "Your comment was removed",
        ["Removed by a moderator: insult.", "A reader had reported it.", PERSON],
        "both",
        ("Bo Reporter", "He is rude."),
    ),
    Case(
        illegal,
        "Your comment was removed",
        ["It was reported as illegal.", PERSON],
        "both",
        ("Nia", "It is a threat."),
    ),
    Case(
        proposed_by_a_check,
        "Your comment was removed",
        [
            "Removed by a moderator: off-topic.",
            TERM,
            "An automatic check proposed this, and a person decided.",
        ],
        "both",
    ),
    Case(
        spam,
        "Your comment was marked as spam",
        ["A moderator marked your comment as spam and removed it.", PERSON],
        "both",
    ),
    Case(
        marked_by_filter,
        "Your comment was marked as spam",
        [
            "A check of this site marked your comment as spam",
            "An automatic check decided this. No person has reviewed it.",
        ],
        "both",
    ),
    Case(
        restored, "Your comment is published again", ["A moderator reviewed the removal of your comment."], ""
    ),
    Case(
        redacted_comment,
        "Your comment was redacted",
        ["A moderator removed words from your comment", "The rest of your comment stays published.", PERSON],
        "",
        ("Ann Smith",),
    ),
    Case(
        restricted,
        "Your comment was removed",
        [
            "Your comment must not be visible on this site, and was removed.",
            "For such comments we do not say whether they were reported.",
            PERSON,
        ],
        "",
        ("unspeakable",),
    ),
    Case(
        appeal_turned_down,
        "Your comment stays removed",
        [
            "You appealed the removal of your comment. It stays removed: off-topic.",
            "A different moderator reviewed your appeal.",
            "This decision is final. You can't appeal it again.",
        ],
        "",
    ),
    Case(
        restored_after_appeal,
        "Your comment is published again",
        ["You appealed the removal of your comment.", "Your comment is published again."],
        "",
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: case.make.__name__)
def case(request):
    return request.param


@pytest.fixture
def made(case, jim, maria):
    return case.make(make_article("The slip closes"), jim, maria)


def page_of(client: Client, comment: Comment) -> str:
    response = client.get(f"/comments/{comment.pk}/decision/")
    assert response.status_code == 200
    return response.content.decode()


def text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_author_sees_the_notice_on_its_page(client, case, made, jim):
    client.force_login(jim)
    page = page_of(client, made[0])
    assert f"<h1>{case.title}</h1>" in page
    for sentence in case.said:
        assert sentence in text(page)
    for unsaid in case.unsaid:
        assert unsaid not in page
    assert ("Appeal this decision" in page) == (case.ways in {"ask", "both"})
    assert ("Edit and resubmit</a>" in page) == (case.ways in {"again", "both"} and "/edit/" not in page)
    assert 'content="noindex"' in page


def test_the_author_sees_the_notice_in_the_thread(client, case, made, jim):
    comment = Comment.objects.get(pk=made[0].pk)
    if comment.state == State.PUBLISHED:
        return
    client.force_login(jim)
    page = client.get(made[0].discussion.article.get_absolute_url()).content.decode()
    assert f'href="/comments/{comment.pk}/decision/"' in page
    for sentence in case.said if comment.state != State.PENDING else [ALONE]:
        assert sentence in text(page)
    if comment.state != State.PENDING:
        assert ("Appeal this decision</a>" in page) == (case.ways in {"ask", "both"})


def test_the_author_gets_the_notice_by_mail(case, made, jim):
    comment, act = made
    mail.outbox.clear()
    if act:
        assert notify_authors.func(str(act.pk)) == 1
    elif Comment.objects.get(pk=comment.pk).state == State.PENDING:
        assert notify_not_published.func(comment.pk) == 1
    else:
        return  # removed by a check, or restricted: no mail about it
    (message,) = mail.outbox
    assert (message.subject, message.to) == (case.title, ["jim@example.org"])
    for sentence in case.said:
        assert sentence in message.body
    for unsaid in case.unsaid:
        assert unsaid not in message.body
    assert "The slip closes" in message.body
    state = Comment.objects.get(pk=comment.pk).state
    assert (f"/comments/{comment.pk}/decision/" in message.body) == (
        state != State.PUBLISHED or case.make is redacted_comment
    )


@pytest.mark.parametrize(("reason", "is_proposed"), [("spam", True), ("off_topic", False), ("sealed", False)])
def test_a_check_proposed_only_removals_for_its_own_reasons(reason, is_proposed, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    to = State.SPAM if reason == "spam" else State.REJECTED
    change_states(ids=[comment.pk], to=to, reason=reason, actor=maria)
    comment.refresh_from_db()
    said = render_notices([comment])[comment.pk].sentences[-1]
    assert said == ("An automatic check proposed this, and a person decided." if is_proposed else PERSON)


def test_the_page_says_that_a_restriction_cannot_be_appealed(client, jim, maria):
    comment, _ = restricted(make_article(), jim, maria)
    client.force_login(jim)
    page = text(page_of(client, comment))
    assert "What you can do You can't appeal this decision here: only an administrator" in page


def test_nobody_else_finds_the_page(client, made, maria):
    path = f"/comments/{made[0].pk}/decision/"
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
    for somebody in (maria, UserFactory.create()):
        client.force_login(somebody)
        assert client.get(path).status_code == 404
        assert client.post(path, {"text": "x"}).status_code == 404


def test_findings_are_highlighted(client, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    client.force_login(jim)
    assert "See <mark>https://one.example</mark> and <mark>https://two" in page_of(client, comment)
    notify_not_published.func(comment.pk)
    assert "Highlighted: “https://one.example”, “https://two.example”" in mail.outbox[-1].body


RULES = [
    (
        RuleDefinition(pk=None, kind="term", value="casino"),
        "The Casino pays, a casino!",
        TERM,
        ["Casino", "casino"],
    ),
    (
        RuleDefinition(pk=None, kind="list", value="a.txt", terms="pill\nboots\ncheap boots"),
        "Get cheap boots here",
        "It contains words from a list of terms of this site.",
        ["cheap boots"],
    ),
    (
        RuleDefinition(pk=None, kind="domain", value="evil.example"),
        "See http://www.evil.example/x for more",
        "It links to a domain that a rule of this site covers.",
        ["http://www.evil.example/x"],
    ),
    (
        RuleDefinition(pk=None, kind="name", value="^jim"),
        "See you there",
        "The name matches a rule of this site.",
        [],
    ),
    (
        RuleDefinition(pk=None, kind="list", value="a.txt", terms="pill\njim"),
        "See you there",
        "The name contains a word from a list of terms of this site.",
        [],
    ),
]


@pytest.mark.parametrize("becomes", ["waits", "removed", "spam", "stays"])
@pytest.mark.parametrize(("rule", "body", "sentence", "own"), RULES)
def test_the_authors_words_are_highlighted_without_the_rule(
    rule, body, sentence, own, becomes, client, jim, maria
):
    article = make_article()
    approved(article, author=jim, maria=maria)
    rules.save(rule=rule, note="", actor=maria)
    comment = make_comment(article, body, author=jim)
    if becomes == "waits":
        notify_not_published.func(comment.pk)
    else:
        to, reason = (State.SPAM, "spam") if becomes == "spam" else (State.REJECTED, "insult")
        act = decided(comment, to, reason, maria)
        if becomes == "stays":
            reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
            act = decided(comment, to, reason, UserFactory.create(roles=("Moderator",)))
        notify_authors.func(str(act.pk))
    client.force_login(jim)
    page, written = page_of(client, comment), mail.outbox[-1].body
    assert sentence in page
    assert sentence in written
    assert re.findall(r"<mark>(.*?)</mark>", page) == own
    assert ("Highlighted:" in written) == bool(own)
    assert all(f"“{words}”" in written for words in own)
    assert not any(part in page + written for part in ("pill", "a.txt", "^jim"))


def test_nothing_is_highlighted_in_a_published_comment(client, jim, maria):
    comment, _ = listed(make_article(), jim, maria)
    decided(comment, State.PUBLISHED, Reason.APPROVED, maria)
    client.force_login(jim)
    page = page_of(client, comment)
    assert TERM not in page
    assert "<mark>" not in page


def test_a_removal_notice_has_only_findings_that_proposed_it(client, jim, maria):
    comment, _ = checked(make_article(), jim, maria)
    decided(comment, State.REJECTED, "insult", maria)
    client.force_login(jim)
    page = page_of(client, comment)
    assert "It has 2 links" not in page
    assert "<mark>" not in page


def test_a_guest_opens_the_mailed_link_in_any_browser(client, maria):
    guest = GuestFactory.create(confirmed_at=timezone.now(), email="g@example.org")
    comment = make_comment(make_article(), guest=guest)
    act = decided(comment, State.REJECTED, "insult", maria)
    notify_authors.func(str(act.pk))
    url = re.search(r"http\S+/decision/\S+", mail.outbox[-1].body)
    assert url
    path = "/" + url[0].split("/", 3)[3]
    page = client.get(path).content.decode()
    assert "Removed by a moderator: insult." in page
    assert client.post(path, {"text": "Please."}).status_code == 302
    assert "You have appealed this decision." in client.get(path).content.decode()
    other = make_comment(make_article(), guest=GuestFactory.create())
    assert client.get(f"/comments/{other.pk}/decision/?{path.partition('?')[2]}").status_code == 302
    assert client.get(f"/comments/{comment.pk}/decision/?key=forged").status_code == 302
    assert COOKIE not in client.cookies


def test_one_mail_for_each_person_and_action(jim, maria):
    article = make_article()
    first, second = (
        approved(article, "One.", author=jim, maria=maria),
        make_comment(article, "Two.", author=jim),
    )
    decided(second, State.REJECTED, "insult", maria)
    an_hour_later()
    act = decide(ids=[first.pk, second.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria).batch
    assert notify_authors.func(str(act.pk)) == 1  # the author of the first knows that it is published
    act = decide(ids=[first.pk, second.pk], to=State.REJECTED, reason="off_topic", actor=maria).batch
    mail.outbox.clear()
    assert notify_authors.func(str(act.pk)) == 1
    (message,) = mail.outbox
    assert message.subject == "Your comments were removed"
    assert message.body.count("Removed by a moderator: off-topic.") == 1
    assert "“One.”" in message.body
    assert "“Two.”" in message.body


def test_no_mail_about_a_decision_that_is_undone_within_a_minute(jim, maria):
    comment = approved(make_article(), author=jim, maria=maria)
    an_hour_later()
    act = decided(comment, State.REJECTED, "insult", maria)
    back = undo(batch=act, actor=maria).batch
    assert [notify_authors.func(str(one.pk)) for one in (act, back)] == [0, 0]


def subjects(*acts: Batch) -> list[str]:
    mail.outbox.clear()
    for act in acts:
        notify_authors.func(str(act.pk))
    return [message.subject for message in mail.outbox]


def test_of_two_decisions_within_a_minute_the_second_is_mailed(jim, maria):
    comment = approved(make_article(), author=jim, maria=maria)
    an_hour_later()
    acts = [decided(comment, State.REJECTED, why, maria) for why in ("off_topic", "insult")]
    assert subjects(*acts) == ["Your comment was removed"]
    assert "insult" in mail.outbox[0].body
    an_hour_later()
    assert subjects(decided(comment, State.REJECTED, "off_topic", maria)) == ["Your comment was removed"]
    assert "off-topic" in mail.outbox[0].body


def test_a_decision_that_a_colleague_confirms_is_mailed_once(jim, maria):
    article = make_article()
    stays = approved(article, author=jim, maria=maria)
    redacted, act = redacted_comment(article, jim, maria)
    an_hour_later()
    acts = [decided(stays, State.REJECTED, "off_topic", maria) for _ in range(2)]
    assert subjects(*acts) == ["Your comment was removed"]
    confirmed = decided(redacted, State.PUBLISHED, Reason.APPROVED, maria)
    assert subjects(act, confirmed) == ["Your comment was redacted"]
    waits = make_comment(article, "See https://one.example and https://two.example here.", author=jim)
    acts = [decided(waits, State.PUBLISHED, Reason.APPROVED, maria) for _ in range(2)]
    assert subjects(*acts) == ["Your comment is published"]


def test_a_comment_published_removed_and_restored_is_mailed_as_published(jim, maria):
    comment = make_comment(make_article(), author=jim)
    acts = [decided(comment, State.PUBLISHED, Reason.APPROVED, maria)]
    acts.append(decided(comment, State.REJECTED, "insult", maria))
    acts.append(undo(batch=acts[-1], actor=maria).batch)
    assert subjects(*acts) == ["Your comment is published"]


def test_sentences_in_the_thread_address_the_author_or_the_moderator(client, jim, maria):
    article = make_article()
    make_comment(article, "Hello, everybody.", author=jim)
    pages = {}
    for user in (jim, maria):
        client.force_login(user)
        pages[user.name] = client.get(article.get_absolute_url()).content.decode()
    assert "</strong> this is your first comment." in pages["Jim"]
    assert "by this person" not in pages["Jim"]
    assert "</strong> no comment by this person has been approved yet." in pages["Maria"]


def test_waiting_is_mailed_after_a_minute_to_confirmed_e_mails_at_most_three_times(
    jim, django_capture_on_commit_callbacks
):
    article = make_article()
    with django_capture_on_commit_callbacks(execute=True):
        first = make_comment(article, "One.", author=jim)
        make_comment(article, "By somebody unproved.")
    jobs = [job for job in DBTaskResult.objects.all() if job.task_path.endswith("notify_not_published")]
    assert [job.args_kwargs["args"] for job in jobs] == [[first.pk]]
    assert timedelta() < jobs[0].run_after - timezone.now() <= NOTIFY_AFTER
    more = [make_comment(article, words, author=jim) for words in ("Two, of the harbour.", "Three, of rain.")]
    Comment.objects.filter(author=jim).update(created_at=timezone.now() - timedelta(hours=1))
    last = make_comment(article, "And one that is too much.", author=jim)
    assert [notify_not_published.func(one.pk) for one in [first, *more, last]] == [1, 1, 1, 0]


def test_waiting_after_an_edit_is_mailed_too(jim, maria, django_capture_on_commit_callbacks):
    comment = approved(make_article(), author=jim, maria=maria)
    DBTaskResult.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        body = "See https://one.example and https://two.example."
        assert edit_comment(comment=comment, body=body, user=jim, guest=None).state == State.PENDING
    jobs = [job for job in DBTaskResult.objects.all() if job.task_path.endswith("notify_not_published")]
    assert [job.args_kwargs["args"] for job in jobs] == [[comment.pk]]


def test_many_notices_take_as_many_statements_as_one(jim, maria):
    article = make_article()
    made = [approved(article, f"Word {n} of the harbour.", author=jim, maria=maria) for n in range(4)]
    decide(ids=[one.pk for one in made], to=State.REJECTED, reason="insult", actor=maria)

    def statements(ids) -> int:
        rows = list(
            Comment.objects.filter(pk__in=ids).select_related("author", "guest", "discussion__article")
        )
        with CaptureQueriesContext(connection) as captured:
            render_notices(rows)
        return len(captured)

    statements([made[0].pk])  # the process caches the reasons from now on
    assert statements([made[0].pk]) == statements([one.pk for one in made]) <= 9


def test_a_notice_mentions_reports_of_every_earlier_case(jim, maria):
    article, otto = make_article(), UserFactory.create(roles=("Moderator",))
    kept = approved(article, author=jim, maria=maria)
    looked_at = approved(article, "Another word.", author=jim, maria=maria)
    later = approved(article, "Call Ann Smith.", author=jim, maria=maria)
    for one in (kept, looked_at):
        reporting.report_comment(comment=one, user=UserFactory.create(), guest=None, why="abuse", details="")
    decided(kept, State.PUBLISHED, Reason.APPROVED, maria)
    decided(kept, State.REJECTED, "off_topic", maria)
    decided(looked_at, State.REJECTED, "off_topic", maria)
    looked_at.refresh_from_db()
    reporting.appeal_removal(comment=looked_at, user=jim, guest=None, text="")
    decided(looked_at, State.REJECTED, "off_topic", otto)
    redact(comment=later, marked="Call [[Ann Smith]].", actor=maria)
    reporting.report_comment(comment=later, user=UserFactory.create(), guest=None, why="abuse", details="")

    notices = render_notices(list(Comment.objects.filter(pk__in=[kept.pk, looked_at.pk, later.pk])))

    assert "A reader had reported it." in notices[kept.pk].sentences
    assert "A reader had reported it." in notices[looked_at.pk].sentences
    assert "Nobody had reported it." in notices[later.pk].sentences  # at the time of the decision


def test_after_an_appeal_no_second_one_is_offered(jim, maria):
    comment, _ = appeal_turned_down(make_article(), jim, maria)
    decided(comment, State.SPAM, Reason.SPAM, maria)
    assert render_notices([Comment.objects.get(pk=comment.pk)])[comment.pk].next_step.startswith(
        "This decision is final"
    )


def test_a_second_redaction_is_mailed_too(jim, maria):
    comment, act = redacted_comment(make_article(), jim, maria)
    back = undo(batch=act, actor=maria).batch
    again = undo(batch=back, actor=maria).batch
    assert [notify_authors.func(str(one.pk)) for one in (act, back, again)] == [0, 0, 1]
    assert mail.outbox[-1].subject == "Your comment was redacted"
    assert "Ann Smith" not in mail.outbox[-1].body
    assert render_notices([Comment.objects.get(pk=comment.pk)])[comment.pk].kind == Kind.REDACTED


def test_a_mailed_link_does_not_offer_the_edit_page(client, maria):
    guest = GuestFactory.create(confirmed_at=timezone.now())
    comment = make_comment(make_article(), guest=guest)
    comment.refresh_from_db()
    page = client.get("/" + decision_url(comment).split("/", 3)[3]).content.decode()
    assert f"/comments/{comment.pk}/edit/" not in page
    assert f"/comments/{comment.pk}/resubmit/?key=" in page


def test_only_the_author_reads_the_words_of_a_removed_comment_in_the_thread(client, jim, maria):
    article = make_article()
    comment = approved(article, "Loud *words*.", author=jim, maria=maria)
    decided(comment, State.REJECTED, Reason.INSULT, maria)
    for reader, sees_it in ((jim, True), (maria, False), (UserFactory.create(), False)):
        client.force_login(reader)
        assert ("Loud <em>words</em>." in client.get(article.get_absolute_url()).text) == sees_it
    assert "Loud" not in Client().get(article.get_absolute_url()).text
