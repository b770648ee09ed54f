"""Texts of spam and of good comments, and the active version of the filter."""

from moderation.models import ModerationSettings

STORY = (
    "The council voted on Tuesday to close the old ferry slip at the end of the season. The piles have "
    "rotted, said the harbour master, and the bridge carries most of the traffic by now. Rowers protested."
)
GOOD = "I row across every morning, and the piles at the north end were replaced in 2009, number {n}."
SPAM = "Great website! Check my page for cheap online casino bonus number {n}: http://casino-{n}.example/"


def active_version() -> int | None:
    return ModerationSettings.objects.values_list("filter", flat=True).get(pk=1)
