"""The filter and the duplicate checks on the saved page of the example data (seed/story.txt).

The site is empty and has no decisions. The page demonstrates the starter and was not used to train it.
"""

import pytest

from archive.services import import_page
from comments.models import Comment
from moderation.models import Finding

pytestmark = [pytest.mark.django_db, pytest.mark.data]

SPAM = {57, 58, 60, 61, *range(63, 68), *range(69, 75)}
MISSING = {31, 56, 59, 62, 68}
REPEATS = {33, 34}


def test_all_but_one_are_found_and_no_good_comment_is_marked(starter, data):
    """The filter misses one of 15; the group of similar comments has it (tests of moderation.similar)."""
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    places = dict(Comment.objects.values_list("pk", "source_number"))
    assert len(places) == 74
    found: dict[str, set[int]] = {}
    for finding in Finding.objects.filter(comment__in=places):
        if finding.check_name != "filter" or finding.holds:
            found.setdefault(finding.check_name, set()).add(places[finding.comment_id])
    assert found["filter"] <= SPAM
    assert len(found["filter"]) >= 14
    assert found["emptied"] == MISSING
    assert found["repeat"] | found["near_repeat"] == REPEATS
