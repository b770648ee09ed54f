"""Measure the mails to the followers of discussions.

A burst of comments is posted below a story that many members follow. Measured are the scheduler's note that
there are updates for all of them, the rate at which the job's mails reach a mail server on this machine, and
the memory of this process, which runs the job. Then others get a daily mail: about one story that all of them
follow, and about several, which differ from person to person.
"""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from bench import fixture
from bench.mails.sink import HEAD, Delivery, Sink, deliver, results
from bench.runner import Goal, Run, report, rows

SIZES = {"few": 1_000, "many": 100_000, "burst": 20, "stories": 50, "followed": 5}
SMALLEST = {"few": 10, "many": 50, "burst": 3, "stories": 3, "followed": 2}

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
SELECT made.id, 'comments', story, %(delivery)s, now(), now(), now(), 0 FROM made, LATERAL (
  SELECT story FROM unnest(%(articles)s::bigint[]) story
  ORDER BY hashint8extended(story, made.id) LIMIT %(followed)s) chosen"""


def measure(bench: Run, sink: Sink) -> Iterator[str | Goal]:
    """Send the mails about a burst to few followers and to many, and daily mails."""
    from comments.following import mails, update_search
    from comments.models import Follow

    # Else each mail waits for a minute, and a daily one for the next morning.
    mails.UNDO_WINDOW = update_search.UNDO_WINDOW = timedelta(0)  # type: ignore[attr-defined]
    update_search.due_times = lambda now, zone: dict.fromkeys(Follow.Delivery, now)
    sizes = bench.sizes
    found: dict[int, Delivery] = {}
    for count in (sizes.few, sizes.many):
        report(f"{count:,} followers …")
        found[count] = _burst(sink, count, sizes.burst)
    yield from results(found, "followers", "noted")
    yield from _measure_daily(sink, sizes)
    yield ""
    yield f"Each mail has {min(sizes.burst, mails.ITEMS_MAILED)} comments of each story as text and as HTML."


def _measure_daily(sink: Sink, sizes: SimpleNamespace) -> Iterator[str | Goal]:
    """Send daily mails about one story, and to others about some of several stories, not the same to all."""
    one, several = "daily, of one story", f"daily, of {sizes.followed} of {sizes.stories} stories"
    found: dict[str, Delivery] = {}
    goals: list[Goal] = []
    for name, count, stories, followed, least in (
        (one, sizes.many, 1, 1, 500),
        (several, sizes.few, sizes.stories, sizes.followed, None),
    ):
        report(f"{count:,} followers, {name} …")
        delivery = _burst(sink, count, sizes.burst, "daily", stories, followed)
        found[f"{count:,}, {name}"] = delivery
        wrong = abs(delivery.mails - count) + abs(delivery.people - count)
        goals += [
            Goal(f"{name}: mails a second", delivery.rate, least=least, unit="", digits=0),
            Goal("… followers without exactly one mail", wrong, most=0, unit=""),
        ]
    yield ""
    head = HEAD.format(people="followers", prepared="noted")
    yield from rows(head, (delivery.row(name) for name, delivery in found.items()))
    yield from goals


def _burst(
    sink: Sink, count: int, burst: int, delivery: str = "at_once", stories: int = 1, followed: int = 1
) -> Delivery:
    """Post comments below stories, of which so many people follow some, and mail these."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest, User
    from articles.site.current_site import read_site
    from comments.following.mails import mail_followers
    from comments.following.update_search import note_updates
    from comments.models import Discussion, Follow
    from comments.policy import Submission
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment

    zone = read_site().zone
    note_updates(timezone.now(), zone)  # the search begins now
    first = User.objects.count() + 1
    made = [fixture.add_story(f"{delivery} to {count}, {number}") for number in range(stories)]
    values: dict[str, Any] = {
        "first": first,
        "last": first + count - 1,
        "articles": [story.pk for story in made],
        "followed": followed,
        "delivery": delivery,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, values)
    fixture.analyze()
    words = fixture.Words(count)
    for story in made:
        discussion = ensure_discussion(story)
        discussion.moderation = Discussion.Moderation.POST  # so that all are published at once
        discussion.save(update_fields=["moderation"])
        for number in range(burst):
            email = f"guest-{story.pk}-{number}@example.org"
            guest = Guest.objects.create(name=f"Guest {number}", email=email, confirmed_at=timezone.now())
            submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=words.body())
            post_comment(submission, nonce=uuid4())
    return deliver(
        sink,
        lambda: note_updates(timezone.now(), zone),
        lambda: Follow.objects.due(timezone.now()).exists(),
        mail_followers.func,
    )
