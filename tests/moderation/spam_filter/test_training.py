"""A version is trained on decisions, tested on later ones and activated if it does no worse; undone
decisions and restricted or erased comments are not learnt."""

import json
from dataclasses import replace
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from articles.models import Topic
from comments.models import Comment, State, Transition
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.features.text_reading import CommentData
from moderation.models import Batch, FilterVersion, ModerationSettings, Restriction
from moderation.spam_filter import active_model, examples, training, versions
from moderation.spam_filter.classifier.model import Model
from moderation.spam_filter.examples import (
    MAX_BATCH_SHARE,
    MAX_BATCH_WEIGHT,
    MAX_MODERATOR_WEIGHT,
    MIN_BATCH_WEIGHT,
    Decision,
    current_decisions,
    example_weights,
)
from moderation.spam_filter.thresholds import GoodScores, waiting_threshold
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

SPAM = [
    "bekuki crystals cure",
    "zorb lanterns at factory cost",
    "my uncle's bekuki saved him",
    "zorb zorb bekuki",
]
GOOD = [
    "the slip must stay",
    "rowers use the piles",
    "the council never asked",
    "a bridge for walkers as well",
]


def talk(article, rng: Random, *, is_spam: bool):
    words = [*rng.choice(SPAM if is_spam else GOOD).split(), *rng.choices("abcdefghij", k=3)]
    rng.shuffle(words)
    return make_comment(
        article, " ".join(words) + ".", guest=GuestFactory.create(name=f"Reader {rng.random()}")
    )


def days(count: int, actor, article=None, seed: int = 1) -> list:
    """Post so many comments, a third of them spam, each decided on separately, and return them."""
    article, rng, made = article or make_article(), Random(seed), []
    for n in range(count):
        comment = talk(article, rng, is_spam=n % 3 == 0)
        to, reason = (State.SPAM, "spam") if n % 3 == 0 else (State.PUBLISHED, "approved")
        decide(ids=[comment.pk], to=to, reason=reason, actor=actor)
        made.append(comment)
    return made


def lines() -> list[tuple[int, bool]]:
    return [(one.comment, one.is_spam) for one in current_decisions()]


