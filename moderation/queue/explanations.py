"""Findings and acts as people read them. A finding holds codes and places; the words are made here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments import removal_reasons
from comments.models import Comment, Reason, State
from moderation.models import Batch, Change, Finding, Seal
from moderation.rules import matching
from moderation.screening.checks import LINKS_FREE
from moderation.spam_filter import explanations


def why(finding: Finding, *, to_moderator: bool, twin: Comment | None) -> str:
    """One sentence about a finding of FindingQuerySet.of_now, true when it is read. Only a moderator
    is told the rule itself, its author the kind of it. `twin` is the other one, if whoever reads the sentence
    may know of it."""
    match finding.check_name:
        case "new_person" if finding.number is None and finding.is_proved:  # type: ignore[attr-defined]
            return _("The e-mail was confirmed only after this was written.")
        case "new_person" if finding.number is None:
            return _("The e-mail is not confirmed yet.")
        case "new_person":
            return _("Nothing by this person was approved here yet.")
        case "sanctioned" if to_moderator:
            return _("Everything by this person is reviewed first.")
        case "sanctioned":
            return _("A moderator reads what you write before it is published.")
        case "reviewed_first":
            return _("Everything in this discussion is reviewed first.")
        case "links":
            words = ngettext(
                "It has %(count)s link; with more than %(free)s, a person looks first.",
                "It has %(count)s links; with more than %(free)s, a person looks first.",
                finding.number or 0,
            )
            free = finding.rule.value if finding.rule else LINKS_FREE
            return words % {"count": finding.number, "free": free}
        case "repeat" | "near_repeat":
            return _explain_duplicate(exact=finding.check_name == "repeat", twin=twin)
        case "emptied":
            return _("There is no text in it, or its text is missing in the original.")
        case "term" | "term_list" | "domain" | "name_pattern" if not to_moderator:
            return _explain_rule_to_author(finding)
        case "term" if finding.spans:
            return _("It has the term “%(term)s”.") % {"term": finding.rule}
        case "term":
            return _("The name has the term “%(term)s”.") % {"term": finding.rule}
        case "term_list" if finding.spans:
            return _("It has terms of the list “%(list)s”.") % {"list": finding.rule}
        case "term_list":
            return _("The name has a term of the list “%(list)s”.") % {"list": finding.rule}
        case "domain":
            return _("It links to %(domain)s.") % {"domain": finding.rule}
        case "name_pattern":
            return _("The name fits the pattern “%(pattern)s”.") % {"pattern": finding.rule}
        case "late" if finding.number is not None:
            return _("Posted %(age)s after the article.") % {"age": format_age(finding.number)}
        case "filter" if to_moderator:
            return explanations.probability(finding.strength, waits=finding.holds)
        case "filter":
            return _("The filter of this site asks a person to look at it first.")
        case "imitates" if not to_moderator:
            return _("A person looks first at comments under a name that looks like somebody else’s.")
        case "akismet" | "scorer" if finding.strength < 0.5:
            return _("An outside service takes it for honest.")
    if said := explanations.signal(finding.check_name, finding.number):
        return said
    return _("The check “%(name)s” found something.") % {"name": finding.check_name}


def _explain_rule_to_author(finding: Finding) -> str:
    match finding.check_name:
        case "term" if finding.spans:
            return _("It has a term that a rule of this site points to.")
        case "term":
            return _("The name over it has a term that a rule of this site points to.")
        case "term_list" if finding.spans:
            return _("It has words that a list of terms of this site points to.")
        case "term_list":
            return _("The name over it has a word that a list of terms of this site points to.")
        case "domain":
            return _("It links to a domain that a rule of this site points to.")
    return _("The name over it is like those that a rule of this site points to.")


def rule(kind: str, value: str) -> str:
    """A rule in words: casino · More than 1 link · More than 30 days after the article. One that can't be
    used as it is stored."""
    if not matching.is_usable(kind, value):
        return value
    match kind:
        case "links":
            words = ngettext("More than %(n)s link", "More than %(n)s links", int(value))
            return words % {"n": value}
        case "age":
            words = ngettext(
                "More than %(n)s day after the article", "More than %(n)s days after the article", int(value)
            )
            return words % {"n": value}
        case "rate":
            new, known = value.split("/")
            words = _("More than %(new)s in ten minutes from new people, or %(known)s from known ones")
            return words % {"new": new, "known": known}
    return value


def too_fast(most: int, *, by_others: bool) -> str:
    """To whom another comment is refused for now, because there were `most` of theirs; or `by_others`, of
    all who write from there."""
    if by_others:
        words = ngettext(
            "New people can send %(n)s comment in ten minutes from one internet connection. Yours has "
            "reached that; others may share it. Your text is kept here: send it again a little later.",
            "New people can send %(n)s comments in ten minutes from one internet connection. Yours has "
            "reached that; others may share it. Your text is kept here: send it again a little later.",
            most,
        )
        return words % {"n": most}
    words = ngettext(
        "That is much in a short time: %(n)s comment in ten minutes is the most for now. Your text is kept "
        "here: send it again a little later.",
        "That is much in a short time: %(n)s comments in ten minutes are the most for now. Your text is kept "
        "here: send it again a little later.",
        most,
    )
    return words % {"n": most}


def _explain_duplicate(*, exact: bool, twin: Comment | None) -> str:
    if twin is None:
        return _("The same text as another comment.") if exact else _("Nearly the text of another comment.")
    words = (
        _("The same text as comment %(id)s by %(name)s.")
        if exact
        else _("Nearly the text of comment %(id)s by %(name)s.")
    )
    return words % {"id": twin.pk, "name": twin.author_name}


def format_age(days: int) -> str:
    """7 years and 8 months · 3 months · 31 days, as people count them: years of 365.25 days."""
    years, months = divmod(int(days / 30.4375), 12)
    said_years = ngettext("%(n)s year", "%(n)s years", years) % {"n": years}
    said_months = ngettext("%(n)s month", "%(n)s months", months) % {"n": months}
    if years and months:
        return _("%(years)s and %(months)s") % {"years": said_years, "months": said_months}
    if years:
        return said_years
    if months > 1:
        return said_months
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def ago(elapsed: timedelta) -> str:
    """3 h · 40 min · 2 days: how long the oldest has waited."""
    minutes = int(elapsed.total_seconds() // 60)
    if minutes < 60:
        return _("%(n)s min") % {"n": max(minutes, 0)}
    if minutes < 60 * 48:
        return _("%(n)s h") % {"n": minutes // 60}
    return ngettext("%(n)s day", "%(n)s days", minutes // 1440) % {"n": minutes // 1440}


def marked(body: str, spans: Iterable[Sequence[int]]) -> SafeString:
    """A body as HTML, as it was typed, with these places marked; those that overlap become one."""
    out, last = [], 0
    for start, end in merged(spans):
        out += [escape(body[last:start]), "<mark>", escape(body[start:end]), "</mark>"]
        last = end
    markup = "".join([*out, escape(body[last:])])
    return mark_safe(markup.replace("\n", "<br>\n"))  # noqa: S308  # escaped above, piece by piece


def merged(spans: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """In order; places that overlap or touch become one."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end in spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def done(batch: Batch) -> str:
    """What an act did: Approved · Removed: off topic · Marked as spam · Moved · Undone: …"""
    match batch.kind:
        case Batch.Kind.DECISION if "stays" in batch.parameters:
            return _("It stays removed: %(reason)s") % {"reason": removal_reasons.label(batch.reason)}
        case Batch.Kind.DECISION:
            return decided(batch.to_state, batch.reason)
        case Batch.Kind.PERSON:
            return describe_sanction_change(batch.parameters)
        case Batch.Kind.DISCUSSION | Batch.Kind.COMMENT | Batch.Kind.FILTER if "field" in batch.parameters:
            field, value = batch.parameters["field"], batch.parameters["value"]
            if batch.parameters.get("target") == Change.Target.SITE:
                return describe_site_setting(field, value)
            return describe_setting(field, value)
        case Batch.Kind.REDACTION:
            return _("Words blacked out")
        case Batch.Kind.SEAL if "is_held" in batch.parameters:
            held = (
                _("Legal hold on #%(id)s")
                if batch.parameters["is_held"]
                else _("Legal hold on #%(id)s ended")
            )
            return held % {"id": batch.parameters["comment"]}
        case Batch.Kind.SEAL:
            return _("Sealed: %(why)s") % {"why": Seal.Why(batch.parameters["why"]).label}
        case Batch.Kind.RULE:
            return describe_rule_change(batch.parameters.get("does", ""))
        case Batch.Kind.EMPTYING if "comment" in batch.parameters:
            return _("Deleted for good: #%(id)s") % {"id": batch.parameters["comment"]}
        case Batch.Kind.EMPTYING:
            count = batch.parameters["erased"]
            words = ngettext("Deleted for good: %(n)s comment", "Deleted for good: %(n)s comments", count)
            return words % {"n": f"{count:,}"}
        case Batch.Kind.MOVE:
            return _("Moved")
        case Batch.Kind.IMPORT:
            return _("Brought in")
    if not batch.undos:  # of an act that is known no more
        return _("Undone")
    said = _("Undone: %(act)s") if batch.undos % 2 else _("Done again: %(act)s")
    return said % {"act": done(batch.root)}


