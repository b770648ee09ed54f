"""Rows of comments that the grouping compares, and the groups that it proposes for them."""

from datetime import UTC, datetime, timedelta
from itertools import count

from moderation.similar.compared import Row, Story
from moderation.similar.grouping import GroupingResult, find_groups

DAYS = 24 * 60  # minutes
DAY = datetime(2020, 5, 1, 9, tzinfo=UTC)
STORY = Story(
    DAY, "The slip closes. The council says that the piles of the ferry's slip have rotted for years."
)
GOOD_TEXTS = [
    "The piles were inspected in spring, so why did nobody tell the council?",
    "My boat is moored at that slip and I have seen no rot at all.",
    "Close it for good, the ferry can land at the quay.",
    "Who pays for new piles, the county or us?",
    "The ferry was full again on Sunday, that slip is needed.",
    "I asked at the meeting and was told to wait for the report on the slip.",
    "Rotten piles, rotten council.",
    "The harbour master warned of this years ago.",
    "Take the bus then, it is three miles.",
    "They closed the slip at Easter as well, and it took a year.",
    "A ferry without a slip is a rowing boat.",
    "The report on the piles is in the library.",
]
PRAISE = [
    "Great blog!",
    "What a wonderful website, thanks.",
    "Your posts are superb.",
    "I love this site so much.",
    "Such a helpful weblog, well done.",
    "Fantastic writing on this blog, cheers.",
    "Truly excellent content here, thank you.",
    "I have bookmarked it, brilliant.",
    "Nice article, very useful.",
    "This blog is amazing.",
    "The layout of your site is terrific.",
    "Impressed by your posts!",
]
_ids = count(1)


def row(body: str, name: str = "", *, minutes: float = 0, discussion: int = 1, **fields: object) -> Row:
    pk = next(_ids)
    name = name or f"Nuala {''.join('abcdefghij'[int(digit)] for digit in str(pk)).capitalize()}"
    values = {
        "id": pk,
        "discussion": discussion,
        "parent": None,
        "name": name,
        "writer": name,
        "is_identified": False,
        "is_confirmed": False,
        "body": body,
        "revision": 1,
        "text_missing": "",
        "at": DAY + timedelta(minutes=minutes),
        "state": "published",
        "is_kept": False,
        "ip_hash": None,
        "last_transition_id": pk,
        **fields,
    }
    return Row(**values)  # type: ignore[arg-type]


def group_rows(rows: list[Row]) -> tuple[list[Row], GroupingResult]:
    rows = sorted(rows, key=lambda r: (r.at, r.id))
    return rows, find_groups(rows, dict.fromkeys({r.discussion for r in rows}, STORY))


def proposed_groups(rows: list[Row]) -> dict[str, set[int]]:
    rows, result = group_rows(rows)
    return {str(p.kind): {rows[m.row].id for m in p.members} for p in result.groups}


def ids(rows: list[Row]) -> set[int]:
    return {r.id for r in rows}


def good_rows(**fields: object) -> list[Row]:
    return [row(body, minutes=30 * n, **fields) for n, body in enumerate(GOOD_TEXTS)]
