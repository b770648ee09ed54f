"""Fill the site that the benches measure: threads, stories, people. The same content at every run.

A third of a thread's comments are top-level. The others reply to an existing comment: half of them to a
recent one, half to one chosen in proportion to its replies. They are at most 24 levels deep. Bodies have 60
to 600 characters, most of them few. Words are made up, but have the lengths, frequencies and letters of
English: otherwise a comparison by trigrams would have ten times as much to compare, or nothing.

Django is imported inside the functions, because its settings need the site's folder first.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from bench.servers import connect

if TYPE_CHECKING:
    from accounts.models import User
    from articles.models import Article
    from bench.load import Target

SEED, ROOTS, DEPTH = 20130619, 0.35, 24
COMMON = (
    "the of and to in a is that it was for on with as be at by this not are but from or have an they which "
    "you were all her she there would their we him been has when who will no more if out so up said what"
).split()
STARTS = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr qu r s sh sk sl sm sn sp st str sw t th tr "
    "tw v w y z"
).split()
VOWELS = "a a a e e e e i i i o o o u u ai ea ee ie io oa oo ou ay y".split()
ENDS = "b ck d d f g l ll ld m mp n n n nd ng nk nt p r r rd rk rm rn rt s s ss st t t tch th v x".split()
FIRST = ("Red", "Blue", "Old", "New", "Quiet", "Loud", "Fair", "Tough", "Late", "Early")
LAST = ("fox", "owl", "reader", "voter", "clerk", "pilot", "nurse", "gull", "tree", "river")


# Threads, which need no site


class ThreadComment(NamedTuple):
    """A comment of a made-up thread."""

    parent: int | None  # index in the same list
    depth: int
    name: str
    at: float  # 0 to 1, the fraction of the thread's duration
    body: str


class Words:
    """A generator of texts from one random sequence."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.words = _vocabulary()
        self.weights = list(accumulate(1 / (place + 3) for place in range(len(self.words))))

    def sentence(self, count: int) -> str:
        """Return so many words, of which the first one has a capital."""
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=count)).capitalize()

    def body(self) -> str:
        """Return a text of the length of a comment."""
        wanted = min(600, max(60, int(self.random.lognormvariate(5.2, 0.6))))
        sentences, length = [], 0
        while length < wanted:
            sentences.append(self.sentence(self.random.randint(5, 16)) + self.random.choice("...!?"))
            length += len(sentences[-1]) + 1
        return " ".join(sentences)[:600].rstrip()


@cache
def _vocabulary() -> list[str]:
    """Return the words, the same in every thread, from frequent to rare."""
    made, words = Random(SEED), list(COMMON)
    while len(words) < 8_000:
        words.append("".join(_syllable(made) for _ in range(made.choice((1, 2, 2, 2, 3, 3)))))
    return words


def rare_word() -> str:
    """Return the word that is least frequent in the texts."""
    return _vocabulary()[-1]


def _syllable(random: Random) -> str:
    end = random.choice(ENDS) if random.random() < 0.5 else ""
    return random.choice(STARTS) + random.choice(VOWELS) + end


def article() -> str:
    """Return the body of a made-up story."""
    words = Words(SEED)
    return "\n\n".join(f"{words.body()} {words.body()}" for _ in range(12))


def thread(count: int, seed: int = 0) -> list[ThreadComment]:
    """Return a made-up thread of this many comments, another one for each seed."""
    random, words = Random(SEED + count + seed), Words(SEED + count + seed)
    comments: list[ThreadComment] = []
    answered: list[int] = []  # each comment once, and once more for each reply
    for place in range(count):
        parent = None if not comments or random.random() < ROOTS else _answered(random, comments, answered)
        answered.append(place)
        if parent is not None:
            answered.append(parent)
        name = random.choice(FIRST) + random.choice(LAST)
        depth = 0 if parent is None else comments[parent].depth + 1
        comments.append(ThreadComment(parent, depth, name, place / count, words.body()))
    return comments


def _answered(random: Random, comments: list[ThreadComment], answered: list[int]) -> int | None:
    for _ in range(20):
        if random.random() < 0.5:
            place = max(0, len(comments) - 1 - int(random.expovariate(1 / 12)))
        else:
            place = random.choice(answered)
        if comments[place].depth < DEPTH:
            return place
    return None


def one_tree(count: int) -> list[ThreadComment]:
    """Return a thread that is a single tree: all comments are below the first one."""
    return [
        row._replace(parent=0, depth=1) if place and row.parent is None else row
        for place, row in enumerate(thread(count))
    ]


def same_trees(small: list[ThreadComment], large: list[ThreadComment]) -> Iterator[list[int]]:
    """Yield lists of positions in `large`: whole trees, as many and about as large as those of `small`.

    Each tree is in one list only, so that a bench may let those of one list grow and then take the next list.
    The lists end when those that are left have more than a tenth more or fewer comments.
    """
    by_size: dict[int, list[list[int]]] = defaultdict(list)
    for tree in _trees(large):
        by_size[len(tree)].append(tree)
    sizes = sorted(map(len, _trees(small)), reverse=True)
    while sum(map(len, by_size.values())) >= len(sizes):
        chosen: list[int] = []
        for wanted in sizes:
            nearest = min((size for size in by_size if by_size[size]), key=lambda size: abs(size - wanted))
            chosen += by_size[nearest].pop()
        if abs(len(chosen) - len(small)) > len(small) / 10:
            return
        yield chosen