def describe_rule_change(does: str) -> str:
    match does:
        case "made":
            return _("New rule")
        case "changed":
            return _("Rule changed")
        case "on":
            return _("Rule switched on")
        case _off:
            return _("Rule switched off")


def describe_sanction_change(parameters: Mapping[str, Any]) -> str:
    """Banned · Paused from commenting, with the comments of 7 days · Ended: banned."""
    match parameters.get("kind"):
        case "warn":
            what = _("Warned")
        case "review":
            what = _("Everything of theirs is reviewed first")
        case "pause":
            what = _("Paused from commenting")
        case _kind:
            what = _("Banned")
    if parameters.get("ends"):
        return _("Ended: %(what)s") % {"what": what}
    if days := parameters.get("days"):
        words = ngettext(
            "%(what)s, and what they wrote in %(n)s day removed",
            "%(what)s, and what they wrote in %(n)s days removed",
            days,
        )
        return words % {"what": what, "n": days}
    return what


def decided(state: str, reason: str) -> str:
    """Approved · Removed: off topic · Marked as spam; else the name of the state."""
    if state == State.PUBLISHED and reason == Reason.APPROVED:
        return _("Approved")
    if state == State.SPAM:
        return _("Marked as spam")
    if state == State.DELETED and reason == Reason.IMPORT_UNDONE:
        return _("Taken back with its import")
    if state == State.REJECTED and reason:
        return _("Removed: %(reason)s") % {"reason": removal_reasons.label(reason)}
    return str(State(state).label)


