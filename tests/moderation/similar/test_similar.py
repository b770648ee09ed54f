"""Groups that a scan finds in real discussions, and good discussions without groups.

This file has only the numbers of other people's comments, not their text.
"""

from collections import Counter
from pathlib import Path

import pytest
from django.urls import reverse

from archive.services import import_page
from bench.moderation import flood, floods_in_time
from bench.moderation.floods_in_time import SEED_LATE as LATE
from bench.moderation.floods_in_time import SEED_MISSING as MISSING
from bench.moderation.floods_in_time import SEED_REPEATS as REPEATS
from comments.models import Comment, State
from moderation.models import Action, CommentGroup, CommentGroupMember
from moderation.similar import members_of, scan

pytestmark = pytest.mark.django_db


def groups() -> dict[str, set[int]]:
    """Return by kind of group the file numbers of its members."""
    rows = CommentGroupMember.objects.filter(group__resolved_at=None).values_list(
        "group__kind", "comment__source_number"
    )
    found: dict[str, set[int]] = {}
    for kind, number in rows:
        found.setdefault(kind, set()).add(number)
    return found


@pytest.mark.data
def test_the_seed_has_three_groups(data: Path, maria):
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")

    scan.run_scan()

    assert groups() == {"late": LATE, "missing": MISSING, "repeat": REPEATS}
    assert CommentGroup.objects.count() == 3
    repeat = CommentGroup.objects.get(kind="repeat")
    assert repeat.original
    assert repeat.original.source_number == 12
    grouped = members_of(Comment.objects.values_list("pk", flat=True))
    assert len(grouped) == 22
    assert {member.group.size for member in grouped.values()} == {15, 5, 2}


@pytest.mark.data
def test_flood_is_cleared_in_a_few_actions_and_restored_exactly(data: Path, maria):
    spun, real = flood.import_stories(flood.stories(data, spun=1_000, real=200))
    numbers, pages = flood.numbers(), flood.pages()

    cleared = flood.clear(maria, most=10, least=10)

    left, false_positives = len(spun - cleared.gone), len(real & cleared.gone)
    print(f"{len(cleared.actions)} actions: {', '.join(cleared.kinds)}; {left} left, {false_positives} wrong")
    assert len(cleared.actions) <= 10
    assert left <= 30
    assert false_positives <= 4
    assert (
        set(Comment.objects.exclude(state__in=["pending", "published"]).values_list("pk", flat=True))
        == cleared.gone
    )
    flood.take_back(cleared, maria)
    assert flood.numbers() == numbers
    assert flood.pages() == pages


@pytest.mark.data
def test_flood_in_an_open_discussion_takes_few_actions(data: Path):
    page = floods_in_time.FLOOD_PAGE

    cleared = floods_in_time.clear(page.stem, floods_in_time.page_importer(page))

    assert (cleared.spam, cleared.good) == (14, 21)
    assert cleared.in_groups >= 10
    assert cleared.actions <= 5
    assert cleared.wrongly_proposed == 0


@pytest.mark.data
def test_three_proposed_actions_leave_52_comments_of_the_seed(data: Path, client, maria):
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    client.force_login(maria)
    client.get(reverse("moderation:similar"))  # the page runs the scan by itself

    for group in CommentGroup.objects.order_by("-size"):
        url = reverse("moderation:group", args=[group.pk])
        page = client.get(url)
        client.post(url, {"reason": page.context["proposed"]})

    assert Action.objects.exclude(kind=Action.Kind.IMPORT).count() == 3
    gone = Comment.objects.exclude(state=State.PUBLISHED)
    assert set(gone.values_list("state_reason", "source_number")) == {
        *(("spam", number) for number in LATE),
        *(("text_missing", number) for number in MISSING),
        *(("repeat", number) for number in REPEATS),
    }
    levels = Counter(Comment.objects.visible().values_list("level", flat=True))
    assert levels == {0: 29, 1: 13, 2: 10}
    scan.run_scan()
    assert not CommentGroup.objects.filter(resolved_at=None).exists()


@pytest.mark.data
def test_good_discussions_have_no_groups(data: Path):
    """These are real threads of the same shape, with replies that came years later."""
    for path in sorted((data / "import" / "soundoff_text").glob("*.txt")):
        import_page(data=path.read_bytes(), filename=path.name)

    scan.run_scan()

    assert Comment.objects.count() == 48
    assert not CommentGroup.objects.exists()
