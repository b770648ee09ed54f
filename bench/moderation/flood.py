"""A made-up flood of spam among real comments, and a script that removes it by groups of similar comments.

The spam is spun from the templates in $SOUNDOFF_DATA/spam at run time; no sentence of theirs is in this file.
The real comments come from news/ and from the comments that spam/ labels as not spam. Every run is the same.
"""

import csv
import json
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench import fixture

SEED = 20210119
SYNONYMS = (
    "great good nice wonderful fantastic excellent superb terrific",
    "article post write-up piece paragraph",
    "website site blog weblog webpage",
    "really truly actually genuinely",
    "like love enjoy appreciate",
    "information info content details",
    "thanks thank-you cheers",
    "people folks visitors readers",
    "find discover locate",
    "amazing awesome brilliant remarkable",
    "keep continue",
    "helpful useful valuable",
    "things stuff matters",
    "want wish desire",
    "internet web net",
)
PRODUCTS = (
    "mattress pergola scooter tiling visa kayak ukulele denture awning chandelier poker casino vape sofa"
)
ADJECTIVES = "cheap best discount buy online wholesale luxury rent free instant"
FIRST = "Ada Bela Cato Dora Edda Fritz Gwen Hugo Ines Jarl Kira Lars Mona Nils Olga Piet Rhea Sven Tove Ulla"
LAST = (
    "Abbot Birk Crane Dahl Elm Finch Grove Holt Ivory Jute Karp Lund Moss North Orr Pike Reed Stone Tarn Vane"
)

ENDS = (
    "berg bury by dale field ford gate ham holm hurst land ley man mere mont rick son stad thorpe wood worth"
)


class FloodComment(NamedTuple):
    """A comment of the flood or of a real person."""

    name: str
    body: str
    at: datetime
    is_spun: bool
    waits: bool


@dataclass
class Story:
    """A story with its comments."""

    title: str
    published_at: datetime
    body: str = ""
    comments: list[FloodComment] = field(default_factory=list)


class Robot:
    """A spam robot that varies templates at random."""

    def __init__(self, templates: Sequence[str], random: Random) -> None:
        self.templates, self.random = templates, random
        self.like = {word: group.split() for group in SYNONYMS for word in group.split()}
        self.phrases = [f"{wish} {thing}" for wish in ADJECTIVES.split() for thing in PRODUCTS.split()]
        self.domains = [
            f"{p.replace(' ', '-')}{n}.example.com" for n, p in enumerate(random.sample(self.phrases, 60))
        ]

    def name(self) -> str:
        kind = self.random.random()
        if kind < 0.5:
            parts = (self.random.choice(some.split()) for some in (LAST, ENDS))
            return f"{self.random.choice(FIRST.split())} {''.join(parts)}"
        return self.random.choice(self.phrases if kind < 0.85 else self.domains)

    def body(self) -> str:
        sentences = re.split(r"(?<=[.!?])\s+", self.random.choice(self.templates))
        kept = [s for s in sentences if len(sentences) < 3 or self.random.random() > 0.15]
        text = " ".join(self._spin(word) for word in " ".join(kept or sentences).split())
        if self.random.random() < 0.25:
            text += f" https://{self.random.choice(self.domains)}/{self.random.randrange(1000)}"
        if self.random.random() < 0.3:
            text = f"{self._number()} {self._number()}{text} {self._number()}"
        return text

    def _spin(self, word: str) -> str:
        bare = word.strip(".,!?;:").lower()
        if bare in self.like and self.random.random() < 0.6:
            return word.lower().replace(bare, self.random.choice(self.like[bare]))
        if len(word) > 3 and self.random.random() < 0.05:  # a typing mistake
            place = self.random.randrange(1, len(word) - 1)
            return word[:place] + word[place] + word[place:]
        return word

    def _number(self) -> int:
        return self.random.randrange(100_000, 999_999)


def stories(data: Path, *, spun: int, real: int) -> list[Story]:
    """Return `spun` spam comments among `real` ones, under some 170 stories of five years."""
    random = Random(SEED)
    found = _real_stories(data, random)
    _keep(found, real, random)
    dump = (data / "spam" / "spambot_template_dump.txt").read_text()
    robot = Robot([" ".join(t.split()) for t in dump.split("|") if len(t.split()) > 4], random)
    for _ in range(spun):
        story = random.choice(found)
        at = story.published_at + timedelta(days=random.random() ** 2 * 2000, minutes=random.randrange(1440))
        story.comments.append(FloodComment(robot.name(), robot.body(), at, True, random.random() < 0.6))
    for story in found:
        story.comments.sort(key=lambda written: (written.at, written.body))
    return found


