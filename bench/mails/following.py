"""Measure the mails to the followers of one discussion.

A burst of comments is posted below a story that many members follow. Measured are the scheduler's note that
there are updates for all of them, the rate at which the job's mails reach a mail server on this machine, and
the memory of this process, which runs the job.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

from bench import fixture
from bench.mails.sink import Delivery, Sink, deliver, results
from bench.runner import Goal, Run, report

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


def measure(bench: Run, sink: Sink) -> Iterator[str | Goal]:
    """Send the mails about a burst to few followers and to many."""
    from comments.following import mails, update_search

    # Else each wait takes a minute.
    mails.UNDO_WINDOW = update_search.UNDO_WINDOW = timedelta(0)  # type: ignore[attr-defined]
    found: dict[int, Delivery] = {}
    first = 1
    for count in (bench.sizes.few, bench.sizes.many):
        report(f"{count:,} followers …")
        found[count] = _burst(sink, first, count, bench.sizes.burst)
        first += count
    yield from results(found, "followers", "noted")
    yield ""
    yield f"Each mail has {min(bench.sizes.burst, mails.ITEMS_MAILED)} comments as text and as HTML."


def _burst(sink: Sink, first: int, count: int, burst: int) -> Delivery:
    """Post comments below a story that so many people follow, and mail these."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest
    from articles.site.current_site import read_site
    from comments.following.mails import mail_followers
    from comments.following.update_search import note_updates
    from comments.models import Discussion, Follow
    from comments.policy import Submission
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment

    zone = read_site().zone
    note_updates(timezone.now(), zone)  # the search begins now
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
        submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=words.body())
        post_comment(submission, nonce=uuid4())
    return deliver(
        sink,
        lambda: note_updates(timezone.now(), zone),
        lambda: Follow.objects.due(timezone.now()).exists(),
        mail_followers.func,
    )
