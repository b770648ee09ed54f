"""Real threads with their true reply structure, read in place from the example data ($SOUNDOFF_DATA).

The readers take only what is measured: names, times, texts and parents. Pingbacks and comments without a text
are left out, and so are threads in which nobody replies. The data's Disqus exports have no replies.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from archive.formats import soundoff
from core.data_folder import PROJECT
from moderation.reply_structure.inference import ThreadComment

DATA = Path(os.environ.get("SOUNDOFF_DATA", PROJECT.parent / "shared" / "data")) / "import"
BLOGS = ("chrisjrob", "mythz", "betabong", "spotthevuln", "davidsouther", "dinhyen")
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
YAML_ESCAPES = {"n": "\n", "r": "", "t": " "}


class StoredComment(NamedTuple):
    """A comment as an export has it."""

    id: str
    parent: str  # the id of the comment that it answers, or one that no comment has
    author: str
    html: str
    at: datetime


class TrueComment(NamedTuple):
    """A comment with the number of the comment that it really answers."""

    number: int  # from 1, by time
    author: str
    text: str
    at: datetime
    parent: int | None


class Thread(NamedTuple):
    """The comments of one story, oldest first, and if known the names of its authors and its text."""

    comments: list[TrueComment]
    story_authors: tuple[str, ...] = ()
    story: str = ""


class SavedPage(NamedTuple):
    """A page with at most three levels, as its parser reads it, and the true parents by number."""

    comments: list[ThreadComment]
    parents: dict[int, int | None]


def read_sources() -> dict[str, list[Thread]]:
    """Return the threads in which somebody replies, by the name of their source."""
    sources = {f"WordPress, {name}": _read_wordpress(name) for name in BLOGS}
    sources["Staticman, hendrixjoseph"] = _read_staticman()
    return {name: [thread for thread in found if _has_replies(thread)] for name, found in sources.items()}


def read_saved_pages() -> list[SavedPage]:
    """Return four threads of the blogs as saved pages in the text format that the site imports."""
    blogs = {name: root for name in BLOGS for root in [ElementTree.parse(_wordpress_file(name)).getroot()]}
    stored = {
        name: [one for item in root.iter("item") for one in _stored(item)] for name, root in blogs.items()
    }
    pages = []
    for path in sorted((DATA / "soundoff_text").glob("*.json")):
        ids = [one["source_comment_id"] for one in json.loads(path.read_text())["comments"]]
        numbers = {pk: number for number, pk in enumerate(ids, 1)}
        blog = next(name for name in BLOGS if path.name.startswith(name))
        parents = {numbers[one.id]: numbers.get(one.parent) for one in stored[blog] if one.id in numbers}
        page = soundoff.parse(path.with_suffix(".txt").read_bytes())
        comments = [
            ThreadComment(one.number, one.author, one.body, one.created_at, one.parent, one.level)
            for one in page.comments
        ]
        pages.append(SavedPage(comments, parents))
    return pages


def _has_replies(thread: Thread) -> bool:
    return any(comment.parent for comment in thread.comments)


def _thread(stored: Sequence[StoredComment], story_authors: tuple[str, ...] = (), story: str = "") -> Thread:
    stored = sorted(
        (one for one in stored if one.html.strip()), key=lambda one: (one.at, len(one.id), one.id)
    )
    numbers = {one.id: number for number, one in enumerate(stored, 1)}
    comments = [
        TrueComment(
            number, unescape(one.author).strip(), _plain_text(one.html), one.at, numbers.get(one.parent)
        )
        for number, one in enumerate(stored, 1)
    ]
    return Thread(comments, story_authors, story)


# WordPress


def _wordpress_file(name: str) -> Path:
    return DATA / "wxr_real" / f"{name}.xml"


def _read_wordpress(name: str) -> list[Thread]:
    root = ElementTree.parse(_wordpress_file(name)).getroot()
    people = [_fields(element) for element in root.iter() if _tag(element) == "author" and len(element)]
    names = {person["author_login"]: person.get("author_display_name", "") for person in people}
    threads = []
    for item in root.iter("item"):
        fields = _fields(item)
        login, story = fields.get("creator", ""), _plain_text(fields.get("content", ""))
        threads.append(_thread(list(_stored(item)), (login, names.get(login, "")), story))
    return threads


def _stored(item: ElementTree.Element) -> Iterator[StoredComment]:
    for element in item:
        comment = _fields(element)
        if _tag(element) == "comment" and comment["comment_type"] not in {"pingback", "trackback"}:
            yield StoredComment(
                comment["comment_id"],
                comment["comment_parent"],
                comment["comment_author"],
                comment["comment_content"],
                datetime.fromisoformat(comment["comment_date_gmt"]).replace(tzinfo=UTC),
            )


def _fields(element: ElementTree.Element) -> dict[str, str]:
    """Return the texts of the children by tag, without the namespace: it differs by version."""
    return {"content" if child.tag == CONTENT else _tag(child): child.text or "" for child in element}


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _plain_text(html: str) -> str:
    """Return the text of simple HTML, with ">" before the lines of a quotation."""

    def quote(match: re.Match[str]) -> str:
        lines = re.sub(r"<[^>]+>", "", match[1]).strip().splitlines()
        return "\n\n" + "\n".join(f"> {line}" for line in lines) + "\n\n"

    html = re.sub(r"(?is)<blockquote[^>]*>(.*?)</blockquote>", quote, html)
    html = re.sub(r"(?i)</p>\s*<p[^>]*>", "\n\n", html)
    html = re.sub(r"(?i)<br\s*/?>\n?", "\n", html)
    return unescape(re.sub(r"<[^>]+>", "", html)).replace("\r", "").strip()


# Staticman: each comment is a file, whose name has the times of the comments that it answers and its own.


def _read_staticman() -> list[Thread]:
    text = (DATA / "staticman" / "hendrixjoseph_comments.yml").read_text()
    stories: dict[str, list[StoredComment]] = {}
    for entry in re.split(r"^---\n", text, flags=re.MULTILINE):
        if not (head := re.match(r"# file: (.+)/((?:entry\d+)+)\.yml\n", entry)):
            continue
        fields = dict(_yaml_fields(entry))
        *answered, own = (part[:15] for part in re.findall(r"entry\d+", head[2]))  # to the second
        at = datetime.fromtimestamp(int(fields["date"][:10]), UTC)
        parent = answered[-1] if answered else ""
        stories.setdefault(head[1], []).append(
            StoredComment(own, parent, fields["name"], fields["message"], at)
        )
    return [_thread(stored) for stored in stories.values()]


def _yaml_fields(entry: str) -> Iterator[tuple[str, str]]:
    for field in re.finditer(r"^(\w+): ?(.*(?:\n+(?: .*))*)", entry, re.MULTILINE):
        value = field[2].strip()
        if value.startswith('"'):
            value = re.sub(r"\s*\n\s*", " ", value[1:-1])
            value = re.sub(r"\\(.)", lambda escape: YAML_ESCAPES.get(escape[1], escape[1]), value)
        elif value.startswith("'"):
            value = value[1:-1].replace("''", "'")
        else:
            value = re.sub(r"\n\s*", "\n", re.sub(r"^[>|]-?\n", "", value))
        yield field[1], value
