"""Measure a newsletter to many subscribers: python -m bench.newsletter

An editor sends a story to few subscribers and to many. Measured are the press of the button, which queues a
row for each of them, the rate at which the job's mails reach a mail server on this machine, and the memory of
this process, which runs the job.
"""

import resource
import time
from collections.abc import Iterator
from typing import NamedTuple

from bench import fixture, mail_sink
from bench.runner import Goal, Run, report, rows, run

SIZES = {"few": 1_000, "many": 100_000}
SMALLEST = {"few": 10, "many": 50}

_SUBSCRIBERS = """
WITH made AS (
  INSERT INTO articles_subscriber (email, created_at)
  SELECT 'subscriber-' || n || '@example.org', now() FROM generate_series(%(first)s, %(last)s) n RETURNING id
)
INSERT INTO articles_subscription (subscriber_id, topic_id, created_at, confirmed_at)
SELECT id, %(topic)s, now(), now() FROM made"""


class Sent(NamedTuple):
    """The mails of one newsletter, and what they cost."""

    queued: float  # seconds
    mails: int
    people: int  # different recipients
    seconds: float
    processor: float  # seconds of the job's process
    peak: float  # megabytes


def measure(bench: Run, sink: mail_sink.Sink) -> Iterator[str | Goal]:
    """Send a newsletter to few subscribers and to many."""
    found: dict[int, Sent] = {}
    first = 1
    for count in (bench.sizes.few, bench.sizes.many):
        report(f"{count:,} subscribers …")
        found[count] = _send(sink, first, count)
        first += count
    head = "subscribers | queued in s | mails | to different people | sent in s | mails a second"
    head += " | CPU, ms a mail | peak, MB"
    yield from rows(head, (_row(count, sent) for count, sent in found.items()))
    few, many = found[bench.sizes.few], found[bench.sizes.many]
    rate = many.mails / many.seconds
    yield Goal(f"mails a second to {bench.sizes.many:,} subscribers", rate, least=500, unit="", digits=0)
    yield Goal("peak memory, many subscribers against few", many.peak / few.peak, most=1.2)
    yield Goal("subscribers without exactly one mail", abs(many.mails - bench.sizes.many), most=0, unit="")


def _row(count: int, sent: Sent) -> str:
    rate, processor = sent.mails / sent.seconds, 1000 * sent.processor / max(sent.mails, 1)
    counts = f"{count:,} | {sent.queued:.2f} | {sent.mails:,} | {sent.people:,}"
    return f"{counts} | {sent.seconds:.1f} | {rate:,.0f} | {processor:.2f} | {sent.peak:.0f}"


def _send(sink: mail_sink.Sink, first: int, count: int) -> Sent:
    """Send a story of a topic to so many subscribers of it."""
    from django.db import connection

    from accounts.models import User
    from articles.models import NewsletterRecipient, Topic
    from articles.newsletter import drafts, sending

    topic = Topic.objects.create(name=f"Topic of {count}", slug=f"topic-of-{count}")
    story = fixture.add_story(f"Sent to {count}")
    story.topics.add(topic)
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBERS, {"first": first, "last": first + count - 1, "topic": topic.pk})
    fixture.analyze()
    editor = User.objects.editors().earliest("pk")
    newsletter = drafts.create(
        subject=story.title, introduction="Dear readers,", stories=[story], is_digest=False, by=editor
    )
    mails, people = sink.mails.value, sink.recipients.value
    start = time.monotonic()
    sending.send(newsletter=newsletter, seen=newsletter.version, is_repeat=False)
    queued = time.monotonic() - start
    start, processor = time.monotonic(), time.process_time()
    while NewsletterRecipient.objects.filter(newsletter=newsletter, state="queued").exists():
        sending.send_newsletters.func()
    return Sent(
        queued,
        sink.mails.value - mails,
        sink.recipients.value - people,
        time.monotonic() - start,
        time.process_time() - processor,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


if __name__ == "__main__":
    with mail_sink.running() as sink:
        run(
            "newsletter",
            lambda bench: measure(bench, sink),
            __doc__,
            sizes=SIZES,
            smallest=SMALLEST,
            settings={"EMAIL_URL": sink.url},
            served=False,
        )
