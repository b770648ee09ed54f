"""The texts and pictures of the sample newspaper, read from the files in this folder.

`stories/*.md` begin with lines such as `title: …`; the body in Markdown follows after an empty line. The name
of a file is the slug of its story. `hours` says how long before the start a story was published; a draft has
none. `discussions/<slug>.json` lists the comments of a story, `flood.json` the spam.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CURRENT_STORY = "lamp-14"  # the story of this week, with the long discussion
DRAFT = "tide-table"
SOURCE = "sample"  # Comment.source of its comments


@dataclass(frozen=True, kw_only=True)
class Story:
    """A story of the sample."""

    slug: str
    title: str
    standfirst: str
    body: str
    topics: list[str]
    authors: list[str]  # first names of accounts
    picture: str  # a key of pictures(); may be empty
    age: timedelta | None  # at the start; None for a draft


@dataclass(frozen=True, kw_only=True)
class SampleComment:
    """A comment of the sample."""

    story: str  # slug
    key: str  # within the story
    parent: str  # the key of the comment that it replies to, or ""
    by: str  # a role, or a key of guests(), or the name of a guest who has never commented before
    email: str  # of the last of these
    after: timedelta  # after the publication of the story
    text: str
    recommended: int = 0  # people who recommend it
    is_pick: bool = False
    removed: str = ""  # the reason for which a moderator removed it, or ""
    waits: bool = False  # for review
    report: dict[str, str] | None = None  # by, why, details


@cache
def stories() -> list[Story]:
    """Return the stories, the oldest first, and the draft at the end."""
    found = [_parse_story(file) for file in (FOLDER / "stories").glob("*.md")]
    return sorted(found, key=lambda story: story.age or timedelta(), reverse=True)


def _parse_story(file: Path) -> Story:
    head, _, body = file.read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(":", 1) for line in head.splitlines())
    fields = {name: value.strip() for name, value in fields.items()}
    return Story(
        slug=file.stem,
        title=fields["title"],
        standfirst=fields["standfirst"],
        body=body.strip(),
        topics=fields["topics"].split(", "),
        authors=fields["authors"].split(", "),
        picture=fields.get("picture", ""),
        age=timedelta(hours=float(fields["hours"])) if fields["hours"] else None,
    )


@cache
def comments() -> list[SampleComment]:
    """Return the comments of all stories but the flood, each after the comment that it replies to."""
    found = []
    for story in stories():
        file = FOLDER / "discussions" / f"{story.slug}.json"
        for row in _load(file) if file.exists() else []:
            newcomer = row["by"] if isinstance(row["by"], dict) else {}
            found.append(
                SampleComment(
                    story=story.slug,
                    key=row["id"],
                    parent=row.get("to", ""),
                    by=newcomer.get("name") or row["by"],
                    email=newcomer.get("email", ""),
                    after=timedelta(minutes=row["after"]),
                    text=row["text"],
                    recommended=row.get("recommended", 0),
                    is_pick=row.get("pick", False),
                    removed=row.get("removed", ""),
                    waits=row.get("waits", False),
                    report=row.get("report"),
                )
            )
    return found


@cache
def flood() -> list[SampleComment]:
    """Return the near-identical spam comments, each by another guest."""
    plan = _load(FOLDER / "discussions" / "flood.json")
    return [
        SampleComment(
            story=plan["story"],
            key=f"flood-{n}",
            parent="",
            by=row["name"],
            email=f"sender-{n}@example.net",
            after=timedelta(minutes=plan["after"] + n * plan["minutes_apart"]),
            text=row["text"],
            waits=True,
        )
        for n, row in enumerate(plan["comments"])
    ]


@cache
def pictures() -> dict[str, dict[str, str]]:
    """Return the alternative text, caption and credit of each picture, by the name of its file."""
    described = _load(FOLDER / "pictures.json")
    credit = described.pop("credit")
    return {name: {**values, "credit": credit} for name, values in described.items()}


def picture_file(name: str) -> Path:
    """Return the file of a picture."""
    return FOLDER / "pictures" / f"{name}.jpg"


def account_people() -> dict[str, dict[str, str]]:
    """Return the name, and the line for the author page, of each account, by role."""
    people: dict[str, dict[str, str]] = _people()["accounts"]
    return people


def guests() -> dict[str, str]:
    """Return the names of the guests who comment regularly, by the keys that comments use."""
    names: dict[str, str] = _people()["guests"]
    return names


@cache
def _people() -> dict[str, Any]:
    people: dict[str, Any] = _load(FOLDER / "people.json")
    return people


def _load(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
