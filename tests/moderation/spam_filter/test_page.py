"""The page of the filter: what is in force, what it means, what it was wrong about."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide
from moderation.models import Batch, Desk, Filter
from moderation.spam_filter import contributions, metrics, training, versions
from moderation.spam_filter.model import Model
from moderation.spam_filter.page import Page
from moderation.transparency import charts
from tests.factories import UserFactory, make_article, say
from tests.helpers.behind import guards_off
from tests.moderation.queue.on_the_desk import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("publishing_policy")]

URL, USE = "/moderation/filter/", "/moderation/filter/use/"
STORY = (
    "The council voted on Tuesday to close the old ferry slip at the end of the season. The piles have "
    "rotted, said the harbour master, and the bridge carries most of the traffic by now. Rowers protested."
)
HONEST = "I row across every morning, and the piles at the north end were replaced in 2009, number {n}."
SPAM = "Great website! Check my page for cheap casino bonus number {n}: http://casino-{n}.example/"


@pytest.fixture
def ada(client):
    """An administrator who has logged in."""
    user = UserFactory.create(name="Ada", roles=("Administrator",))
    client.force_login(user)
    return user


@pytest.fixture
def blank() -> Filter:
    """A version that has only what its signals start with, in force."""
    model = Model()
    made = Filter.objects.create(
        kind=Filter.Kind.STARTER,
        weights=model.to_bytes(),
        trained_on={"honest": {"count": 100, "highest": [0.5, 0.4, 0.2, 0.1]}},
    )
    Desk.objects.update_or_create(pk=1, defaults={"filter": made})
    return made


@pytest.fixture
def judged(blank, omar) -> Filter:
    """The same after people decided on sixty comments, and once against all signs each way."""
    article = make_article("Council closes the ferry slip", body=STORY)
    honest = [say(article, HONEST.format(n=n)).pk for n in range(30)]
    spam = [say(article, SPAM.format(n=n)).pk for n in range(28)]
    honest.append(say(article, "Great website! Check my page <b>casino</b>: http://mine.example/").pk)
    spam.append(say(article, "I saw the harbour master Jensen at the ferry slip on Tuesday at 10:30.").pk)
    decide(ids=honest, to=State.PUBLISHED, reason=Reason.APPROVED, actor=omar)
    decide(ids=spam, to=State.SPAM, reason=Reason.SPAM, actor=omar)
    training.count(blank)
    blank.refresh_from_db()
    return blank


def in_force() -> int | None:
    return Desk.objects.values_list("filter", flat=True).get(pk=1)


def test_it_says_what_is_in_force_and_how_it_did(client, maria, judged):
    page = text(client.get(URL))
    assert f"Version {judged.pk} is in force" in page
    assert "since this site has a filter" in page
    assert "It came with the program, and has learnt nothing on this site." in page
    assert "people took 60 decisions by which it is measured: 29 spam, 31 honest." in page
    assert "ROC-AUC 0.9" in page
    assert 'aria-current="page">Spam filter</a>' in page
    assert "Of 100 honest comments 1 may wait because of the filter. Administrators set this." in page
    assert 'action="/moderation/filter/use/"' not in page
    assert 'name="percent"' not in page


def test_the_numbers_hold_what_the_page_needs_and_no_word(judged):
    numbers = judged.numbers
    assert len(numbers["spam"]) == 29
    assert numbers["roc"][0] == [0, 0]
    assert numbers["roc"][-1] == [1, 1]
    calls = next(one for one in numbers["voices"] if one["name"] == "calls")
    assert calls["against"] > 0 >= calls["in_favour"]
    assert calls["of_spam"] == pytest.approx(28 / 29)
    assert calls["of_honest"] == pytest.approx(1 / 31)
    stored = str(numbers)
    assert not any(word in stored for word in ("harbour", "Jensen", "casino", "replaced"))


def test_the_worst_mistakes_are_shown_with_what_made_them(client, maria, judged):
    page = Page(maria)
    (missed, wronged) = page.missed[0], page.wronged[0]
    assert "Jensen" in missed.comment.body
    assert missed.sentence.startswith("The filter finds nothing")
    assert wronged.comment.state == State.PUBLISHED
    assert "&lt;b&gt;" in wronged.text
    assert any(part.is_against and "calls to visit" in part.sentence for part in wronged.parts)
    assert any(not part.is_against for part in missed.parts)
    answer = text(client.get(URL))
    assert "<b>casino</b>" not in answer
    assert "<mark>" in answer
    assert " style=" not in answer


def test_a_mistake_of_people_is_corrected_there_and_leaves_the_list(client, maria, judged):
    wronged = Page(maria).wronged[0]
    form = {"ids": wronged.comment.pk, "seen": wronged.seen, "act": "spam", "next": f"{URL}#mistakes"}
    answer = client.post("/moderation/decide/", form)
    batch = Batch.objects.latest("at")
    assert answer.url == f"{URL}?done={batch.pk}#mistakes"
    page = text(client.get(answer.url))
    assert f'action="/moderation/acts/{batch.pk}/undo/"' in page
    assert Comment.objects.get(pk=wronged.comment.pk).state == State.SPAM
    assert wronged.comment.pk not in [one.comment.pk for one in Page(maria).wronged]
    undone = client.post(f"/moderation/acts/{batch.pk}/undo/", {"next": f"{URL}#mistakes"})
    assert undone.url == f"{URL}#mistakes"
    assert Comment.objects.get(pk=wronged.comment.pk).state == State.PUBLISHED
    assert wronged.comment.pk in [one.comment.pk for one in Page(maria).wronged]  # the decision stands again


def test_what_was_edited_since_is_not_shown(maria, judged):
    wronged = Page(maria).wronged[0].comment
    Comment.objects.filter(pk=wronged.pk).update(revision=2)
    assert wronged.pk not in [one.comment.pk for one in Page(maria).wronged]


def test_what_is_sealed_or_erased_since_is_not_shown(maria, judged):
    missed = Page(maria).missed[0].comment
    with guards_off():
        Comment.objects.filter(pk=missed.pk).update(state_reason=Reason.SEALED)
    assert missed.pk not in [one.comment.pk for one in Page(maria).missed]
    with guards_off():
        Comment.objects.filter(pk=missed.pk).update(state_reason=Reason.SPAM, erased_at=timezone.now())
    assert missed.pk not in [one.comment.pk for one in Page(maria).missed]


def test_the_one_number_is_set_by_an_act_with_its_undo(client, ada, judged):
    page = text(client.post(URL, {"percent": "5"}, follow=True))
    assert Desk.objects.get(pk=1).honest_may_wait == 5
    assert "Of 100 honest comments 5 may wait" in page
    batch = Batch.objects.get(kind="filter")
    assert f"/moderation/acts/{batch.pk}/undo/" in page
    assert 'value="5"' in page
    now = Page(ada).choice
    assert (now.waited, now.percent) == (2, 5)
    assert now.held >= 90
    client.post(f"/moderation/acts/{batch.pk}/undo/")
    assert Desk.objects.get(pk=1).honest_may_wait == 1


@pytest.mark.parametrize("percent", ["", "0", "0.05", "20.1", "-3", "nan", "inf", "x", "1e400"])
def test_another_number_is_refused_with_a_sentence(client, ada, judged, percent):
    answer = client.post(URL, {"percent": percent})
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert not Batch.objects.filter(kind="filter").exists()


def test_a_version_of_another_release_is_refused_with_a_sentence(client, ada, blank):
    """In force, it would find nothing."""
    stale = Filter.objects.create(kind=Filter.Kind.LEARNT, weights=b"stale")
    page = text(client.post(USE, {"version": stale.pk}, follow=True))
    assert f"Version {stale.pk} was made by another release of the program" in page
    assert in_force() == blank.pk
    assert "finds nothing: use another version" not in page
    Desk.objects.update(filter=stale)  # as after an update of the program
    assert "finds nothing: use another version" in client.get(URL).text


def test_a_version_is_put_in_force_and_the_filter_switched_off_and_on(client, ada, blank):
    about = {"decisions": 9, "spam": 4}
    other = Filter.objects.create(kind=Filter.Kind.LEARNT, weights=blank.weights, trained_on=about)
    page = text(client.post(USE, {"version": other.pk}, follow=True))
    assert in_force() == other.pk
    assert f"Version {other.pk} is in force" in page
    assert "It has learnt from 9 decisions that people took here, 4 of them spam." in page
    assert "waits for later decisions to" not in page
    page = text(client.post(USE, {"version": "off"}, follow=True))
    assert in_force() is None
    assert "What comes is looked at by the rules and checks alone." in page
    assert "waits for later decisions to" in page
    assert f'value="{other.pk}" class="likely">Switch version {other.pk} on' in page
    assert client.post(USE, {"version": "off"}, follow=True).text.count("It was so already.") == 1
    act = Batch.objects.filter(kind="filter").latest("at")
    client.post(f"/moderation/acts/{act.pk}/undo/")
    assert in_force() == other.pk


@pytest.mark.parametrize("version", ["", "0", "-1", "x", "99999999999999999999", "\x00"])
def test_no_such_version(client, ada, blank, version):
    assert client.post(USE, {"version": version}).status_code == 404
    assert in_force() == blank.pk


def test_versions_stand_beside_what_they_were_tried_against(client, maria, judged):
    trial = {"version": judged.pk, "rows": 60, "log_loss": [0.41, 0.25], "recall": [0.5, None]}
    Filter.objects.create(
        kind=Filter.Kind.LEARNT,
        weights=b"",
        is_refused=True,
        numbers_at=timezone.now(),
        numbers={"trial": trial, "log_loss": 0.3},
    )
    page = text(client.get(URL))
    assert "did worse, and was not used" in page
    assert f"log loss 0.410, version {judged.pk} had 0.250" in page
    assert "50 % of spam at 1 in 100 honest ones" in page
    assert page.index("did worse, and") < page.index("<span>came with the program")


def test_a_trial_says_what_would_wait(client, maria, judged):
    trial = {
        "version": judged.pk,
        "rows": 60,
        "log_loss": [0.21, 0.25],
        "recall": [1.0, 1.0],
        "honest": [7.5, 0.0],
        "spam": [100.0, 96.7],
    }
    Filter.objects.create(
        kind=Filter.Kind.LEARNT, weights=b"", is_refused=True, numbers={"trial": trial, "log_loss": 0.21}
    )
    page = text(client.get(URL))
    assert "7.5 % of honest ones wait, of the other one 0.0 %" in page
    assert "100 % of spam waits, of the other one 97 %" in page
    assert page.count("of spam at 1 in 100") == 1  # of the one in force, which was not tried


def test_a_trial_stays_in_the_numbers_when_they_are_counted_again(judged, omar):
    judged.numbers["trial"] = {"version": 1}
    judged.save()
    one = say(make_article(), "Another word about it.").pk
    decide(ids=[one], to=State.PUBLISHED, reason=Reason.APPROVED, actor=omar)
    training.count(judged)
    assert judged.numbers["trial"] == {"version": 1}
    assert judged.numbers["figures"]["rows"] == 61


@pytest.mark.parametrize(("role", "read", "change"), [("Editor", 403, 403), ("Moderator", 200, 403)])
def test_moderators_read_and_administrators_change(client, blank, role, read, change):
    assert client.get(URL).status_code == 302
    assert client.post(USE, {"version": "off"}).status_code == 302
    client.force_login(UserFactory.create(roles=(role,)))
    assert client.get(URL).status_code == read
    assert client.post(URL, {"percent": "2"}).status_code == change
    assert client.post(USE, {"version": "off"}).status_code == change
    assert client.get(USE).status_code == 405
    assert not Batch.objects.filter(kind="filter").exists()


def test_without_any_version_there_is_a_page(client, ada):
    Desk.objects.update(filter=None)
    Filter.objects.all().delete()
    page = text(client.get(URL))
    assert "No filter is in force" in page
    assert "There is none." in page


def test_it_takes_as_many_statements_whatever_was_decided(client, maria, blank, judged):
    with CaptureQueriesContext(connection) as full:
        client.get(URL)
    Filter.objects.update(numbers={}, numbers_at=None)
    with CaptureQueriesContext(connection) as empty:
        client.get(URL)
    assert (
        len(full) <= len(empty) + 3
    )  # the comments that it was wrong about, and lines of the log about them
    assert len(full) <= 16


def test_every_picture_has_a_name_and_a_table(client, maria, judged):
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
    assert metrics.roc([0.9, 0.4], [0.5, 0.1]) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert metrics.roc([], [0.5]) == metrics.roc([0.5], []) == []
    many = [n / 5_000 for n in range(5_000)]
    assert len(metrics.roc(many, many)) <= 102


def test_of_many_probabilities_some_stay_in_even_steps():
    kept = contributions.thinned([n / 9_999 for n in range(10_000)], 100)
    assert (len(kept), kept[0], kept[-1]) == (100, 1, 0)
    assert sum(p >= 0.25 for p in kept) == 75


def test_a_setting_of_the_number_that_was_so_is_no_act(client, ada, blank):
    versions.let_wait(percent=2, actor=ada)
    assert "It was so already." in client.post(URL, {"percent": "2"}, follow=True).text
    assert Batch.objects.filter(kind="filter").count() == 1
