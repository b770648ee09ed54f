"""Groups of similar comments in words: titles, counts, shared features and clues."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from comments.models import Comment, Reason, State
from moderation import explanations
from moderation.models import CommentGroup, Rule
from moderation.similar.clues import Clue

GroupKind = CommentGroup.Kind
# `n` is the number of members as it is shown, and `number` chooses the plural.
TITLES: dict[str, Any] = {
    GroupKind.TEXT: ngettext_lazy(
        "%(n)s comment made of the same phrases", "%(n)s comments made of the same phrases", "number"
    ),
    GroupKind.DUPLICATE: ngettext_lazy("%(n)s duplicate comment", "%(n)s duplicate comments", "number"),
    GroupKind.TWICE: ngettext_lazy(
        "Posted twice by the same person: %(n)s comment",
        "Posted twice by the same person: %(n)s comments",
        "number",
    ),
    GroupKind.LINK: ngettext_lazy(
        "%(n)s comment with the same links or contacts",
        "%(n)s comments with the same links or contacts",
        "number",
    ),
    GroupKind.NAME: ngettext_lazy(
        "%(n)s comment with a search phrase as name",
        "%(n)s comments with search phrases as names",
        "number",
    ),
    GroupKind.ORIGIN: ngettext_lazy(
        "%(n)s comment from one IP address",
        "%(n)s comments from one IP address, under several names",
        "number",
    ),
    GroupKind.BURST: ngettext_lazy(
        "%(n)s comment posted within a short time", "%(n)s comments posted within a short time", "number"
    ),
    GroupKind.LATE: ngettext_lazy(
        "Late promotional spam: %(n)s comment", "Late promotional spam: %(n)s comments", "number"
    ),
    GroupKind.MISSING: ngettext_lazy(
        "Text missing in the original: %(n)s comment",
        "Text missing in the original: %(n)s comments",
        "number",
    ),
    GroupKind.RULE: ngettext_lazy(
        "%(n)s comment that matches a rule", "%(n)s comments that match a rule", "number"
    ),
    GroupKind.QUEUE: ngettext_lazy("%(n)s comment of a queue", "All %(n)s comments of a queue", "number"),
}
DUPLICATES_OF_A_COMMENT = ngettext_lazy(
    "%(n)s duplicate of a comment by %(name)s", "%(n)s duplicates of a comment by %(name)s", "number"
)
COMMENTS = ngettext_lazy("%(n)s comment", "%(n)s comments", "number")


class MemberCounts(NamedTuple):
    """Counts of the open members on which a person may decide."""

    members: int = 0
    published: int = 0
    discussions: int = 0
    clues: Sequence[int] = ()  # the number of members with each Clue


def title(group: CommentGroup, n: int) -> str:
    """Return the title of a group with `n` members: Late promotional spam: 15 comments."""
    if group.kind == GroupKind.DUPLICATE and group.original:
        text, name = DUPLICATES_OF_A_COMMENT, group.original.author_name
    else:
        text, name = TITLES.get(group.kind, COMMENTS), ""
    return str(text % {"n": f"{n:,}", "number": n, "name": name})


def describe_counts(counts: MemberCounts) -> str:
    """Return the counts in words: 27 published, on 12 stories."""
    stories = ngettext("on %(n)s story", "on %(n)s stories", counts.discussions) % {
        "n": f"{counts.discussions:,}"
    }
    if counts.published == counts.members:
        return _("all published, %(stories)s") % {"stories": stories}
    if not counts.published:
        return _("all waiting, %(stories)s") % {"stories": stories}
    return _("%(n)s published, %(stories)s") % {"n": f"{counts.published:,}", "stories": stories}


def describe_similar_count(counts: MemberCounts) -> str:
    """Return the counts as seen from one member of the group: 36 similar comments; …"""
    others = counts.members - 1
    if not others:
        return describe_counts(counts)
    return ngettext(
        "%(n)s similar comment; %(published)s of the two published.",
        "%(n)s similar comments; %(published)s of the whole group published.",
        others,
    ) % {"n": f"{others:,}", "published": f"{counts.published:,}"}


def describe_shared_features(group: CommentGroup, counts: MemberCounts, *, is_whole: bool) -> list[str]:
    """Return sentences about the shared features of the open members, the most common first.

    Sentences with counts of all members are left out unless `is_whole`: the person may decide on all of them.
    The number of sets of phrases is that of the scan, so it is left out once a member is decided on.
    """
    sentences: list[str] = []
    if group.original and group.original.state not in {State.PENDING, State.PUBLISHED}:
        sentences.append(_("Same text and same name. The first comment has already been removed."))
    elif group.kind == GroupKind.DUPLICATE:
        sentences.append(_("Same text and same name. The first comment is kept and is not in this group."))
    if group.kind == GroupKind.TWICE:
        sentences.append(
            _("The same person posted the same text twice in one discussion. The first comment stays.")
        )
    if group.kind == GroupKind.MISSING:
        sentences.append(_("The saved page had lost their text. Readers see a placeholder."))
    if group.kind == GroupKind.RULE:
        # Only the page of the group shows it, not the list, so this is not a query for each of many groups.
        rule = Rule.objects.get(pk=group.details["rule"])
        names = {"kind": rule.get_kind_display(), "rule": explanations.describe_rule(rule.kind, rule.value)}
        text = _(
            "The rule: %(kind)s “%(rule)s”. Approved comments come first and are not selected unless you "
            "select them."
        )
        sentences.append(text % names)
    if group.kind == GroupKind.QUEUE:
        sentences.append(_("Comments with the weakest signals come first."))
    if not is_whole:
        return sentences
    if group.details.get("has_name_pattern"):
        sentences.append(_("machine-made names with the same pattern"))
    if (wordings := group.details.get("wordings", 0)) > 1 and counts.members == group.size:
        sentences.append(_("made from %(n)s sets of phrases") % {"n": wordings})
    clues = [
        (n, clue)
        for clue, n in zip(Clue, counts.clues, strict=True)
        if n and clue.stored_name in group.details.get("clues", {})
    ]
    for n, clue in sorted(clues, key=lambda item: (-item[0], item[1].stored_name)):
        if sentence := _describe_shared_clue(clue, n):
            sentences.append(sentence)
    return sentences + _describe_decided(group.details.get("states", {}))


def _describe_decided(states: dict[str, int]) -> list[str]:
    """Return sentences about similar comments that were decided on before, from their number by state."""
    sentences = []
    spam, removed, kept = states.get("spam", 0), states.get("rejected", 0), states.get("kept", 0)
    if spam:
        text = ngettext("%(n)s similar one is already spam", "%(n)s similar ones are already spam", spam)
        sentences.append(text % {"n": spam})
    if removed:
        text = ngettext("%(n)s similar one was removed", "%(n)s similar ones were removed", removed)
        sentences.append(text % {"n": removed})
    if kept:
        text = ngettext(
            "%(n)s similar one was reviewed and kept", "%(n)s similar ones were reviewed and kept", kept
        )
        sentences.append(text % {"n": kept})
    return sentences


def _describe_shared_clue(clue: Clue, n: int) -> str:
    """Describe the number of members that share a clue, or return "" for a clue that is not shown."""
    texts = {
        Clue.LATE: _("%(n)s posted long after the story, when the discussion had ended"),
        Clue.PADDED: _("%(n)s with numbers around the text"),
        Clue.SEARCH_PHRASE_NAME: _("%(n)s with a search phrase or an address as name"),
        Clue.LINK: _("%(n)s with a link"),
        Clue.MARKUP: _("%(n)s with links written as HTML or BBCode"),
        Clue.CONTACT: _("%(n)s with a phone number or an e-mail address"),
        Clue.RANDOM: _("%(n)s with random characters instead of words"),
        Clue.TEMPLATE: _("%(n)s made from one template with other words"),
        Clue.SITE_TALK: _("%(n)s about the site"),
        Clue.PRAISE: _("%(n)s with generic praise"),
        Clue.PROMOTION: _("%(n)s with advertising words"),
        Clue.SHARED_PHRASES: _("%(n)s made of phrases that other comments use"),
    }
    return texts.get(clue, "") % {"n": f"{n:,}"}


def describe_clues(found_clues: Clue, comment: Comment) -> list[str]:
    """Return short texts about why one comment is a member, or how it differs from the others."""
    published_at = comment.discussion.article.published_at
    texts = []
    if comment.text_missing:
        texts.append(str(comment.get_text_missing_display()))
    if Clue.LATE in found_clues and published_at:
        days = (comment.created_at - published_at).days
        texts.append(_("posted %(age)s after the story") % {"age": explanations.format_age(days)})
    clue_texts = [
        (Clue.ELSEWHERE, _("on a different story than the others")),
        (Clue.NOT_LATE, _("not late, unlike the others")),
        (Clue.CONFIRMED, _("confirmed e-mail")),
        (Clue.APPROVED, _("other comments by this person were approved")),
        (Clue.OF_ITS_STORY, _("talks about the story")),
        (Clue.EXACT, _("exactly the same text")),
        (Clue.SHARED_PHRASES, _("phrases that other comments use")),
        (Clue.TEMPLATE, _("the template of other comments with other words")),
        (Clue.PADDED, _("numbers around the text")),
        (Clue.RANDOM, _("random characters instead of words")),
        (Clue.SEARCH_PHRASE_NAME, _("search phrase or address as name")),
        (Clue.SITE_TALK, _("talks about the site")),
        (Clue.PRAISE, _("generic praise")),
        (Clue.PROMOTION, _("advertising words")),
        (Clue.LINK, _("a link")),
        (Clue.MARKUP, _("link written as HTML or BBCode")),
        (Clue.CONTACT, _("phone number or e-mail address")),
        (Clue.IN_CONVERSATION, _("takes part in the conversation")),
    ]
    if Clue.UNRELATED in found_clues and Clue.PRAISE not in found_clues:
        clue_texts.append((Clue.UNRELATED, _("almost no words from the story or discussion")))
    return texts + [text for clue, text in clue_texts if clue in found_clues]


def compared_signals(found_clues: Clue) -> list[tuple[Clue, float, str]]:
    """Return the clues that only a comparison finds, each with its strength as a finding's and its sentence.

    The findings of a comment state the others.
    """
    signals = [
        (Clue.SHARED_PHRASES, 0.8, _("Most of its text consists of phrases that other comments use.")),
        (Clue.UNRELATED, 0.2, _("It has hardly a word in common with the story and the discussion.")),
    ]
    return [signal for signal in signals if signal[0] in found_clues]


def proposed_reason(kind: str) -> str:
    """Return the reason code that this kind of group proposes, or ""."""
    if kind == GroupKind.MISSING:
        return Reason.TEXT_MISSING.value
    if kind in {GroupKind.DUPLICATE, GroupKind.TWICE}:
        return Reason.DUPLICATE.value
    return "" if kind in {GroupKind.RULE, GroupKind.QUEUE} else Reason.SPAM.value
