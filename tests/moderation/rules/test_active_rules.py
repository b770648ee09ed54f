"""Rules as they are stored, replayed and applied, and their effect on new comments."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Topic
from comments.models import Comment, Reason, State
from comments.policy import policy
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from moderation.actions import decisions
from moderation.actions.decisions import decide
from moderation.checks import registry
from moderation.erasure import purge
from moderation.models import Action, CommentGroup, CommentGroupMember, Finding, Rule
from moderation.notifications.notices import render_notices
from moderation.rules import active_rules as rules
from moderation.rules import rule_replay
from moderation.rules.matching import RuleDefinition, is_usable
from moderation.rules.term_files import read_terms
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = pytest.mark.django_db


def approve(*comments, by):
    decide(ids=[c.pk for c in comments], to=State.PUBLISHED, reason=Reason.APPROVED, actor=by)


def remove(*comments, by, reason=Reason.INSULT):
    to = State.SPAM if reason == Reason.SPAM else State.REJECTED
    decide(ids=[c.pk for c in comments], to=to, reason=reason, actor=by)


def term(value="casino", **fields) -> RuleDefinition:
    return RuleDefinition(pk=None, kind="term", value=value, **fields)


def save_rule(rule: RuleDefinition, maria, **fields) -> Rule:
    saved, _action = rules.save(rule=rule, note="", actor=maria, **fields)
    return saved


def known_guest(maria, **fields):
    guest = GuestFactory.create(confirmed_at=timezone.now(), **fields)
    approve(make_comment(make_article(), "Earlier words", guest=guest), by=maria)
    return guest


# Replays of rules on earlier decisions


def test_a_replay_counts_only_decisions_by_people(maria):
    article = make_article()
    good = [make_comment(article, f"At the casino, {n}") for n in range(3)]
    plain = [make_comment(article, f"On the boat, {n}") for n in range(2)]
    bad = [make_comment(article, f"CASINO! {n}") for n in range(4)]
    insult = make_comment(article, "You fool")
    approve(*good, *plain, by=maria)
    remove(*bad, by=maria, reason=Reason.SPAM)
    remove(insult, by=maria)
    make_comment(article, "The casino waits")  # nobody has decided
    machine = make_comment(article, "The casino again")
    change_states(ids=[machine.pk], to=State.PUBLISHED, reason=Reason.POSTED, actor=None)

    found = rule_replay.replay(term())
    assert (found.caught, found.removed, found.approved) == (4, 5, 5)
    assert found.false_positives == sorted((c.pk for c in good), reverse=True)
    [(decided, spans)] = rule_replay.matched_examples(term(), found.false_positives[:1])
    assert (decided.body, spans) == ("At the casino, 2", [(7, 13)])
    assert not Rule.objects.exists()
    assert not Action.objects.filter(kind="rule").exists()


def test_the_last_decision_counts_and_an_undone_one_does_not(maria):
    changed, undone, taken_back = (make_comment(make_article(), f"A casino, {n}") for n in range(3))
    approve(changed, taken_back, by=maria)
    remove(changed, by=maria)
    decisions.undo(
        action=decide(ids=[undone.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).action, actor=maria
    )
    delete_comment(comment=taken_back, user=None, guest=taken_back.guest)
    found = rule_replay.replay(term())
    assert (found.caught, found.removed, found.approved) == (1, 1, 1)
    assert found.false_positives == [taken_back.pk]  # a deletion by the author is no decision


def test_a_comment_deleted_by_its_author_still_counts_as_decided(maria):
    ada = UserFactory.create(name="Ada")
    comment = make_comment(make_article(), "A casino", author=ada)
    approve(comment, by=maria)
    delete_comment(comment=comment, user=ada, guest=None)
    assert rule_replay.replay(term()).false_positives == [comment.pk]


def test_the_text_is_that_of_the_decision(maria):
    guest = known_guest(maria)
    comment = make_comment(make_article(), "I was at the casino", guest=guest)
    approve(comment, by=maria)
    edit_comment(comment=comment, body="I was at the theatre", user=None, guest=guest)
    found = rule_replay.replay(term())
    assert found.false_positives == [comment.pk]
    assert rule_replay.matched_examples(term(), found.false_positives)[0][0].body == "I was at the casino"
    assert rule_replay.replay(term("theatre")).false_positives == []


def test_erased_comments_are_not_replayed(maria):
    comment = make_comment(make_article(), "The casino")
    approve(comment, by=maria)
    Comment.objects.filter(pk=comment.pk).update(erased_at=timezone.now(), body="")
    assert rule_replay.replay(term()).approved == 0


def test_a_rule_is_replayed_only_where_it_applies(maria):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    here, there = make_article(), make_article("Elsewhere")
    here.topics.add(harbour)
    approve(make_comment(here, "A casino here"), make_comment(there, "A casino there"), by=maria)
    assert rule_replay.replay(term()).approved == 2
    assert rule_replay.replay(term(topic=harbour.pk)).approved == 1
    assert rule_replay.replay(term(article=there.pk)).approved == 1


@pytest.mark.parametrize(
    ("kind", "value", "false_positives"),
    [("links", "1", 1), ("links", "2", 0), ("age", "30", 2), ("age", "90", 0)],
)
def test_limits_are_replayed_too(maria, kind, value, false_positives):
    article = make_article(published_at=timezone.now() - timedelta(days=60))
    approve(
        make_comment(article, "https://a.example https://b.example"), make_comment(article, "None"), by=maria
    )
    assert (
        len(rule_replay.replay(RuleDefinition(pk=None, kind=kind, value=value)).false_positives)
        == false_positives
    )


def test_a_replay_uses_a_server_side_cursor(maria, monkeypatch):
    monkeypatch.setattr("moderation.rules.rule_replay.FETCH_SIZE", 2)
    article = make_article()
    approve(*(make_comment(article, f"A casino, {n}") for n in range(5)), by=maria)
    with CaptureQueriesContext(connection) as queries:
        assert len(rule_replay.replay(term()).false_positives) == 5
    assert len([q for q in queries if "comments_transition" in q["sql"]]) == 1


# Versions and the switch


def test_a_changed_value_creates_a_version_that_can_be_undone(maria):
    first = save_rule(term(), maria)
    second = save_rule(term("casinos"), maria, replaces=first)
    assert [(r.value, r.is_active, r.replaces) for r in rules.versions(first.pk)] == [
        ("casinos", True, first),
        ("casino", False, None),
    ]
    action = Action.objects.get(parameters__rule=second.pk)
    assert decisions.undo(action=action, actor=maria).action
    assert [(r.value, r.is_active) for r in rules.versions(first.pk)] == [
        ("casinos", False),
        ("casino", True),
    ]

    third = save_rule(term("gambling"), maria, replaces=first)
    assert third.replaces == second
    assert [r.is_active for r in rules.versions(first.pk)] == [True, False, False]


def test_a_version_replaced_by_a_colleague_cannot_be_changed(maria):
    otto = UserFactory.create(name="Otto", roles=("Moderator",))
    first = save_rule(term(), maria)
    second = save_rule(term("casinos"), otto, replaces=first)
    with pytest.raises(ValidationError, match="Otto changed this rule in the meantime"):
        save_rule(term("gambling"), maria, replaces=first)
    assert active_ids() == [second.pk]


def act_of(rule: Rule) -> Action:
    return Action.objects.filter(parameters__rule=rule.pk).earliest("at")


def active_ids() -> list[int]:
    return list(Rule.objects.filter(is_active=True).values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (term(), term("Casino", holds=False)),
        (
            RuleDefinition(pk=None, kind="list", value="words.txt", terms="pill"),
            RuleDefinition(pk=None, kind="list", value="words.txt", terms="pill\nboots"),
        ),
    ],
)
def test_a_version_with_the_same_value_can_be_undone_and_redone(maria, one, other):
    first = save_rule(one, maria)
    second = save_rule(other, maria, replaces=first)
    undone = decisions.undo(action=act_of(second), actor=maria)
    assert active_ids() == [first.pk]
    decisions.undo(action=undone.action, actor=maria)
    assert active_ids() == [second.pk]


def test_an_undo_never_activates_a_second_version(maria):
    first = save_rule(term(), maria)
    off = rules.switch(rule=first, on=False, actor=maria)
    second = save_rule(term("casinos"), maria, replaces=first)
    assert decisions.undo(action=off, actor=maria).action is None
    third = save_rule(term("gambling"), maria, replaces=second)
    assert decisions.undo(action=act_of(second), actor=maria).action is None
    assert active_ids() == [third.pk]


def test_switching_on_an_earlier_version_replaces_the_active_one(maria):
    first = save_rule(term(), maria)
    second = save_rule(term("casinos"), maria, replaces=first)
    action = rules.switch(rule=first, on=True, actor=maria)
    assert active_ids() == [first.pk]
    decisions.undo(action=action, actor=maria)
    assert active_ids() == [second.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("press", ["switch", "save"])
def test_concurrent_changes_create_only_one_version(maria, press):
    otto = UserFactory.create(name="Otto", roles=("Moderator",))
    first = save_rule(term(), maria)

    def meanwhile():
        try:
            if press == "switch":
                rules.switch(rule=first, on=True, actor=maria)
            else:
                save_rule(term("gambling"), maria, replaces=first)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as colleague:
        with transaction.atomic():
            second = save_rule(term("casinos"), otto, replaces=first)
            examination = colleague.submit(meanwhile)  # reads the versions before Otto's commit
            wait_for_a_lock()
        with pytest.raises(ValidationError, match=r"changed (it|this one) in the meantime"):
            examination.result(timeout=PATIENCE)
    assert active_ids() == [second.pk]
    assert rules.versions(first.pk) == [second, first]


def test_switching_off_can_be_undone(maria):
    rule = save_rule(term(), maria)
    guest = known_guest(maria)
    article = make_article()
    assert make_comment(article, "Casino 1", guest=guest).state == "pending"
    action = rules.switch(rule=rule, on=False, actor=maria)
    assert action.kind == "rule"
    assert make_comment(article, "Casino 2", guest=guest).state == "published"
    assert rules.switch(rule=rule, on=False, actor=maria) is None
    decisions.undo(action=action, actor=maria)
    assert make_comment(article, "Casino 3", guest=guest).state == "pending"


def test_a_finding_names_the_version_that_matched(maria):
    guest, article = known_guest(maria), make_article()
    first = save_rule(term(), maria)
    one = make_comment(article, "A casino", guest=guest)
    second = save_rule(term("casino|s", holds=False), maria, replaces=first)
    third = save_rule(term("casinos"), maria, replaces=second)
    two = make_comment(article, "Casinos", guest=guest)
    assert dict(Finding.objects.exclude(rule=None).values_list("comment", "rule")) == {
        one.pk: first.pk,
        two.pk: third.pk,
    }
    approve(two, by=maria)
    assert rules.records([first.pk, third.pk]) == {
        first.pk: rules.RuleRecord(matches=1),
        third.pk: rules.RuleRecord(matches=1, approved=1),
    }
    assert rules.records([third.pk])[third.pk].false_positive_percent == 100


def test_an_equal_rule_cannot_be_saved_twice(maria):
    rule = save_rule(term(), maria)
    with pytest.raises(ValidationError, match="This rule already exists"):
        save_rule(term("CASINO"), maria)
    rules.switch(rule=rule, on=False, actor=maria)
    save_rule(term("CASINO"), maria)
    with pytest.raises(ValidationError, match="An identical rule is active"):
        rules.switch(rule=rule, on=True, actor=maria)


# Rules that a new comment meets


def test_rules_are_read_and_compiled_only_when_they_change(maria):
    terms = "\n".join(f"word{n}" for n in range(500))
    rule = save_rule(RuleDefinition(pk=None, kind="list", value="words.txt", terms=terms), maria)
    guest, article = known_guest(maria), make_article()
    make_comment(article, "Once", guest=guest)
    with CaptureQueriesContext(connection) as queries:
        held = make_comment(article, "I say word499", guest=guest)
    assert held.state == "pending"
    assert not [q for q in queries if "moderation_ruleterms" in q["sql"]]
    assert rule.terms.count == 500

    compiled = rules.load_active_rules()
    save_rule(term(), maria)
    again = rules.load_active_rules()
    assert again.by_kind["list"][0] is compiled.by_kind["list"][0]  # a list that stays is not compiled anew


@pytest.mark.parametrize(("kind", "value"), [("name", "("), ("links", "many"), ("term", " "), ("rate", "3")])
def test_an_unusable_rule_does_not_block_comments(maria, caplog, kind, value):
    bad = Rule.objects.create(kind=kind, value=value)
    save_rule(term(), maria)
    assert make_comment(make_article(), "A casino", guest=known_guest(maria)).state == "pending"
    assert f"Rule {bad.pk} is ignored" in caplog.text


def test_a_rule_for_a_topic_applies_to_its_stories(maria):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    here, there = make_article(), make_article("Elsewhere")
    here.topics.add(harbour)
    save_rule(term(topic=harbour.pk), maria)
    guest = known_guest(maria)
    assert make_comment(here, "A casino here", guest=guest).state == "pending"
    assert make_comment(there, "A casino there", guest=guest).state == "published"


def test_a_match_that_does_not_hold_is_published(maria):
    save_rule(term(holds=False), maria)
    comment = make_comment(make_article(), "A casino", guest=known_guest(maria))
    assert comment.state == "published"
    assert Finding.objects.get(comment=comment, check_name="term").holds is False


def test_a_match_that_does_not_hold_is_not_shown_to_the_author(maria):
    save_rule(term(holds=False), maria)
    comment = make_comment(make_article(), "A casino")
    found = Finding.objects.of_current_texts([comment.pk])
    assert [finding.check_name for finding in found] == ["new_person", "term", "wares"]
    [sentences] = policy().explain_pending([comment.pk]).values()
    assert sentences == [registry.get(found[0].check_name).explain_to_others(found[0])]
    assert "of this site" not in " ".join(render_notices([comment])[comment.pk].sentences)


@pytest.mark.parametrize(
    ("rule", "body", "name", "to_moderator", "to_author"),
    [
        (
            RuleDefinition(pk=None, kind="list", value="a.txt", terms="pill\nboots"),
            "Cheap boots",
            "Nuala",
            "It contains terms of the list “a.txt”.",
            "It contains words from a list of terms of this site.",
        ),
        (
            RuleDefinition(pk=None, kind="domain", value="evil.example"),
            "http://evil.example",
            "Nuala",
            "It links to evil.example.",
            "It links to a domain that a rule of this site covers.",
        ),
        (
            RuleDefinition(pk=None, kind="name", value="^seo"),
            "Fine",
            "SEO Services",
            "The name matches the pattern “^seo”.",
            "The name matches a rule of this site.",
        ),
        (
            RuleDefinition(pk=None, kind="links", value="0"),
            "http://a.example",
            "Nuala",
            "It has 1 link; comments with more than 0 are reviewed first.",
            "It has 1 link; comments with more than 0 are reviewed first.",
        ),
    ],
)
def test_moderators_see_the_rule_and_authors_its_kind(maria, rule, body, name, to_moderator, to_author):
    save_rule(rule, maria)
    comment = make_comment(make_article(), body, guest=known_guest(maria, name=name))
    finding = Finding.objects.of_current_texts([comment.pk]).get()
    assert registry.get(finding.check_name).explain_to_moderator(finding, None) == to_moderator
    assert policy().explain_pending([comment.pk]) == {comment.pk: [to_author]}


@pytest.mark.usefixtures("rate_limits_on")
def test_a_rule_sets_the_rate_limit(maria):
    article = make_article()
    save_rule(RuleDefinition(pk=None, kind="rate", value="1/2", article=article.pk), maria)
    guest = GuestFactory.create()
    make_comment(article, "One", guest=guest)
    with pytest.raises(ValidationError, match="You can post 1 comment in 10 minutes"):
        make_comment(article, "Two", guest=guest)
    assert make_comment(make_article("Elsewhere"), "Two", guest=guest)


# Applying a rule to existing comments


def test_matches_are_put_into_one_group(maria):
    article = make_article()
    waiting, approved, removed = (make_comment(article, f"A casino, {n}") for n in range(3))
    make_comment(article, "A boat")
    approve(approved, by=maria)
    remove(removed, by=maria)
    matches = rule_replay.group_matches(save_rule(term(), maria))
    group = matches.group
    assert matches.approved == [approved.pk]
    members = {m.comment_id: m for m in CommentGroupMember.objects.filter(group=group)}
    assert set(members) == {waiting.pk, approved.pk}
    assert (group.kind, group.size, group.details) == ("rule", 2, {"rule": Rule.objects.get().pk})
    assert members[approved.pk].similarity < members[waiting.pk].similarity  # seen first
    assert members[waiting.pk].last_transition_id == waiting.transitions.latest("id").pk
    assert {c.state for c in Comment.objects.filter(pk__in=members)} == {"pending", "published"}
    assert rule_replay.group_matches(save_rule(term("nothing"), maria)) is None


def test_a_group_of_matches_expires_after_a_month(maria):
    make_comment(make_article(), "A casino")
    matches = rule_replay.group_matches(save_rule(term(), maria))
    assert purge.delete_unused_groups() == 0
    CommentGroup.objects.update(made_at=timezone.now() - timedelta(days=31))
    assert purge.delete_unused_groups() == 1
    assert not CommentGroupMember.objects.filter(group=matches.group).exists()


@pytest.mark.data
def test_a_list_of_62204_terms_is_one_rule(data, maria):
    found = read_terms((data / "hostile" / "wordpress_comment_blocklist.txt").read_bytes())
    assert len(found.terms) == 62_204
    # In capitals; of one character.
    assert [sentence.split(" term")[0] for sentence in found.notices] == ["2", "10"]
    save_rule(
        RuleDefinition(pk=None, kind="list", value="blocklist.txt", terms="\n".join(found.terms)), maria
    )
    assert Rule.objects.get().terms.count == 62_204

    article, guest = make_article(), known_guest(maria)
    assert make_comment(article, "Cheap Viagra, buy cialis online", guest=guest).state == "pending"
    assert make_comment(article, "The specialist saw the boat to the slip.", guest=guest).state == "published"


def test_a_rate_limit_may_be_very_high():
    assert is_usable("rate", "1000000/1000000")
