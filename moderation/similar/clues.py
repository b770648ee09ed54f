"""What can be said of each comment by itself, and beside its story and what was said there. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntFlag
from functools import cache
from typing import NamedTuple

from moderation.similar import text_features

LATE_AFTER = timedelta(days=30)  # its article
QUIET_PERIOD = timedelta(days=60)  # without a word: the discussion had ended
CLOSED_AFTER = timedelta(days=365)  # after its article: it would have been closed
WORDS_PER_PROMOTION = 60  # words around each word of advertising, from which on it is only mentioned


class Clue(IntFlag):
    """Why a comment is a member of its group, as far as it can be said of it alone, or is apart in it."""

    LATE = 1
    PADDED = 2  # numbers around the text
    NAME = 4  # a search phrase
    LINK = 8
    PAGE = 16  # speaks of the page instead of its subject
    PRAISE = 32  # and shares no word with article or discussion
    PROMOTION = 64  # words of advertising
    STRANGE = 128  # shares hardly a word with article and discussion
    SPUN = 256  # its wording is that of others
    EXACT = 512  # the very text of the original
    PAGE_TWICE = 1024  # … more than once
    TALKS = 2048  # answers somebody, is answered, or names one who spoke there
    # Of what few members of a group have:
    ELSEWHERE = 4096  # under another story than the others
    IN_TIME = 8192  # not late, as the others are
    CONFIRMED = 16384  # the e-mail of who wrote it
    APPROVED = 32768  # something else by the same person
    OF_ITS_STORY = 65536  # has words of it


WEIGHTS = {
    Clue.PADDED: 1.0,
    Clue.NAME: 0.5,
    Clue.PAGE: 0.5,
    Clue.PRAISE: 0.5,
    Clue.LINK: 0.4,
    Clue.PROMOTION: 0.4,
    Clue.PAGE_TWICE: 0.3,
    Clue.STRANGE: 0.2,
    Clue.TALKS: -0.6,
}
# The same as plain numbers: an enumeration's "&" takes microseconds, and there are millions.
_plain = list(map(int, Clue))
LATE, PADDED, NAME, LINK, PAGE, PRAISE, PROMOTION, STRANGE, SPUN, EXACT, PAGE_TWICE, TALKS = _plain[:12]
ELSEWHERE, IN_TIME, CONFIRMED, APPROVED, OF_ITS_STORY = _plain[12:]
STRONG_CLUES = PADDED | NAME | LINK | PROMOTION  # what nobody does out of kindness


@cache
def promotion_score(clues: int) -> float:
    """How much speaks for it that such a comment sells something."""
    return round(sum(weight for clue, weight in WEIGHTS.items() if clue & clues), 3)


def text_clues(name: str, body: str, said: Sequence[str]) -> int:
    """The clues of a name and a text alone; `said` are its words. PRAISE: as long as nobody has compared it
    with what it is about."""
    clues = 0
    if text_features.is_padded(body):
        clues |= PADDED
    if text_features.is_search_phrase(name):
        clues |= NAME
    if text_features.domains(body):
        clues |= LINK
    if times := text_features.count_site_talk(body, said):
        clues |= PAGE | (PAGE_TWICE if times > 1 else 0)
    if len(said) <= WORDS_PER_PROMOTION * sum(word in text_features.PROMOTION for word in said):
        clues |= PROMOTION
    if not text_features.PRAISE.isdisjoint(said):
        clues |= PRAISE
    return clues


class Story(NamedTuple):
    published_at: datetime | None
    text: str  # title and body


class Row(NamedTuple):
    id: int
    discussion: int
    parent: int | None
    name: str
    writer: str  # who it is, as far as is known: equal for one account, guest, or name of a source
    is_known: bool  # an account or a guest
    is_confirmed: bool  # … with an e-mail that is proved
    body: str
    revision: int  # of the body
    text_missing: str
    at: datetime
    state: str
    is_kept: bool  # somebody looked at it and let it stand
    ip_hash: bytes | None
    seen: int | None  # the last line of the log about it


class ComparedComments:
    """The rows with what was found out about each, at the same place of every list."""

    def __init__(self, rows: Sequence[Row], stories: Mapping[int, Story]) -> None:
        self.rows, self.stories = rows, stories
        self.words = [text_features.words(row.body) for row in rows]
        # A robot may call itself Jim a thousand times; a Jim of a source is the same under every story.
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
            text_clues(row.name, row.body, said) | (LATE if late else 0)
            for row, said, late in zip(rows, self.words, self.is_late, strict=True)
        ]
        self._compare_with_subjects()

    def subject(self, discussion: int) -> set[str]:
        """What its story is about, as texts.topical has it."""
        if discussion not in self._subjects:
            self._subjects[discussion] = text_features.topic_stems(
                text_features.words(self.stories[discussion].text)
            )
        return self._subjects[discussion]

    def _find_late(self, discussion: int, places: Sequence[int]) -> None:
        """Long after the article, and either nobody had spoken for long before, or it is a year."""
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
        """Of those that have any clue: whether they share a word with the article or with what was said while
        the discussion lasted. Praise that does is no clue."""
        for discussion, places in self.by_discussion.items():
            first_names = ((self.rows[p].name.lower().split() or [""])[0] for p in places)
            names = {
                name: self.rows[p].writer
                for p, name in zip(places, first_names, strict=True)
                if len(name) > 2 and name not in text_features.STOP_WORDS and name not in text_features.PRAISE
            }
            asked = [p for p in places if self.clues[p] & ~LATE and self.words[p]]
            if not asked:
                continue
            subject = self.subject(discussion)
            spoken = Counter[str]()
            compared = {*asked, *(p for p in places if not self.is_late[p])}
            stems = {p: text_features.topic_stems(self.words[p]) for p in compared}
            for place in places:
                if not self.is_late[place]:
                    spoken.update(stems[place])
            for place in asked:
                row = self.rows[place]
                called = [names.get(w) for w in self.words[place][:4]]
                if row.parent or row.id in self.answered or any(w and w != row.writer for w in called):
                    self.clues[place] |= TALKS
                own = 0 if self.is_late[place] else 1
                known = sum(w in subject or spoken[w] > own for w in stems[place])
                if (known < 2 and known <= 0.34 * len(stems[place])) or known <= 0.2 * len(stems[place]):
                    self.clues[place] |= STRANGE
                else:
                    self.clues[place] &= ~PRAISE
