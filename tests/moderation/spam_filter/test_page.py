"""The page of the filter: the active version, its metrics, its setting and its mistakes."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide
from moderation.models import Action, FilterVersion, ModerationSettings
from moderation.spam_filter import contributions, metrics, training, versions
from moderation.spam_filter.classifier.starter import STARTER_FILE
from moderation.spam_filter.page import FilterPage
from moderation.transparency import charts
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import text
from tests.moderation.spam_filter.helpers import GOOD, SPAM, STORY, active_version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL, USE = "/moderation/filter/", "/moderation/filter/use/"


@pytest.fixture
def blank() -> FilterVersion:
    """Return the starter as an active version, with few scores of other sites."""
    made = FilterVersion.objects.create(
        kind=FilterVersion.Kind.STARTER,
        weights=STARTER_FILE.read_bytes(),
        trained_on={"good_scores": {"without": {"count": 100, "highest": [0.5, 0.4, 0.2, 0.1]}}},
    )
    ModerationSettings.objects.update_or_create(pk=1, defaults={"filter": made})
    return made


@pytest.fixture
def measured_version(blank, omar) -> FilterVersion:
    """Return the same version, measured on sixty decisions, one of each label against all signals."""
    article = make_article("Council closes the ferry slip", body=STORY)
    good = [make_comment(article, GOOD.format(n=n)).pk for n in range(30)]
    spam = [make_comment(article, SPAM.format(n=n)).pk for n in range(28)]
    good.append(make_comment(article, f"{SPAM.format(n=77)} <b>casino</b>, cheap payday loans").pk)
    spam.append(
        make_comment(article, "I saw the harbour master Jensen at the ferry slip on Tuesday at 10:30.").pk
    )
    decide(ids=good, to=State.PUBLISHED, reason=Reason.APPROVED, actor=omar)
    decide(ids=spam, to=State.SPAM, reason=Reason.SPAM, actor=omar)
    training.update_metrics(blank)
    blank.refresh_from_db()
    return blank


def test_the_page_shows_the_active_version_and_its_metrics(client, maria, measured_version):
    client.force_login(maria)
    page = text(client.get(URL))
    assert f"Version {measured_version.pk} is active" in page
    assert "since this site was set up" in page
    assert "It came with the program and has not been trained on this site." in page
    assert "Measured on 60 later decisions: 29 spam, 31 good." in page
    assert "ROC-AUC 0.9" in page
    assert 'aria-current="page">Spam filter</a>' in page
    assert "1 of 100 good comments may wait because of the filter. Administrators can change this." in page
    assert 'action="/moderation/filter/use/"' not in page
    assert 'name="percent"' not in page


def test_the_evaluation_has_all_values_of_the_page_and_no_text(measured_version):
    evaluation = measured_version.evaluation
    assert len(evaluation["spam"]) == 29
    assert evaluation["roc"][0] == [0, 0]
    assert evaluation["roc"][-1] == [1, 1]
    blocked = next(one for one in evaluation["contributions"] if one["name"] == "blocked")
    assert blocked["in_spam"] > 0.5 > blocked["in_good"] >= 0
    stored = str(evaluation)
    assert not any(word in stored for word in ("harbour", "Jensen", "casino", "replaced"))


def test_the_worst_mistakes_are_shown_with_their_parts(client, maria, measured_version):
    client.force_login(maria)
    page = FilterPage(maria)
    (missed, flagged) = page.missed_spam[0], page.flagged_good[0]
    assert "Jensen" in missed.comment.body
    assert missed.sentence.startswith("Probably not spam")
    assert flagged.comment.state == State.PUBLISHED
    assert "&lt;b&gt;" in flagged.text
    assert any(part.is_against and "block list" in part.sentence for part in flagged.parts)
    assert any(not part.is_against for part in missed.parts)
    answer = text(client.get(URL))
    assert "<b>casino</b>" not in answer
    assert "<mark>" in answer
    assert " style=" not in answer


def test_a_wrong_decision_is_corrected_and_leaves_the_list(client, maria, measured_version):
    client.force_login(maria)
    flagged = FilterPage(maria).flagged_good[0]
    form = {
        "ids": flagged.comment.pk,
        "seen": flagged.expected_transition,
        "act": "spam",
        "next": f"{URL}#mistakes",
    }
    answer = client.post("/moderation/decide/", form)
    action = Action.objects.latest("at")
    assert answer.url == f"{URL}?done={action.pk}#mistakes"
    page = text(client.get(answer.url))
    assert f'action="/moderation/actions/{action.pk}/undo/"' in page
    assert Comment.objects.get(pk=flagged.comment.pk).state == State.SPAM
    assert flagged.comment.pk not in [one.comment.pk for one in FilterPage(maria).flagged_good]
    undone = client.post(f"/moderation/actions/{action.pk}/undo/", {"next": f"{URL}#mistakes"})
    assert undone.url == f"{URL}#mistakes"
    assert Comment.objects.get(pk=flagged.comment.pk).state == State.PUBLISHED
    assert flagged.comment.pk in [
        one.comment.pk for one in FilterPage(maria).flagged_good
    ]  # the decision is in effect again


def test_edited_comments_are_not_shown(maria, measured_version):
    flagged = FilterPage(maria).flagged_good[0].comment
    Comment.objects.filter(pk=flagged.pk).update(revision=2)
    assert flagged.pk not in [one.comment.pk for one in FilterPage(maria).flagged_good]


def test_restricted_and_erased_comments_are_not_shown(maria, measured_version):
    missed = FilterPage(maria).missed_spam[0].comment
    with triggers_disabled():
        Comment.objects.filter(pk=missed.pk).update(state_reason=Reason.RESTRICTED)
    assert missed.pk not in [one.comment.pk for one in FilterPage(maria).missed_spam]
    with triggers_disabled():
        Comment.objects.filter(pk=missed.pk).update(state_reason=Reason.SPAM, erased_at=timezone.now())
    assert missed.pk not in [one.comment.pk for one in FilterPage(maria).missed_spam]


def test_the_percentage_can_be_set_and_undone(client, ada, measured_version):
    client.force_login(ada)
    page = text(client.post(URL, {"percent": "5"}, follow=True))
    assert ModerationSettings.objects.get(pk=1).false_positive_limit == 5
    assert re.search(r"5 (of 100 good comments )?may wait", page)
    action = Action.objects.get(kind="filter")
    assert f"/moderation/actions/{action.pk}/undo/" in page
    assert 'value="5"' in page
    now = FilterPage(ada).current_option
    assert (now.pending_good_count, now.percent) == (1, 5)
    assert now.pending_spam_percent >= 90
    client.post(f"/moderation/actions/{action.pk}/undo/")
    assert ModerationSettings.objects.get(pk=1).false_positive_limit == 1


@pytest.mark.parametrize("percent", ["", "0", "0.05", "20.1", "-3", "nan", "inf", "x", "1e400"])
def test_an_invalid_percentage_is_refused_with_a_message(client, ada, blank, percent):
    client.force_login(ada)
    answer = client.post(URL, {"percent": percent})
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert not Action.objects.filter(kind="filter").exists()


def test_a_version_of_another_release_is_refused_with_a_message(client, ada, blank):
    """If it were active, the filter would find nothing."""
    client.force_login(ada)
    stale = FilterVersion.objects.create(kind=FilterVersion.Kind.TRAINED, weights=b"stale")
    page = text(client.post(USE, {"version": stale.pk}, follow=True))
    assert f"Version {stale.pk} was made by another release of the program" in page
    assert active_version() == blank.pk
    assert "finds nothing. Activate another version" not in page
    ModerationSettings.objects.update(filter=stale)  # the state after an update of the program
    assert "finds nothing. Activate another version" in client.get(URL).text


def test_a_version_is_activated_and_the_filter_switched_off_and_on(client, ada, blank):
    client.force_login(ada)
    about = {"decisions": 9, "spam": 4}
    other = FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED, weights=blank.weights, trained_on=about
    )
    page = text(client.post(USE, {"version": other.pk}, follow=True))
    assert active_version() == other.pk
    assert f"Version {other.pk} is active" in page
    assert "It was trained on 9 decisions of this site, 4 of them spam." in page
    assert "waiting for later decisions to" not in page
    page = text(client.post(USE, {"version": "off"}, follow=True))
    assert active_version() is None
    assert "Only rules and checks look at new comments." in page
    assert "waiting for later decisions to" in page
    assert f'value="{other.pk}" class="btn btn-primary">Activate version {other.pk}' in page
    assert client.post(USE, {"version": "off"}, follow=True).text.count("Nothing changed.") == 1
    act = Action.objects.filter(kind="filter").latest("at")
    client.post(f"/moderation/actions/{act.pk}/undo/")
    assert active_version() == other.pk


@pytest.mark.parametrize("version", ["", "0", "-1", "x", "99999999999999999999", "\x00"])
def test_unknown_versions_are_not_found(client, ada, blank, version):
    client.force_login(ada)
    assert client.post(USE, {"version": version}).status_code == 404
    assert active_version() == blank.pk


def test_versions_are_shown_with_their_comparison(client, maria, measured_version):
    client.force_login(maria)
    trial = {"version": measured_version.pk, "rows": 60, "log_loss": [0.41, 0.25], "recall": [0.5, None]}
    FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED,
        weights=b"",
        is_refused=True,
        evaluated_at=timezone.now(),
        evaluation={"trial": trial, "log_loss": 0.3},
    )
    page = text(client.get(URL))
    assert "did worse and was not activated" in page
    assert f"log loss 0.410, version {measured_version.pk}: 0.250" in page
    assert "50% of spam found if 1 in 100 good comments waits" in page
    assert page.index("did worse and") < page.index("<span>came with the program")


def test_a_trial_shows_the_comments_that_would_wait(client, maria, measured_version):
    client.force_login(maria)
    trial = {
        "version": measured_version.pk,
        "rows": 60,
        "log_loss": [0.21, 0.25],
        "recall": [1.0, 1.0],
        "good": [7.5, 0.0],
        "spam": [100.0, 96.7],
    }
    FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED,
        weights=b"",
        is_refused=True,
        evaluation={"trial": trial, "log_loss": 0.21},
    )
    page = text(client.get(URL))
    assert "7.5% of good comments wait, with the other version 0.0%" in page
    assert "100% of spam waits, with the other version 97%" in page
    # The evaluation of the active version, which was not tried.
    assert page.count("of spam found if 1 in 100") == 1


def test_a_trial_stays_in_the_evaluation_when_it_is_measured_again(measured_version, omar):
    measured_version.evaluation["trial"] = {"version": 1}
    measured_version.save()
    one = make_comment(make_article(), "Another word about it.").pk
    decide(ids=[one], to=State.PUBLISHED, reason=Reason.APPROVED, actor=omar)
    training.update_metrics(measured_version)
    assert measured_version.evaluation["trial"] == {"version": 1}
    assert measured_version.evaluation["metrics"]["rows"] == 61


@pytest.mark.parametrize(("role", "read", "change"), [("Editor", 403, 403), ("Moderator", 200, 403)])
def test_moderators_read_and_administrators_change(client, blank, role, read, change):
    assert client.get(URL).status_code == 302
    assert client.post(USE, {"version": "off"}).status_code == 403
    client.force_login(UserFactory.create(roles=(role,)))
    assert client.get(URL).status_code == read
    assert client.post(URL, {"percent": "2"}).status_code == change
    assert client.post(USE, {"version": "off"}).status_code == change
    assert client.get(USE).status_code == 405
    assert not Action.objects.filter(kind="filter").exists()


def test_without_any_version_there_is_a_page(client, ada):
    client.force_login(ada)
    ModerationSettings.objects.update(filter=None)
    FilterVersion.objects.all().delete()
    page = text(client.get(URL))
    assert "The filter is off" in page
    assert "No versions yet." in page


def test_the_page_takes_a_fixed_number_of_statements(client, maria, blank, measured_version):
    client.force_login(maria)
    with CaptureQueriesContext(connection) as full:
        client.get(URL)
    FilterVersion.objects.update(evaluation={}, evaluated_at=None)
    with CaptureQueriesContext(connection) as empty:
        client.get(URL)
    assert (
        len(full) <= len(empty) + 3
    )  # the comments that it was wrong about, and lines of the log about them
    assert len(full) <= 16


def test_every_picture_has_a_name_and_a_table(client, maria, measured_version):
    client.force_login(maria)
    page = client.get(URL).text
    pictures = re.findall(r'<svg [^>]*role="img" aria-labelledby="([\w-]+) ([\w-]+)">', page)
    assert [title for title, _desc in pictures] == ["reliability-title", "roc-title"]
    assert page.count("As a table") == 2
    assert all(f'id="{name}"' in page for pair in pictures for name in pair)
    assert "NaN" not in page


def test_points_of_a_curve():
    assert charts.line([(0, 0), (0.5, 0.25), (1, 1)]) == "M0 0L50 -25L100 -100"
    assert charts.dots([(0.5, 0.5, 2)]) == "M50 -50m-2 0a2 2 0 1 0 4 0a2 2 0 1 0 -4 0"


def test_roc_goes_from_nothing_to_all():
    assert metrics.roc_curve([0.9, 0.4], [0.5, 0.1]) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert metrics.roc_curve([], [0.5]) == metrics.roc_curve([0.5], []) == []
    many = [n / 5_000 for n in range(5_000)]
    assert len(metrics.roc_curve(many, many)) <= 102


def test_thinned_probabilities_are_evenly_spaced():
    kept = contributions.downsample([n / 9_999 for n in range(10_000)])
    assert (len(kept), kept[0], kept[-1]) == (1_000, 1, 0)
    assert sum(p >= 0.25 for p in kept) == 750


def test_setting_the_same_percentage_is_no_action(client, ada, blank):
    client.force_login(ada)
    versions.set_false_positive_limit(percent=2, actor=ada)
    assert "Nothing changed." in client.post(URL, {"percent": "2"}, follow=True).text
    assert Action.objects.filter(kind="filter").count() == 1
