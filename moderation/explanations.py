"""Sentences that explain rules, decisions, actions, sanctions and settings; texts for durations and counts.

The database stores codes.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments import removal_reasons
from comments.models import Reason, State, state_label
from moderation.models import Action, Restriction, Rule, SettingChange
from moderation.rules import matching


def describe_rule(kind: str, value: str) -> str:
    """Return a rule in words: casino · More than 1 link · More than 30 days after the story.

    A rule with an invalid value is returned as it is stored.
    """
    # Only limits have words. Others are not compiled: a new term takes milliseconds, and the queue lists all.
    if kind not in matching.LIMIT_RANGES or not matching.is_usable(kind, value):
        return value
    match kind:
        case Rule.Kind.LINKS:
            text = ngettext("More than %(n)s link", "More than %(n)s links", int(value))
            return text % {"n": value}
        case Rule.Kind.AGE:
            text = ngettext(
                "More than %(n)s day after the story", "More than %(n)s days after the story", int(value)
            )
            return text % {"n": value}
        case Rule.Kind.RATE:
            new, known = value.split("/")
            text = _(
                "More than %(new)s in %(minutes)s minutes from first-time commenters, "
                "or %(known)s from others"
            )
            return text % {"new": new, "known": known, "minutes": matching.RATE_MINUTES}
    return value


def format_age(days: int) -> str:
    """Return an age in years and months of average length: 7 years and 8 months · 3 months · 31 days."""
    years, months = divmod(int(days / 30.4375), 12)
    years_text = ngettext("%(n)s year", "%(n)s years", years) % {"n": years}
    months_text = ngettext("%(n)s month", "%(n)s months", months) % {"n": months}
    if years and months:
        return _("%(years)s and %(months)s") % {"years": years_text, "months": months_text}
    if years:
        return years_text
    if months > 1:
        return months_text
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def format_elapsed(elapsed: timedelta) -> str:
    """Return a duration in its largest unit: 3 h · 40 min · 2 days."""
    minutes = int(elapsed.total_seconds() // 60)
    if minutes < 60:
        return _("%(n)s min") % {"n": max(minutes, 0)}
    if minutes < 60 * 48:
        return _("%(n)s h") % {"n": minutes // 60}
    return ngettext("%(n)s day", "%(n)s days", minutes // 1440) % {"n": minutes // 1440}


def describe_action(action: Action) -> str:
    """Describe an action: Approved · Removed: off-topic · Marked as spam · Moved · Undone: …"""
    match action.kind:
        case Action.Kind.DECISION if "stays" in action.parameters and action.to_state == State.PUBLISHED:
            return _("Kept")
        case Action.Kind.DECISION if "stays" in action.parameters:
            return _("Kept removed: %(reason)s") % {"reason": removal_reasons.label(action.reason)}
        case Action.Kind.DECISION:
            return describe_decision(action.to_state, action.reason)
        case Action.Kind.PERSON:
            return describe_sanction_change(action.parameters)
        case Action.Kind.DISCUSSION | Action.Kind.COMMENT | Action.Kind.FILTER if (
            "field" in action.parameters
        ):
            field, value = action.parameters["field"], action.parameters["value"]
            if action.parameters.get("target") == SettingChange.Target.SITE:
                return describe_site_setting(field, value)
            return describe_setting(field, value)
        case Action.Kind.REDACTION:
            return _("Redacted")
        case Action.Kind.RESTRICTION if "is_legal_hold" in action.parameters:
            text = (
                _("Legal hold on #%(id)s")
                if action.parameters["is_legal_hold"]
                else _("Legal hold on #%(id)s ended")
            )
            return text % {"id": action.parameters["comment"]}
        case Action.Kind.RESTRICTION:
            return _("Access restricted: %(why)s") % {"why": Restriction.Why(action.parameters["why"]).label}
        case Action.Kind.RULE:
            return describe_rule_change(action.parameters.get("does", ""))
        case Action.Kind.SAVED_LINE:
            texts = {"saved": _("Line saved"), "changed": _("Saved line changed")}
            return texts.get(action.parameters["does"]) or _("Saved line deleted")
        case Action.Kind.PURGE if "comment" in action.parameters:
            return _("Permanently deleted: #%(id)s") % {"id": action.parameters["comment"]}
        case Action.Kind.PURGE:
            count = action.parameters["erased"]
            text = ngettext(
                "Permanently deleted: %(n)s comment", "Permanently deleted: %(n)s comments", count
            )
            return text % {"n": f"{count:,}"}
        case Action.Kind.MOVE if "field" in action.parameters:
            return describe_setting(action.parameters["field"], action.parameters["value"])
        case Action.Kind.MOVE if action.parameters.get("is_inferred"):
            return _("Reply structure restored")
        case Action.Kind.MOVE:
            return _("Moved")
        case Action.Kind.IMPORT:
            return _("Imported")
    if not action.undos:  # the action that it undid is no longer stored
        return _("Undone")
    text = _("Undone: %(action)s") if action.undos % 2 else _("Done again: %(action)s")
    return text % {"action": describe_action(action.root)}


def describe_rule_change(does: str) -> str:
    """Describe an action on a rule."""
    texts = {"made": _("New rule"), "changed": _("Rule changed"), "on": _("Rule switched on")}
    return texts.get(does) or _("Rule switched off")


def describe_sanction_change(parameters: Mapping[str, Any]) -> str:
    """Describe an action on a person: Banned · Paused, and comments of 7 days removed."""
    texts = {"warn": _("Warned"), "review": _("All comments reviewed first"), "pause": _("Paused")}
    what = texts.get(parameters.get("kind", "")) or _("Banned")
    if parameters.get("ends"):
        return _("Ended: %(what)s") % {"what": what}
    if days := parameters.get("days"):
        text = ngettext(
            "%(what)s, and comments of %(n)s day removed",
            "%(what)s, and comments of %(n)s days removed",
            days,
        )
        return text % {"what": what, "n": days}
    return what


def describe_decision(state: str, reason: str) -> str:
    """Return a decision in words: Approved · Removed: off-topic; else the name of the state."""
    if state == State.PUBLISHED and reason == Reason.APPROVED:
        return _("Approved")
    if state == State.SPAM:
        return _("Marked as spam")
    if state == State.REJECTED and reason:
        return _("Removed: %(reason)s") % {"reason": removal_reasons.label(reason)}
    return state_label(state, reason)


def describe_site_setting(field: str, value: Any) -> str:
    """Describe an action on the whole site."""
    match field, value:
        case "comment_status", "open":
            return _("Whole site: comments are open")
        case "comment_status", "closed":
            return _("Whole site: comments are closed")
        case "comment_status", "hidden":
            return _("Whole site: discussions are hidden")
        case "review_everything", True:
            return _("Whole site: pre-moderation is on")
    return _("Whole site: first comments and flagged comments are reviewed first")


def describe_setting(field: str, value: Any) -> str:
    """Return the value of a setting (models.SettingChange) in words: "Comments are closed"."""
    match field, value:
        case (("status" | "comment_status"), "open"):
            return _("Comments are open")
        case (("status" | "comment_status"), "closed"):
            return _("Comments are closed")
        case (("status" | "comment_status"), "hidden"):
            return _("The discussion is hidden")
        case ("moderation", "pre") | ("review_everything", True):
            return _("Pre-moderation is on")
        case "moderation", "post":
            return _("Post-moderation is on")
        case ("moderation", _value) | ("review_everything", _value):
            return _("First comments and flagged comments are reviewed first")
        case "members_only", value:
            return _("Members only") if value else _("Guests allowed")
        case "is_pick", value:
            return _("Editor’s pick") if value else _("Not an editor’s pick")
        case "is_locked", value:
            return _("Replies are locked") if value else _("Replies are open")
        case "duplicate_of", value:
            return _("Duplicate of #%(id)s") % {"id": value} if value else _("Not a duplicate")
        case "declared_count", value:
            return (
                _("The original announced %(n)s comments") % {"n": value}
                if value
                else _("The original announced no number of comments")
            )
        case "revision", _value:
            return _("Text changed")
        case "filter", value:
            return _("Version %(n)s is active") % {"n": value} if value else _("No filter is active")
        case "false_positive_limit", value:
            return _("%(n)s of 100 good comments may wait") % {"n": f"{value:g}"}
        case "ended_at", value:
            return _("Ended") if value else _("Active")
        case "is_dismissed", value:
            return _("Proposed parent dismissed") if value else _("Proposed parent not dismissed")
        case "is_active", value:
            return _("Switched on") if value else _("Switched off")
        case "published_at", value:
            return _("Published") if value else _("Draft")
    return f"{field}: {value}"


def describe_state_counts(states: Mapping[str, int]) -> str:
    """Return the number of a person's comments by state, as in "3 published, 1 removed"; "" for none."""
    texts = {
        State.PUBLISHED: _("%(n)s published"),
        State.PENDING: _("%(n)s waiting"),
        State.REJECTED: _("%(n)s removed"),
        State.SPAM: _("%(n)s spam"),
        State.DELETED: _("%(n)s deleted by the author"),
        Reason.RESTRICTED: _("%(n)s with restricted access"),
    }
    return ", ".join(text % {"n": states[state]} for state, text in texts.items() if states.get(state))
