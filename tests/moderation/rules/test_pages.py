"""/moderation/rules/: a rule is tried before it is saved, and only saving stores it."""

import re
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Topic
from comments.models import Comment, Reason, State
from moderation.actions.decisions import decide
from moderation.models import Action, CommentGroup, Rule
from moderation.rules import active_rules
from moderation.rules.matching import RuleDefinition
from moderation.rules.term_files import MAX_FILE_BYTES, read_terms
from moderation.rules.views import MATCHES_PER_PAGE
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.queue.helpers import text

pytestmark = pytest.mark.django_db

LIST, TERM = "/moderation/rules/new/list/", "/moderation/rules/new/term/"


def make_decided_comments(maria, *, good=(), bad=()) -> list[int]:
    """Return the ids of decided comments under one story."""
    article = make_article()
    ids = [[make_comment(article, body).pk for body in bodies] for bodies in (good, bad)]
    decide(ids=ids[0], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    decide(ids=ids[1], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    return ids[0]


def stored() -> tuple[int, int]:
    return Rule.objects.count(), Action.objects.filter(kind="rule").count()


def upload(data: bytes, name: str = "words.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "text/plain")


def test_trying_casino_shows_three_good_comments(client, maria):
    """This is a step of the moderator's walkthrough."""
    client.force_login(maria)
    bodies = ["I won at the Casino <b>once</b>", "No casino here", "The casino burnt down"]
    good = make_decided_comments(maria, good=[*bodies, "The boat"], bad=["casino casino", "Buy pills"])
    page = client.post(TERM, {"value": " Casino", "holds": "on", "try": "1"})
    verdict = "Would have caught <b>1</b> of 2 removed comments and <b>3</b> of 4 approved comments."
    assert verdict in page.text
    assert "Would have caught 3 good comments" in page.text
    assert "Tried on all past decisions where the rule applies. Nothing is saved yet." in page.text
    assert "I won at the <mark>Casino</mark> &lt;b&gt;once&lt;/b&gt;" in page.text
    assert all(f"/comments/{pk}/" in page.text for pk in good[:3])
    assert f"/comments/{good[3]}/" not in page.text
    assert stored() == (0, 0)
    assert 'href="/moderation/rules/">Cancel' in page.text


def test_a_list_of_the_largest_size_survives_browser_line_ends(client, maria, monkeypatch):
    client.force_login(maria)
    monkeypatch.setattr("moderation.rules.term_files.MAX_FILE_BYTES", 100)
    terms = "\n".join(f"word{n:02}" for n in range(14))
    assert client.post(LIST, {"file": upload(terms.encode()), "try": "1"}).status_code == 200
    client.post(LIST, {"value": "words", "terms": terms.replace("\n", "\r\n"), "save": "1"})
    assert Rule.objects.get().terms.text == terms


def test_a_tried_rule_is_saved_and_can_be_undone(client, maria):
    client.force_login(maria)
    again = {"value": "casino", "holds": "on", "note": "Ads"}
    assert 'name="note" value="Ads"' in client.post(TERM, again | {"try": "1"}).text
    page = client.post(TERM, again | {"save": "1"}, follow=True)
    rule = Rule.objects.get()
    assert (rule.value, rule.note, rule.is_active, rule.added_by) == ("casino", "Ads", True, maria)
    assert page.redirect_chain == [(f"/moderation/rules/{rule.pk}/", 302)]
    assert f"/moderation/actions/{Action.objects.get(kind='rule').pk}/" in page.text

    page = client.post(f"/moderation/rules/{rule.pk}/switch/", {"on": "0"}, follow=True)
    assert "Switched off: casino." in page.text
    client.post(f"/moderation/actions/{Action.objects.filter(kind='rule').latest('at').pk}/undo/")
    assert Rule.objects.get().is_active
    history = client.get("/moderation/actions/").text
    assert all(
        sentence in history for sentence in ("New rule", ">Rule switched off", "Undone: Rule switched off")
    )


def test_undo_takes_back_the_saving_and_not_what_a_colleague_did_since(client, maria, ada, monkeypatch):
    save = active_rules.save

    def save_before_a_colleague(**values):
        rule, action = save(**values)
        assert active_rules.switch(rule=rule, on=False, actor=ada)
        return rule, action

    monkeypatch.setattr(active_rules, "save", save_before_a_colleague)
    client.force_login(maria)
    page = client.post(TERM, {"value": "casino", "save": "1"}, follow=True)
    saving = Action.objects.get(kind="rule", actor=maria)
    assert re.findall(r"/moderation/actions/([0-9a-f-]{36})/undo/", page.text) == [str(saving.pk)]


def test_a_change_creates_a_version(client, maria):
    client.force_login(maria)
    rule, _action = active_rules.save(
        rule=RuleDefinition(pk=None, kind="term", value="casino"), note="Ads", actor=maria
    )
    path = f"/moderation/rules/{rule.pk}/change/"
    assert 'value="casino"' in client.get(path).text
    assert client.post(path, {"value": "casinos", "save": "1"}).status_code == 302
    assert list(Rule.objects.order_by("pk").values_list("value", "is_active", "holds")) == [
        ("casino", False, True),
        ("casinos", True, False),
    ]
    text = client.get(f"/moderation/rules/{rule.pk}/").text
    assert text.count("switched off") == 1
    assert "matching comments do not wait" in text


@pytest.mark.parametrize(
    ("value", "is_refused"), [("…", True), ("!! -", True), ("$$$", False), ("🍆", False)]
)
def test_a_term_of_punctuation_only_is_refused(client, maria, value, is_refused):
    client.force_login(maria)
    for button in ("try", "save"):
        page = client.post(TERM, {"value": value, button: "1"}, follow=True)
        assert page.status_code == (422 if is_refused else 200)
        assert (f"“{value}” has no letter, digit or symbol" in page.text) == is_refused
    assert Rule.objects.exists() != is_refused


def test_saving_an_unchanged_rule_stores_nothing(client, maria):
    client.force_login(maria)
    client.post(TERM, {"value": "casino", "holds": "on", "note": "Ads", "save": "1"})
    client.post(LIST, {"file": upload(b"cialis\npills"), "whole_words": "on", "save": "1"})
    actions = Action.objects.count()
    for rule in Rule.objects.all():
        path = f"/moderation/rules/{rule.pk}/change/"
        as_before = client.get(path).context["form"].initial
        sent = {name: "on" if value is True else value or "" for name, value in as_before.items()}
        page = client.post(path, sent | {"save": "1"}, follow=True)
        assert page.redirect_chain == [(f"/moderation/rules/{rule.pk}/", 302)]
        assert "Nothing changed." in page.text
    assert (Rule.objects.count(), Action.objects.count()) == (2, actions)


def test_saving_an_unchanged_rule_that_is_off_switches_it_on(client, maria):
    client.force_login(maria)
    client.post(TERM, {"value": "casino", "save": "1"})
    rule = Rule.objects.get()
    active_rules.switch(rule=rule, on=False, actor=maria)
    page = client.post(f"/moderation/rules/{rule.pk}/change/", {"value": "casino", "save": "1"}, follow=True)
    assert "Saved and switched on." in page.text
    assert Rule.objects.filter(is_active=True).count() == 1


def test_a_list_comes_back_with_the_form_and_is_stored_as_one_rule(client, maria):
    client.force_login(maria)
    make_decided_comments(maria, good=["A specialist"], bad=["cialis!"])
    remark = "# " + "a remark of any length " * 20
    file = upload(f"cialis\r\nСКИДКА\n\n{remark}\ncialis\nx\n".encode())
    page = client.post(LIST, {"file": file, "holds": "on", "try": "1"})
    assert "Would have caught <b>1</b> of 1 removed comments and <b>1</b> of 1 approved comments" in page.text
    for words in (
        "1 empty line was left out.",
        "1 comment, which starts with # and a space, was left out.",
        "1 duplicate line was left out.",
        "1 term is a single character, which many good comments contain: x",
    ):
        assert words in page.text
    assert stored() == (0, 0)
    form = page.context["form"].resubmitted_fields()
    assert form["terms"] == "cialis\nСКИДКА\nx"
    page = client.post(LIST, form | {"whole_words": "on", "try": "1"})
    assert "and <b>0</b> of 1 approved comments" in page.text

    client.post(LIST, form | {"whole_words": "on", "save": "1"})
    rule = Rule.objects.get()
    assert (rule.kind, rule.value, rule.terms.count, rule.terms.whole_words) == ("list", "words.txt", 3, True)
    # Another version keeps its terms, unless there is another file.
    client.post(f"/moderation/rules/{rule.pk}/change/", {"value": "Words", "holds": "on", "save": "1"})
    latest = Rule.objects.get(is_active=True)
    assert (latest.value, latest.terms.text, latest.terms.whole_words) == ("Words", rule.terms.text, False)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"\n\n", "This file has no terms"),
        (b"one\ntw\xff\n", "Line 2 is not in UTF-8"),
        ("Müll".encode("utf-16"), "Line 1 is not in UTF-8"),
        (b"one\n\x00\n", "Line 2 has a zero byte"),
        (b"one\n" + b"a" * 201, "Line 2 has 201 characters. A term may have at most 200"),
        (b"a" * (MAX_FILE_BYTES + 1), "This file has 4.0 MB. A list of terms may have at most 4 MB."),
    ],
)
def test_an_invalid_file_is_refused_with_a_message(client, maria, data, sentence):
    client.force_login(maria)
    response = client.post(LIST, {"file": upload(data), "value": "My list", "try": "1"})
    assert response.status_code == 422
    assert sentence in response.text
    assert "My list" in response.text
    assert stored() == (0, 0)


