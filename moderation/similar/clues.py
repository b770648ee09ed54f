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

    LATE = 1
    PADDED = 2  # numbers around the text
    NAME = 4  # the name is a search phrase
    LINK = 8
    PAGE = 16  # talks about the site instead of the subject
    PRAISE = 32  # generic praise that shares no word with article or discussion
    PROMOTION = 64  # advertising words
    STRANGE = 128  # shares hardly a word with article and discussion
    SPUN = 256  # made of phrases that other comments use; groups store the names of clues
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
    """Return the strength with which these clues suggest that a comment is promotional."""
    return round(sum(weight for clue, weight in WEIGHTS.items() if clue & clues), 3)


def text_clues(
    name: str, body: str, words: Sequence[str], hosts: Collection[str], contacts: Collection[str]
) -> int:
    """Return the clues of a name and a text alone; words, hosts and contacts are those of the text.

    PRAISE is preliminary: ComparedComments removes it if the text shares words with its subject.
    """
    clues = 0
    if is_padded(body):
        clues |= PADDED
    if is_search_phrase(name):
        clues |= NAME
    if hosts:
        clues |= LINK
        if LINK_MARKUP.search(body):
            clues |= MARKUP
    if is_random(body):
        clues |= RANDOM
    if contacts and not clues & PADDED:
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
