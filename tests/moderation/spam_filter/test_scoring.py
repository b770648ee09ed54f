"""Scoring of a new comment on a site without decisions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Topic
from comments.models import Comment, Reason, State
from comments.policy import Submission, policy
from comments.services.discussions import ensure_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.models import Case, FilterVersion, Finding, ModerationSettings
from moderation.notifications.notices import render_notices
from moderation.spam_filter import active_model, versions
from moderation.tasks import notify_not_published
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.discussions import assert_sound

pytestmark = pytest.mark.django_db

STORY = (
    "The council voted on Tuesday to close the old ferry slip at the end of the season. The piles have rotted"
    ", said the harbour master, and the bridge carries most of the traffic by now. Rowers protested."
)
GOOD = "I row across every morning. The piles at the north end were replaced in 2009, so it is not true that"
SPAM = (
    "Great website you have here! I really enjoy reading your posts, thanks for sharing. I also run a casino "
    "bonus site, check my page for cheap payday loans: http://cheap-payday-loans.example/casino"
)


@pytest.fixture
def article():
    return make_article("Council closes the ferry slip", body=STORY)


@pytest.fixture
def approved_guest(article, maria):
    """Return a guest with a confirmed e-mail and an approved comment."""
    guest = GuestFactory.create(name="Ada", confirmed_at=timezone.now())
    decide(
        ids=[make_comment(article, "The first.", guest=guest).pk],
        to=State.PUBLISHED,
        reason="approved",
        actor=maria,
    )
    return guest


def findings(comment: Comment) -> dict[str, Finding]:
    return {f.check_name: f for f in Finding.objects.filter(comment=comment, revision=comment.revision)}


def test_a_sales_comment_waits_with_its_signals(starter, article, approved_guest):
    comment = make_comment(article, SPAM, guest=approved_guest)
    found = findings(comment)
    assert comment.state == State.PENDING
    assert found["filter"].holds
    assert found["filter"].filter == starter
    assert found["filter"].strength > 0.5
    assert {"site_talk", "calls", "wares"} <= set(found)
    assert not found["calls"].holds
    body = comment.body
    assert [body[a:b] for a, b in found["calls"].spans]
    assert Case.objects.get(comment=comment).score == found["filter"].strength


def test_a_comment_on_the_subject_is_published(starter, article, approved_guest):
    comment = make_comment(article, f"{GOOD} they all have to go.", guest=approved_guest)
    assert comment.state == State.PUBLISHED
    assert findings(comment)["filter"].strength < 0.1


def test_a_published_flood_does_not_make_its_words_the_subject(starter, article, approved_guest):
    words = "I also run a casino bonus site, visit my page for cheap payday loans"
    submission = Submission(
        discussion=ensure_discussion(article), guest=approved_guest, name="Ada", body=f"{words} today."
    )

    def strength() -> float:
        return next(
            found.strength for found in policy().examine(submission).findings if found.check == "filter"
        )

    before = strength()
    flood = [
        make_comment(article, f"{words} in {town}.").pk for town in ("Bergen", "Narvik", "Molde", "Alta")
    ]
    change_states(ids=flood, to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    assert before > 0.1
    assert strength() >= before


def test_without_an_active_filter_there_is_no_score(starter, article, approved_guest, maria):
    versions.activate(version=None, actor=maria)
    comment = make_comment(article, SPAM.replace("http", "hxxp"), guest=approved_guest)
    assert comment.state == State.PUBLISHED
    assert "filter" not in findings(comment)
    guest = GuestFactory.create(name="Mаria", confirmed_at=timezone.now())  # a Cyrillic a
    assert findings(make_comment(article, "The slip stays open.", guest=guest))["imitates"].holds


def test_a_new_percentage_applies_at_once(starter, article, approved_guest, maria):
    doubtful = "Great article, thanks for sharing! I will bookmark your website."
    versions.set_false_positive_limit(percent=20, actor=maria)
    first = make_comment(article, doubtful, guest=approved_guest)
    versions.set_false_positive_limit(percent=0.1, actor=maria)
    second = make_comment(
        article, "Nice article, thank you for sharing! I bookmarked your website.", guest=approved_guest
    )
    lines = [findings(c)["filter"].holds for c in (first, second)]
    assert lines == [True, False], [findings(c)["filter"].strength for c in (first, second)]


def test_nothing_is_marked_as_spam_automatically_without_decisions(starter, article):
    assert make_comment(article, SPAM).state == State.PENDING


def test_comments_by_moderators_are_scored_but_never_wait(starter, article, maria):
    comment = make_comment(article, SPAM, author=maria)
    assert comment.state == State.PUBLISHED
    assert findings(comment)["filter"].holds


def test_a_staff_name_makes_a_comment_wait(starter, article, maria):
    guest = GuestFactory.create(name="Mаria", confirmed_at=timezone.now())  # a Cyrillic a
    comment = make_comment(article, "The slip stays open, says the council.", guest=guest)
    assert findings(comment)["imitates"].holds


def test_an_active_version_adds_no_statement_to_a_post(starter, article, approved_guest):
    make_comment(article, GOOD, guest=approved_guest)  # this fills the caches of the process
    ModerationSettings.objects.update(filter=None)

    def statements(body: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            make_comment(article, body, guest=approved_guest)
        return len(queries)

    without = statements(
        "The bridge carries more lorries than it was built for, says my brother, who drives one."
    )
    ModerationSettings.objects.update(filter=starter)
    body = "Nobody asked the rowers of the north bank what they need, and there are sixty."
    assert statements(body) == without <= 9  # the site's facts are read in both cases


def test_all_site_facts_take_one_statement(starter, article, client):
    """This also holds over HTTP, where the article's text is not loaded with its row."""
    form = {"name": "Ada", "email": "ada@example.org"}
    url = f"{article.get_absolute_url()}reply/"
    client.post(url, form | {"body": "What a process asks only once.", "nonce": uuid4()})
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(url, form | {"body": GOOD, "nonce": uuid4()})
    assert answer.status_code == 302
    statements = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert not [sql for sql in statements if sql.startswith("SELECT") and '"body"' in sql]
    assert len(statements) <= 11