def test_only_line_feeds_separate_terms():
    assert read_terms("\ufeffa\u2028b\r\nc\rd\n".encode()).terms == ["a\u2028b", "c", "d"]


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("term", {"value": "  "}, "This field is required"),
        ("term", {"value": "x" * 201}, "has 201 characters; the maximum is 200"),
        ("name", {"value": r"(a)\1"}, "could run forever"),
        ("name", {"value": "((a{99}){99}){99}"}, "could run forever"),
        ("name", {"value": ".*"}, "matches every name"),
        ("domain", {"value": "not a domain"}, "“not a domain” is not a domain."),
        ("domain", {"value": "http://[::1"}, "is not a domain."),
        ("links", {"value": "-1"}, "Enter 0 or more."),
        ("age", {"value": "soon"}, "Enter a whole number"),
        ("rate", {"new": "0", "known": "5"}, "Enter 1 or more."),
        ("term", {"value": "a", "topic": "99"}, "Select a valid choice"),
        ("term", {"value": "a", "article": "/stories/none/"}, "There is no story at this link."),
        ("list", {"value": "a"}, "Choose a file with the terms."),
    ],
)
def test_an_invalid_rule_is_refused_with_a_message(client, maria, kind, data, sentence):
    client.force_login(maria)
    response = client.post(f"/moderation/rules/new/{kind}/", data | {"save": "1"})
    assert response.status_code == 422
    assert sentence in response.text
    assert stored() == (0, 0)


