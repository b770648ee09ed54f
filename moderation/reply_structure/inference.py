"""Infer the comment that a reply answers, where the saved thread does not say it. Pure functions.

Many sites nest replies only down to some level. A deeper reply is then shown under an ancestor of the comment
that it answers, beside that comment. So only comments at the deepest level of a discussion are examined, and
only comments that were written before them in the same branch come into question: those with the same
parent, and the parent itself. In a flat discussion these are all earlier comments.

The rules are in one ordered list, RULES. The first rule that finds the answered comment decides, also if that
is the parent that the thread gives: then nothing is inferred. A comment for which no rule finds one stays
where it is.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.memory.text_cache import text_cache
from moderation.features.folding import fold_case_and_accents
from moderation.reply_structure.mentions import SHARED_NAMES, Manner, NamedPeople, normalize_name

MAX_COMPARED = 500  # latest comments of a branch that are searched for a quotation
CACHED_CHARACTERS = 2_000_000  # of the latest texts
MIN_QUOTED = 20  # folded characters of a quotation; shorter ones are found by chance
CONTINUATION_LIMIT = timedelta(hours=1)  # between two comments of one person that belong together


@dataclass(frozen=True, slots=True)
class ThreadComment:
    """A comment with the place that the saved thread gives it."""

    number: int
    author: str
    text: str
    at: datetime
    parent: int | None
    level: int  # 1 is top-level

    @property
    def writer(self) -> str:
        """Return the author's name as it is compared."""
        return normalize_name(self.author)

    def is_by(self, writer: str) -> bool:
        """Return whether this person wrote it. False without a name, and for a name that many share."""
        return self.writer == writer and writer not in SHARED_NAMES


@dataclass(frozen=True, slots=True)
class ProposedParent:
    """A comment and the parent that it probably has, other than the one that the thread gives."""

    comment: int
    parent: int
    confidence: float  # from 0 to 1
    reason: str  # code of a rule


class Branch:
    """The comments of one branch that come before the one that is examined, oldest first.

    It is indexed by name and by word for the rules, so that long flat discussions take linear time.
    """

    def __init__(self, parent: ThreadComment | None, story_authors: frozenset[str], story: str) -> None:
        self.parent = parent  # None in a flat discussion
        self.story_authors = story_authors  # their names, normalized
        self.story = story  # as _searchable returns it
        self.comments: list[ThreadComment] = []
        self.answers: dict[int, ThreadComment] = {}  # by comment: the one that it answers
        self.continued: set[int] = set()  # comments that continue the one before them
        self.by_writer: dict[str, list[int]] = defaultdict(list)  # places in `comments`
        self._people = NamedPeople()
        self._addressed: tuple[int, tuple[str, Manner] | None] | None = None
        if parent:
            self._people.add(parent.writer)

    def add(self, comment: ThreadComment) -> None:
        """Add the comment that was examined."""
        self.by_writer[comment.writer].append(len(self.comments))
        self.comments.append(comment)
        if self.parent or comment.writer not in self.story_authors:
            self._people.add(comment.writer)

    def candidates(self) -> list[ThreadComment]:
        """Return the comments that may be quoted, oldest first."""
        parent = [self.parent] if self.parent else []
        return parent + self.comments[-MAX_COMPARED:]

    def find_addressed(self, comment: ThreadComment) -> tuple[str, Manner] | None:
        """Return the person that a comment addresses by name, and the manner. Cached for several rules."""
        if self._addressed is None or self._addressed[0] != comment.number:
            found = self._people.find_addressed(comment.text, without=comment.writer)
            self._addressed = comment.number, found
        return self._addressed[1]

    def answers_to(self, comment: ThreadComment, writer: str) -> bool:
        """Return whether a comment of this branch answers that person."""
        answered = self.answers.get(comment.number)
        return answered is not None and answered.is_by(writer)


@dataclass(frozen=True, slots=True)
class InferenceRule:
    """A reason to believe that a comment answers another one."""

    code: str
    confidence: float  # about the share of right proposals, see docs/measured.md
    sentence: str | Promise  # to the editor, with %(name)s
    find: Callable[[ThreadComment, Branch], ThreadComment | None]


def infer_parents(
    comments: Sequence[ThreadComment], *, story_authors: Iterable[str] = (), story: str = ""
) -> list[ProposedParent]:
    """Return the comments whose parent is probably another one, in the order of `comments`.

    `story_authors` are the names of the story's authors, and `story` is the story's text: a comment that
    greets the authors in a flat discussion, or quotes the story, answers no other comment.
    """
    deepest = max((comment.level for comment in comments), default=0)
    by_number = {comment.number: comment for comment in comments}
    author_names, story_words = frozenset(map(normalize_name, story_authors)), _searchable(story)
    branches: dict[int | None, Branch] = {}
    found = {}
    # By time; a stable sort, because many pages show only the minute.
    for comment in sorted(comments, key=lambda comment: comment.at):
        if comment.level != deepest:
            continue
        parent = None if comment.parent is None else by_number[comment.parent]
        branch = branches.setdefault(comment.parent, Branch(parent, author_names, story_words))
        rule, answered = _first_match(comment, branch)
        if rule and answered and answered != parent:
            found[comment.number] = ProposedParent(
                comment.number, answered.number, rule.confidence, rule.code
            )
            if rule.find is _continued_comment:
                branch.continued.add(comment.number)
        if answered := answered or parent:
            branch.answers[comment.number] = answered
        branch.add(comment)
    return [found[comment.number] for comment in comments if comment.number in found]


def _first_match(comment: ThreadComment, branch: Branch) -> tuple[InferenceRule | None, ThreadComment | None]:
    for rule in RULES:
        if answered := rule.find(comment, branch):
            return rule, answered
    return None, None


