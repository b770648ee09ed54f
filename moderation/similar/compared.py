"""The comments that a scan compares, with their words, hosts, contacts and clues. Pure functions."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from moderation.features.contacts import find_contacts
from moderation.features.lateness import LATE_AFTER
from moderation.features.links import blank_spans, hosts_of, typed_links
from moderation.features.word_lists import GROUP_PRAISE_WORDS, GROUP_STOP_WORDS
from moderation.features.words import group_stems, lowercase_words
from moderation.similar.clues import (
    IN_CONVERSATION,
    LATE,
    PRAISE,
    SEARCH_PHRASE_NAME,
    UNRELATED,
    promotion_score,
    text_clues,
)

QUIET_PERIOD = timedelta(days=60)  # without a comment, after which a discussion counts as ended
CLOSED_AFTER = timedelta(days=365)  # after its article, when a discussion would have been closed
PROMOTIONAL_SCORE = 1.0  # lowest sum of WEIGHTS of a promotional comment
MAX_CONTACTS = 8  # of one comment whose words are compared; texts with hundreds would take much memory
MIN_SPAM = 2  # comments marked as spam that make others like them suspicious


class Story(NamedTuple):
    """The story of a discussion."""

    published_at: datetime | None
    text: str  # title and body


class Row(NamedTuple):
    """One comment as a scan reads it."""

    id: int
    discussion: int
    parent: int | None
    name: str
    writer: str  # a key of the author: the account, the guest, or the imported name in its discussion
    is_identified: bool  # the author is an account or a guest
    is_confirmed: bool  # … with a confirmed e-mail
    body: str
    revision: int  # of the body
    text_missing: str
    at: datetime
    state: str
    is_kept: bool  # a person reviewed it and kept it
    ip_hash: bytes | None
    last_transition_id: int | None


class ComparedComments:
    """The rows of a scan, and facts about each row at the same index of every list."""

    def __init__(self, rows: Sequence[Row], stories: Mapping[int, Story]) -> None:
        self.rows, self.stories = rows, stories
        bodies = [read_body(row.body) for row in rows]
        self.words = [words for words, _, _ in bodies]
        self.hosts = [hosts for _, hosts, _ in bodies]  # of its links
        self.contacts = [contacts for _, _, contacts in bodies]  # phone numbers and e-mail addresses
        # A bot may post as Jim a thousand times, so imported names count as one person across stories.
        self.people = [row.writer if row.is_identified else row.name.casefold() for row in rows]
        self.can_join = [row.state in {"pending", "published"} and not row.is_kept for row in rows]
        self.by_discussion: dict[int, list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            self.by_discussion[row.discussion].append(index)
        self._article_stems: dict[int, set[str]] = {}
        self.is_late = [False] * len(rows)
        self.answered = {row.parent for row in rows}
        for discussion, indexes in self.by_discussion.items():
            self._find_late(discussion, indexes)
        self.clues = [
            text_clues(row.name, row.body, *body) | (LATE if is_late else 0)
            for row, body, is_late in zip(rows, bodies, self.is_late, strict=True)
        ]
        self._add_context_clues()

    def promotional(self, indexes: Iterable[int], least: float = PROMOTIONAL_SCORE) -> list[int]:
        """Return the rows with at least this promotional score."""
        return [index for index in indexes if promotion_score(self.clues[index]) >= least]

    def half_promotional(self, indexes: Iterable[int]) -> list[int]:
        """Return the rows with at least half the score of a promotional comment."""
        return self.promotional(indexes, PROMOTIONAL_SCORE / 2)

    def suspects(self, indexes: Sequence[int]) -> list[int]:
        """Return the rows that look half promotional, or are marked as spam."""
        half = set(self.half_promotional(indexes))
        return [index for index in indexes if index in half or self.rows[index].state == "spam"]

    def are_suspicious(self, indexes: Sequence[int]) -> bool:
        """Return whether half of these look promotional, or several are marked as spam and none was kept."""
        spam = sum(self.rows[index].state == "spam" for index in indexes)
        if spam >= MIN_SPAM and 4 * spam >= len(indexes) and not self.was_any_kept(indexes):
            return True
        return 2 * len(self.suspects(indexes)) >= len(indexes)

    def was_any_kept(self, indexes: Iterable[int]) -> bool:
        """Return whether a person reviewed one of these and kept it."""
        return any(self.rows[index].is_kept for index in indexes)

    def count_people(self, indexes: Iterable[int]) -> int:
        """Return the number of different authors."""
        return len({self.people[index] for index in indexes})

    def article_stems(self, discussion: int) -> set[str]:
        """Return the topic stems of the story of a discussion."""
        if discussion not in self._article_stems:
            self._article_stems[discussion] = group_stems(lowercase_words(self.stories[discussion].text))
        return self._article_stems[discussion]

    def _find_late(self, discussion: int, indexes: Sequence[int]) -> None:
        """Mark late comments: long after the article, and after a quiet period or more than a year."""
        published_at = self.stories[discussion].published_at
        if published_at is None:
            return
        last, has_ended = published_at, False
        for index in indexes:
            at = self.rows[index].at
            has_ended = has_ended or at - last > QUIET_PERIOD
            last = max(last, at)
            age = at - published_at
            self.is_late[index] = age > LATE_AFTER and (has_ended or age > CLOSED_AFTER)

    def _add_context_clues(self) -> None:
        """Compare comments that have a clue with the words of their article and discussion.

        Sets UNRELATED for comments that share hardly a word, removes PRAISE from the others, and sets
        IN_CONVERSATION.
        """
        for discussion, indexes in self.by_discussion.items():
            # A comment that begins with "Free" addresses nobody whose name is "Free flights".
            with_personal_name = [index for index in indexes if not self.clues[index] & SEARCH_PHRASE_NAME]
            first_names = ((self.rows[index].name.lower().split() or [""])[0] for index in with_personal_name)
            names = {
                name: self.rows[index].writer
                for index, name in zip(with_personal_name, first_names, strict=True)
                if len(name) > 2 and name not in GROUP_STOP_WORDS and name not in GROUP_PRAISE_WORDS
            }
            with_clue = [index for index in indexes if self.clues[index] & ~LATE and self.words[index]]
            if not with_clue:
                continue
            article_stems = self.article_stems(discussion)
            not_late = [index for index in indexes if not self.is_late[index]]
            stems = {index: group_stems(self.words[index]) for index in {*with_clue, *not_late}}
            discussed = Counter(chain.from_iterable(stems[index] for index in not_late))
            contacts = self._shared_contacts(stems.keys())
            stems_by_contact = defaultdict[str, Counter[str]](Counter)
            for index in not_late:
                for contact in contacts[index]:
                    stems_by_contact[contact].update(stems[index])
            for index in with_clue:
                row = self.rows[index]
                addressed = {names[word] for word in self.words[index][:4] if word in names} - {row.writer}
                if row.parent or row.id in self.answered or addressed:
                    self.clues[index] |= IN_CONVERSATION
                # Neither its own words nor those of comments with its phone number are words of others.
                own = 0 if self.is_late[index] else 1
                same_contact = [stems_by_contact[contact] for contact in contacts[index]]
                shared = sum(
                    stem in article_stems
                    or discussed[stem] > max((counts[stem] for counts in same_contact), default=own)
                    for stem in stems[index]
                )
                if (shared < 2 and shared <= 0.34 * len(stems[index])) or shared <= 0.2 * len(stems[index]):
                    self.clues[index] |= UNRELATED
                else:
                    self.clues[index] &= ~PRAISE

    def _shared_contacts(self, indexes: Collection[int]) -> dict[int, list[str]]:
        """Return for each of these comments at most MAX_CONTACTS contacts that another one gives as well."""
        counts = Counter(chain.from_iterable(map(self.contacts.__getitem__, indexes)))
        return {
            index: sorted(contact for contact in self.contacts[index] if counts[contact] > 1)[:MAX_CONTACTS]
            for index in indexes
        }


def read_body(body: str) -> tuple[list[str], frozenset[str], frozenset[str]]:
    """Return the words of a body, the hosts of its links and its contacts, which are searched for once."""
    links = typed_links(body)
    if not links:
        return lowercase_words(body), frozenset(), find_contacts(body)
    plain = blank_spans(body, (m.span() for m in links))
    return lowercase_words(plain), hosts_of(links), find_contacts(plain)
