"""Rules: the list, one rule with its versions, and the time machine before one is saved."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from comments.models import Comment
from moderation.actions.loading import decider, login_for_the_queue
from moderation.actions.views import tell_done
from moderation.models import Batch, Rule, has_page
from moderation.queue import explanations
from moderation.queue.filters import whole_number
from moderation.rules import active_rules, matching
from moderation.rules import replay as trials
from moderation.rules.forms import FORM_BY_KIND, RuleForm
from moderation.rules.matching import Spans, Written
from moderation.similar.views import EXCEPTIONS, url_of

RULES_PER_PAGE = 100  # rules
MATCHES_PER_PAGE = 50  # honest comments that a rule would wrong


def require_rule_manager(request: HttpRequest) -> User:
    """Who keeps rules: moderators and administrators. A rule can be undone, and says who made it."""
    user = decider(request)
    if not user.is_moderator:
        raise PermissionDenied
    return user


@dataclass(frozen=True)
class RuleRow:
    """A rule of the list, or a version of one."""

    rule: Rule
    says: str
    where: str
    record: active_rules.RuleRecord
    terms: int | None  # of a list
    is_usable: bool  # else it is ignored, in force or not


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """?q=<part of a value>, ?kind=, ?off=1 with those that are switched off, ?page=."""
    user = require_rule_manager(request)
    kind, text = request.GET.get("kind", ""), request.GET.get("q", "").replace("\x00", "")[:200]
    shown = Rule.objects.filter(Q(is_active=True) | Q(replaced_by=None))
    is_with_off = request.GET.get("off") == "1"
    if not is_with_off:
        shown = shown.filter(is_active=True)
    if kind in FORM_BY_KIND:
        shown = shown.filter(kind=kind)
    if text:
        shown = shown.filter(value__icontains=text)
    start = RULES_PER_PAGE * min((whole_number(request.GET.get("page")) or 1) - 1, 10_000)
    found = shown.select_related("topic", "article", "added_by", "terms")
    found = found.defer("terms__text", *active_rules.UNUSED_ARTICLE_FIELDS).order_by("kind", "value", "pk")
    rows = list(found[start : start + RULES_PER_PAGE + 1])
    query = request.GET.copy()
    query["page"] = str(start // RULES_PER_PAGE + 2)
    lines = _rule_rows(rows[:RULES_PER_PAGE], user)
    context = {
        "room": "rules",
        "lines": lines,
        "ignored": sum(line.rule.is_active and not line.is_usable for line in lines),
        "kinds": [(form.kind.value, form.kind.label) for form in FORM_BY_KIND.values()],
        "kind": kind if kind in FORM_BY_KIND else "",
        "q": text,
        "is_with_off": is_with_off,
        "off": Rule.objects.filter(is_active=False, replaced_by=None).count(),
        "next_page": f"?{query.urlencode()}" if len(rows) > RULES_PER_PAGE else "",
        "is_first": start == 0,
    }
    return render(request, "moderation/rules/rules.html", context)


@require_safe
@login_required
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    user = require_rule_manager(request)
    versions = active_rules.versions(pk)
    if not versions:
        raise Http404
    lines = _rule_rows(versions, user)
    stands = active_rules.current_version(versions)
    shown = next(line for line in lines if line.rule == stands)
    context = {
        "room": "rules",
        "line": shown,
        "versions": lines,
        "latest": versions[0],
        "first_terms": _first_terms(shown.rule),
        "can_be_applied": trials.can_be_replayed(shown.rule.kind) and shown.is_usable,
    }
    return render(request, "moderation/rules/rule.html", context)


@login_required
def new(request: HttpRequest, kind: str) -> HttpResponse:
    user = require_rule_manager(request)
    if kind not in FORM_BY_KIND:
        raise Http404
    return _form(request, user, FORM_BY_KIND[kind], None)


@login_required
def change(request: HttpRequest, pk: int) -> HttpResponse:
    user = require_rule_manager(request)
    replaces = get_object_or_404(Rule.objects.select_related("article", "terms"), pk=pk)
    return _form(request, user, FORM_BY_KIND[replaces.kind], replaces)


def _form(
    request: HttpRequest, user: User, form_class: type[RuleForm], replaces: Rule | None
) -> HttpResponse:
    """The form; POST with `try` (or `from`: a further page) shows what the rule would have done, with `save`
    stores it, with `edit` comes back to the form. Nothing is stored before `save`."""
    initial = form_class.of(replaces) if replaces else None
    form = form_class(
        request.POST or None,
        request.FILES or None,
        replaces=replaces,
        keeper=user,
        initial=initial,
        auto_id="rule_%s",
    )
    context = {"room": "rules", "form": form, "replaces": replaces, "kind": form_class.kind}
    if request.method == "POST" and form.is_valid():
        if "save" in request.POST:
            try:
                made = active_rules.save(
                    rule=form.written(), note=form.cleaned_data["note"], actor=user, replaces=replaces
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                _notify_saved(request, made)
                return redirect("moderation:rule", made.pk)
        elif "edit" not in request.POST:
            return render(request, "moderation/rules/replay.html", context | _replay_context(request, form))
    return render(request, "moderation/rules/form.html", context, status=422 if form.errors else 200)


def _replay_context(request: HttpRequest, form: RuleForm) -> dict[str, object]:
    written = form.written()
    told = getattr(form, "told", [])
    says = explanations.rule(written.kind, written.value)
    if not trials.can_be_replayed(written.kind):
        return {"says": says, "told": told}
    began = time.monotonic()
    replay = trials.replay(written)
    start = min(whole_number(request.POST.get("from")) or 0, len(replay.wronged))
    shown = replay.wronged[start : start + MATCHES_PER_PAGE]
    return {
        "says": says,
        "told": told,
        "replay": replay,
        "caught": f"{replay.caught:,}",
        "removed": f"{replay.removed:,}",
        "would_wrong": f"{len(replay.wronged):,}",
        "approved": f"{replay.approved:,}",
        "wronged": _false_positives(written, shown),
        "count": len(replay.wronged),
        "first": start + 1,
        "last": start + len(shown),
        "further": start + MATCHES_PER_PAGE if start + MATCHES_PER_PAGE < len(replay.wronged) else None,
        "back": max(start - MATCHES_PER_PAGE, 0) if start else None,
        "seconds": f"{time.monotonic() - began:.1f}",
    }


@dataclass(frozen=True)
class FalsePositive:
    comment: Comment
    name: str
    text: SafeString  # with what the rule found marked
    is_whole: bool
    has_page: bool


def _false_positives(written: Written, ids: list[int]) -> list[FalsePositive]:
    comments = Comment.objects.select_related("discussion__article").in_bulk(ids)
    found = []
    for decided, spans in trials.matched_examples(written, ids):
        comment = comments[decided.comment]
        start, end = _excerpt_bounds(len(decided.body), spans)
        here = [[max(a, start) - start, min(b, end) - start] for a, b in spans if a < end and b > start]
        text = explanations.marked(decided.body[start:end], here)
        is_whole = end - start == len(decided.body)
        found.append(FalsePositive(comment, decided.name, text, is_whole, has_page(comment)))
    return found


def _excerpt_bounds(length: int, spans: Spans) -> tuple[int, int]:
    """Of a long text the part in which the rule found something first."""
    first = spans[0][0] if spans else 0
    start = 0 if length <= 600 else max(first - 200, 0)
    return start, min(start + 600, length)


@require_POST
@login_for_the_queue
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """on=1 or 0."""
    user = require_rule_manager(request)
    found = get_object_or_404(Rule, pk=pk)
    is_on = request.POST.get("on") == "1"
    try:
        batch = active_rules.switch(rule=found, on=is_on, actor=user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        _notify_switched(request, found, batch, is_on)
    return redirect(_return_url(request, found))


@require_POST
@login_for_the_queue
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Gather what it finds in all that is here, and go to the list, on which one decision is one act. What a
    person has approved is an exception there, until somebody ticks it."""
    require_rule_manager(request)
    found = get_object_or_404(Rule.objects.select_related("terms"), pk=pk)
    if not (trials.can_be_replayed(found.kind) and matching.is_usable(found.kind, found.value)):
        raise Http404
    gathered = trials.gather(found)
    if gathered is None:
        messages.info(request, _("It finds nothing in what is waiting or published."))
        return redirect("moderation:rule", pk)
    if len(gathered.approved) > EXCEPTIONS:
        words_ = _("It finds %(n)s comments that people have approved. Narrow it before you apply it.")
        messages.warning(request, words_ % {"n": f"{len(gathered.approved):,}"})
        return redirect("moderation:rule", pk)
    return redirect(url_of(gathered.group, gathered.approved))