# Names


def _named_comment(manner: Manner) -> Callable[[ThreadComment, Branch], ThreadComment | None]:
    """Return a rule's function for texts that address a person in this manner."""

    def find(comment: ThreadComment, branch: Branch) -> ThreadComment | None:
        addressed = branch.find_addressed(comment)
        if addressed is None or addressed[1] != manner:
            return None
        return _comment_meant(addressed[0], comment, branch)

    return find


def _comment_meant(writer: str, comment: ThreadComment, branch: Branch) -> ThreadComment | None:
    """Return which comment of a person is meant by the name.

    It is one that answers the writer's last comment; or else the parent that the thread gives, if the person
    wrote it; or else the person's last one.
    """
    own, written = branch.by_writer[comment.writer], branch.by_writer[writer]
    if own:
        for place in reversed(written):
            if place < own[-1]:
                break
            if branch.answers.get(branch.comments[place].number) == branch.comments[own[-1]]:
                return branch.comments[place]
    if branch.parent and branch.parent.writer == writer:
        return branch.parent
    return branch.comments[written[-1]]


# Quotations

# "> a line", and passages in quotation marks of several languages.
_QUOTED_LINES = re.compile(r"(?:^|\n)[ \t]*>[ \t]?(.+(?:\n[ \t]*>.*)*)")
_QUOTED_PASSAGE = re.compile(r"[\"“”„«»]\s*([^\"“”„«»]{20,1000}?)\s*[\"“”„«»]")
_BREAKS = re.compile(r"\[?(?:\.\.\.|…)\]?|\n\s*\n")  # the parts of a shortened quotation are searched alone


def _quoted_comment(comment: ThreadComment, branch: Branch) -> ThreadComment | None:
    """Return the last comment that contains a line quoted in this one, preferably one that does not quote it.

    A quoted line of the story is no evidence.
    """
    for quoted in _quotations(comment.text):
        if quoted in branch.story:
            continue
        others = (candidate for candidate in branch.candidates() if candidate.writer != comment.writer)
        holders = [candidate for candidate in others if quoted in _searchable(candidate.text)]
        own = [candidate for candidate in holders if not _quotes(candidate, quoted)]
        if holders:
            return (own or holders)[-1]
    return None


def _quotes(comment: ThreadComment, quoted: str) -> bool:
    return any(quoted in other or other in quoted for other in _quotations(comment.text))


@text_cache(CACHED_CHARACTERS)
def _quotations(text: str) -> tuple[str, ...]:
    """Return the quoted passages of a text as _searchable returns texts."""
    found = [match[1].replace("\n>", "\n") for match in _QUOTED_LINES.finditer(text)]
    found += [match[1] for match in _QUOTED_PASSAGE.finditer(text)]
    parts = (_searchable(part) for passage in found for part in _BREAKS.split(passage))
    return tuple(part for part in parts if len(part) >= MIN_QUOTED)


@text_cache(CACHED_CHARACTERS)
def _searchable(text: str) -> str:
    """Return the words of a text, folded and without signs: people retype what they quote."""
    return " ".join(re.findall(r"\w+", fold_case_and_accents(text)))


# The course of the conversation

_CONTINUES = re.compile(
    r"\W*(?:also|ps|p\.s|and|oh|one more|another|btw|correction|edit|typo)\b", re.IGNORECASE
)


def _continued_comment(comment: ThreadComment, branch: Branch) -> ThreadComment | None:
    """Return the comment that the previous comment answers, if this one continues it.

    The previous comment is by the same person and at most CONTINUATION_LIMIT older.
    """
    previous = branch.comments[-1] if branch.comments else None
    if (
        previous is None
        or not previous.is_by(comment.writer)
        or comment.at - previous.at > CONTINUATION_LIMIT
    ):
        return None
    return branch.answers.get(previous.number) if _CONTINUES.match(comment.text) else None


def _answer_to_writer(comment: ThreadComment, branch: Branch) -> ThreadComment | None:
    """Return the only comment since the writer's last one, if it answers that.

    In a flat discussion this is no evidence: the next comment may answer any other.
    """
    if branch.parent is None or comment.writer in SHARED_NAMES:
        return None
    own = branch.by_writer[comment.writer]
    if not own and not branch.parent.is_by(comment.writer):
        return None
    since = branch.comments[own[-1] + 1 if own else 0 :]
    # An answer in several comments counts once.
    answers = [answer for answer in since if answer.number not in branch.continued]
    if len(answers) != 1 or not branch.answers_to(answers[0], comment.writer):
        return None
    return since[-1]


RULES: tuple[InferenceRule, ...] = (
    InferenceRule("at_name", 0.98, _("Begins with @%(name)s."), _named_comment(Manner.AT_SIGN)),
    InferenceRule("quote", 0.97, _("Quotes a line by %(name)s."), _quoted_comment),
    InferenceRule("name", 0.95, _("Begins with the name %(name)s."), _named_comment(Manner.FIRST)),
    InferenceRule("name_last", 0.9, _("Addresses %(name)s in the first words."), _named_comment(Manner.LAST)),
    InferenceRule(
        "name_you",
        0.85,
        _("Begins with the name %(name)s and says “you”."),
        _named_comment(Manner.FIRST_AND_YOU),
    ),
    InferenceRule("continues", 0.8, _("Continues a comment that answers %(name)s."), _continued_comment),
    InferenceRule(
        "exchange",
        0.8,
        _("The only comment since the writer’s last one is %(name)s’s answer."),
        _answer_to_writer,
    ),
)
RULES_BY_CODE = {rule.code: rule for rule in RULES}
