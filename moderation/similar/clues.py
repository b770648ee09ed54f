"""Clues: properties of a comment, its story and its discussion that suggest spam or speak against it."""

from collections.abc import Collection, Sequence
from enum import IntFlag
from functools import cache

from moderation.features.links import typed_links
from moderation.features.names import is_search_phrase
from moderation.features.phrases import LINK_MARKUP, NUMBERS, SITE_MENTIONS, is_padded, is_random
from moderation.features.word_lists import (
    GROUP_PRAISE_WORDS,
    GROUP_SALES_WORDS,
    SITE_MENTION_WORDS,
)
from moderation.features.words import lowercase_matches

WORDS_PER_PROMOTION = 60  # with more words for each advertising word, a text only mentions it


class Clue(IntFlag):
    """The reasons why a comment belongs to its group, or differs from the other members."""

    LATE = 1  # posted long after the story
    PADDED = 2  # numbers around the text
    SEARCH_PHRASE_NAME = 4
    LINK = 8
    SITE_TALK = 16  # the text talks about the site instead of the subject
    PRAISE = 32  # generic praise without a word of the story or the discussion
    PROMOTION = 64  # advertising words
    UNRELATED = 128  # has hardly a word in common with the story and the discussion
    SHARED_PHRASES = 256  # made of phrases that other comments use
    EXACT = 512  # the same text as the original
    SITE_TALK_TWICE = 1024  # talks about the site more than once
    IN_CONVERSATION = 2048  # replies to somebody, has a reply, or names a participant
    # Properties that only a few members of a group have:
    ELSEWHERE = 4096  # on another story than the others
    NOT_LATE = 8192  # not late, unlike the others
    CONFIRMED = 16384  # the author's e-mail is confirmed
    APPROVED = 32768  # another comment by the author was approved
    OF_ITS_STORY = 65536  # uses words of its story
    # More that suggest spam, after the others because the values are stored:
    MARKUP = 131072  # links written as HTML or BBCode
    CONTACT = 262144  # a phone number or an e-mail address
    TEMPLATE = 524288  # made from the template of other comments, with other words
    RANDOM = 1048576  # random characters instead of words

    @property
    def stored_name(self) -> str:
        """Return the name of the clue in CommentGroup.details, which never changes."""
        return _STORED_NAMES.get(self, str(self.name))


# Groups that are stored, and servers of the previous version, have these names for these clues.
_STORED_NAMES = {
    Clue.SEARCH_PHRASE_NAME: "NAME",
    Clue.SITE_TALK: "PAGE",
    Clue.SITE_TALK_TWICE: "PAGE_TWICE",
    Clue.UNRELATED: "STRANGE",
    Clue.SHARED_PHRASES: "SPUN",
    Clue.IN_CONVERSATION: "TALKS",
    Clue.NOT_LATE: "IN_TIME",
}


WEIGHTS = {
    Clue.PADDED: 1.0,
    Clue.MARKUP: 0.6,
    Clue.RANDOM: 0.6,
    Clue.SEARCH_PHRASE_NAME: 0.5,
    Clue.SITE_TALK: 0.5,
    Clue.PRAISE: 0.5,
    Clue.LINK: 0.4,
    Clue.CONTACT: 0.3,
    Clue.PROMOTION: 0.4,
    Clue.SITE_TALK_TWICE: 0.3,
    Clue.UNRELATED: 0.2,
    Clue.IN_CONVERSATION: -0.6,
}
# The same as plain integers: "&" of an enumeration takes microseconds, and a scan runs it millions of times.
_plain = list(map(int, Clue))
(
    LATE,
    PADDED,
    SEARCH_PHRASE_NAME,
    LINK,
    SITE_TALK,
    PRAISE,
    PROMOTION,
    UNRELATED,
    SHARED_PHRASES,
    EXACT,
    SITE_TALK_TWICE,
    IN_CONVERSATION,
) = _plain[:12]
ELSEWHERE, NOT_LATE, CONFIRMED, APPROVED, OF_ITS_STORY, MARKUP, CONTACT, TEMPLATE, RANDOM = _plain[12:]
RARE_CLUES = PADDED | SEARCH_PHRASE_NAME | MARKUP | RANDOM  # clues that good comments hardly ever have
STRONG_CLUES = RARE_CLUES | LINK | PROMOTION  # clues that good comments rarely have


@cache
def promotion_score(clues: int) -> float:
    """Return the strength with which these clues suggest that a comment is promotional."""
    return round(sum(weight for clue, weight in WEIGHTS.items() if clue & clues), 3)


def text_clues(
    name: str, body: str, words: Sequence[str], hosts: Collection[str], contacts: Collection[str]
) -> int:
    """Return the clues of a name and a text alone; words, hosts and contacts are those of the text.

    PRAISE is preliminary: ComparedComments removes it if the text shares words with its article
    or discussion.
    """
    clues = 0
    if is_padded(body):
        clues |= PADDED
    if is_search_phrase(name):
        clues |= SEARCH_PHRASE_NAME
    if hosts:
        clues |= LINK
        if LINK_MARKUP.search(body):
            clues |= MARKUP
    if is_random(body):
        clues |= RANDOM
    if contacts and not clues & PADDED:
        clues |= CONTACT
    if not SITE_MENTION_WORDS.isdisjoint(words) and (times := len(SITE_MENTIONS.findall(body))):
        clues |= SITE_TALK | (SITE_TALK_TWICE if times > 1 else 0)
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
