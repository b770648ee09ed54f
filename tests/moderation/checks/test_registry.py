"""The registry of checks: no other module names a check, and a new one is found on every page."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import timezone

from comments.models import Discussion, Reason, State
from core.data_folder import PROJECT
from moderation.actions.decisions import decide
from moderation.checks import registry
from moderation.features.signals import SIGNALS, site
from moderation.models import Case, Finding, Rule
from moderation.notifications.decision_kinds import DecisionKind
from moderation.notifications.notices import decision_url, render_notices
from moderation.tasks import notify_not_published
from moderation.transparency import discussion_summary
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.checks.toy_check import TOY_BOAT
from tests.moderation.queue.helpers import listed_comment_ids, open_card, text

STORED_CODES = """
akismet akismet_silent answers asks calls domain drift emptied filter imitates insult late leftovers
link_burst link_markup links mixed_script name_burst name_domain name_pattern name_phrase name_script
near_repeat new_person no_gain on_subject one_address other_script own_link padded personal_data praise
puny repeat reviewed_first sanctioned scorer scorer_silent shortened shouting site_deep site_sells
site_talk slur spam_host spun term term_list threat wares"""
# Names of checks that mean something else in other modules: the module, and the meaning.
OTHER_MEANINGS = {
    ("archive/personal_data/files.py", "personal_data"): "a folder",
    ("comments/admin.py", "links"): "a field of a form",
    ("comments/services/editing.py", "late"): "the code of an error",
    ("comments/models/states.py", "insult"): "a reason for a removal",
    ("comments/models/states.py", "repeat"): "a reason for a removal",
    ("comments/models/states.py", "threat"): "a reason for a removal",
    ("moderation/actions/setting_changes.py", "filter"): "a field of the moderation settings",
    ("moderation/management/commands/evaluate_filter.py", "filter"): "an option of the command",
    ("moderation/models/actions.py", "filter"): "a kind of action",
    ("moderation/models/groups.py", "late"): "a kind of group",
    ("moderation/models/groups.py", "repeat"): "a kind of group",
    ("moderation/models/rules.py", "domain"): "a kind of rule",
    ("moderation/models/rules.py", "links"): "a kind of rule",
    ("moderation/models/rules.py", "term"): "a kind of rule",
    ("moderation/models/spam_filters.py", "filter"): "a name of the model",
    ("moderation/people/active_sanctions.py", "sanctioned"): "the code of an error",
    ("moderation/explanations.py", "filter"): "a field of the moderation settings",
    ("moderation/queue/second_opinion_views.py", "answers"): "a key of a template",
    ("moderation/queue/second_opinions.py", "answers"): "a parameter of a statement",
    ("moderation/rules/forms.py", "domain"): "the code of an error",
    ("moderation/rules/matching.py", "domain"): "a kind of rule",
    ("moderation/rules/matching.py", "links"): "a kind of rule",
    ("moderation/rules/matching.py", "term"): "a kind of rule",
    ("moderation/spam_filter/page.py", "filter"): "a field of the moderation settings",
    ("moderation/spam_filter/training.py", "filter"): "a field of the moderation settings",
    ("moderation/spam_filter/versions.py", "filter"): "a field of the moderation settings",
    ("moderation/urls.py", "filter"): "the name of a URL",
    ("templates/admin/articles/editor.html", "links"): "a class of the page",
    ("templates/admin/index.html", "links"): "a class of the page",
    ("templates/moderation/rules/rule.html", "domain"): "a kind of rule",
    ("templates/moderation/rules/rule.html", "term"): "a kind of rule",
}


def names_in_code() -> Iterator[tuple[str, str]]:
    """Yield (file, name) for each string of the program that is the name of a check, or quotes it in SQL."""
    packages = ["accounts", "archive", "articles", "comments", "config", "core", "moderation"]
    own = [PROJECT / "moderation" / "checks", PROJECT / "moderation" / "features" / "signals"]
    for file in (path for package in packages for path in (PROJECT / package).rglob("*.py")):
        if any(map(file.is_relative_to, own)) or "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _names_in(str(file.relative_to(PROJECT)), f"'{node.value}' {node.value}")
    for file in [*(PROJECT / "templates").rglob("*.*"), *(PROJECT / "static" / "js").rglob("*.*")]:
        yield from _names_in(str(file.relative_to(PROJECT)), file.read_text())


def _names_in(file: str, source: str) -> Iterator[tuple[str, str]]:
    return ((file, name) for name in re.findall(r"""['"](\w+)['"]""", source) if name in registry.CHECKS)


def test_no_other_module_names_a_check_by_a_string():
    assert set(names_in_code()) == set(OTHER_MEANINGS)


def test_every_signal_is_a_check_with_its_code():
    every = SIGNALS | site.SITE_SIGNALS
    assert {name: registry.get(name).find_signal for name in every} == every
    assert registry.start_weights().keys().isdisjoint(SIGNALS)


def test_stored_codes_stay():
    """Findings and weights of earlier releases have these codes."""
    assert set(registry.CHECKS) == set(STORED_CODES.split())


def test_names_fit_the_column_and_are_unique():
    assert max(map(len, registry.CHECKS)) <= Finding._meta.get_field("check_name").max_length
    assert all(check.name == name for name, check in registry.CHECKS.items())


