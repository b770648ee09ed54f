"""Text that people type, as HTML: Markdown without raw HTML, then an allow-list over the result.

Both steps are needed: the parser refuses HTML and unsafe URLs, the sanitizer holds even if it errs.
"""

import html
import re
from functools import lru_cache

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt

TEXT_TAGS = {"p", "br", "em", "strong", "s", "a", "blockquote", "code", "pre", "ul", "ol", "li"}
STORY_TAGS = TEXT_TAGS | {"h2", "h3", "h4", "hr", "table", "thead", "tbody", "tr", "th", "td"}
URL_SCHEMES = {"http", "https", "mailto"}

_comment = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
_comment.enable(["linkify", "strikethrough"]).disable(["heading", "lheading", "image", "hr", "reference"])
_story = MarkdownIt("commonmark", {"html": False, "linkify": True}).enable(
    ["linkify", "strikethrough", "table"]
)
_links = LinkifyIt()


def render_story(text: str) -> str:
    """An article's body. Links are the newsroom's own and are followed."""
    return nh3.clean(_story.render(text), tags=STORY_TAGS, url_schemes=URL_SCHEMES, link_rel="noopener")


def render_comment(text: str) -> str:
    """What a reader typed: paragraphs, emphasis, lists, quotations, code and links that earn nothing."""
    return _clean_comment(_comment.render(text))


def render_plain(text: str) -> str:
    """Text that was never Markdown, such as a saved page's: paragraphs, line breaks and links."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip()]
    return _clean_comment("\n".join(f"<p>{_linked(part)}</p>" for part in paragraphs))


def first_words(markup: str, limit: int) -> str:
    """The beginning of rendered HTML as plain text of at most `limit` characters, cut between two words."""
    head = markup[: 4 * limit]  # markup and entities take up some; what is read stays bounded
    return _first_words(head, len(markup) == len(head), limit)


@lru_cache(maxsize=2048)  # of a thread that changed, all but one beginning was told before
def _first_words(head: str, is_whole: bool, limit: int) -> str:
    text = html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", head)))
    words = " ".join(text.split())
    if len(words) <= limit and is_whole:
        return words
    return words[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:–- ") + "…"


_INLINE_TAG = re.compile(r"</?(?:em|strong|s|a|code)\b[^>]*(?:>|$)")
_TAG = re.compile(r"<[^>]*(?:>|$)")


def _linked(text: str) -> str:
    out, last = [], 0
    for match in _links.match(text) or []:
        out += [html.escape(text[last : match.index], quote=False)]
        out += [f'<a href="{html.escape(match.url)}">{html.escape(match.text, quote=False)}</a>']
        last = match.last_index
    return "".join([*out, html.escape(text[last:], quote=False)]).replace("\n", "<br>\n")


def _clean_comment(markup: str) -> str:
    return nh3.clean(
        markup, tags=TEXT_TAGS, url_schemes=URL_SCHEMES, link_rel="ugc nofollow noopener noreferrer"
    )
