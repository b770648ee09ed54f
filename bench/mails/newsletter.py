"""Measure a newsletter to many subscribers.

An editor sends a story to few subscribers and to many. The bench measures the request that queues a row for
each of them, the rate at which the job's mails reach a mail server on this machine, and the memory of
this process, which runs the job.
"""

from collections.abc import Iterator

from bench import fixture
from bench.mails.sink import Delivery, Sink, deliver, results
from bench.runner import Goal, Run, report

SIZES = {"few": 1_000, "many": 100_000}
SMALLEST = {"few": 10, "many": 50}

_SUBSCRIBERS = """
WITH made AS (
  INSERT INTO articles_subscriber (email, created_at)
  SELECT 'subscriber-' || n || '@example.org', now() FROM generate_series(%(first)s, %(last)s) n RETURNING id
)
INSERT INTO articles_subscription (subscriber_id, topic_id, created_at, confirmed_at)
SELECT id, %(topic)s, now(), now() FROM made"""


def measure(bench: Run, sink: Sink) -> Iterator[str | Goal]:
    """Send a newsletter to few subscribers and to many."""
    found: dict[int, Delivery] = {}
    first = 1
    for count in (bench.sizes.few, bench.sizes.many):
        report(f"{count:,} subscribers …")
        found[count] = _send(sink, first, count)
        first += count
    yield from results(found, "subscribers", "queued")


def _send(sink: Sink, first: int, count: int) -> Delivery:
    """Send a story of a topic to so many subscribers of it."""
    from django.db import connection

    from accounts.models import User
    from articles.models import NewsletterRecipient, Topic
    from articles.newsletter import drafts, sending

    topic = Topic.objects.create(name=f"Topic of {count}", slug=f"topic-of-{count}")
    article = fixture.add_story(f"Sent to {count}")
    article.topics.add(topic)
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBERS, {"first": first, "last": first + count - 1, "topic": topic.pk})
    fixture.analyze()
    editor = User.objects.editors().earliest("pk")
    newsletter = drafts.create(
        subject=article.title, introduction="Dear readers,", articles=[article], is_digest=False, by=editor
    )
    recipients = NewsletterRecipient.objects.filter(newsletter=newsletter, state="queued")
    return deliver(
        sink,
        lambda: sending.send(newsletter=newsletter, seen=newsletter.version, is_repeat=False),
        recipients.exists,
        sending.send_newsletters.func,
    )