def test_the_last_decision_by_a_person_counts(maria, omar, moderation_without_checks):
    article = make_article()
    one, two, three, four = (make_comment(article, f"Word {n}") for n in range(4))
    decide(ids=[one.pk], to=State.SPAM, reason="spam", actor=maria)
    decide(ids=[two.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    decide(ids=[one.pk], to=State.PUBLISHED, reason="approved", actor=omar)
    decide(ids=[three.pk], to=State.REJECTED, reason="insult", actor=maria)  # says nothing of spam
    decide(ids=[four.pk], to=State.SPAM, reason="spam", actor=None)  # a machine teaches nothing
    assert lines() == [(two.pk, False), (one.pk, False)]


def test_undone_restricted_and_erased_comments_are_not_learnt(maria, moderation_without_checks):
    article = make_article()
    undone, sealed, stays = (make_comment(article, f"Word {n}") for n in range(3))
    acts = [
        decide(ids=[c.pk], to=State.SPAM, reason="spam", actor=maria).batch for c in (undone, sealed, stays)
    ]
    undo(batch=acts[0], actor=maria)
    restrictions.restrict(ids=[sealed.pk], why=Restriction.Why.OTHER, actor=maria)
    assert lines() == [(stays.pk, True)]


def test_an_imported_name_is_no_account(maria, moderation_without_checks):
    account, brought = (
        make_comment(make_article("One"), "A word"),
        make_comment(make_article("Two"), "Another"),
    )
    Comment.objects.filter(pk=account.pk).update(guest=None, author=maria)
    name = f"U{maria.pk}"
    Comment.objects.filter(pk=brought.pk).update(author=None, guest=None, author_name=name)
    for comment in (account, brought):
        decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=maria)
    assert [one.author for one in current_decisions()] == [f"u{maria.pk}", f"nu{maria.pk}"]


def test_the_text_is_that_of_the_decision(maria, moderation_without_checks):
    from comments.services.editing import edit_comment

    guest = GuestFactory.create()
    comment = make_comment(make_article(), "First words", guest=guest)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    edit_comment(comment=comment, body="Other words", user=None, guest=guest)
    assert [one.data.body for one in current_decisions()] == ["First words"]


def test_as_many_statements_however_many_stories(
    maria, moderation_without_checks, django_assert_max_num_queries
):
    topic = Topic.objects.create(name="Ferries", slug="ferries")
    for n in range(70):
        article = make_article(f"Story {n}")
        article.topics.add(topic)
        decide(
            ids=[make_comment(article, f"Word {n}").pk], to=State.PUBLISHED, reason="approved", actor=maria
        )
    with django_assert_max_num_queries(5):  # two of them begin and end
        found = list(current_decisions())
    assert [one.data.article_title for one in found] == [f"Story {n}" for n in range(70)]
    assert {one.topics for one in found} == {(topic.pk,)}


def test_measured_decisions_are_not_read_again(starter, maria, monkeypatch):
    days(6, maria)
    training.update_metrics(starter)
    monkeypatch.setattr(
        "moderation.spam_filter.training.current_decisions", lambda **_of: pytest.fail("It read them.")
    )
    training.update_metrics(starter)


def decided(n: int, *, actor: int = 1, batch=None, author: str = "", is_spam: bool = True) -> Decision:
    return Decision(
        transition=n,
        comment=n,
        is_spam=is_spam,
        at=None,
        topics=(),
        data=CommentData(body="x"),
        found=(),
        actor=actor,
        batch=batch,
        author=author or f"g{n}",
    )


def test_no_batch_author_or_moderator_outweighs_the_rest():
    sweep = [decided(n, batch="b") for n in range(1_000)]
    assert sum(example_weights(sweep)) == pytest.approx(MIN_BATCH_WEIGHT)
    after = [*sweep, *(decided(n) for n in range(1_000, 1_200))]
    assert sum(example_weights(after)[:1_000]) == pytest.approx(MAX_BATCH_SHARE * 200)
    after = [*sweep, *(decided(n) for n in range(1_000, 3_000))]
    assert sum(example_weights(after)[:1_000]) == pytest.approx(MAX_BATCH_WEIGHT)
    flood = [decided(n, author="g1") for n in range(1_000)]
    assert sum(example_weights(flood)) == pytest.approx(examples.MAX_AUTHOR_WEIGHT)
    alone = [decided(n) for n in range(1_000)]
    assert (
        example_weights(alone) == [1.0] * 1_000
    )  # where one person decides, there is nobody to be outweighed
    two = [decided(n, actor=1) for n in range(5_000)] + [decided(n, actor=2) for n in range(5_000, 5_100)]
    by_first = sum(example_weights(two)[:5_000])
    assert by_first == pytest.approx(MAX_MODERATOR_WEIGHT)
    assert sum(example_weights(two)[5_000:]) == 100


@pytest.mark.parametrize("is_bound", [True, False])
def test_a_poisoned_batch_does_not_hold_good_comments(starter, monkeypatch, is_bound):
    """One action that marks 300 good comments as spam, after 60 decisions that were right: without the bound
    good ones would score much higher."""
    rng = Random(7)

    def said(*, is_spam: bool) -> CommentData:
        words = [*rng.choice(SPAM if is_spam else GOOD).split(), *rng.choices("abcdefghij", k=3)]
        rng.shuffle(words)
        return CommentData(body=" ".join(words) + ".", author=f"Reader {rng.random()}")

    right = [replace(decided(n, is_spam=n % 3 == 0), data=said(is_spam=n % 3 == 0)) for n in range(60)]
    wrong = [replace(decided(n, batch="b"), data=said(is_spam=False)) for n in range(100, 400)]
    if not is_bound:
        monkeypatch.setattr(
            "moderation.spam_filter.training.example_weights", lambda some, _press=0: [1.0] * len(some)
        )
    model = training.train([*right, *wrong], active_model.Model.from_bytes(bytes(starter.weights)))
    at = waiting_threshold(1, GoodScores(0, []), GoodScores(**starter.trained_on["good_scores"]["without"]))
    good, spam = (
        [model.score(CommentData(body=body, author="Ada")) for body in some] for some in (GOOD, SPAM)
    )
    assert not any(score >= at for score in good)
    assert all(score < 0.01 for score in good) is is_bound
    assert all(score >= at for score in spam)


def test_one_batch_does_not_shift_the_calibration(starter):
    """A batch counts as one comment, however many it has; otherwise its effect on the model would count
    twice."""
    some = learnable(40, 120)
    press = [replace(decided(n, batch="b"), data=some[n % 120].data) for n in range(160, 660)]
    alone = training.train(some, Model.from_bytes(bytes(starter.weights)))
    after = training.train([*some, *press], Model.from_bytes(bytes(starter.weights)))
    assert (after.slope, after.offset) == pytest.approx((alone.slope, alone.offset), abs=0.15)


def test_a_version_is_trained_tested_and_activated(starter, maria, client):
    client.force_login(maria)
    days(60, maria)
    result = training.run()
    made = FilterVersion.objects.latest("pk")
    assert result == f"version {made.pk} was trained on 60 decisions"
    assert (made.kind, made.trained_on["decisions"], made.trained_on["spam"]) == ("learnt", 60, 20)
    assert ModerationSettings.objects.get().filter == starter
    assert training.run() == "a version is waiting for later decisions to be tested on"
    days(54, maria, seed=2)
    assert training.run() == f"version {made.pk} did no worse and is active"
    made.refresh_from_db()
    assert ModerationSettings.objects.get().filter == made
    assert made.numbers["metrics"]["rows"] == 54
    assert (
        made.numbers["log_loss"]
        < training.evaluate(active_model.load_model(starter.pk), list(current_decisions()))["log_loss"]
    )
    act = Batch.objects.get(kind="filter")
    assert act.actor is None
    undo(batch=act, actor=UserFactory.create(roles=("Administrator",)))
    assert ModerationSettings.objects.get().filter == starter


def test_training_examples_are_never_used_for_evaluation(starter, maria):
    made = days(60, maria)
    training.run()
    for n, comment in enumerate(made):
        ways = [(State.PUBLISHED, "approved"), (State.SPAM, "spam")]
        for to, reason in ways if n % 3 == 0 else reversed(ways):
            decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    assert training.run() == "a version is waiting for later decisions to be tested on"


def test_a_changed_decision_is_a_new_example(starter, maria):
    made = days(60, maria)
    training.run()
    FilterVersion.objects.filter(kind="learnt").update(numbers_at=timezone.now())
    for n, comment in enumerate(made[: training.MIN_NEW_DECISIONS]):
        to, reason = (State.PUBLISHED, "approved") if n % 3 == 0 else (State.SPAM, "spam")
        decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    assert training.run().endswith("was trained on 60 decisions")


def test_one_batch_does_not_move_the_threshold(starter, maria):
    days(60, maria)
    training.update_metrics(starter)
    before = starter.numbers["highest"]
    article = make_article("Another")
    some = [
        make_comment(
            article, f"Visit my website for cheap loans and casino bonus {n} {n * 7919}", guest=guest
        )
        for n in range(60)
        for guest in [GuestFactory.create(name=f"casino bonus {n}")]
    ]
    decide(ids=[c.pk for c in some], to=State.PUBLISHED, reason="approved", actor=maria)
    starter.refresh_from_db()
    training.update_metrics(starter)
    assert starter.numbers["metrics"]["ham"] == 100
    assert starter.numbers["good"] == pytest.approx(41)
    after, _strict = active_model._thresholds(active_model.active_filter())
    pressed = starter.numbers["highest"][0]
    assert after == waiting_threshold(
        1, GoodScores.of([*before, pressed]), active_model.starter_good_scores()
    )  # as one of them would
    assert after < pressed


@pytest.mark.parametrize(("others", "like"), [(75, 5), (600, 25)])
def test_a_large_batch_counts_like_a_small_one_in_the_log_loss(others, like):
    right = [decided(n) for n in range(others)]
    press = [decided(n, batch="b", is_spam=False) for n in range(others, others + 100)]
    loss = training.log_loss(
        [0.9] * (others + 100), [True] * others + [False] * 100, example_weights([*right, *press])
    )
    assert loss == pytest.approx(training.log_loss([0.9] * (others + like), [True] * others + [False] * like))


def test_a_version_activated_during_the_job_stays_active(starter, maria, monkeypatch):
    days(60, maria)
    training.run()
    days(54, maria, seed=2)
    judge = training.evaluate

    def meanwhile(*of):
        versions.activate(version=None, actor=maria)
        return judge(*of)

    monkeypatch.setattr("moderation.spam_filter.training.evaluate", meanwhile)
    assert training.run().endswith("but somebody activated another one in the meantime")
    assert ModerationSettings.objects.get().filter is None


def test_after_two_weeks_a_version_is_evaluated_anyway(starter, maria):
    days(60, maria)
    training.run()
    article, rng = make_article("Later"), Random(3)
    for _ in range(20):
        comment = talk(article, rng, is_spam=False)
        decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    waiting = FilterVersion.objects.filter(numbers_at=None, kind="learnt")
    assert training.run() == "a version is waiting for later decisions to be tested on"
    waiting.update(made_at=timezone.now() - training.MAX_TRIAL_WAIT)
    assert training.run().startswith(f"version {FilterVersion.objects.latest('pk').pk} did ")
    assert not waiting.exists()


def test_after_two_weeks_without_later_decisions_a_new_version_replaces_it(starter, maria):
    made = days(60, maria)
    training.run()
    waiting = FilterVersion.objects.latest("pk")
    for n, comment in enumerate(made[: training.MIN_NEW_DECISIONS]):
        to, reason = (State.PUBLISHED, "approved") if n % 3 == 0 else (State.SPAM, "spam")
        decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    FilterVersion.objects.filter(pk=waiting.pk).update(made_at=timezone.now() - training.MAX_TRIAL_WAIT)
    assert training.run() == f"version {waiting.pk + 1} was trained on 60 decisions"
    assert [one.pk for one in FilterVersion.objects.filter(numbers_at=None, kind="learnt")] == [
        waiting.pk + 1
    ]


@pytest.fixture
def learnt(starter, maria):
    """Return the comments that the active version was trained on."""
    made = days(60, maria)
    training.run()
    days(54, maria, seed=2)
    assert training.run().endswith("is active")
    return made


def active_version() -> FilterVersion:
    return ModerationSettings.objects.get().filter


def test_restricted_comments_are_unlearnt_at_once(learnt, maria, client):
    client.force_login(maria)
    before = active_version()
    restrictions.restrict(ids=[learnt[0].pk], why=Restriction.Why.OTHER, actor=maria)
    made = FilterVersion.objects.latest("pk").pk + 1
    assert training.run() == f"version {made} is active: version {before.pk} without its removed examples"
    now = active_version()
    assert (now.pk, now.trained_on["decisions"], now.trained_on["until"]) == (
        made,
        59,
        before.trained_on["until"],
    )
    assert now.numbers["metrics"]["rows"] == 54
    before.refresh_from_db()
    assert (bytes(before.weights), before.trained_on["is_emptied"]) == (b"", True)
    assert not active_model.can_be_used(before.pk)
    assert (
        "weights deleted, as it was trained on restricted comments"
        in client.get("/moderation/filter/").content.decode()
    )
    assert training.run().endswith("was trained on 113 decisions")
    assert active_version() == now


def test_weights_from_restricted_comments_are_deleted_while_the_filter_is_off(learnt, maria):
    before = active_version()
    versions.activate(version=None, actor=maria)
    restrictions.restrict(ids=[learnt[0].pk], why=Restriction.Why.OTHER, actor=maria)
    training.run()
    before.refresh_from_db()
    assert bytes(before.weights) == b""


def test_undoing_a_twentieth_retrains_on_the_rest(learnt, maria):
    before = active_version()
    acts = list(Batch.objects.filter(kind="decision").order_by("at")[:3])
    for act in acts[:2]:
        undo(batch=act, actor=maria)
    training.run()
    assert active_version() == before
    undo(batch=acts[2], actor=maria)
    FilterVersion.objects.filter(numbers_at=None).delete()
    assert f"version {before.pk} without its removed examples" in training.run()
    assert active_version().trained_on["decisions"] == 57
    before.refresh_from_db()
    assert bytes(before.weights)  # to which one may go back


def test_without_remaining_examples_the_starter_is_activated(learnt, starter, maria):
    restrictions.restrict(ids=[one.pk for one in learnt], why=Restriction.Why.OTHER, actor=maria)
    assert training.run().endswith("the starter is active")
    assert active_version() == starter


def test_a_version_that_does_worse_is_refused(starter, maria):
    days(60, maria)
    training.run()
    made = FilterVersion.objects.latest("pk")
    # Since then people find nothing wrong with what they had removed before.
    article, rng = make_article("Later"), Random(3)
    for _ in range(60):
        comment = talk(article, rng, is_spam=True)
        decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    for n in range(training.MIN_PER_LABEL):
        comment = make_comment(
            article, f"Cheap payday loans and casino bonus, click here http://casino.example/{n}"
        )
        decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=maria)
    assert training.run() == f"version {made.pk} did worse and is not used"
    made.refresh_from_db()
    assert made.is_refused
    assert ModerationSettings.objects.get().filter == starter


