"""Groups of comments that are made of the same phrases, or from one template. Pure functions."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from moderation.features.contacts import EMAIL_ADDRESS
from moderation.features.links import TYPED_LINK
from moderation.features.words import PHRASE_LENGTH, lowercase_words, phrase_hashes
from moderation.similar.clues import CONTACT, LINK, SHARED_PHRASES, TEMPLATE
from moderation.similar.compared import MIN_SPAM, ComparedComments
from moderation.similar.grouping.proposed_groups import (
    MIN_SIMILAR,
    GroupKind,
    ProposedGroup,
    ProposedMember,
    UnionFind,
    propose_group,
)

MIN_COVERAGE = 0.5  # share of a text's words that stand in phrases shared with others
MIN_COVERED_WORDS = 8
MIN_TEMPLATE_COVERAGE = 0.6  # the same of the tokens of a template
TRACKBACK_STARTS = ("[...]", "[…]")  # of the excerpt of a page that links to the story, which is a quotation
SLOT = "<slot>"  # replaces the variable words of a template; no token of a text can equal it
TOKENS = re.compile(
    rf"(?P<link>{TYPED_LINK.pattern})|(?P<email>{EMAIL_ADDRESS.pattern})|(?P<number>\d+)|(?P<word>[^\W\d_]+)|(?P<mark>[\[\](){{}}<>=/|#:+~])",
    re.IGNORECASE,
)


def propose_shared_wordings(compared: ComparedComments, is_grouped: bytearray) -> Iterator[ProposedGroup]:
    """Propose texts that share their wording: most of their words stand in phrases shared with other texts.

    Wordings whose texts are mostly promotional are one group, because a bot has dozens of templates.
    Quotations of the article or of the parent comment do not count as shared.
    """
    phrases_of = dict(enumerate(map(phrase_hashes, compared.words)))
    shared = _find_shared_phrases(compared, phrases_of, _common_phrases(compared, phrases_of, is_grouped))
    chosen = {
        index: covered
        for index, covered in shared.covered.items()
        if covered >= max(MIN_COVERED_WORDS, MIN_COVERAGE * len(compared.words[index]))
    }
    union = _join_by_phrases(shared, chosen)
    for index in sorted(chosen):  # a bot has many templates, but few names to promote
        union.join(("name", compared.rows[index].name.casefold()), index)
        for host in sorted(compared.hosts[index]):
            union.join(("host", host), index)

    def member(index: int) -> ProposedMember:
        similarity = min(1.0, chosen[index] / len(compared.words[index]))
        return ProposedMember(index, similarity, compared.clues[index] | SHARED_PHRASES)

    promotional: list[int] = []
    wordings = 0
    for indexes in union.sets(sorted(chosen)):
        half = compared.half_promotional(indexes)
        if len(indexes) >= MIN_SIMILAR and 3 * len(half) >= 2 * len(indexes):
            promotional += indexes
            wordings += 1
        else:
            yield propose_group(compared, GroupKind.TEXT, map(member, indexes))
    group = propose_group(compared, GroupKind.TEXT, map(member, sorted(promotional)))
    group.details = {"wordings": wordings}
    yield group


def propose_shared_templates(compared: ComparedComments, is_grouped: bytearray) -> Iterator[ProposedGroup]:
    """Propose texts from one template with other words: most of their tokens stand in shared phrases.

    The tokens are markup, links, and words that several of these texts have; the words between are the
    filling of a slot. Good comments share some phrases too. So only texts with a link or a contact are
    compared, and those below a story under which a person marked comments as spam. If they are few, or not
    all of them have a link or a contact, there must be other evidence that they are spam.
    """
    indexes = [index for index in _comparable(compared) if not is_grouped[index]]
    tokens_of = {index: _tokenize(compared.rows[index].body) for index in indexes}
    words_of_person: dict[str, set[str]] = defaultdict(set)
    for index, tokens in tokens_of.items():
        words_of_person[compared.people[index]].update(tokens)
    counts = Counter(word for words in words_of_person.values() for word in words)
    fixed = {word for word, n in counts.items() if n >= MIN_SIMILAR}
    templates = {index: _replace_words_of_slots(tokens, fixed) for index, tokens in tokens_of.items()}
    phrases_of = {index: phrase_hashes(tokens) for index, tokens in templates.items()}
    common = {index: set(phrases) for index, phrases in phrases_of.items()}
    shared = _find_shared_phrases(compared, phrases_of, common)
    covered_words = {
        index: covered
        for index, covered in shared.covered.items()
        if covered >= max(MIN_COVERED_WORDS, MIN_TEMPLATE_COVERAGE * len(templates[index]))
    }
    for component in _join_by_phrases(shared, covered_words).sets(sorted(covered_words)):
        if compared.are_suspicious(component) or _advertise_same_contact(compared, component):
            yield propose_group(
                compared,
                GroupKind.TEXT,
                (
                    ProposedMember(
                        index,
                        min(1.0, covered_words[index] / len(templates[index])),
                        compared.clues[index] | TEMPLATE,
                    )
                    for index in component
                ),
            )


def _advertise_same_contact(compared: ComparedComments, indexes: Sequence[int]) -> bool:
    """Return whether many people give a link or a contact in the same words, and nobody kept one of them."""
    return (
        compared.count_people(indexes) > MIN_SIMILAR
        and all(compared.clues[index] & (LINK | CONTACT) for index in indexes)
        and not compared.was_any_kept(indexes)
    )


def _comparable(compared: ComparedComments) -> list[int]:
    """Return the rows with a link or a contact, and those below stories with comments marked as spam."""
    spam = Counter(row.discussion for row in compared.rows if row.state == "spam")
    return [
        index
        for index, row in enumerate(compared.rows)
        if compared.clues[index] & (LINK | CONTACT) or spam[row.discussion] >= MIN_SPAM
    ]


def _tokenize(text: str) -> list[str]:
    """Return the words and punctuation of a text, with one token for each link, address and number."""
    tokens = []
    for m in TOKENS.finditer(text):
        kind = m.lastgroup
        tokens.append(m[0].lower() if kind in {"word", "mark"} else f"<{kind}>")
    return tokens


def _replace_words_of_slots(tokens: Iterable[str], fixed: Collection[str]) -> list[str]:
    """Return the tokens with one SLOT for each sequence of words that are not fixed."""
    template: list[str] = []
    for token in tokens:
        part = token if token in fixed else SLOT
        if part != SLOT or not template or template[-1] != SLOT:
            template.append(part)
    return template


class _SharedPhrases(NamedTuple):
    """Phrases that texts of several people share."""

    indexes: dict[int, list[int]]  # by phrase
    covered: dict[int, int]  # how many words of a text stand in such phrases


def _find_shared_phrases(
    compared: ComparedComments, phrases_of: Mapping[int, "array[int]"], common: Mapping[int, set[int]]
) -> _SharedPhrases:
    """Return the phrases in `common` that enough people share."""
    indexes_of_phrase: dict[int, list[int]] = defaultdict(list)
    for index, own in common.items():
        for phrase in phrases_of[index] if own else ():
            if phrase in own:
                indexes_of_phrase[phrase].append(index)
    shared = {
        phrase: indexes
        for phrase, indexes in indexes_of_phrase.items()
        if len(indexes) >= MIN_SIMILAR and compared.count_people(indexes) >= MIN_SIMILAR
    }
    covered = {
        index: _count_covered_words(phrases_of[index], own & shared.keys())
        for index, own in common.items()
        if not shared.keys().isdisjoint(own)
    }
    return _SharedPhrases(shared, covered)


def _join_by_phrases(shared: _SharedPhrases, chosen: Collection[int]) -> UnionFind:
    """Return the chosen rows, joined if they share a phrase."""
    union = UnionFind()
    for indexes in shared.indexes.values():
        similar = [index for index in indexes if index in chosen]
        for index in similar[1:]:
            union.join(similar[0], index)
    return union


def _common_phrases(
    compared: ComparedComments, phrases_of: Mapping[int, "array[int]"], is_grouped: Sequence[int]
) -> dict[int, set[int]]:
    """Return for each comment the phrases that other comments share and that are no quotations."""
    repeated = _repeated_phrases(phrases_of.values())
    quoted: dict[int, set[int]] = {}
    by_id = {row.id: index for index, row in enumerate(compared.rows)}
    common: dict[int, set[int]] = {}
    for index, row in enumerate(compared.rows):
        own = set[int]()
        if not is_grouped[index] and not row.body.lstrip().startswith(TRACKBACK_STARTS):
            own = repeated.intersection(phrases_of[index])
        if own:
            if row.discussion not in quoted:
                quoted[row.discussion] = set(
                    phrase_hashes(lowercase_words(compared.stories[row.discussion].text))
                )
            own -= quoted[row.discussion]
            if row.parent in by_id:
                own.difference_update(phrases_of[by_id[row.parent]])
            common[index] = own
    return common


def _repeated_phrases(phrases_of: Iterable["array[int]"]) -> set[int]:
    """Return the phrases that occur in more than one text, without storing the texts of all phrases."""
    seen: set[int] = set()
    repeated: set[int] = set()
    for phrases in phrases_of:
        own = set(phrases)
        repeated |= seen & own if len(seen) < len(own) else {phrase for phrase in own if phrase in seen}
        seen |= own
    return repeated


def _count_covered_words(phrases: "array[int]", shared: Collection[int]) -> int:
    """Return the number of words in shared phrases."""
    count, end = 0, 0
    for index, phrase in enumerate(phrases):
        if phrase in shared:
            count += index + PHRASE_LENGTH - max(end, index)
            end = index + PHRASE_LENGTH
    return count
