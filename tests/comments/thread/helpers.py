"""Readers of the page of a story, and cursors that are invalid."""

from html.parser import HTMLParser

BAD_CURSORS = [
    "",
    "x",
    "1",
    "1.",
    ".1",
    "1.2.3",
    f"{2**63}.1",
    f"1.{2**63}",
    "-1.-1",
    "1.1e5",
    "1_0.1",
    "--1.1",
]


class Thread(HTMLParser):
    """A parser of the nesting of a page: (id, depth) of each comment, in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.depth, self.comments = 0, list[tuple[int, int]]()
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.depth += tag == "ol"
        if tag == "article" and (key := dict(attrs).get("id") or "").startswith("comment-"):
            self.comments.append((int(key.removeprefix("comment-")), self.depth))

    def handle_endtag(self, tag):
        self.depth -= tag == "ol"


def read(client, article, query="", status=200) -> str:
    response = client.get(f"{article.get_absolute_url()}{query}")
    assert response.status_code == status
    return response.content.decode()


def levels(markup: str) -> list[tuple[int, int]]:
    return Thread(markup).comments


def ids(markup: str) -> list[int]:
    return [pk for pk, _ in levels(markup)]
