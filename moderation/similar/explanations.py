"""Groups in words."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments.models import Comment, Reason, State
from moderation.models import Group, Rule
from moderation.queue import explanations
from moderation.similar.clues import Clue

Kind = Group.Kind


class MemberCounts(NamedTuple):
    """Of the members that are there now and that this person decides on."""

    members: int = 0
    published: int = 0
    discussions: int = 0


def title(group: Group, n: int) -> str:
    """15 late comments that sell something · 5 with their text missing in the original"""
    match group.kind:
        case Kind.TEXT:
            said = ngettext(
                "%(n)s comment made of the same phrases", "%(n)s comments made of the same phrases", n
            )
        case Kind.REPEAT if group.original:
            said = ngettext(
                "%(n)s repeat of a comment by %(name)s", "%(n)s repeats of a comment by %(name)s", n
            )
        case Kind.REPEAT:
            said = ngettext("%(n)s comment that was sent twice", "%(n)s comments that were sent twice", n)
        case Kind.LINK:
            said = ngettext(
                "%(n)s comment that links where others do", "%(n)s comments that link to the same sites", n
            )
        case Kind.NAME:
            said = ngettext(
                "%(n)s comment whose name is a search phrase",
                "%(n)s comments whose names are search phrases",
                n,
            )
        case Kind.ORIGIN:
            said = ngettext(
                "%(n)s comment from one IP address",
                "%(n)s comments from one IP address, under several names",
                n,
            )
        case Kind.BURST:
            said = ngettext("%(n)s comment of one burst", "%(n)s comments of one burst", n)
        case Kind.LATE:
            said = ngettext(
                "%(n)s late comment that sells something", "%(n)s late comments that sell something", n
            )
        case Kind.MISSING:
            said = ngettext(
                "%(n)s with its text missing in the original",
                "%(n)s with their text missing in the original",
                n,
            )
        case Kind.RULE:
            said = ngettext("%(n)s comment found by a rule", "%(n)s comments found by a rule", n)
        case Kind.QUEUE:
            said = ngettext("%(n)s comment of a queue", "All %(n)s comments of a queue", n)
        case _:
            said = ngettext("%(n)s comment", "%(n)s comments", n)
    return said % {"n": f"{n:,}", "name": group.original.author_name if group.original else ""}


def describe_counts(of: MemberCounts) -> str:
    """27 of them published · under 12 stories"""
    stories = ngettext("under %(n)s story", "under %(n)s stories", of.discussions) % {
        "n": f"{of.discussions:,}"
    }
    if of.published == of.members:
        return _("all of them published, %(stories)s") % {"stories": stories}
    if not of.published:
        return _("all of them waiting, %(stories)s") % {"stories": stories}
    return _("%(n)s of them published, %(stories)s") % {"n": f"{of.published:,}", "stories": stories}


def describe_similar_count(of: MemberCounts) -> str:
    """36 comments look like this one, 27 of them published."""
    others = of.members - 1
    return ngettext(
        "%(n)s comment looks like this one; of both, %(published)s are published.",
        "%(n)s comments look like this one; of all together, %(published)s are published.",
        others,
    ) % {"n": f"{others:,}", "published": f"{of.published:,}"}


def describe_shared_features(group: Group, *, is_whole: bool) -> list[str]:
    """What its members share, what most share first; without what counts them all, unless `is_whole`."""
    said: list[str] = []
    if group.original and group.original.state not in {State.PENDING, State.PUBLISHED}:
        said.append(_("The same words by the same name. The first one is gone already."))
    elif group.kind == Kind.REPEAT:
        said.append(_("The same words by the same name. The first one stays and is not among them."))
    if group.kind == Kind.MISSING:
        said.append(_("The page that was saved had lost their words; readers see that something was said."))
    if group.kind == Kind.RULE:  # a list on a page of its own: one question, not one for each of many
        rule = Rule.objects.get(pk=group.shared["rule"])
        told = {"kind": rule.get_kind_display(), "rule": explanations.rule(rule.kind, rule.value)}
        sentences = _(
            "The rule: %(kind)s “%(rule)s”. What a person has approved comes first, and is left alone unless "
            "you tick it."
        )
        said.append(sentences % told)
    if group.kind == Kind.QUEUE:
        said.append(_("Those against which the least was found come first."))
    if not is_whole:
        return said
    if (wordings := group.shared.get("wordings", 0)) > 1:
        said.append(_("made from %(n)s sets of phrases") % {"n": wordings})
    clues: dict[str, int] = group.shared.get("clues", {})
    for name, n in sorted(clues.items(), key=lambda item: (-item[1], item[0])):
        if sentence := _describe_shared_clue(Clue[name], n):
            said.append(sentence)
    states: dict[str, int] = group.shared.get("states", {})
    spam, removed, kept = states.get("spam", 0), states.get("rejected", 0), states.get("kept", 0)
    if spam:
        like = ngettext("%(n)s like these is already spam", "%(n)s like these are already spam", spam)
        said.append(like % {"n": spam})
    if removed:
        like = ngettext("%(n)s like these was removed", "%(n)s like these were removed", removed)
        said.append(like % {"n": removed})
    if kept:
        like = ngettext(
            "%(n)s like these was looked at and kept", "%(n)s like these were looked at and kept", kept
        )
        said.append(like % {"n": kept})
    return said


def _describe_shared_clue(clue: Clue, n: int) -> str:
    match clue:
        case Clue.LATE:
            words_ = _("%(n)s posted long after the story, when the discussion had ended")
        case Clue.PADDED:
            words_ = _("%(n)s with numbers around the text")
        case Clue.NAME:
            words_ = _("%(n)s with a search phrase for a name")
        case Clue.LINK:
            words_ = _("%(n)s with a link")
        case Clue.PAGE:
            words_ = _("%(n)s about the page instead of its subject")
        case Clue.PRAISE:
            words_ = _("%(n)s of praise that shares no word with story or discussion")
        case Clue.PROMOTION:
            words_ = _("%(n)s with words of advertising")
        case Clue.SPUN:
            words_ = _("%(n)s put together from phrases that others use, too")
        case _:
            return ""
    return words_ % {"n": f"{n:,}"}


def describe_clues(found: Clue, comment: Comment) -> list[str]:
    """Why one comment is a member, a few words each."""
    published_at = comment.discussion.article.published_at
    said = []
    if comment.text_missing:
        said.append(str(comment.get_text_missing_display()))
    if Clue.LATE in found and published_at:
        days = (comment.created_at - published_at).days
        said.append(_("posted %(age)s after the story") % {"age": explanations.format_age(days)})
    told = [
        (Clue.ELSEWHERE, _("under another story than the others")),
        (Clue.IN_TIME, _("not late, as the others are")),
        (Clue.CONFIRMED, _("the e-mail is confirmed")),
        (Clue.APPROVED, _("others of theirs were approved or kept")),
        (Clue.OF_ITS_STORY, _("speaks of its story")),
        (Clue.EXACT, _("the very same text")),
        (Clue.SPUN, _("phrases that others have as well")),
        (Clue.PADDED, _("numbers around the text")),
        (Clue.NAME, _("the name is a search phrase")),
        (Clue.PAGE, _("speaks of the page")),
        (Clue.PRAISE, _("praise only")),
        (Clue.PROMOTION, _("words of advertising")),
        (Clue.LINK, _("a link")),
        (Clue.TALKS, _("answers somebody")),
    ]
    if Clue.STRANGE in found and Clue.PRAISE not in found:
        told.append((Clue.STRANGE, _("hardly a word of story or discussion")))
    return said + [sentence for clue, sentence in told if clue in found]


def proposed(kind: str) -> str:
    """The code of the decision that a group is there for; "" for none."""
    if kind == Kind.MISSING:
        return Reason.TEXT_MISSING.value
    if kind == Kind.REPEAT:
        return Reason.REPEAT.value
    return "" if kind in {Kind.RULE, Kind.QUEUE} else Reason.SPAM.value