def test_a_domain_is_stored_normalized(client, maria):
    client.force_login(maria)
    for typed in ("https://www.Casino.example/offers?x", "MÜNCHEN.de"):
        client.post("/moderation/rules/new/domain/", {"value": typed, "save": "1"})
    assert set(Rule.objects.values_list("value", flat=True)) == {"casino.example", "xn--mnchen-3ya.de"}


def test_a_rule_cannot_have_both_a_topic_and_a_story(client, maria):
    client.force_login(maria)
    topic, article = Topic.objects.create(name="Harbour", slug="harbour"), make_article()
    url = f"http://testserver{article.get_absolute_url()}"
    data = {"value": "3", "topic": topic.pk, "article": url, "save": "1"}
    assert "not both" in client.post("/moderation/rules/new/links/", data).text
    client.post("/moderation/rules/new/links/", data | {"topic": ""})
    assert Rule.objects.get().article == article
    twice = client.post("/moderation/rules/new/links/", {"value": "5", "article": url, "save": "1"})
    assert "There is already a limit there: More than 3 links. Change that rule instead." in twice.text
    assert client.post("/moderation/rules/new/links/", {"value": "5", "save": "1"}).status_code == 302


def test_fifty_good_comments_are_shown_and_the_rest_by_paging(client, maria):
    client.force_login(maria)
    make_decided_comments(maria, good=[f"A casino, {n}" for n in range(MATCHES_PER_PAGE + 3)])
    first = client.post(TERM, {"value": "casino", "try": "1"})
    assert (first.text.count("<mark>"), "1–50" in first.text) == (MATCHES_PER_PAGE, True)
    second = client.post(TERM, {"value": "casino", "from": str(MATCHES_PER_PAGE)})
    assert second.text.count("<mark>") == 3
    assert client.post(TERM, {"value": "casino", "from": "9" * 18}).status_code == 200
    assert client.post(TERM, {"value": "casino", "from": "x"}).status_code == 200


def test_a_rate_limit_cannot_be_tried(client, maria):
    client.force_login(maria)
    page = client.post("/moderation/rules/new/rate/", {"new": "2", "known": "9", "try": "1"})
    assert "A rate limit can’t be tried on past decisions" in page.text
    client.post("/moderation/rules/new/rate/", {"new": "2", "known": "9", "save": "1"})
    assert Rule.objects.get().value == "2/9"


