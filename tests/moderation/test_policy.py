"""The policy for new comments: verdicts, findings, and the sentences for those who may read them."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Guest
from articles.site.current_site import bind_request, read_site
from comments import removal_reasons
from comments.models import Comment, Discussion, Reason, State, Transition
from comments.policy import Submission, policy
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.cases import due_time
from moderation.actions.decisions import decide, undo
from moderation.actions.setting_changes import SkippedItem
from moderation.actions.state_history import last_transition_ids
from moderation.checks.base import Context
from moderation.checks.results import CheckResult
from moderation.models import Case, Finding, Rule
from moderation.policy import ModerationPolicy, _needed_review
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]

LONG = "The slip was there before any of us, and it will be there when we are gone."


def approve(comment, actor):
    return decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=actor)


def checks(comment) -> list[str]:
    return list(Finding.objects.filter(comment=comment).order_by("id").values_list("check_name", flat=True))


def confirmed_guest(**fields):
    return GuestFactory.create(confirmed_at=timezone.now(), **fields)


def known_guest(article, maria, **fields):
    guest = confirmed_guest(**fields)
    approve(make_comment(article, "Earlier words", guest=guest), maria)
    return guest


HOLDS, FLAGS, NOTES = (
    CheckResult(strength=1, check="late"),
    CheckResult(strength=1, check="slur", holds=False),
    CheckResult(strength=1, check="late", holds=False),
)
POST, PRE, CONDITIONAL = (
    Discussion.Moderation.POST,
    Discussion.Moderation.PRE,
    Discussion.Moderation.CONDITIONAL,
)


@pytest.mark.parametrize(
    ("findings", "moderation", "facts", "review"),
    [
        ([], CONDITIONAL, Context(), "none"),
        ([NOTES], CONDITIONAL, Context(), "none"),
        ([HOLDS], CONDITIONAL, Context(), "hold"),
        ([HOLDS], PRE, Context(), "hold"),
        ([HOLDS], POST, Context(), "flag"),
        ([HOLDS], POST, Context(site_is_premoderated=True), "hold"),
        ([HOLDS, FLAGS], CONDITIONAL, Context(), "hold"),
        ([FLAGS], CONDITIONAL, Context(), "flag"),
        ([FLAGS], POST, Context(), "flag"),
        ([HOLDS], CONDITIONAL, Context(may_moderate=True), "none"),
        ([HOLDS], POST, Context(may_moderate=True), "none"),
        ([HOLDS, FLAGS], CONDITIONAL, Context(may_moderate=True), "flag"),
    ],
)
def test_the_review_that_findings_need(findings, moderation, facts, review):
    discussion = Discussion(moderation=moderation)
    assert (
        _needed_review(
            Submission(discussion=discussion, author=None, guest=None, name="Ann", body=LONG), facts, findings
        )
        == review
    )


def test_a_new_guest_waits_and_sees_why():
    comment = make_comment(make_article())
    assert (comment.state, comment.state_reason) == ("pending", "screened")
    assert policy().explain_pending([comment.pk]) == {comment.pk: ["The e-mail is not confirmed yet."]}


def test_a_person_who_confirmed_later_is_not_asked_to_confirm():
    guest, account = GuestFactory.create(), UserFactory.create()
    first, second = (
        make_comment(make_article(), guest=guest),
        make_comment(make_article("B"), "Other words", author=account),
    )
    unproved = ["The e-mail is not confirmed yet."]
    assert policy().explain_pending([first.pk, second.pk]) == {first.pk: unproved, second.pk: unproved}

    Guest.objects.filter(pk=guest.pk).update(confirmed_at=timezone.now())
    confirm_email(account)
    proved = ["The e-mail was confirmed after this comment was written."]
    assert policy().explain_pending([first.pk, second.pk]) == {first.pk: proved, second.pk: proved}


def test_one_approved_comment_of_a_confirmed_guest_is_enough(maria):
    article, guest = make_article(), confirmed_guest()
    first = make_comment(article, guest=guest)
    assert first.state == "pending"
    approve(first, maria)
    assert make_comment(article, "Another", guest=guest).state == "published"


def test_an_approved_comment_of_an_unconfirmed_guest_is_not(maria):
    article, guest = make_article(), GuestFactory.create()
    approve(make_comment(article, guest=guest), maria)
    assert make_comment(article, "Another", guest=guest).state == "pending"


def test_an_approval_that_was_taken_back_no_longer_counts(maria):
    article, guest = make_article(), confirmed_guest()
    first = make_comment(article, guest=guest)
    approve(first, maria)
    decide(ids=[first.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    assert make_comment(article, "Another", guest=guest).state == "pending"


def test_the_same_confirmed_e_mail_is_the_same_person(maria):
    article = make_article()
    known_guest(article, maria, email="Nuala@example.org")
    assert (
        make_comment(article, "Hers", guest=confirmed_guest(email="nuala@example.org")).state == "published"
    )
    assert (
        make_comment(article, "Not hers", guest=GuestFactory.create(email="nuala@example.org")).state
        == "pending"
    )

    account = UserFactory.create(email="nuala@example.org")
    assert make_comment(article, "Unproved", author=account).state == "pending"
    confirm_email(account)
    assert make_comment(article, "Proved", author=account).state == "published"


@pytest.mark.parametrize("proved", ["Bea.B@example.org", "bea.b@example.org"])
def test_an_account_typed_in_capitals_is_trusted_as_well(maria, proved):
    article, account = make_article(), UserFactory.create(email="Bea.B@example.org")
    EmailAddress.objects.create(user=account, email=proved, verified=True, primary=True)
    approve(make_comment(article, "Earlier words", author=account), maria)
    assert make_comment(article, "Another", author=account).state == "published"
    same = GuestFactory.create(email="BEA.B@example.org", confirmed_at=timezone.now())
    assert make_comment(article, "As a guest", guest=same).state == "published"


def test_moderators_do_not_wait_but_findings_are_stored(maria):
    article, other = make_article(), make_article("Another story")
    editor = UserFactory.create(roles=("Editor",))
    other.editors.add(UserFactory.create(roles=("Editor",)))
    two_links = "https://a.example https://b.example"
    for author, where, state in [
        (maria, article, "published"),
        (editor, article, "published"),
        (editor, other, "pending"),
    ]:
        comment = make_comment(where, two_links, author=author)
        assert comment.state == state
        assert "links" in checks(comment)


@pytest.mark.parametrize(("mode", "state"), [("conditional", "published"), ("pre", "pending")])
def test_premoderation_holds_comments_of_known_people(maria, mode, state):
    article = make_article()
    guest = known_guest(article, maria)
    change_discussion(article=article, moderation=mode)
    assert make_comment(article, "More", guest=guest).state == state


def test_postmoderation_stores_the_findings():
    article = make_article()
    change_discussion(article=article, moderation="post")
    comment = make_comment(article)
    assert comment.state == "published"
    assert checks(comment) == ["new_person"]


def test_duplicates_across_the_site_wait(maria):
    first, second = make_article(), make_article("Another story")
    guest = known_guest(first, maria)
    original = make_comment(first, LONG, guest=guest)
    same = make_comment(second, LONG.upper(), guest=guest)
    near = make_comment(second, LONG.replace("gone", "gone!!!"), guest=guest)
    short = [make_comment(second, "I agree", guest=guest) for _ in range(2)]

    assert original.state == "published"
    assert [(checks(c), c.state) for c in (same, near)] == [
        (["repeat"], "pending"),
        (["near_repeat"], "pending"),
    ]
    assert [c.state for c in short] == ["published", "published"]
    name = original.author_name
    assert policy().explain_pending([same.pk]) == {
        same.pk: [f"It has the same text as comment {original.pk} by {name}."]
    }

    # The name of an author who is not shown does not appear, either.
    decide(ids=[original.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    assert policy().explain_pending([same.pk]) == {same.pk: ["It has the same text as another comment."]}


def test_own_text_posted_twice_in_a_discussion_does_not_wait(maria):
    article = make_article()
    guest, other = (known_guest(article, maria) for _ in range(2))
    first = make_comment(article, LONG, guest=guest)
    again, theirs = (make_comment(article, LONG, guest=person) for person in (guest, other))

    assert [(c.state, checks(c)) for c in (again, theirs)] == [
        ("published", ["repeat"]),
        ("pending", ["repeat"]),
    ]
    decide(ids=[first.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    assert make_comment(article, LONG, guest=guest).state == "pending"


@pytest.mark.parametrize("what", ["https://boats.example", "0171 555 3210", "jim@boats.example"])
def test_own_promotion_posted_twice_waits(maria, what):
    article = make_article()
    guest = known_guest(article, maria)
    states = [make_comment(article, f"{LONG} Ask at {what} for it.", guest=guest).state for _ in range(2)]
    assert states == ["published", "pending"]


def test_a_listed_term_waits(maria):
    article = make_article()
    guest = known_guest(article, maria)
    rule = Rule.objects.create(value="casino")
    comment = make_comment(article, "The casino!", guest=guest)
    assert comment.state == "pending"
    found = Finding.objects.filter(comment=comment, check_name="term")
    assert found.values_list("rule", "spans").get() == (rule.pk, [[4, 10]])
    assert policy().explain_pending([comment.pk]) == {
        comment.pk: ["It contains a term that a rule of this site covers."]
    }

    Rule.objects.update(is_active=False)
    assert make_comment(article, "The casino?", guest=guest).state == "published"


def test_an_old_article_says_how_old(maria):
    guest = known_guest(make_article(), maria)
    article = make_article("Old", published_at=timezone.now() - timedelta(days=100))
    comment = make_comment(article, guest=guest)
    assert policy().explain_pending([comment.pk]) == {comment.pk: ["Posted 3 months after the story."]}


def test_an_edit_is_checked_again_and_is_no_duplicate_of_itself(maria):
    article = make_article()
    guest = known_guest(article, maria)
    comment = make_comment(article, LONG, guest=guest)
    comment = edit_comment(comment=comment, body=LONG + " Truly.", user=None, guest=guest)
    assert (comment.state, checks(comment)) == ("published", [])
    comment = edit_comment(
        comment=comment, body="https://a.example https://b.example", user=None, guest=guest
    )
    assert (comment.state, checks(comment)) == ("pending", ["links"])
    case = Case.objects.open().get(comment=comment)
    assert case.score > 0
    assert case.due_at == due_time(case.opened_at, case.score)
    comment = edit_comment(comment=comment, body="No links any more", user=None, guest=guest)
    assert policy().explain_pending([comment.pk]) == {}  # the current text has no findings
    assert comment.state == "pending"


def test_a_text_that_was_edited_meanwhile_is_not_approved(maria):
    guest = GuestFactory.create(name="Nuala")
    comment = make_comment(make_article(), "Fine words", guest=guest)
    seen = last_transition_ids([comment.pk])
    edit_comment(comment=comment, body="Other words", user=None, guest=guest)
    act = decide(
        ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria, expected_transitions=seen
    )
    assert (act.changed, act.skipped) == ([], [SkippedItem(comment.pk, "Nuala", "Changed the text")])


def test_reasons_of_a_page_are_one_query():
    article = make_article()
    ids = [make_comment(article, f"Words {n}").pk for n in range(5)]
    with CaptureQueriesContext(connection) as queries:
        assert len(policy().explain_pending(ids)) == 5
    assert len(queries) == 1


def test_the_usual_review_time_is_the_median(maria):
    article = make_article()
    comments = [make_comment(article, f"Words {n}") for n in range(10)]
    Comment.objects.update(created_at=timezone.now() - timedelta(days=20))
    with triggers_disabled("transition_append_only"):
        Transition.objects.update(at=timezone.now() - timedelta(minutes=90))
    for comment in comments[:9]:
        approve(comment, maria)
    assert ModerationPolicy().describe_usual_delay() == ""
    caches["process"].clear()
    approve(comments[9], maria)
    assert ModerationPolicy().describe_usual_delay() == "usually 2 h"


def test_a_comment_that_its_author_changed_waits_since_then(maria):
    article = make_article()
    comments = [make_comment(article, f"Words {n}") for n in range(10)]
    ids = [comment.pk for comment in comments]
    decide(ids=ids, to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    with triggers_disabled("transition_append_only"):
        Transition.objects.update(at=timezone.now() - timedelta(days=20))
    change_states(ids=ids, to=State.PENDING, reason=Reason.SCREENED, actor=None)
    with triggers_disabled("transition_append_only"):
        again = Transition.objects.filter(from_state=State.REJECTED)
        assert again.update(at=timezone.now() - timedelta(minutes=90)) == 10
    decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert ModerationPolicy().describe_usual_delay() == "usually 2 h"


def test_only_the_last_week_counts_for_the_usual_review_time(maria):
    ids = [make_comment(make_article(), f"Words {n}").pk for n in range(10)]
    decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria)
    almost_a_week = timedelta(days=7, minutes=-5)
    for age, text in (
        (timedelta(), "usually 1 h"),
        (almost_a_week, "usually 1 h"),
        (timedelta(minutes=10), ""),
    ):
        with triggers_disabled("transition_append_only"):
            Transition.objects.update(at=F("at") - age)
        caches["process"].clear()
        assert ModerationPolicy().describe_usual_delay() == text


def test_a_discussion_is_open_for_30_days_then_reviewed_and_closed_after_a_year(maria):
    """A known person comments on stories of several ages, on a site whose settings nobody has changed."""
    guest = known_guest(make_article(), maria)

    def post(days: int, body: str) -> str:
        story = make_article(f"Of {days} days", published_at=timezone.now() - timedelta(days=days, minutes=1))
        return make_comment(story, body, guest=guest).state

    assert post(29, "I row.") == "published"
    assert post(30, "A bridge would be dearer.") == post(364, "Nobody asked the ferry.") == "pending"
    with pytest.raises(ValidationError, match="closed"):
        post(365, "Is it still there?")


def test_undone_decisions_do_not_count_as_reviews(maria):
    ids = [make_comment(make_article(), f"Words {n}").pk for n in range(10)]
    act = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria).action
    back = undo(action=act, actor=maria).action
    assert ModerationPolicy().describe_usual_delay() == ""
    caches["process"].clear()
    again = undo(action=back, actor=maria).action
    assert ModerationPolicy().describe_usual_delay() == "usually 1 h"
    caches["process"].clear()
    for pk in ids[:2]:  # these have another decision, which stays
        decide(ids=[pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert ModerationPolicy().describe_usual_delay() == "usually 1 h"
    caches["process"].clear()
    undo(action=again, actor=maria)
    for pk in ids[2:9]:  # seven more, which the sweep took for spam twice
        decide(ids=[pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert ModerationPolicy().describe_usual_delay() == ""


def test_the_menu_carries_the_state_that_was_seen(maria, rf):
    article = make_article()
    waits, removed = make_comment(article), make_comment(article)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    rows = list(Comment.objects.order_by("pk"))
    request = rf.get("/")
    request.site = read_site()  # the middleware sets this
    with bind_request(request):
        removal_reasons.all_reasons()  # the process caches the reasons until the site's version changes
        with CaptureQueriesContext(connection) as queries:
            menus = policy().list_actions(rows)
    assert len(queries) == 1
    of_all = ["Lock replies", "Move…", "Restrict access…"]
    removals = ["Remove…", "Remove with a line of your own…"]
    labels = ["Approve", *removals, "Mark as spam", "Duplicate of…", "Redact…", *of_all]
    assert [item["label"] for item in menus[waits.pk]] == labels
    of_removed = ["Approve", "Mark as spam", *of_all]
    assert [item["label"] for item in menus[removed.pk]] == of_removed
    seen = last_transition_ids([waits.pk])[waits.pk]
    assert f"seen={waits.pk}.{seen}" in menus[waits.pk][0]["url"]
    assert [code for code, *_ in menus[waits.pk][1]["reasons"]][:2] == ["off_topic", "insult"]
    assert menus[waits.pk][3]["message"] == "A moderator marked your comment as spam and removed it."