def _real_stories(data: Path, random: Random) -> list[Story]:
    by_title: dict[str, Story] = {}

    def story(title: str, at: datetime, body: str = "") -> Story:
        return by_title.setdefault(title, Story(title[:200], at, body or title))

    began = datetime(2016, 3, 1, 9, tzinfo=UTC)

    def add(about: Story, name: str, body: str, at: datetime) -> None:
        about.comments.append(FloodComment(name, body, at, False, random.random() < 0.1))

    for n, line in enumerate((data / "news" / "fox_news_comments.jsonl").open(encoding="utf-8")):
        row = json.loads(line)
        about = story(row["title"], began + timedelta(days=40 * len(by_title)), row["meta"])
        add(about, row["user"], row["text"], about.published_at + timedelta(minutes=2 * n % 4000))
    for row in csv.DictReader((data / "spam" / "wordpress_blog_comments_dev.csv").open(encoding="utf-8")):
        if row["label"] == "ham" and row["post_date"]:
            at, published = (
                datetime.fromisoformat(row[key]).replace(tzinfo=UTC) for key in ("date", "post_date")
            )
            add(story(f"{row['blog']}: {row['post_title']}", published), row["author"], row["text"], at)
    for path in sorted((data / "spam").glob("Youtube*.csv")):
        for row in csv.DictReader(path.open(encoding="utf-8")):
            if row["CLASS"] == "0":
                about = story(path.stem, datetime(2014, 8, 1, tzinfo=UTC))
                at = about.published_at + timedelta(minutes=random.randrange(60 * 24 * 25))
                add(about, row["AUTHOR"], row["CONTENT"], at)
    return list(by_title.values())


def _keep(found: list[Story], real: int, random: Random) -> None:
    """Keep only that many of the real comments, drawn from all stories."""
    places = [(story, written) for story in found for written in story.comments]
    chosen = defaultdict(list)
    for story, written in random.sample(places, min(real, len(places))):
        chosen[story.title].append(written)
    for story in found:
        story.comments = chosen[story.title]


# These need Django


def import_stories(found: Sequence[Story]) -> tuple[set[int], set[int]]:
    """Import the stories with the project's own functions. Return the ids of spun and of real comments."""
    from comments.models import Reason, State
    from comments.services.states import change_states

    spun: set[int] = set()
    real: set[int] = set()
    waiting: list[int] = []
    for story in found:
        comments = (
            fixture.Written(w.name[:200] or "–", w.body[:10_000] or "–", w.at) for w in story.comments
        )
        ids = fixture.import_story(story.title, comments, story.published_at, story.body).ids
        for pk, written in zip(ids, story.comments, strict=True):
            (spun if written.is_spun else real).add(pk)
            if written.waits:
                waiting.append(pk)
    change_states(ids=waiting, to=State.PENDING, reason=Reason.SCREENED, actor=None)
    return spun, real


@dataclass
class Cleared:
    """The result of removing the flood."""

    actions: list[Any]  # of moderation.models.Action, in order
    kinds: list[str]  # kinds of the groups, with the number of comments
    gone: set[int]
    seconds: list[float]  # of each action


def clear(actor: Any, *, most: int, least: int) -> Cleared:
    """Accept the proposed action of each group, the largest first, with nothing unticked.

    Takes at most `most` actions, and none on fewer than `least` comments. When no group is left, the site is
    scanned again, which changes no state.
    """
    from moderation.actions import decisions
    from moderation.similar import explanations, scan
    from moderation.similar import pages as shown
    from moderation.similar.decisions import decide_group

    cleared = Cleared([], [], set(), [])
    while len(cleared.actions) < most:
        scan.run_scan()
        before = len(cleared.actions)
        groups = [
            g for g in shown.open_groups(actor) if g.size >= least and explanations.proposed_reason(g.kind)
        ]
        for group in groups[: most - before]:
            reason = explanations.proposed_reason(group.kind)
            to = decisions.state_for(reason)
            assert to
            began = time.perf_counter()
            done = decide_group(group=group, to=to, reason=reason, actor=actor)
            if done.action:
                cleared.seconds.append(time.perf_counter() - began)
                cleared.actions.append(done.action)
                cleared.kinds.append(f"{group.kind} {len(done.changed):,}")
                cleared.gone |= set(done.changed)
        if len(cleared.actions) == before:
            break
    return cleared


def take_back(cleared: Cleared, actor: Any) -> None:
    """Undo every action, the last one first."""
    from moderation.actions import decisions

    for action in reversed(cleared.actions):
        decisions.undo(action=action, actor=actor)


def numbers() -> list[tuple[Any, ...]]:
    """Return all counters of comments, and the comments' states."""
    from comments.models import Comment, Discussion, DiscussionDay

    return [
        *Comment.objects.order_by("pk").values_list(
            "pk", "state", "state_reason", "reply_count", "is_in_public_thread"
        ),
        *Discussion.objects.order_by("pk").values_list("pk", "visible_count", "removal_counts"),
        *DiscussionDay.objects.exclude(visible_count=0)
        .order_by("discussion", "day")
        .values_list("discussion", "day", "visible_count"),
    ]


def pages() -> dict[str, bytes]:
    """Return each story's page for a logged-out reader, without the version numbers, which only grow."""
    from django.conf import settings
    from django.test import Client

    from articles.models import Article

    client = Client(headers={"host": urlsplit(settings.SITE_URL).netloc})
    found = {}
    for article in Article.objects.published():
        answer = client.get(article.get_absolute_url())
        assert answer.status_code == 200, answer
        found[article.slug] = answer.content
    return {slug: re.sub(rb'data-(version|seq)="\d+"', b"", page) for slug, page in found.items()}
