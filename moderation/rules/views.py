"""Pages of the rules: the list, a rule with its versions, and the replay before a rule is saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.requests import require_moderator, return_form_if_logged_out
from comments.models import Comment
from core.paging import read_numbered_page
from core.query_forms import PageField, QueryForm, SearchField, parse_number_or_zero
from moderation import excerpts, explanations
from moderation.actions.request_helpers import add_done_message, require_post_and_login
from moderation.checks.registry import can_search_for
from moderation.models import Rule
from moderation.rules import active_rules, matching, rule_replay
from moderation.rules.forms import FORM_BY_KIND, RuleForm
from moderation.rules.matching import RuleDefinition
from moderation.screening import rate_limits
from moderation.similar.pages import MAX_EXCEPTIONS, group_url

RULES_PER_PAGE = 100  # rules
EXCERPT_LENGTH = 600  # characters of a false positive
MATCHES_PER_PAGE = 50  # false positives


@dataclass(frozen=True)
class RuleRow:
    """A rule in the list, or one version of a rule."""

    rule: Rule
    text: str
    scope: str
    record: active_rules.RuleRecord
    terms: int | None  # of a list
    is_usable: bool  # if not, the rule is ignored even if it is active


class RulesQuery(QueryForm):
    """The query string of the list of rules."""

    kind = forms.ChoiceField(choices=[(kind, "") for kind in FORM_BY_KIND], required=False)
    q = SearchField()
    off = forms.TypedChoiceField(choices=[("1", "")], coerce=bool, initial=False)
    page = PageField()


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """List the rules. ?q=<part of a value>, ?kind=, ?off=1 to include those switched off, ?page=."""
    user = require_moderator(request)
    parameters = RulesQuery.read(request.GET)
    kind, text, includes_off = parameters["kind"], parameters["q"], parameters["off"]
    rules = Rule.objects.filter(Q(is_active=True) | Q(replaced_by=None))
    if not includes_off:
        rules = rules.filter(is_active=True)
    if kind:
        rules = rules.filter(kind=kind)
    if text:
        rules = rules.filter(value__icontains=text)
    number = parameters["page"]
    rules = rules.select_related("topic", "article", "added_by", "terms")
    rules = rules.defer("terms__text", *active_rules.UNUSED_ARTICLE_FIELDS).order_by("kind", "value", "pk")
    page, has_next = read_numbered_page(rules, number, size=RULES_PER_PAGE)
    query = request.GET.copy()
    query.pop("page", None)
    first_page = f"{request.path}?{query.urlencode()}" if query else request.path
    query["page"] = str(number + 1)
    rows = _rule_rows(page, user)
    context = {
        "rows": rows,
        "ignored": active_rules.count_ignored_rules(),
        "kinds": [(form.kind.value, form.kind.label) for form in FORM_BY_KIND.values()],
        "kind": kind,
        "q": text,
        "includes_off": includes_off,
        "off": Rule.objects.filter(is_active=False, replaced_by=None).count(),
        "next_page": f"?{query.urlencode()}" if has_next else "",
        "first_page": first_page if number > 1 else "",
        "rate": {
            "minutes": matching.RATE_MINUTES,
            "new": rate_limits.DEFAULT_NEW_LIMIT,
            "known": rate_limits.DEFAULT_KNOWN_LIMIT,
        },
    }
    return render(request, "moderation/rules/rules.html", context)


@require_safe
@login_required
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rule with its versions."""
    user = require_moderator(request)
    versions = active_rules.versions(pk)
    if not versions:
        raise Http404
    rows = _rule_rows(versions, user)
    current = active_rules.current_version(versions)
    shown = next(row for row in rows if row.rule == current)
    context = {
        "row": shown,
        "versions": rows,
        "latest": versions[0],
        "first_terms": shown.rule.terms.text.split("\n", 40)[:40]
        if shown.rule.kind == Rule.Kind.LIST
        else [],
        "can_be_applied": can_search_for(shown.rule.kind) and shown.is_usable,
    }
    return render(request, "moderation/rules/rule.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Create a rule of one kind."""
    user = require_moderator(request)
    if kind not in FORM_BY_KIND:
        raise Http404
    return _handle_rule_form(request, user, FORM_BY_KIND[kind], None)


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule by creating another version."""
    user = require_moderator(request)
    replaces = get_object_or_404(Rule.objects.select_related("article", "terms"), pk=pk)
    return _handle_rule_form(request, user, FORM_BY_KIND[replaces.kind], replaces)


def _handle_rule_form(
    request: HttpRequest, user: User, form_class: type[RuleForm], replaces: Rule | None
) -> HttpResponse:
    """Show the form of a rule, or handle it. Only `save` stores anything.

    POST with `try` (or `from`: a further page) shows the replay, with `save` stores the rule, with `edit`
    shows the form again.
    """
    initial = form_class.initial_from(replaces) if replaces else None
    form = form_class(
        request.POST or None,
        request.FILES or None,
        replaces=replaces,
        user=user,
        initial=initial,
        auto_id="rule_%s",
    )
    context = {"form": form, "replaces": replaces, "kind": form_class.kind}
    if request.method == "POST" and form.is_valid():
        if "save" in request.POST:
            try:
                saved, action = active_rules.save(
                    rule=form.definition(), note=form.cleaned_data["note"], actor=user, replaces=replaces
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                url = reverse("moderation:rule", args=[saved.pk])
                add_done_message(request, action, f"{url}#main", _("Saved and switched on."))
                return redirect(url)
        elif "edit" not in request.POST:
            return render(request, "moderation/rules/replay.html", context | _replay_context(request, form))
    return render(request, "moderation/rules/form.html", context, status=422 if form.errors else 200)


def _replay_context(request: HttpRequest, form: RuleForm) -> dict[str, object]:
    definition = form.definition()
    notices = getattr(form, "notices", [])
    rule_text = explanations.describe_rule(definition.kind, definition.value)
    if not can_search_for(definition.kind):
        return {"rule_text": rule_text, "notices": notices}
    replay = rule_replay.replay(definition)
    start = min(parse_number_or_zero(request.POST.get("from")), len(replay.false_positives))
    shown = replay.false_positives[start : start + MATCHES_PER_PAGE]
    return {
        "rule_text": rule_text,
        "notices": notices,
        "replay": replay,
        "caught": f"{replay.caught:,}",
        "removed": f"{replay.removed:,}",
        "caught_good": f"{len(replay.false_positives):,}",
        "approved": f"{replay.approved:,}",
        "false_positives": _false_positives(definition, shown),
        "count": len(replay.false_positives),
        "first": start + 1,
        "last": start + len(shown),
        "further": start + MATCHES_PER_PAGE
        if start + MATCHES_PER_PAGE < len(replay.false_positives)
        else None,
        "back": max(start - MATCHES_PER_PAGE, 0) if start else None,
    }


@dataclass(frozen=True)
class FalsePositive:
    """An approved comment that the rule would have caught."""

    comment: Comment
    name: str
    text: SafeString  # with the matches marked


def _false_positives(definition: RuleDefinition, ids: list[int]) -> list[FalsePositive]:
    comments = Comment.objects.with_story().in_bulk(ids)
    found = []
    for decided, spans in rule_replay.matched_examples(definition, ids):
        comment = comments[decided.comment]
        text = excerpts.highlighted_excerpt(decided.body, spans, EXCERPT_LENGTH)
        found.append(FalsePositive(comment, decided.name, text))
    return found


@require_post_and_login
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off. POST: on=1 or 0."""
    user = require_moderator(request)
    found = get_object_or_404(Rule, pk=pk)
    is_on = request.POST.get("on") == "1"
    try:
        action = active_rules.switch(rule=found, on=is_on, actor=user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        sentence = _("Switched on: %(rule)s.") if is_on else _("Switched off: %(rule)s.")
        values = {"rule": explanations.describe_rule(found.kind, found.value)}
        add_done_message(request, action, f"{_return_url(request, found)}#main", sentence % values)
    return redirect(_return_url(request, found))


@require_post_and_login
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Group all pending and published comments that the rule matches, and redirect to the group's page.

    There, approved comments are exceptions until a moderator ticks them.
    """
    require_moderator(request)
    found = get_object_or_404(Rule.objects.select_related("terms"), pk=pk)
    if not (can_search_for(found.kind) and matching.is_usable(found.kind, found.value)):
        raise Http404
    matches = rule_replay.group_matches(found)
    if matches is None:
        messages.info(request, _("No waiting or published comments match."))
        return redirect("moderation:rule", pk)
    if len(matches.approved) > MAX_EXCEPTIONS:
        message = _("It matches %(n)s approved comments. Narrow the rule before you apply it.")
        messages.warning(request, message % {"n": f"{len(matches.approved):,}"})
        return redirect("moderation:rule", pk)
    return redirect(group_url(matches.group, matches.approved))


def _rule_rows(rules: Sequence[Rule], user: User) -> list[RuleRow]:
    records = active_rules.records([rule.pk for rule in rules])
    return [
        RuleRow(
            rule=rule,
            text=explanations.describe_rule(rule.kind, rule.value),
            scope=_scope_text(rule, user),
            record=records.get(rule.pk, active_rules.RuleRecord()),
            terms=rule.terms.count if rule.kind == Rule.Kind.LIST else None,
            is_usable=matching.is_usable(rule.kind, rule.value),
        )
        for rule in rules
    ]


def _scope_text(rule: Rule, user: User) -> str:
    if rule.article:
        return rule.article.title_for(user)
    return _("Topic: %(topic)s") % {"topic": rule.topic} if rule.topic else _("The whole site")


def _return_url(request: HttpRequest, found: Rule) -> str:
    """Return the page on which the rule was switched: its own page or the list."""
    if request.POST.get("back") == "rule":
        return reverse("moderation:rule", args=[found.pk])
    return reverse("moderation:rules")