def _rule_rows(some: Iterable[Rule], user: User) -> list[RuleRow]:
    some = list(some)
    records = active_rules.records([rule.pk for rule in some])
    return [
        RuleRow(
            rule=rule,
            says=explanations.rule(rule.kind, rule.value),
            where=_scope_text(rule, user),
            record=records.get(rule.pk, active_rules.RuleRecord()),
            terms=rule.terms.count if rule.kind == Rule.Kind.LIST else None,
            is_usable=matching.is_usable(rule.kind, rule.value),
        )
        for rule in some
    ]


def _scope_text(rule: Rule, user: User) -> str:
    if rule.article:
        return rule.article.title_for(user)
    return _("Topic: %(topic)s") % {"topic": rule.topic} if rule.topic else _("The whole site")


def _first_terms(rule: Rule) -> list[str]:
    return rule.terms.text.split("\n", 40)[:40] if rule.kind == Rule.Kind.LIST else []


def _notify_saved(request: HttpRequest, made: Rule) -> None:
    batch = Batch.objects.filter(kind=Batch.Kind.RULE, parameters__rule=made.pk).latest("at")
    place = reverse("moderation:rule", args=[made.pk])
    tell_done(request, batch, f"{place}#main", _("Saved, and in force from now on."))


def _notify_switched(request: HttpRequest, found: Rule, batch: Batch | None, is_on: bool) -> None:
    if batch is None:
        messages.info(request, _("It was so already."))
        return
    sentence = _("Switched on: %(rule)s.") if is_on else _("Switched off: %(rule)s.")
    says = {"rule": explanations.rule(found.kind, found.value)}
    tell_done(request, batch, f"{_return_url(request, found)}#main", sentence % says)


def _return_url(request: HttpRequest, found: Rule) -> str:
    """Where it was switched: on its own page or in the list."""
    if request.POST.get("back") == "rule":
        return reverse("moderation:rule", args=[found.pk])
    return reverse("moderation:rules")