def test_existing_matches_form_a_group(client, maria):
    client.force_login(maria)
    rule, _action = active_rules.save(
        rule=RuleDefinition(pk=None, kind="term", value="casino"), note="", actor=maria
    )
    nothing = client.post(f"/moderation/rules/{rule.pk}/apply/", follow=True)
    assert "No waiting or published comments match." in nothing.text
    [approved] = make_decided_comments(maria, good=["A casino"])
    waiting = make_comment(make_article(), "Another casino")
    response = client.post(f"/moderation/rules/{rule.pk}/apply/")
    group = CommentGroup.objects.get(kind="rule")
    assert response["Location"] == f"/moderation/similar/{group.pk}/?without={approved}"
    page = client.get(response["Location"]).text
    assert "The rule: term “casino”." in page
    assert "A <mark>casino</mark>" in page
    client.post(
        response["Location"], {"shown": [approved, waiting.pk], "in": [waiting.pk], "act": Reason.SPAM.value}
    )
    assert Action.objects.latest("at").parameters["rule"] == rule.pk
    assert dict(Comment.objects.values_list("pk", "state")) == {approved: "published", waiting.pk: "spam"}


@pytest.mark.parametrize(
    "query", ["?kind=x&page=-3", "?page=" + "9" * 40, "?q=%00%ff", "?off=1&q=%25", "?kind=term&page=2"]
)
def test_the_list_answers_any_query(client, maria, query):
    client.force_login(maria)
    active_rules.save(rule=RuleDefinition(pk=None, kind="term", value="casino"), note="", actor=maria)
    assert client.get(f"/moderation/rules/{query}").status_code == 200


def test_an_empty_list_says_why(client, maria):
    client.force_login(maria)
    list_url = "/moderation/rules/"
    assert "No rules yet. Without rules, these limits apply" in text(client.get(list_url))
    assert "No more rules." in text(client.get(f"{list_url}?page=2"))
    Rule.objects.create(value="casino", is_active=False)
    assert "All rules are switched off. Without rules" in text(client.get(list_url))
    assert "No rules match your search." in text(client.get(f"{list_url}?q=harbour"))


def test_the_link_to_the_first_page_keeps_the_filters(client, maria):
    client.force_login(maria)
    for query, first in (
        ("?q=cas&kind=term&off=1&page=2", "?q=cas&amp;kind=term&amp;off=1"),
        ("?page=2", ""),
    ):
        page = client.get(f"/moderation/rules/{query}").text
        assert f'<a href="/moderation/rules/{first}">First page</a>' in page


def test_the_list_takes_no_more_statements_for_more_rules(client, maria):
    client.force_login(maria)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/moderation/rules/?off=1").status_code == 200
        return len(queries)

    topic = Topic.objects.create(name="Harbour", slug="harbour")
    active_rules.save(
        rule=RuleDefinition(pk=None, kind="term", value="casino", topic=topic.pk), note="", actor=maria
    )
    active_rules.save(
        rule=RuleDefinition(pk=None, kind="list", value="a", terms="a\nb"), note="", actor=maria
    )
    few = count()
    for n in range(10):
        active_rules.save(
            rule=RuleDefinition(pk=None, kind="term", value=f"t{n}", topic=topic.pk), note="", actor=maria
        )
        active_rules.save(
            rule=RuleDefinition(pk=None, kind="list", value=f"l{n}", terms="a\nb"), note="", actor=maria
        )
    assert count() == few


def test_a_post_takes_no_more_statements_for_more_rules(maria):
    def count(body: str) -> int:
        article = make_article()
        with CaptureQueriesContext(connection) as queries:
            make_comment(article, body, author=maria)
        return len(queries)

    make_comment(make_article(), "Once", author=maria)
    few = count("A boat")
    Rule.objects.bulk_create([Rule(kind="term", value=f"term {n}") for n in range(300)])
    make_comment(make_article(), "Read and compiled", author=maria)
    assert count("A ship") == few


@pytest.mark.parametrize(
    "path",
    ["", "new/term/", "{pk}/", "{pk}/change/", "POST {pk}/switch/", "POST {pk}/apply/", "POST new/term/"],
)
@pytest.mark.parametrize(
    ("roles", "status"), [(("Editor",), 403), (("Reader",), 403), (None, None), (("Administrator",), 200)]
)
def test_only_moderators_manage_rules(client, path, roles, status):
    rule = Rule.objects.create(value="casino", added_at=timezone.now())
    if roles is not None:
        client.force_login(UserFactory.create(roles=roles))
    method, _, rest = path.rpartition(" ")
    url = "/moderation/rules/" + rest.format(pk=rule.pk)
    response = client.post(url, {"value": "a", "on": "1"}) if method else client.get(url)
    if roles is None and method:
        assert "Not saved: you are logged out" in response.text
    elif roles is None:
        assert "/login/" in response["Location"]
    else:
        assert response.status_code in ({200, 302} if status == 200 else {status})


