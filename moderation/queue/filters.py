"""The filters of a queue: parse their values from a URL, apply them, and describe them in words.

A value is either one that parse_choices offers, or text that a person typed.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import BooleanField, Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Guest, User
from articles.article_links import find_article
from articles.models import Article, Topic
from comments.models import Comment
from core.database.sql import fetch_together, query_text
from core.query_forms import parse_number_or_zero, parse_whole_number
from moderation import explanations
from moderation.actions import cases
from moderation.checks import registry
from moderation.models import Finding, Rule
from moderation.models.people import parse_person_key

MAX_FOUND_BY_NAME = 1_000  # people with a name, and their comments, that a filter finds
MAX_RULE_CHOICES = 1_000  # active rules; one list can have any number of terms
MAX_FILTER_VALUE_LENGTH = 200  # characters in the URL of the queue

# Up to so many findings of a rule, the cases of their comments are read one after another, from an index.
# With IN, Postgres would read all open cases instead: 5 ms more for 1,000 findings and 50,000 cases.
MAX_IN_ARRAY = 10_000
COUNT_OF_RULE = f"""
SELECT count(*) FROM (SELECT FROM moderation_finding f WHERE f.rule_id = moderation_rule.id
                      LIMIT {MAX_IN_ARRAY + 1}) found"""
CASES_OF_RULE = """
moderation_case.comment_id = ANY(ARRAY(SELECT comment_id FROM moderation_finding WHERE rule_id = %s))"""

CASE_FILTERS = ("check", "script", "score")  # filters that need a case

# By the first four letters of a script's name in Unicode, as features.scripts.main_script returns them.
SCRIPTS = {
    "Lati": gettext_lazy("Latin"),
    "Cyri": gettext_lazy("Cyrillic"),
    "Gree": gettext_lazy("Greek"),
    "Arab": gettext_lazy("Arabic"),
    "Hebr": gettext_lazy("Hebrew"),
    "Deva": gettext_lazy("Devanagari"),
    "Thai": gettext_lazy("Thai"),
    "Cjk": gettext_lazy("Chinese"),
    "Hira": gettext_lazy("Japanese (Hiragana)"),
    "Kata": gettext_lazy("Japanese (Katakana)"),
    "Hang": gettext_lazy("Korean"),
    "other": gettext_lazy("any except Latin"),
}
AGES = (1, 4, 24, 7 * 24)  # hours
STRENGTHS = {
    "3": (gettext_lazy("strong signals"), Q(score__gte=cases.STRONG)),
    "2": (gettext_lazy("medium signals"), Q(score__gte=cases.MEDIUM, score__lt=cases.STRONG)),
    "1": (gettext_lazy("only weak signals"), Q(score__lt=cases.MEDIUM)),
}


def parse_filters(
    query: QueryDict, user: User, *, of_cases: bool
) -> tuple[dict[str, str], dict[str, tuple[str, str]], Q]:
    """Return the active filters: values by name, (label, value in words) by name, and a combined condition.

    The condition is over Case if `of_cases`, else over Comment. Raises Http404 for an invalid value.
    """
    values, described, where = {}, {}, Q()
    for name, (label, apply) in _FILTERS.items():
        value = query.get(name, "").replace("\x00", "").strip()[:MAX_FILTER_VALUE_LENGTH]
        if not value or (name in CASE_FILTERS and not of_cases):
            continue
        text, condition = apply(value, "comment__" if of_cases else "", user)
        values[name], described[name], where = value, (str(label), text), where & condition
    return values, described, where


def storable_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are ids and codes. Typed text may be a person's name and must not be stored."""
    storable = dict(values)
    if "author" in storable and not parse_person_key(storable["author"]):
        del storable["author"]
    if article := _find_by_link_or_number(storable.pop("article", "")):
        storable["article"] = story_value(article)
    return storable


def describe_filters(query: QueryDict, typed: Sequence[str], user: User) -> list[str]:
    """Return the filters in words ("Story: The slip closes"), by their code if the object no longer exists.

    The values of the filters in `typed` were not stored, so they are not shown.
    """
    described = []
    for name, (label, apply) in _FILTERS.items():
        if name in typed:
            described.append(f"{label}: {_('typed text')}")
        elif value := query.get(name):
            with suppress(Http404):
                value, _where = apply(value, "", user)
            described.append(f"{label}: {value}")
    return described


@cache
def choice_queries() -> Mapping[str, str]:
    """Return the queries for the choices of the filter form. `parse_choices` reads their rows."""
    rules = Rule.objects.filter(is_active=True).order_by("kind", "value", "pk")
    return {
        "topics": query_text(Topic.objects.values("slug", "name")),
        "rules": query_text(rules.values("pk", "kind", "value")[:MAX_RULE_CHOICES]),
    }


def parse_choices(found: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[tuple[str, str]]]:
    """Return the choices of the filter form by filter name, each (value, words)."""
    return {
        "topic": [(row["slug"], row["name"]) for row in found["topics"]],
        "rule": [
            (str(row["pk"]), explanations.describe_rule(row["kind"], row["value"])) for row in found["rules"]
        ],
        "check": registry.choices(),
        "script": [(code, str(label)) for code, label in SCRIPTS.items()],
        "age": [(str(hours), _age_text(hours)) for hours in AGES],
        "score": [(code, str(label)) for code, (label, _where) in STRENGTHS.items()],
    }