@pytest.mark.parametrize("name", registry.CHECKS)
@pytest.mark.parametrize("number", [None, 0, 1, 7])
def test_each_check_has_a_text_for_a_signal_and_a_label(name, number):
    check = registry.get(name)
    sentence = check.signal_text(number)
    assert sentence.endswith(".")
    assert "%" not in sentence
    label = registry.label(name)
    assert label[0].islower()
    assert 0 < len(label.split()) <= 7
    assert not label.endswith(".")
    assert not re.search(r"\d", check.signal_text(None))


@pytest.mark.parametrize("name", [name for name, _label in registry.choices()])
def test_each_check_has_a_sentence_for_everybody(name):
    check, finding = registry.get(name), Finding(strength=0.6, holds=True, rule=Rule(value="pill"))
    finding.author_is_confirmed = False
    sentences = {
        check.explain_to_moderator(finding, None),
        check.explain_to_author(finding),
        check.explain_to_others(finding),
    }
    assert all(sentence.endswith((".", "mailed you.")) and "%" not in sentence for sentence in sentences)


def test_numbers_are_in_the_texts():
    assert registry.get("late").signal_text(1) == "Posted 1 day after the story."
    assert registry.get("links").signal_text(7) == "It has 7 links."
    late = registry.get("late")
    assert late.explain_to_moderator(Finding(), None) == "It was posted long after the story."


def test_a_check_of_another_version_has_a_text():
    finding = Finding(check_name="unheard_of", strength=1, holds=True)
    check = registry.get("unheard_of")
    assert check.explain_to_moderator(finding, None) == "The check “unheard_of” found something."
    assert registry.label("unheard_of") == "the signal “unheard_of”"
    assert not registry.proposes_removal(finding, Reason.SPAM)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ([], DecisionKind.PENDING_CHECK),
        (["new_person"], DecisionKind.PENDING_NEW_AUTHOR),
        (["reviewed_first", "new_person"], DecisionKind.PENDING_PREMODERATION),
        (["reviewed_first", "new_person", "links"], DecisionKind.PENDING_CHECK),
        (["sanctioned", "links"], DecisionKind.PENDING_SANCTION),
    ],
)
def test_the_author_sees_only_the_strongest_kind(names, kind):
    assert registry.pending_kind(names) == kind


# A check from one file


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(registry.CHECKS, TOY_BOAT.name, TOY_BOAT)


@pytest.fixture
def waiting_comment(db, toy, checking_policy, maria, maria_client):
    """Return a waiting comment by a known person, in which only the toy check found something."""
    article = make_article()
    guest = GuestFactory.create(confirmed_at=timezone.now())
    first = make_comment(article, "Earlier words", guest=guest)
    decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    comment = make_comment(article, "My toy boat sank", guest=guest)
    assert comment.state == State.PENDING
    assert Finding.objects.get(comment=comment).check_name == TOY_BOAT.name
    return comment


def test_a_new_check_is_on_the_card_with_its_words(client, waiting_comment):
    card = open_card(client, waiting_comment)
    assert "It is about a toy boat." in card
    assert '<mark data-n="1">toy boat</mark>' in card
    assert "1 strong signal" in card
    assert Case.objects.open().get(comment=waiting_comment).score == 0.9


def test_a_new_check_is_on_its_authors_page_and_in_the_mail(client, waiting_comment, mailoutbox):
    client.logout()
    page = text(client.get(decision_url(waiting_comment).removeprefix(settings.SITE_URL)))
    assert "You wrote about a toy boat." in page
    assert notify_not_published.func(waiting_comment.pk) == 1
    assert "You wrote about a toy boat." in mailoutbox[0].body
    assert render_notices([waiting_comment])[waiting_comment.pk].kind == DecisionKind.PENDING_CHECK


def test_a_new_check_is_a_filter_of_the_queue(client, waiting_comment):
    other = make_comment(waiting_comment.discussion.article, "Another word")
    assert set(listed_comment_ids(client.get("/moderation/"))) == {waiting_comment.pk, other.pk}
    found = client.get("/moderation/?check=toy_boat")
    assert listed_comment_ids(found) == [waiting_comment.pk]
    assert "Check: <bdi>a toy boat</bdi>" in text(found)
    assert '<option value="toy_boat" selected>a toy boat</option>' in text(found)
    assert client.get("/moderation/?check=nonsense").status_code == 404


def test_a_new_check_is_on_the_dashboard_and_in_the_summary_and_the_log(client, waiting_comment, maria):
    assert "<small>a toy boat</small>" in text(client.get("/moderation/log/"))
    decide(ids=[waiting_comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    assert "a toy boat" in text(client.get("/moderation/dashboard/"))
    summary = discussion_summary.summary_sentences(Discussion.objects.get())
    assert summary[-1] == "The checks proposed 1 and a moderator confirmed it."
    waiting_comment.refresh_from_db()
    assert "You wrote about a toy boat." in render_notices([waiting_comment])[waiting_comment.pk].sentences


def test_a_new_check_is_a_signal_of_the_spam_filter(toy):
    assert registry.start_weights()["toy_boat"] == 0.5
