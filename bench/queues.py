"""Measure the moderation queues with 50,000 open cases: time and statements of each page."""

import sys
from collections.abc import Iterator
from datetime import timedelta

from bench import soundoff
from bench.load import ask
from bench.report import Goal
from bench.soundoff import Soundoff

OPEN, STORIES, GUESTS = 50_000, 200, 8_000
ASKED = 30  # number of requests to each page
WANTED, STATEMENTS = 100, 50  # maximum milliseconds and statements of a page
PAGES = {
    "waiting": "",
    "reported": "?queue=reported",
    "first-time commenters": "?queue=new",
    "appeals": "?queue=second",
    "flagged after publication": "?queue=published",
    "all comments": "?queue=recent",
    "a story": "?article={slug}",
    "words of a title": "?article=number+77",
    "a topic": "?topic=topic",
    "a name": "?author=Voice+4321",
    "a guest": "?author=g{guest}",
    "a rule": "?rule={rule}",
    "a rare script": "?script=Arab",
    "strong reasons, old, in a script": "?score=3&age=168&script=Lati",
    "filters that match no case": "?author=Nobody+at+all",
    "recent, a name": "?queue=recent&author=Voice+4321",
    "a late page": "?queue=waiting&after={far}",
}

# One in 20 is reported, one in 50 an appeal, three in 5 come from first-time commenters. Cases that the site
# opened itself are deleted first.
CASES = """
DELETE FROM moderation_case;
INSERT INTO moderation_case (comment_id, discussion_id, opened_at, due_at, is_waiting, is_reported,
  is_illegal, is_new_person, is_appealed, score, script)
SELECT id, discussion_id, created_at, created_at - score * interval '12 hours', n % 20 > 0, n % 20 = 0,
       n % 5000 = 0, n % 5 < 3, n % 50 = 1, score, CASE n % 997 WHEN 0 THEN 'Arab' ELSE 'Lati' END
FROM (SELECT id, discussion_id, created_at, row_number() OVER (ORDER BY id) AS n,
             (id % 10) / 10.0 AS score FROM comments_comment) c"""
FINDINGS = """
INSERT INTO moderation_finding (comment_id, revision, check_name, strength, holds, spans, number, rule_id)
SELECT id, 1, unnest(ARRAY['new_person', 'links', 'term']), unnest(ARRAY[0.2, 0.5, 0.8]), true, '[[0, 4]]', 2,
       unnest(ARRAY[NULL, NULL, CASE WHEN id %% 50 = 0 THEN %(rule)s::bigint END]) FROM comments_comment"""
PEOPLE = """
UPDATE comments_comment c SET guest_id = g.id, author_name = g.name, state = 'pending',
  state_reason = 'screened', source = '', created_at = now() - (c.id %% 20000) * interval '1 minute'
FROM (SELECT id, name, row_number() OVER (ORDER BY id) - 1 AS n FROM accounts_guest) g
WHERE g.n = c.id %% %(guests)s"""


def queues(site: Soundoff) -> Iterator[Goal]:
    """Measure every queue and filter with 50,000 open cases under 200 stories."""
    values = _fill()
    moderator = f"sessionid={soundoff.session(soundoff.moderator())}"
    for name, query in PAGES.items():
        target = site.target(name, f"/moderation/{query.format(**values)}", Cookie=moderator)
        ask(target, 3)
        measured = ask(target, ASKED)
        yield Goal(f"{name}: p50", measured.p50, most=WANTED, unit="ms")
        yield Goal(f"{name}: CPU, server and database", measured.processor, most=WANTED, unit="ms")
        yield Goal(f"{name}: failed", sum(measured.errors.values()), most=0, unit="")
        statements = site.statements(lambda target=target: ask(target, 1))  # type: ignore[misc]
        yield Goal(f"{name}: statements", len(statements), most=STATEMENTS, unit="")


def _fill() -> dict[str, object]:
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest
    from articles.models import Article, Topic
    from comments.services.imports import ImportedComment
    from moderation.models import Case, Rule

    now = timezone.now()
    topic = Topic.objects.create(name="Topic", slug="topic")
    rule = Rule.objects.create(value="casino")
    guests = [Guest(name=f"Voice {n}", email=f"voice{n}@example.org") for n in range(GUESTS)]
    Guest.objects.bulk_create(guests)
    each = OPEN // STORIES
    for number in range(STORIES):
        if number % 20 == 0:
            print(f"{number * each:,} of {OPEN:,} comments …", file=sys.stderr, flush=True)
        comments = [
            ImportedComment(
                str(n), "Voice", f"Some words about the slip, the boat and the bridge, number {n}. " * 5, now
            )
            for n in range(each)
        ]
        story, _ = soundoff.add_story(f"The story with the number {number}", comments, published_at=now)
        if number % 20 == 0:
            story.topics.add(topic)
    with connection.cursor() as cursor:
        # These states have no log rows, so the triggers would refuse them. Only the owner of the tables can
        # switch the triggers off.
        with soundoff.connect("owner").cursor() as owner:
            owner.execute("ALTER TABLE comments_comment DISABLE TRIGGER USER")
            owner.execute(PEOPLE, {"guests": GUESTS})
            owner.execute("ALTER TABLE comments_comment ENABLE TRIGGER USER")
        cursor.execute(CASES)
        cursor.execute(FINDINGS, {"rule": rule.pk})
    Article.objects.update(source_key="", published_at=now - timedelta(days=20))
    soundoff.tidy()
    far = Case.objects.filter(is_waiting=True).order_by("due_at")[OPEN // 2]
    return {"slug": story.slug, "guest": guests[17].pk, "rule": rule.pk, "far": far.pk}
