"""Measure the mails to the followers of one discussion: python -m bench.following

A burst of comments is posted below a story that many members follow. Measured are the scheduler's note that
there are news for all of them, the rate at which the job's mails reach a mail server on this machine, and the
memory of this process, which runs the job.
"""

import resource
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from bench import fixture, mail_sink
from bench.runner import Goal, Run, report, rows, run

SIZES = {"few": 1_000, "many": 100_000, "burst": 20}
SMALLEST = {"few": 10, "many": 50, "burst": 3}

_MEMBERS = """
WITH made AS (
  INSERT INTO accounts_user (password, email, name, has_page, is_active, date_joined)
  SELECT '!', 'follower-' || n || '@example.org', 'Follower ' || n, false, true, now()
  FROM generate_series(%(first)s, %(last)s) n RETURNING id, email
), confirmed AS (
  INSERT INTO account_emailaddress (email, verified, "primary", user_id)
  SELECT email, true, true, id FROM made
)
INSERT INTO comments_follow (user_id, kind, article_id, delivery, created_at, seen_at, mailed_at, failures)
SELECT id, 'comments', %(article)s, 'at_once', now(), now(), now(), 0 FROM made"""


class Sent(NamedTuple):
    """The mails about one burst of comments, and what they cost."""

    noted: float  # seconds
    mails: int
    people: int  # different recipients
    seconds: float
    processor: float  # seconds of the job's process
    peak: float  # megabytes


def measure(bench: Run, sink: mail_sink.Sink) -> Iterator[str | Goal]:
    """Send the mails about a burst to few followers and to many."""
    from comments.following import mails, news

    mails.UNDO_WINDOW = news.UNDO_WINDOW = timedelta(0)  # nobody waits for a minute that measures nothing
    found: dict[int, Sent] = {}
    first = 1
    for count in (bench.sizes.few, bench.sizes.many):
        report(f"{count:,} followers …")
        found[count] = _burst(sink, first, count, bench.sizes.burst)
        first += count
    head = "followers | noted in s | mails | to different people | sent in s | mails a second"
    head += " | CPU, ms a mail | peak, MB"
    yield from rows(head, (_row(count, sent) for count, sent in found.items()))
    yield ""
    yield f"Each mail has {min(bench.sizes.burst, mails.ITEMS_MAILED)} comments as text and as HTML."
    few, many = found[bench.sizes.few], found[bench.sizes.many]
    rate = many.mails / many.seconds
    yield Goal(f"mails a second to {bench.sizes.many:,} followers", rate, least=500, unit="", digits=0)
    yield Goal("peak memory, many followers against few", many.peak / few.peak, most=1.2)
    yield Goal("followers without exactly one mail", abs(many.mails - bench.sizes.many), most=0, unit="")


def _row(count: int, sent: Sent) -> str:
    rate, processor = sent.mails / sent.seconds, 1000 * sent.processor / max(sent.mails, 1)
    counts = f"{count:,} | {sent.noted:.2f} | {sent.mails:,} | {sent.people:,}"
    return f"{counts} | {sent.seconds:.1f} | {rate:,.0f} | {processor:.2f} | {sent.peak:.0f}"


def _burst(sink: mail_sink.Sink, first: int, count: int, burst: int) -> Sent:
    """Post comments below a story that so many people follow, and mail these."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest
    from articles.site.current_site import read_site
    from comments.following.mails import mail_followers
    from comments.following.news import note_news
    from comments.models import Discussion, Follow
    from comments.policy import Draft
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment

    zone = read_site().zone
    note_news(timezone.now(), zone)  # the search begins now
    story = fixture.add_story(f"Followed by {count}")
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, {"first": first, "last": first + count - 1, "article": story.pk})
    fixture.analyze()
    words = fixture.Words(count)
    discussion = ensure_discussion(story)
    discussion.moderation = Discussion.Moderation.POST  # so that all are published at once
    discussion.save(update_fields=["moderation"])
    for number in range(burst):
        email = f"guest-{first}-{number}@example.org"
        guest = Guest.objects.create(name=f"Guest {number}", email=email, confirmed_at=timezone.now())
        draft = Draft(discussion=discussion, guest=guest, name=guest.name, body=words.body())
        post_comment(draft, nonce=uuid4())
    mails, people = sink.mails.value, sink.recipients.value
    start = time.monotonic()
    note_news(timezone.now(), zone)
    noted = time.monotonic() - start
    start, processor = time.monotonic(), time.process_time()
    while Follow.objects.due(timezone.now()).exists():
        mail_followers.func()
    return Sent(
        noted,
        sink.mails.value - mails,
        sink.recipients.value - people,
        time.monotonic() - start,
        time.process_time() - processor,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


if __name__ == "__main__":
    with mail_sink.running() as sink:
        run(
            "following",
            lambda bench: measure(bench, sink),
            __doc__,
            sizes=SIZES,
            smallest=SMALLEST,
            settings={"EMAIL_URL": sink.url},
            served=False,
        )