def describe_site_setting(field: str, value: Any) -> str:
    """What an act set on the whole site."""
    match field, value:
        case "comment_status", "open":
            return _("On the whole site: comments are open")
        case "comment_status", "closed":
            return _("On the whole site: comments are closed")
        case "comment_status", "hidden":
            return _("On the whole site: discussions are hidden")
        case "review_everything", True:
            return _("On the whole site: everything is reviewed first")
    return _("On the whole site: new people, and what the checks find, are reviewed first")


def describe_setting(field: str, value: Any) -> str:
    """What an act set (models.Change), as people say it: "Comments are closed"."""
    match field, value:
        case (("status" | "comment_status"), "open"):
            return _("Comments are open")
        case (("status" | "comment_status"), "closed"):
            return _("Comments are closed")
        case (("status" | "comment_status"), "hidden"):
            return _("The discussion is hidden")
        case ("moderation", "pre") | ("review_everything", True):
            return _("Everything is reviewed first")
        case "moderation", "post":
            return _("Comments are published at once")
        case ("moderation", _value) | ("review_everything", _value):
            return _("New people, and what the checks find, are reviewed first")
        case "members_only", value:
            return _("Only people with an account take part") if value else _("Guests take part as well")
        case "is_pick", value:
            return _("Editor’s pick") if value else _("No editor’s pick")
        case "is_locked", value:
            return _("Replies are locked") if value else _("Replies are taken")
        case "repeat_of", value:
            return _("Repeat of #%(id)s") % {"id": value} if value else _("No repeat")
        case "declared_count", value:
            return (
                _("The source claims %(n)s comments") % {"n": value}
                if value
                else _("The source claims nothing")
            )
        case "revision", _value:
            return _("Another text")
        case "filter", value:
            return _("Version %(n)s is in force") % {"n": value} if value else _("No filter is in force")
        case "honest_may_wait", value:
            return _("Of 100 honest comments %(n)s may wait") % {"n": f"{value:g}"}
        case "ended_at", value:
            return _("Not in force") if value else _("In force")
        case "is_active", value:
            return _("Switched on") if value else _("Switched off")
        case "published_at", value:
            return _("Published") if value else _("A draft")
    return f"{field}: {value}"


def history(states: Mapping[str, int]) -> str:
    """What somebody wrote here before, by state: "3 published, 1 removed"; nothing for nobody."""
    said = {
        State.PUBLISHED: _("%(n)s published"),
        State.PENDING: _("%(n)s waiting"),
        State.REJECTED: _("%(n)s removed"),
        State.SPAM: _("%(n)s spam"),
        State.DELETED: _("%(n)s deleted by themselves"),
    }
    return ", ".join(words % {"n": states[state]} for state, words in said.items() if states.get(state))


def excerpt(comment: Comment) -> str:
    """Its first words, in one line; of what has none any more, why."""
    if comment.erased_at:
        return _("deleted for good")
    if comment.state_reason == Reason.SEALED:
        return _("sealed")
    words = " ".join(comment.body.split())
    return words[:120] + ("…" if len(words) > 120 else "") or str(comment.get_text_missing_display())