def test_unknown_rules_and_kinds_are_not_found(client, maria):
    client.force_login(maria)
    assert client.get("/moderation/rules/999/").status_code == 404
    assert client.get("/moderation/rules/new/nothing/").status_code == 404
    assert client.get("/moderation/rules/1/switch/").status_code == 405


@pytest.mark.parametrize("path", [TERM, "/moderation/rules/1/change/"])
def test_the_forms_refuse_other_methods(client, maria, path):
    client.force_login(maria)
    assert client.put(path).status_code == 405


@pytest.mark.usefixtures("rate_limits_on")
def test_a_refused_comment_keeps_its_text(client):
    article = make_article()
    url = f"{article.get_absolute_url()}reply/"
    sent = [
        {"name": "Ida", "email": "ida@example.org", "body": f"The boat, {n}.", "nonce": str(uuid4())}
        for n in range(4)
    ]
    for fields in sent[:3]:
        assert client.post(url, fields).status_code == 302
    assert client.post(url, sent[2]).status_code == 302  # a second click
    refused = client.post(url, sent[3])
    assert refused.status_code == 429
    assert 500 < int(refused["Retry-After"]) <= 600
    assert "You can post 3 comments in 10 minutes." in refused.text
    assert "The boat, 3." in refused.text
    assert Comment.objects.count() == 3


@pytest.mark.usefixtures("rate_limits_on")
def test_a_limit_reached_by_others_behind_the_address_is_explained(client):
    url = f"{make_article().get_absolute_url()}reply/"
    for n in range(4):
        fields = {"name": f"Ida {n}", "email": f"ida{n}@example.org", "body": f"The boat, {n}."}
        answer = Client().post(url, fields | {"nonce": str(uuid4())})
    assert answer.status_code == 429
    assert "New commenters on the same internet connection can post 3 comments" in answer.text
    assert "You can post 3 comments" not in answer.text


MALFORMED = [
    ("rate", "3"),
    ("rate", "a/b"),
    ("rate", "0/10"),
    ("links", "many"),
    ("age", "-1"),
    ("name", "("),
]


@pytest.mark.parametrize(("kind", "value"), MALFORMED)
def test_a_stored_rule_that_cannot_be_read_is_shown_as_ignored(client, maria, kind, value):
    """The rule is written by SQL, without the forms."""
    client.force_login(maria)
    planted = Rule.objects.create(kind=kind, value=value)
    place = f"/moderation/rules/{planted.pk}/"
    listed = client.get("/moderation/rules/")
    assert "One active rule can’t be read and is ignored." in listed.text
    elsewhere = client.get("/moderation/rules/?kind=term")
    assert "One active rule can’t be read and is ignored." in elsewhere.text
    assert "This rule can’t be read and is ignored" in client.get(place).text
    pages = ["/moderation/", "/moderation/?queue=recent", "/moderation/actions/", f"{place}change/"]
    pages.append(f"/moderation/?rule={planted.pk}")
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
    make_comment(make_article(), "Nobody’s comment waits for that.")

    off = client.post(f"{place}switch/", {"on": "0", "back": "rule"}, follow=True)
    assert off.status_code == 200
    assert "Switched off" in off.text
    on = client.post(f"{place}switch/", {"on": "1", "back": "rule"}, follow=True)
    assert f"The rule “{value}” can’t be read." in on.text.replace("&#x27;", "'")
    assert not Rule.objects.filter(is_active=True).exists()


@pytest.mark.parametrize(("kind", "value"), MALFORMED)
def test_a_rule_that_cannot_be_read_is_not_saved(maria, kind, value):
    with pytest.raises(ValidationError, match=re.escape(f"The rule “{value}” can’t be read.")):
        active_rules.save(rule=RuleDefinition(pk=None, kind=kind, value=value), note="", actor=maria)
    assert stored() == (0, 0)


def test_the_forms_name_the_limits_that_apply_without_a_rule(maria_client):
    page = text(maria_client.get("/moderation/rules/new/rate/"))
    assert "Comments from a new person in 10 minutes" in page
    assert "can post 4 times as many together, and in one discussion 10 times as many." in page
    assert "People with 20 published comments older than 30 days, and none removed since, can post 3" in page
    assert "Without a rule: 1." in text(maria_client.get("/moderation/rules/new/links/"))
    assert "In 10 minutes, a new person can post" in text(maria_client.get("/moderation/rules/"))
