"""Measure the mails to the followers of one discussion: python -m bench.following

A burst of comments is posted below a story that many members follow. Measured are the scheduler's note that
there are news for all of them, the rate at which the job worker's mails reach a mail server on this machine,
and the memory of the worker.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

from bench import fixture, mail_sink, servers
from bench.runner import Goal, Run, report, rows, run

SIZES = {"few": 1_000, "many": 100_000, "burst": 20}
SMALLEST = {"few": 10, "many": 50, "burst": 3}
WORKER = "db_worker"
MOST_SECONDS = 3_600

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


def measure(bench: Run, sink: mail_sink.Sink) -> Iterator[str | Goal]:
    """Send the mails about a burst to few followers and to many."""
    found = {}
    first = 1
    for count in (bench.sizes.few, bench.sizes.many):
        report(f"{count:,} followers …")
        found[count] = _burst(bench, sink, first, count)
        first += count
    head = "followers | noted in s | mails | to different people | sent in s | mails a second | worker, MB"
    yield from rows(
        head,
        (
            f"{count:,} | {noted:.2f} | {mails:,} | {people:,} | {seconds:.1f} | {mails / seconds:,.0f} | "
            f"{megabytes:.0f}"
            for count, (noted, mails, people, seconds, megabytes) in found.items()
        ),
    )
    yield ""
    yield f"Each mail has {min(bench.sizes.burst, 10)} comments as text and as HTML."
    few, many = found[bench.sizes.few], found[bench.sizes.many]
    yield Goal(
        f"mails a second to {bench.sizes.many:,} followers", many[1] / many[3], least=500, unit="", digits=0
    )
    yield Goal("memory of the worker, many followers against few", many[4] / few[4], most=1.2)
    yield Goal("mails more than followers", many[1] - bench.sizes.many, most=0, unit="")


def _burst(bench: Run, sink: mail_sink.Sink, first: int, count: int) -> tuple[float, int, int, float, float]:
    """Post comments, and return the seconds of noting them, mails, recipients, seconds and megabytes."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest
    from articles.site.current_site import read_site
    from comments.following.mails import mail_followers
    from comments.following.news import note_news
    from comments.models import UNDO_WINDOW, Discussion, Follow
    from comments.policy import Draft
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment

    story = fixture.add_story(f"Followed by {count}")
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, {"first": first, "last": first + count - 1, "article": story.pk})
    fixture.analyze()
    words = fixture.Words(count)
    discussion = ensure_discussion(story)
    discussion.moderation = Discussion.Moderation.POST  # so that all are published at once
    discussion.save(update_fields=["moderation"])
    for number in range(bench.sizes.burst):
        email = f"guest-{first}-{number}@example.org"
        guest = Guest.objects.create(name=f"Guest {number}", email=email, confirmed_at=timezone.now())
        draft = Draft(discussion=discussion, guest=guest, name=guest.name, body=words.body())
        post_comment(draft, nonce=uuid4())
    time.sleep((UNDO_WINDOW + timedelta(seconds=1)).total_seconds())
    mails, people = sink.mails.value, sink.recipients.value
    start = time.monotonic()
    note_news(timezone.now(), read_site().zone)
    noted = time.monotonic() - start
    start = time.monotonic()
    mail_followers.enqueue()
    while Follow.objects.filter(article=story.pk).exclude(due_at=None, sending_until=None).exists():
        if time.monotonic() - start > MOST_SECONDS:
            raise SystemExit("The mails were not sent in time.")
        time.sleep(0.2)
    seconds = time.monotonic() - start
    size = max(servers.resident_megabytes(bench.site.process, WORKER))
    return noted, sink.mails.value - mails, sink.recipients.value - people, seconds, size


if __name__ == "__main__":
    with mail_sink.running() as sink:
        run(
            "following",
            lambda bench: measure(bench, sink),
            __doc__,
            sizes=SIZES,
            smallest=SMALLEST,
            settings={"EMAIL_URL": sink.url},
        )
