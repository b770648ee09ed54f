"""Labelled real comments from the example data ($SOUNDOFF_DATA). They are read in place and never copied."""

import csv
import html
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from core.data_folder import PROJECT
from moderation.features.text_reading import CommentData

DATA = Path(os.environ.get("SOUNDOFF_DATA", PROJECT.parent / "shared" / "data"))
UNKNOWN_TIME = datetime(2020, 1, 1, tzinfo=UTC)  # of comments in sets without times
TEST_SOURCE = "mariusv"  # read once, after all choices
SOURCES = (
    *(
        "aflyen",
        "andrea",
        "arborlodge",
        "banyoungkwan",
        "benrudolph",
        "bill",
        "bitcoinfrance",
        "cedricporter",
    ),
    *("changer119", "copywritingblog", "dkmeteor", "dmacvicar", "jamesgecko", "janvanmeirvenne", "lucascs"),
    *("midonet", "sud0n1m", "wikimo"),
)
LABELS = {"ham": False, "0": False, "spam": True, "1": True}
WXR = ("spotthevuln", "calcode", "charleso", "chrisjrob", "davidsouther", "dinhyen", "joesepi", "mythz")


class Kind(StrEnum):
    """The kinds of sources."""

    BLOG = "blog"
    NEWS = "newspaper"
    ROBOT = "robot"  # spam alone, without a story


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled comment."""

    id: str
    source: str  # the blog, newspaper or video; never split between training and test
    kind: Kind
    data: CommentData
    is_spam: bool


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _text(markup: str) -> str:
    markup = re.sub(r"<br ?/?>|</p>", "\n", markup)
    return html.unescape(re.sub(r"<[^<>]*>", "", markup)).replace("\ufeff", "").strip()


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None


def wordpress_spam() -> list[Row]:
    """Return spam without articles: the set has only the collecting site's own titles, and no dates."""
    rows: list[Row] = []
    for n, row in enumerate(_read("spam/wordpress_spam_dev.csv")):
        data = CommentData(body=row["text"], author=row["author"], url=row["url"])
        rows.append(Row(f"wp{n}", "wordpress spam", Kind.ROBOT, data, True))
    return rows


def fox() -> list[Row]:
    """Return good comments of a broadcaster, with their article's title and what they answer."""
    rows: list[Row] = []
    with (DATA / "news/fox_news_comments.jsonl").open(encoding="utf-8") as file:
        for n, row in enumerate(map(json.loads, file)):
            data = CommentData(
                body=row["text"],
                author=row["user"],
                article_title=row["title"],
                article_text=row["meta"],
                is_reply=bool(row["prev"]),
            )
            if row["text"].strip():
                rows.append(Row(f"fox{n}", "fox", Kind.NEWS, data, False))
    return rows


def civil() -> list[Row]:
    """Return good comments of newspapers, which are alone, without a name or an article."""
    rows = enumerate(_read("news/civilcomments_toxic_spans_train.csv"))
    return [
        Row(f"civil{n}", "civil comments", Kind.NEWS, CommentData(body=row["text"]), False) for n, row in rows
    ]


def _wxr_items(name: str) -> list[str]:
    """Return the posts of a WordPress export, by a pattern: one export is not valid XML."""
    text = (DATA / f"import/wxr_real/{name}.xml").read_text("utf-8", errors="replace")
    return re.findall(r"<item>.*?</item>", text, re.DOTALL)


def _tag(item: str, name: str) -> str:
    m = re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", item, re.DOTALL)
    return m[1] if m else ""


def _title(item: str) -> str:
    return html.unescape(_tag(item, "title"))


def blogs() -> list[Row]:
    """Return the eight real blogs, each comment with its article's text and its parent."""
    found = _read("spam/wordpress_blog_comments_dev.csv")
    posts = {
        name: {_title(item): _text(_tag(item, "content:encoded")) for item in _wxr_items(name)}
        for name in WXR
    }
    ids = {(row["blog"], row["comment_id"]) for row in found}
    rows: list[Row] = []
    for n, row in enumerate(found):
        key = next(name for name in WXR if name in row["blog"].lower())
        data = CommentData(
            body=row["text"],
            author=row["author"] or None,
            url=row["url"],
            article_title=row["post_title"] or None,
            article_text=posts[key].get(row["post_title"]) or None,
            article_date=_date(row["post_date"]),
            comment_date=_date(row["date"]),
            is_reply=(row["blog"], row["parent"]) in ids,
        )
        rows.append(Row(f"blog{n}", key, Kind.BLOG, data, row["label"] == "spam"))
    return rows


