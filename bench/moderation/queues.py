"""Measure the moderation queues with 50,000 open cases: time and statements of each page."""

from collections.abc import Iterator
from datetime import timedelta

from bench import fixture, profiles, servers
from bench.fixture import Written
from bench.load import request_page
from bench.runner import Goal, Run, report

SIZES = {"cases": 50_000, "stories": 200, "guests": 8_000, "requests": 30, "warm_up": 20}
SMALLEST = {"cases": 200, "stories": 4, "guests": 20, "requests": 1, "warm_up": 1}
PROFILED = ("waiting", "a name", "a rule")
MAX_MS, MAX_CPU_MS, MAX_STATEMENTS = 100, 25, 15  # of one request
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
    "a late page": "?queue=waiting&after={middle_case}",
}

# One in 20 is reported, one in 50 an appeal, three in 5 come from first-time commenters. Cases that the site
# opened itself are deleted first.
CASES = """
DELETE FROM moderation_report; DELETE FROM moderation_case;
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


def measure(bench: Run) -> Iterator[str | Goal]:
    """Measure every queue and filter with 50,000 open cases under 200 stories, and profile some."""
    values = _fill(bench.sizes.cases, bench.sizes.stories, bench.sizes.guests)
    cookie = fixture.session_cookie(fixture.moderator())
    targets = {
        name: bench.site.target(name, f"/moderation/{query.format(**values)}", cookie)
        for name, query in PAGES.items()
    }
    statements = bench.site.page_statements(targets, {})
    for name, target in targets.items():
        request_page(target, 3)
        measured = request_page(target, bench.sizes.requests)
        report(f"{name}: {measured.p50:.1f} ms")
        yield Goal(f"{name}: p50", measured.p50, most=MAX_MS, unit="ms")
        yield Goal(f"{name}: CPU, server and database", measured.processor, most=MAX_CPU_MS, unit="ms")
        yield Goal(f"{name}: failed", sum(measured.errors.values()), most=0, unit="")
        yield Goal(f"{name}: statements", statements[name], most=MAX_STATEMENTS, unit="")
    warm_up, count = bench.sizes.warm_up, bench.sizes.requests + bench.sizes.warm_up
    yield from profiles.tables(
        {name: profiles.profile([targets[name].request()] * count, warm_up) for name in PROFILED}
    )


def _fill(cases: int, stories: int, guests: int) -> dict[str, object]:
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Guest
    from articles.models import Article, Topic
    from moderation.models import Case, Rule

    now = timezone.now()
    topic = Topic.objects.create(name="Topic", slug="topic")
    rule = Rule.objects.create(value="casino")
    people = [Guest(name=f"Voice {n}", email=f"voice{n}@example.org") for n in range(guests)]
    Guest.objects.bulk_create(people)
    bodies = [
        f"Some words about the slip, the boat and the bridge, number {n}. " * 5
        for n in range(cases // stories)
    ]
    for number in range(stories):
        report(f"{number} of {stories} stories …")
        comments = (Written("Voice", body, now) for body in bodies)
        story = fixture.import_story(f"The story with the number {number}", comments, now)
        if number % 20 == 0:
            topic.articles.add(story.article)
    # These states have no log entries, so the triggers would refuse them. Only the owner of the tables can
    # switch the triggers off.
    with servers.connect("owner").cursor() as owner:
        owner.execute("ALTER TABLE comments_comment DISABLE TRIGGER USER")
        owner.execute(PEOPLE, {"guests": guests})
        owner.execute("ALTER TABLE comments_comment ENABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute(CASES)
        cursor.execute(FINDINGS, {"rule": rule.pk})
    Article.objects.update(source_key="", published_at=now - timedelta(days=20))
    fixture.analyze()
    middle_case = Case.objects.filter(is_pending=True).order_by("due_at")[cases // 2]
    slug = story.path.split("/")[2]
    return {"slug": slug, "guest": people[17].pk, "rule": rule.pk, "middle_case": middle_case.pk}