def _by_article(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by a story's link or number, else by words of a title that this person may read."""
    if article := _find_by_link_or_number(value):
        return article.title_for(user), Q(discussion=article.pk)
    named = Article.objects.with_title_visible_to(user).filter(title__icontains=value)
    return f"“{value}”", Q(discussion__in=named.values("pk"))


def story_value(article: Article) -> str:
    """Return the filter value for a story."""
    return article.slug if article.is_published() else f"#{article.pk}"


def _find_by_link_or_number(value: str) -> Article | None:
    """Find a story by its link, or by "#12", because the link of an unpublished story contains its title."""
    if value.startswith("#") and (number := parse_whole_number(value[1:])) is not None:
        return Article.objects.only("slug", "title", "published_at").filter(pk=number).first()
    return find_article(value)


def _by_topic(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by the topic of the story."""
    topic = get_object_or_404(Topic.objects.filter(slug=value))
    return topic.name, Q(discussion__in=Article.objects.filter(topics=topic).values("pk"))


def _by_author(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by person: u12 an account, g7 a guest, i123 the imported name of comment 123; else a typed name.

    The name is shown only to people who may decide on one of the person's comments.
    """
    if (person := parse_person_key(value)) is None:
        return f"“{value}”", Q(**{f"{prefix.rstrip('_') or 'pk'}__in": _comments_by_name(value)})
    kind, number = person
    moderatable = Comment.objects.moderatable_by(user)
    if kind == "i":
        named = get_object_or_404(moderatable.filter(pk=number, author=None, guest=None))
        same = {"author_name": named.author_name, "source": named.source, "author": None, "guest": None}
        return named.author_name, Q(**{f"{prefix}{field}": value for field, value in same.items()})
    field = "author" if kind == "u" else "guest"
    found = (User if kind == "u" else Guest).objects.filter(pk=number)
    may_see_name = user.is_moderator or moderatable.filter(**{field: number}).exists()
    return str(get_object_or_404(found)) if may_see_name else value, Q(**{f"{prefix}{field}": number})


def _comments_by_name(name: str) -> list[int]:
    """Return the latest comments by people with this name.

    Comment.author_name has no index, because an index would slow down every change of a state or a place. It
    is searched only if no account or guest has the name, and once a page.
    """
    people = fetch_together(
        {
            "users": User.objects.filter(name__iexact=name).values("pk")[:MAX_FOUND_BY_NAME],
            "guests": Guest.objects.filter(name__iexact=name).values("pk")[:MAX_FOUND_BY_NAME],
        }
    )
    users, guests = ([row["pk"] for row in people[kind]] for kind in ("users", "guests"))
    if users or guests:
        found = Comment.objects.filter(Q(author__in=users) | Q(guest__in=guests))
    else:
        # A name without an account and a guest is that of an imported comment. The condition on its source
        # lets Postgres read an index of the imported ones (comment_source_once) instead of all comments.
        imported = Comment.objects.filter(author=None, guest=None).exclude(source="")
        found = imported.filter(author_name__iexact=name)
    return sorted(found.order_by().values_list("pk", flat=True), reverse=True)[:MAX_FOUND_BY_NAME]


def _by_rule(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by a rule that matched the comment."""
    rules = Rule.objects.all()
    if prefix:
        rules = rules.annotate(found=RawSQL(COUNT_OF_RULE, []))  # noqa: S611  # a constant
    rule = get_object_or_404(rules, pk=parse_number_or_zero(value))
    text, found = explanations.describe_rule(rule.kind, rule.value), Finding.objects.filter(rule=rule)
    if not prefix:
        return text, Q(pk__in=found.values("comment"))
    if vars(rule)["found"] > MAX_IN_ARRAY:
        return text, Q(comment__in=found.values("comment"))
    return text, Q(RawSQL(CASES_OF_RULE, [rule.pk], BooleanField()))  # noqa: S611  # a constant


def _by_check(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by a check that found something in the current text."""
    if value not in dict(registry.choices()):
        raise Http404
    found = Finding.objects.filter(
        comment=OuterRef("comment"), revision=OuterRef("comment__revision"), check_name=value
    )
    if registry.get(value).counted_only_if_holding:
        found = found.filter(holds=True)
    return registry.label(value), Q(Exists(found))


def _by_script(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by the script of the text."""
    if value not in SCRIPTS:
        raise Http404
    where = Q(script=value) if value != "other" else ~Q(script__in=["", "Lati"])
    return str(SCRIPTS[value]), where


def _by_age(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by the least age in hours."""
    hours = parse_whole_number(value)
    if hours not in AGES:
        raise Http404
    since = "opened_at" if prefix else "created_at"
    return _age_text(hours), Q(**{f"{since}__lte": timezone.now() - timedelta(hours=hours)})


def _by_strength(value: str, prefix: str, user: User) -> tuple[str, Q]:
    """Filter by the strongest signal."""
    if value not in STRENGTHS:
        raise Http404
    return str(STRENGTHS[value][0]), STRENGTHS[value][1]


def _age_text(hours: int) -> str:
    return _("more than %(age)s") % {"age": explanations.format_elapsed(timedelta(hours=hours))}


_FILTERS = {
    "article": (gettext_lazy("Story"), _by_article),
    "topic": (gettext_lazy("Topic"), _by_topic),
    "author": (gettext_lazy("Person"), _by_author),
    "rule": (gettext_lazy("Rule"), _by_rule),
    "check": (gettext_lazy("Check"), _by_check),
    "script": (gettext_lazy("Script"), _by_script),
    "age": (gettext_lazy("Age"), _by_age),
    "score": (gettext_lazy("Signals"), _by_strength),
}
