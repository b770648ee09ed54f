"""Clues: properties of a comment, its story and its discussion that suggest spam. Pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntFlag
from functools import cache
from typing import NamedTuple

from moderation.features.contacts import typed_contacts
from moderation.features.lateness import LATE_AFTER
from moderation.features.links import typed_hosts, typed_links
from moderation.features.names import is_search_phrase
from moderation.features.phrases import LINK_MARKUP, NUMBERS, SITE_MENTIONS, is_padded, is_random
from moderation.features.word_lists import (
    GROUP_PRAISE_WORDS,
    GROUP_SALES_WORDS,
    GROUP_STOP_WORDS,
    SITE_MENTION_WORDS,
)
from moderation.features.words import group_stems, lowercase_matches, lowercase_words

QUIET_PERIOD = timedelta(days=60)  # without a comment, after which a discussion counts as ended
CLOSED_AFTER = timedelta(days=365)  # after its article, when a discussion would have been closed
PROMOTIONAL_SCORE = 1.0  # lowest sum of WEIGHTS of a promotional comment
MIN_KNOWN_SPAM = 2  # comments marked as spam that make others like them suspicious
WORDS_PER_PROMOTION = 60  # with more words for each advertising word, a text only mentions it


class Clue(IntFlag):
    """The reasons why a comment belongs to its group, or differs from the other members."""

    LATE = 1
    PADDED = 2  # numbers around the text
    NAME = 4  # the name is a search phrase
    LINK = 8
    PAGE = 16  # talks about the site instead of the subject
    PRAISE = 32  # generic praise that shares no word with article or discussion
    PROMOTION = 64  # advertising words
    STRANGE = 128  # shares hardly a word with article and discussion
    SPUN = 256  # made of phrases that other comments use
    EXACT = 512  # the same text as the original
    PAGE_TWICE = 1024  # talks about the site more than once
    TALKS = 2048  # replies to somebody, has a reply, or names a participant
    # Properties that only a few members of a group have:
    ELSEWHERE = 4096  # on another story than the others
    IN_TIME = 8192  # not late, unlike the others
    CONFIRMED = 16384  # the author's e-mail is confirmed
    APPROVED = 32768  # another comment by the author was approved
    OF_ITS_STORY = 65536  # uses words of its story
    # More that suggest spam, after the others because the numbers are stored:
    MARKUP = 131072  # links written as HTML or BBCode
    CONTACT = 262144  # a phone number or an e-mail address
    TEMPLATE = 524288  # made from the template of other comments, with other words
    RANDOM = 1048576  # random characters instead of words


WEIGHTS = {
    Clue.PADDED: 1.0,
    Clue.MARKUP: 0.6,
    Clue.RANDOM: 0.6,
    Clue.NAME: 0.5,
    Clue.PAGE: 0.5,
    Clue.PRAISE: 0.5,
    Clue.LINK: 0.4,
    Clue.CONTACT: 0.3,
    Clue.PROMOTION: 0.4,
    Clue.PAGE_TWICE: 0.3,
    Clue.STRANGE: 0.2,
    Clue.TALKS: -0.6,
}
# The same as plain integers: "&" of an enumeration takes microseconds, and a scan runs it millions of times.
_plain = list(map(int, Clue))
LATE, PADDED, NAME, LINK, PAGE, PRAISE, PROMOTION, STRANGE, SPUN, EXACT, PAGE_TWICE, TALKS = _plain[:12]
ELSEWHERE, IN_TIME, CONFIRMED, APPROVED, OF_ITS_STORY, MARKUP, CONTACT, TEMPLATE, RANDOM = _plain[12:]
RARE_CLUES = PADDED | NAME | MARKUP | RANDOM  # clues that good comments hardly ever have
STRONG_CLUES = RARE_CLUES | LINK | PROMOTION  # clues that good comments rarely have


@cache
def promotion_score(clues: int) -> float:
    """Return how strongly these clues suggest that a comment is promotional."""
    return round(sum(weight for clue, weight in WEIGHTS.items() if clue & clues), 3)


def text_clues(name: str, body: str, words: Sequence[str]) -> int:
    """Return the clues of a name and a text alone; `words` are the words of the text.

    PRAISE is preliminary: ComparedComments removes it if the text shares words with its subject.
    """
    clues = 0
    if is_padded(body):
        clues |= PADDED
    if is_search_phrase(name):
        clues |= NAME
    if typed_hosts(body):
        clues |= LINK
        if LINK_MARKUP.search(body):
            clues |= MARKUP
    if is_random(body):
        clues |= RANDOM
    if not clues & PADDED and typed_contacts(body):
        clues |= CONTACT
    if not SITE_MENTION_WORDS.isdisjoint(words) and (times := len(SITE_MENTIONS.findall(body))):
        clues |= PAGE | (PAGE_TWICE if times > 1 else 0)
    sales = sum(word in GROUP_SALES_WORDS for word in words)
    if sales and len(words) <= WORDS_PER_PROMOTION * sales:
        clues |= PROMOTION
    if not GROUP_PRAISE_WORDS.isdisjoint(words):
        clues |= PRAISE
    return clues


def promotional_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of links, site talk, padding numbers and advertising words."""
    found = [*typed_links(text), *SITE_MENTIONS.finditer(text)]
    if is_padded(text):
        found += NUMBERS.finditer(text)
    found += (m for m in lowercase_matches(text) if m[0] in GROUP_SALES_WORDS)
    return [m.span() for m in found]


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
    is_known: bool  # the author is an account or a guest
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
    """The rows with the findings about each, at the same index of every list."""

    def __init__(self, rows: Sequence[Row], stories: Mapping[int, Story]) -> None:
        self.rows, self.stories = rows, stories
        self.words = [lowercase_words(row.body) for row in rows]
        # A bot may post as Jim a thousand times, so imported names count as one person across stories.
        self.people = [row.writer if row.is_known else row.name.casefold() for row in rows]
        self.can_join = [row.state in {"pending", "published"} and not row.is_kept for row in rows]
        self.by_discussion: dict[int, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            self.by_discussion[row.discussion].append(place)
        self._subjects: dict[int, set[str]] = {}
        self.is_late = [False] * len(rows)
        self.answered = {row.parent for row in rows}
        for discussion, places in self.by_discussion.items():
            self._find_late(discussion, places)
        self.clues = [
            text_clues(row.name, row.body, words) | (LATE if late else 0)
            for row, words, late in zip(rows, self.words, self.is_late, strict=True)
        ]
        self._compare_with_subjects()

    def promotional(self, places: Iterable[int], least: float = PROMOTIONAL_SCORE) -> list[int]:
        """Return the rows with at least this promotional score."""
        return [place for place in places if promotion_score(self.clues[place]) >= least]

    def suspects(self, places: Iterable[int]) -> list[int]:
        """Return the rows that look half promotional, or are marked as spam."""
        half = PROMOTIONAL_SCORE / 2
        return [p for p in places if self.rows[p].state == "spam" or promotion_score(self.clues[p]) >= half]

    def are_suspicious(self, places: Sequence[int]) -> bool:
        """Return whether half of these look promotional, or several are marked as spam and none was kept."""
        known = sum(self.rows[p].state == "spam" for p in places)
        if known >= MIN_KNOWN_SPAM and 4 * known >= len(places) and not self.was_any_kept(places):
            return True
        return 2 * len(self.suspects(places)) >= len(places)

    def was_any_kept(self, places: Iterable[int]) -> bool:
        """Return whether a person reviewed one of these and kept it."""
        return any(self.rows[p].is_kept for p in places)

    def count_people(self, places: Iterable[int]) -> int:
        """Return the number of different authors."""
        return len({self.people[p] for p in places})

    def subject(self, discussion: int) -> set[str]:
        """Return the topic stems of the story of a discussion."""
        if discussion not in self._subjects:
            self._subjects[discussion] = group_stems(lowercase_words(self.stories[discussion].text))
        return self._subjects[discussion]

    def _find_late(self, discussion: int, places: Sequence[int]) -> None:
        """Mark late comments: long after the article, and after a quiet period or more than a year."""
        published_at = self.stories[discussion].published_at
        if published_at is None:
            return
        last, has_ended = published_at, False
        for place in places:
            at = self.rows[place].at
            has_ended = has_ended or at - last > QUIET_PERIOD
            last = max(last, at)
            age = at - published_at
            self.is_late[place] = age > LATE_AFTER and (has_ended or age > CLOSED_AFTER)

    def _compare_with_subjects(self) -> None:
        """Compare comments that have a clue with the words of their article and discussion.

        Sets STRANGE for comments that share hardly a word, and removes PRAISE from the others.
        """
        for discussion, places in self.by_discussion.items():
            people = [p for p in places if not self.clues[p] & NAME]  # "free flights" calls nobody by name
            first_names = ((self.rows[p].name.lower().split() or [""])[0] for p in people)
            names = {
                name: self.rows[p].writer
                for p, name in zip(people, first_names, strict=True)
                if len(name) > 2 and name not in GROUP_STOP_WORDS and name not in GROUP_PRAISE_WORDS
            }
            suspected = [p for p in places if self.clues[p] & ~LATE and self.words[p]]
            if not suspected:
                continue
            subject = self.subject(discussion)
            discussed = Counter[str]()
            compared = {*suspected, *(p for p in places if not self.is_late[p])}
            stems = {p: group_stems(self.words[p]) for p in compared}
            for place in places:
                if not self.is_late[place]:
                    discussed.update(stems[place])
            for place in suspected:
                row = self.rows[place]
                called = [names.get(w) for w in self.words[place][:4]]
                if row.parent or row.id in self.answered or any(w and w != row.writer for w in called):
                    self.clues[place] |= TALKS
                own = 0 if self.is_late[place] else 1
                known = sum(w in subject or discussed[w] > own for w in stems[place])
                if (known < 2 and known <= 0.34 * len(stems[place])) or known <= 0.2 * len(stems[place]):
                    self.clues[place] |= STRANGE
                else:
                    self.clues[place] &= ~PRAISE
