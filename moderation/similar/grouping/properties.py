"""Properties of groups: members unlike the others, counts and distinctive words. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

from moderation.features.word_lists import GROUP_STOP_WORDS
from moderation.features.words import first_spans, group_stems
from moderation.similar.clues import (
    APPROVED,
    CONFIRMED,
    ELSEWHERE,
    IN_CONVERSATION,
    NOT_LATE,
    OF_ITS_STORY,
    Clue,
)
from moderation.similar.compared import ComparedComments
from moderation.similar.grouping.proposed_groups import GroupKind, ProposedGroup, ProposedMember

MAX_DISTINCTIVE_WORDS = 6
MIN_DISTINCTIVE_SHARE = 0.2  # lowest share of members that contain a distinctive word
RARE_ONE_IN = 3  # a property is rare if at most one in so many members has it
MIN_STORY_WORDS = 2  # words of the story that a comment about it contains


def lower_similarity_of_outliers(compared: ComparedComments, groups: Iterable[ProposedGroup]) -> None:
    """Lower the similarity of members with rare properties, which are the most likely mistakes."""
    approved = {row.writer for row in compared.rows if row.is_kept and row.is_identified}
    for group in groups:
        rows = [compared.rows[member.row] for member in group.members]
        [(story, _)] = Counter(row.discussion for row in rows).most_common(1)
        properties = {
            ELSEWHERE: [row.discussion != story for row in rows],
            NOT_LATE: [not compared.is_late[member.row] for member in group.members],
            CONFIRMED: [row.is_confirmed for row in rows],
            APPROVED: [row.writer in approved for row in rows],
            OF_ITS_STORY: [_is_of_its_story(compared, member.row) for member in group.members],
            IN_CONVERSATION: [_is_in_conversation(compared, member.row) for member in group.members],
        }
        rare = {clue: found for clue, found in properties.items() if RARE_ONE_IN * sum(found) <= len(rows)}
        for n, member in enumerate(group.members):
            rare_clues = [clue for clue, found in rare.items() if found[n]]
            group.members[n] = ProposedMember(
                member.row,
                (len(properties) - len(rare_clues) + member.similarity) / (len(properties) + 1),
                member.clues | sum(rare_clues),
            )


def _is_in_conversation(compared: ComparedComments, index: int) -> bool:
    """Return whether a comment takes part in a conversation."""
    row = compared.rows[index]
    return bool(compared.clues[index] & IN_CONVERSATION or row.parent or row.id in compared.answered)


def _is_of_its_story(compared: ComparedComments, index: int) -> bool:
    """Return whether a comment uses words of its story."""
    own = group_stems(compared.words[index]) & compared.article_stems(compared.rows[index].discussion)
    return len(own) >= MIN_STORY_WORDS


def describe_groups(compared: ComparedComments, chosen: Sequence[ProposedGroup]) -> None:
    """Fill `details` with the counts of clues, the states of the evidence, and the distinctive words.

    Words are stored as spans, [comment, revision, start, end], not as text.
    """
    everywhere = Counter[str]()
    for words in compared.words:
        everywhere.update(set(words))
    for group in chosen:
        inside = Counter[str]()
        for member in group.members:
            inside.update({w for w in compared.words[member.row] if len(w) > 2 and w not in GROUP_STOP_WORDS})
        clues = Counter[str]()
        for found, n in Counter(member.clues for member in group.members).items():
            clues.update({clue.stored_name: n for clue in Clue if clue & found})
        states = Counter(
            "kept" if compared.rows[index].is_kept else compared.rows[index].state for index in group.evidence
        )
        group.details |= {
            "clues": dict(sorted(clues.items())),
            "states": dict(sorted(states.items())),
            "telling": _distinctive_words(compared, group, inside, everywhere),
        }


def _distinctive_words(
    compared: ComparedComments, group: ProposedGroup, inside: Counter[str], everywhere: Counter[str]
) -> list[list[int]]:
    """Return the spans of words that are much more common in the group than elsewhere."""
    within, outside = len(group.members), len(compared.rows) - len(group.members)
    if group.kind in {GroupKind.DUPLICATE, GroupKind.TWICE} or not outside:
        return []
    odds = [
        (
            log((n + 0.1) / (within - n + 0.1))
            - log((everywhere[w] - n + 0.5) / (outside - everywhere[w] + n + 0.5)),
            w,
        )
        for w, n in inside.items()
        if n >= max(2, within * MIN_DISTINCTIVE_SHARE)
    ]
    best = [w for odd, w in sorted(odds, key=lambda o: (-o[0], o[1])) if odd > 2][:MAX_DISTINCTIVE_WORDS]
    spans: dict[str, list[int]] = {}
    for member in group.members:
        wanted = {w for w in best if w not in spans}.intersection(compared.words[member.row])
        if wanted:
            row = compared.rows[member.row]
            for word, (start, end) in first_spans(row.body, wanted).items():
                spans[word] = [row.id, row.revision, start, end]
        if len(spans) == len(best):
            break
    return [spans[w] for w in best if w in spans]