def presses(count: int, actor, seed: int) -> None:
    """Post so many good comments and mark them as spam, in batches of five."""
    article, rng = make_article(f"Pressed on {seed}"), Random(seed)
    for _ in range(count // 5):
        some = [talk(article, rng, is_spam=False).pk for _ in range(5)]
        decide(ids=some, to=State.SPAM, reason="spam", actor=actor)


def test_marking_good_comments_as_spam_makes_none_of_others_wait(starter, maria, omar):
    """Their number does not matter, and the log loss alone would recommend the version."""
    days(60, maria)
    presses(100, omar, seed=5)
    training.run()
    made = FilterVersion.objects.latest("pk")
    days(54, maria, seed=2)
    presses(100, omar, seed=6)
    training.run()
    made.refresh_from_db()
    trial = made.numbers["trial"]
    assert trial["log_loss"][0] < trial["log_loss"][1]
    assert made.is_refused or trial["good"][0] <= 1.0
    active = active_model.load_model(active_version().pk)
    assert max(active.score(CommentData(body=body, author="Ada")) for body in GOOD) < 0.1


@pytest.mark.parametrize(
    ("own", "is_worse"),
    [
        ({}, False),
        ({"log_loss": (0.3, 0.2)}, True),
        ({"log_loss": (0.1, 0.2), "good": (3.0, 0.0)}, True),
        ({"log_loss": (0.1, 0.2), "good": (1.0, 0.0)}, False),  # so many may
        ({"log_loss": (0.1, 0.2), "good": (3.0, 4.0)}, False),
        ({"log_loss": (0.1, 0.2), "spam": (90.0, 95.0)}, True),
        ({"log_loss": (0.1, 0.2), "spam": (95.0, 90.0)}, False),
        ({"log_loss": (0.1, 0.2), "spam": (None, None)}, False),
    ],
)
def test_a_version_is_worse_if_any_measure_is_worse(own, is_worse):
    alike = training.Trial(
        version=1,
        rows=60,
        log_loss=(0.2, 0.2),
        recall=(1.0, 1.0),
        good=(0.0, 0.0),
        spam=(95.0, 95.0),
    )
    assert training.is_worse(alike | own, 1.0) is is_worse


def learnable(spam: int, good: int) -> list[Decision]:
    """Return so many decisions of each label, in random order."""
    rng = Random(1)
    labels = [True] * spam + [False] * good
    rng.shuffle(labels)
    return [
        replace(
            decided(n, is_spam=label), data=CommentData(body=f"{rng.choice(SPAM if label else GOOD)} {n}")
        )
        for n, label in enumerate(labels)
    ]


@pytest.mark.parametrize(("spam", "moves"), [(training.CALIBRATION_MIN_PER_LABEL - 1, False), (100, True)])
def test_calibration_waits_for_enough_of_each_kind(starter, spam, moves):
    before = Model.from_bytes(bytes(starter.weights))
    after = training.train(learnable(spam, 120), Model.from_bytes(bytes(starter.weights)))
    assert ((after.slope, after.offset) != (before.slope, before.offset)) is moves


def test_few_decisions_are_passed_over_several_times(starter, monkeypatch):
    def surprise() -> float:
        some = learnable(20, 40)
        model = training.train(some, Model.from_bytes(bytes(starter.weights)))
        return training.log_loss([model.score(one.data) for one in some], [one.is_spam for one in some])

    often = surprise()
    monkeypatch.setattr("moderation.spam_filter.training.MAX_PASSES", 1)
    assert often < surprise()


def test_the_stored_model_is_settled(starter):
    model = training.train(learnable(20, 40), Model.from_bytes(bytes(starter.weights)))
    assert model.is_settled
    assert model.corrections
    assert model.has_words


def test_training_is_deterministic(starter, maria):
    days(60, maria)
    one, two = (
        training.train(
            list(current_decisions()), active_model.Model.from_bytes(bytes(starter.weights))
        ).to_bytes()
        for _ in range(2)
    )
    assert one == two


def test_after_a_change_of_format_the_starter_is_activated_and_learns_anew(starter, maria):
    days(60, maria)
    other = FilterVersion.objects.create(
        kind=FilterVersion.Kind.LEARNT,
        weights=b"of another release",
        trained_on={"decisions": 60, "until": Transition.objects.latest("pk").pk},
    )
    ModerationSettings.objects.update(filter=other)
    assert training.run() == "the active version was made by another release; the starter is active"
    assert ModerationSettings.objects.get().filter == starter
    other.refresh_from_db()
    assert other.trained_on["is_of_another_release"]
    assert training.run().endswith("was trained on 60 decisions")


def test_without_an_active_filter_nothing_is_trained(starter, maria):
    ModerationSettings.objects.update(filter=None)
    days(60, maria)
    assert training.run() == "the filter is off"
    assert not FilterVersion.objects.filter(kind="learnt").exists()


def test_too_few_decisions_train_nothing(starter, maria):
    days(40, maria)
    assert training.run() == "there are too few new decisions"


def test_decisions_with_one_label_train_nothing(starter, maria):
    article = make_article()
    for n in range(training.MIN_NEW_DECISIONS):
        decide(
            ids=[make_comment(article, f"Word {n}").pk], to=State.PUBLISHED, reason="approved", actor=maria
        )
    assert training.run() == "all decisions have the same label"


def test_a_replay_predicts_each_decision_before_learning_it(starter, maria, capsys):
    days(100, maria)
    call_command("replay_filter", "--json", "--each", "25")
    result = json.loads(capsys.readouterr().out)
    assert [(step["from"], step["until"]) for step in result["steps"]] == [
        (1, 25),
        (26, 50),
        (51, 75),
        (76, 100),
    ]
    assert sum(step["spam"] for step in result["steps"]) == 34
    first, *_, last = result["steps"]
    assert first["learnt_log_loss"] < 1.5 * first["starter_log_loss"]
    assert last["learnt_log_loss"] < 0.5 * last["starter_log_loss"]
    call_command("replay_filter")
    assert "▇" in capsys.readouterr().out


def test_a_replay_needs_decisions(starter):
    with pytest.raises(CommandError, match="There are no decisions to replay yet"):
        call_command("replay_filter")