def test_other_topics_add_no_statement(starter):
    """However many combinations of topics a site has, the threshold data is read once."""
    now = active_model.active_filter()._replace(evaluated_at=1.0)
    with CaptureQueriesContext(connection) as queries:
        lines = [active_model._thresholds(now._replace(topics=(n,))) for n in [*range(70), 0]]
    assert len(set(lines)) == 1
    assert len(queries) <= 2  # this version's evaluation, and the starter's


def test_an_old_story_alone_is_no_reason_to_wait(starter, maria, approved_guest):
    article = make_article("Old", body=STORY, published_at=timezone.now() - timedelta(days=25))
    comment = make_comment(article, f"{GOOD} all of it is new.", guest=approved_guest)
    assert comment.state == State.PUBLISHED


@pytest.fixture
def measured(starter):
    """Return the filter after 300 decisions; no good comment scored more than 0.3."""
    FilterVersion.objects.filter(pk=starter.pk).update(
        evaluation={"metrics": {"rows": 300, "ham": 240, "spam": 60}, "highest": [0.3] * 5 + [0.01] * 235},
        evaluated_at=timezone.now(),
    )
    return starter


def test_certain_spam_is_marked_automatically_after_enough_decisions(measured, article, client):
    guest = GuestFactory.create(name="casino bonus", confirmed_at=timezone.now())
    comment = make_comment(article, f"{SPAM} {SPAM.upper()}", guest=guest)
    assert findings(comment)["filter"].strength > 0.98
    assert (comment.state, comment.state_reason) == (State.SPAM, "screened")
    assert not Case.objects.filter(comment=comment).exists()
    article.discussion.refresh_from_db()
    assert article.discussion.removal_counts == {"spam/screened/machine": 1}
    assert_sound()
    [notice] = render_notices([comment]).values()
    assert "A check of this site marked your comment as spam and removed it." in notice.sentences
    assert "An automatic check decided this. No person has reviewed it." in notice.sentences
    assert notice.options.can_appeal
    assert notify_not_published.call(comment.pk) == 1
    assert "marked your comment as spam" in mail.outbox[0].body


def test_a_topic_with_enough_decisions_has_its_own_threshold(starter, article, approved_guest):
    """Under horses, good comments look like spam does elsewhere."""
    horses = Topic.objects.create(name="Horses", slug="horses")
    FilterVersion.objects.filter(pk=starter.pk).update(
        evaluation={
            "metrics": {"rows": 900, "ham": 800, "spam": 100},
            "highest": [0.1] * 500,
            "topics": {str(horses.pk): [400, [0.97] * 20 + [0.02] * 380]},
        },
        evaluated_at=timezone.now(),
    )
    other = make_article("A horse for sale", body=STORY)
    other.topics.add(horses)
    body = "This is a great blog, thanks for sharing this wonderful information with us!"
    assert findings(make_comment(article, body, guest=approved_guest))["filter"].holds
    assert not findings(make_comment(other, body.replace("great", "good"), guest=approved_guest))[
        "filter"
    ].holds


def test_known_people_and_edits_are_never_marked_as_spam_automatically(measured, article, approved_guest):
    assert make_comment(article, f"{SPAM} {SPAM.upper()}", guest=approved_guest).state == State.PENDING
    guest = GuestFactory.create(confirmed_at=timezone.now())
    comment = make_comment(article, GOOD, guest=guest)
    edit_comment(comment=comment, body=f"{SPAM} {SPAM.upper()}", user=None, guest=guest)
    comment.refresh_from_db()
    assert comment.state == State.PENDING


def test_an_unusable_version_does_not_block_comments(starter, article, approved_guest, caplog):
    other = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"of another release")
    ModerationSettings.objects.update(filter=other)
    for body in (GOOD, f"{GOOD} the rest of them rots."):
        comment = make_comment(article, body, guest=approved_guest)
        assert comment.state == State.PUBLISHED
        assert findings(comment) == {}
    [logged] = [record for record in caplog.records if "can't be used" in record.message]
    assert logged.exc_info


def test_a_moderator_restores_a_comment_marked_by_the_filter(measured, article, maria):
    comment = make_comment(article, f"{SPAM} {SPAM.upper()}", guest=GuestFactory.create(name="casino bonus"))
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria).action
    assert Comment.objects.get(pk=comment.pk).state == State.PUBLISHED
    assert_sound()
    undo(action=act, actor=maria)
    assert Comment.objects.get(pk=comment.pk).state == State.SPAM
    assert_sound()
