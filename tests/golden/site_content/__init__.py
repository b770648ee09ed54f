"""Create one example of every state: people, stories, discussions, reports, sanctions, restrictions and more.

fill.py imports this once Django is set up. The functions call the project's own functions.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from accounts.models import Guest, User
from articles.models import Article
from comments.models import Comment, State
from comments.services.discussions import change_discussion
from config.server import sample
from moderation.models import CommentGroup, RemovalRequest, Rule
from moderation.rules import active_rules as rules
from moderation.rules import rule_replay
from moderation.screening import rate_limits
from moderation.similar import pages
from site_content.comments import (
    Comments,
    SetClock,
    act_on_thread,
    apply_quick_actions,
    create_thread,
    decide_for_five_weeks,
    post_floods,
    post_for_each_check,
    post_last_comments,
    recommend_comments,
    remove_duplicate,
    remove_for_each_reason,
    undo_removals,
)
from site_content.moderation import (
    add_notes,
    appeal_removals,
    choose_filter,
    create_reported_comments,
    create_rules,
    decide_groups,
    erase_child,
    give_second_opinions,
    impose_sanctions,
    purge_comments,
    report_comments,
    request_removals,
    restrict_comments,
    run_scheduled_jobs,
    save_rule,
)
from site_content.people import People, configure_site, create_people
from site_content.stories import (
    create_autosave_and_redaction,
    create_drafts_and_unpublished_stories,
    create_pages_and_redirects,
    create_stories,
    create_story_of_this_week,
    create_topics,
    import_threads,
)


def fill(
    home: Path, set_clock: SetClock, run_jobs: Callable[[], None], *, end: datetime, start: datetime
) -> dict[str, Any]:
    """Fill the site with a history that ends at `end`. Return the ids of the objects that the actions use.

    `run_jobs` runs the jobs of the queue that are due. The recording starts at `start`.
    """
    rate_limits.DEFAULT_NEW_LIMIT = rate_limits.DEFAULT_KNOWN_LIMIT = 100_000
    people = create_people(home)
    configure_site()
    topics = create_topics()
    stories = create_stories(people, topics)
    create_drafts_and_unpublished_stories(people, end)
    create_autosave_and_redaction(people, stories)
    create_pages_and_redirects(people, stories)
    import_threads(people)
    set_clock(38)
    change_discussion(article=stories.members_only, members_only=True)
    decide_for_five_weeks(people, stories, set_clock)
    choose_filter(people)
    set_clock(10)
    term = create_rules(people, stories, topics)
    set_clock(5)
    original = post_for_each_check(people, stories)
    post_floods(stories)
    set_clock(3)
    create_story_of_this_week(people, topics)
    thread = create_thread(people, stories) | {"original": original}
    recommend_comments(people, thread)
    act_on_thread(people, thread)
    thread["again"] = remove_duplicate(people, stories, original)
    removed = remove_for_each_reason(people, stories)
    undo_removals(people, stories)
    apply_quick_actions(people, stories)
    reported = create_reported_comments(people, stories)
    report_comments(people, reported)
    appeal_removals(people, reported)
    request_removals(people, stories, reported)
    wasps = impose_sanctions(people, stories)
    add_notes(people, reported)
    restricted = restrict_comments(people, stories)
    erase_child(people, stories)
    set_clock(2)
    purge_comments(people)
    decide_groups(people)
    rule_replay.group_matches(rules.versions(term.pk)[0])
    give_second_opinions(people)
    save_rule(people, "rate", "9/90")
    set_clock(0)
    thread["mine"] = post_last_comments(people, stories, start)
    run_scheduled_jobs()
    set_clock(0, -1)  # an hour later all mails are due
    run_jobs()
    sample.path(home).unlink()
    return ids(people, wasps, term, thread["root"], name_comments(reported, removed, thread, restricted))


def name_comments(reported: Comments, removed: Comments, thread: Comments, restricted: Comments) -> Comments:
    """Return all comments that actions.txt can name."""
    named = reported | removed | thread
    named |= {f"restricted-{name}": comment for name, comment in restricted.items()}
    waiting = Comment.objects.filter(state="pending").order_by("pk")
    imported = Comment.objects.exclude(source="").order_by("pk")[::60]
    named |= {f"waiting{n}": comment for n, comment in enumerate(waiting)}
    return named | {f"brought{n}": comment for n, comment in enumerate(imported)}


def ids(people: People, wasps: list[Guest], term: Rule, root: Comment, comments: Comments) -> dict[str, Any]:
    slugs = dict(Article.objects.values_list("pk", "slug"))
    print(
        {state: Comment.objects.filter(state=state).count() for state in State.values},
        CommentGroup.objects.count(),
        "groups",
    )
    persons = {
        "gus": f"g{people.gus.pk}",
        "greta": f"g{people.greta.pk}",
        "rolf": f"u{people.rolf.pk}",
        "paula": f"u{people.paula.pk}",
        "kim": f"u{people.kim.pk}",
        "name": f"i{comments['brought1'].pk}",
    }
    return {
        "comments": {name: (one.pk, slugs[one.discussion_id]) for name, one in comments.items()},
        "stories": {slug: pk for pk, slug in slugs.items()},
        "users": {user.name: user.pk for user in User.objects.exclude(name="").order_by("pk")},
        "persons": persons | {f"wasp{n}": f"g{guest.pk}" for n, guest in enumerate(wasps)},
        "requests": list(RemovalRequest.objects.order_by("pk").values_list("pk", flat=True)),
        "group": str(max(pages.open_groups(people.mona), key=lambda one: one.size).pk),
        "rule": term.pk,
        "root_body": root.body,
    }