def _trees(comments: list[ThreadComment]) -> list[list[int]]:
    root: list[int] = []
    trees: dict[int, list[int]] = {}
    for place, row in enumerate(comments):
        root.append(place if row.parent is None else root[row.parent])
        trees.setdefault(root[place], []).append(place)
    return list(trees.values())


# Stories of the site


class Written(NamedTuple):
    """A comment to import."""

    name: str
    body: str
    at: datetime
    parent: int | None = None  # index in the same list


class ImportedStory(NamedTuple):
    """A story with its comments on the site."""

    article: int
    path: str
    ids: list[int]  # of the comments, in their order


def timed(comments: Iterable[ThreadComment], began: datetime, days: float) -> list[Written]:
    """Return the comments of a thread that was written in these days."""
    return [
        Written(row.name, row.body, began + timedelta(days=days * row.at), row.parent) for row in comments
    ]


def import_story(
    title: str, comments: Iterable[Written], published_at: datetime, body: str = ""
) -> ImportedStory:
    """Import a story with these comments."""
    from articles.models import Article, unique_slug
    from articles.services import save_article

    story = Article(title=title, slug=unique_slug(title), body=body, published_at=published_at)
    story.source_key = uuid4().hex
    made = import_comments(save_article(article=story), comments)
    return ImportedStory(story.pk, f"/stories/{story.slug}/", made)


def import_comments(story: "Article", comments: Iterable[Written]) -> list[int]:
    """Import these comments of a story. Return their ids."""
    from comments.services import imports

    some = [imports.ImportedComment(str(n), w.name, w.body, w.at, w.parent) for n, w in enumerate(comments)]
    return imports.import_comments(article=story, comments=some, actor=None, action_id=uuid4()).created


def add_thread(name: str, comments: Iterable[ThreadComment], days: int) -> ImportedStory:
    """Create a story published `days` days ago, with this thread, written over the first `days` - 1 days."""
    from articles.models import Article

    began = datetime.now(UTC) - timedelta(days=days)
    made = import_story(f"A thread of {name}", timed(comments, began, days - 1), began, article())
    # Without a source key it is no imported story, which would be out of feeds and closed.
    Article.objects.filter(pk=made.article).update(source_key="")
    return made


def add_story(title: str, hours: float = 0, **fields: str) -> "Article":
    """Create a story without comments, published so many hours ago."""
    from articles.models import Article, unique_slug
    from articles.services import save_article

    at = datetime.now(UTC) - timedelta(hours=hours)
    return save_article(article=Article(title=title, slug=unique_slug(title), published_at=at, **fields))


def add_stories(count: int) -> None:
    """Create stories without comments, one for each hour, each under one of five topics."""
    from articles.models import Topic

    topics = [Topic.objects.create(name=f"Topic {n}", slug=f"topic-{n}") for n in range(5)]
    for n in range(count):
        standfirst = "Two sentences that say what this is about. This is the second of them."
        story = add_story(f"A short story, number {n}", n + 1, standfirst=standfirst, body=article())
        story.topics.add(topics[n % 5])


def analyze() -> None:
    """Analyze the tables as autovacuum would within minutes: without statistics the planner guesses."""
    with connect("owner").cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


# People of the site


class Writer(NamedTuple):
    """A guest who posts comments."""

    name: str
    email: str
    cookie: str

    def reply(self, target: "Target", parent: int, body: str) -> bytes:
        """Return the request that posts the form of a reply in the story of this page."""
        token = secrets.token_hex(16)
        site = urlsplit(target.url)
        fields = {
            "csrfmiddlewaretoken": token,
            "name": self.name,
            "email": self.email,
            "body": body,
            "nonce": str(uuid4()),
        }
        cookie = f"guest={self.cookie}; csrftoken={token}"
        origin = f"http://{site.netloc}"
        return target.request(f"{site.path}reply/{parent}/", fields, Cookie=cookie, Origin=origin)


def add_writers(count: int) -> list[Writer]:
    """Create guests with a confirmed e-mail and an approved comment. Their comments are published at once."""
    from django.core import signing

    from accounts import guests
    from accounts.models import Guest
    from comments.models import Reason, State
    from comments.policy import Submission
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment
    from moderation.actions.decisions import decide
    from moderation.models import Rule

    Rule.objects.create(kind=Rule.Kind.RATE, value="1000000/1000000")  # the benches post faster than people
    discussion = ensure_discussion(add_story("Where the writers began"))
    writers = []
    for n in range(count):
        email = f"writer{n}@example.org"
        guest = Guest.objects.create(name=f"Writer {n}", email=email, confirmed_at=datetime.now(UTC))
        body = f"My first word here, number {n}."
        submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=body)
        first = post_comment(submission, nonce=uuid4())
        decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator())
        writers.append(Writer(guest.name, guest.email, signing.dumps(guest.pk, salt=guests.COOKIE)))
    return writers


def moderator() -> "User":
    """Return the moderator, the same at each call."""
    from accounts.models import MODERATOR, User

    person = User.objects.filter(email="moderator@example.org").first()
    return person or User.objects.create_user("moderator@example.org", name="Maria", roles=(MODERATOR,))


def member() -> "User":
    """Return a new member without a role."""
    from accounts.models import User

    return User.objects.create_user("member@example.org", None, name="Member")


def session_cookie(user: "User") -> str:
    """Return the cookie with which this person is logged in."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"