# The commenters' data, and a time. Of an export that has no websites at all, nothing is known of them.


def sources(names: Iterable[str] = SOURCES) -> list[Row]:
    """Return the comments of these blogs of spam/sources, by time, each with its story."""
    rows: list[Row] = []
    for name in names:
        found = _read(f"spam/sources/{name}.csv")
        has_websites = any(row["url"] for row in found)
        for n, row in enumerate(sorted(found, key=lambda row: row["comment_date"])):
            if row["label"] not in LABELS or not (row["body"].strip() or row["author"].strip()):
                continue
            data = CommentData(
                body=row["body"],
                author=row["author"] or None,
                url=row["url"].strip() if has_websites else None,
                article_title=row["article_title"] or None,
                article_text=row["article_text"] or None,
                article_date=_date(row["article_date"]),
                comment_date=_date(row["comment_date"]),
            )
            rows.append(Row(f"{name}{n}", name, Kind.BLOG, data, LABELS[row["label"]]))
    return rows


def betabong() -> list[Row]:
    """Return the good comments of a German blog."""
    rows: list[Row] = []
    for item in _wxr_items("betabong"):
        for comment in re.findall(r"<wp:comment>.*?</wp:comment>", item, re.DOTALL):
            if _tag(comment, "wp:comment_type") in {"pingback", "trackback"}:
                continue
            data = CommentData(
                body=_tag(comment, "wp:comment_content"),
                author=_tag(comment, "wp:comment_author"),
                url=_tag(comment, "wp:comment_author_url"),
                article_title=_title(item),
                article_text=_text(_tag(item, "content:encoded")) or None,
                article_date=_date(_tag(item, "wp:post_date")),
                comment_date=_date(_tag(comment, "wp:comment_date")),
            )
            rows.append(Row(f"beta{len(rows)}", "betabong", Kind.BLOG, data, False))
    return rows


def staticman() -> list[Row]:
    """Return real comments without an article, of one blog about money and prices."""
    text = (DATA / "import/staticman/hendrixjoseph_comments.yml").read_text("utf-8")
    rows: list[Row] = []
    parts = re.split(r"^# file: (.*)$", text, flags=re.MULTILINE)[1:]
    for slug, part in zip(parts[::2], parts[1::2], strict=True):
        data = CommentData(
            body=_scalar(part, "message"),
            author=_scalar(part, "name") or None,
            url=_scalar(part, "url"),
            article_title=slug.split("/")[0].replace("-", " "),
        )
        rows.append(Row(f"static{len(rows)}", "staticman", Kind.BLOG, data, False))
    return rows


def _scalar(part: str, name: str) -> str:
    """Return a YAML value of these files: folded, literal, quoted, or plain, over several lines or on one."""
    m = re.search(rf"^{name}: (.*\n(?:  .*\n|\n)*)", part + "\n", re.MULTILINE)
    if not m:
        return ""
    raw = re.sub(r"^  ", "", m[1].strip(), flags=re.MULTILINE)
    if raw[:1] == "|":
        return raw.partition("\n")[2]
    text = re.sub(r"\n(\n*)", lambda m: m[1] or " ", raw.partition("\n")[2] if raw[:1] == ">" else raw)
    if raw[:1] == '"':
        return re.sub(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", _escaped, text[1:-1])
    return text[1:-1].replace("''", "'") if raw[:1] == "'" else text


def _escaped(m: re.Match[str]) -> str:
    if m[1][0] in "xuU" and len(m[1]) > 1:
        return chr(int(m[1][1:], 16))
    return {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1])


def disqus() -> list[Row]:
    """Return good comments of sites with Disqus."""
    rows: list[Row] = []
    for name in (
        "disqus_real/churchs19",
        "disqus_real/yesilmavihayat",
        "remark42_tests/disqus",
        "isso_tests/disqus",
    ):
        text = (DATA / f"import/{name}.xml").read_text("utf-8")
        for post in re.findall(r"<post [^>]*>.*?</post>", text, re.DOTALL):
            body = _text(_tag(post, "message").replace("<![CDATA[", "").replace("]]>", ""))
            if body and "<isSpam>true" not in post:
                data = CommentData(body=body, author=html.unescape(_tag(post, "name")) or None)
                rows.append(Row(f"{name.split('/')[-1]}{len(rows)}", name, Kind.BLOG, data, False))
    return rows
