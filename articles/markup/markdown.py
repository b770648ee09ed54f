"""Render typed text as HTML: Markdown without raw HTML, then a sanitizer with an allow-list.

Both steps are needed: the parser rejects HTML and unsafe URLs, and the sanitizer protects if the parser
fails.
"""

import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from articles.images import html as image_html
from articles.markup.linkify import Linkifier, use_linkifier

TEXT_TAGS = {"p", "br", "em", "strong", "s", "a", "blockquote", "code", "pre", "ul", "ol", "li"}
DOCUMENT_TAGS = TEXT_TAGS | {"h2", "h3", "h4", "hr", "table", "thead", "tbody", "tr", "th", "td"}
IMAGE_TAGS = {"figure", "figcaption", "picture", "source", "img", "small", "span"}
IMAGE_ATTRIBUTES = {
    "img": {"src", "alt", "width", "height", "loading", "decoding", "fetchpriority"},
    "source": {"type", "media", "sizes", "srcset"},
    "span": {"dir"},
}
WORDS_PER_MINUTE = 220  # reading speed
URL_SCHEMES = {"http", "https", "mailto"}

_comment_parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
_comment_parser.enable(["linkify", "strikethrough"]).disable(
    ["heading", "lheading", "image", "hr", "reference"]
)
_document_parser = MarkdownIt("commonmark", {"html": False, "linkify": True}).enable(
    ["linkify", "strikethrough", "table"]
)
use_linkifier(_comment_parser)
use_linkifier(_document_parser)
_linkifier = Linkifier()
_HOST = re.compile(  # of ASCII letters or others, perhaps with a port
    r"(?:(?:[a-z0-9-]|[^\x00-\x7f])+\.)+(?:xn--[a-z0-9-]+|(?:[a-z]|[^\x00-\x7f]){2,})"
    r"(?::[0-9]{1,5})?(?=[/?#]|$)",
    re.IGNORECASE,
)


def _normalize_comment_link(url: str) -> str:
    """Add the scheme to `[text](example.org)`, which would otherwise lead to a page of this site."""
    return MarkdownIt.normalizeLink(_comment_parser, f"https://{url}" if _HOST.match(url) else url)


_comment_parser.normalizeLink = _normalize_comment_link  # type: ignore[method-assign]


def _turn_images_into_figures(state: Any) -> None:
    """Turn each image of a paragraph that contains only images into a figure, without the paragraph."""
    for opening, inline, closing in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if inline.type != "inline" or opening.type != "paragraph_open":
            continue
        children = [child for child in inline.children if child.type != "softbreak"]
        if children and all(map(_is_stored_image, children)):
            opening.hidden = closing.hidden = True
            inline.children = children
            for child in children:
                child.meta["figure"] = True


def _is_stored_image(token: Token) -> bool:
    return token.type == "image" and bool(image_html.REFERENCE.fullmatch(str(token.attrs["src"])))


def _render_image(
    renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: dict[str, Any]
) -> str:
    token = tokens[index]
    source, caption = str(token.attrs["src"]), str(token.attrs.get("title", ""))
    alt = renderer.renderInlineAsText(token.children, options, env)
    if not _is_stored_image(token):
        text = html.escape(alt or source)
        return f'<a href="{html.escape(source)}">{text}</a>'
    image = env["images"].get(int(source.removeprefix("image:")))
    if image is None:
        return ""
    if token.meta.get("figure"):
        is_first = bool(env["first"]) and env["first"][0] is token
        return image_html.figure(image, alt=alt, caption=caption, is_first=is_first)
    return image_html.picture(image, alt=alt) + image_html.credit_inline(image)


def _image_tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "image":
            yield token
        yield from _image_tokens(token.children or [])


_document_parser.core.ruler.push("images", _turn_images_into_figures)
_document_parser.add_render_rule("image", _render_image)


def render_document(text: str) -> str:
    """Render text of the newsroom as HTML: an article, a page, the rules, the text on privacy.

    Its links have no `nofollow`.

    `![alternative text](image:12 "caption")` shows image 12 of the library, with its sizes, caption and
    credit. Without them, the alternative text and the caption are those of the image itself. A missing image
    is left out (see `referenced_images`), and an image of another site becomes a link. One statement if the
    text has images.
    """
    tokens = _document_parser.parse(text)
    urls = {str(token.attrs["src"]) for token in _image_tokens(tokens)}
    first = next((token.children or [] for token in tokens if token.type == "inline"), [])
    env = {"images": image_html.find_images(urls), "first": first}
    return nh3.clean(
        _document_parser.renderer.render(tokens, _document_parser.options, env),
        tags=DOCUMENT_TAGS | IMAGE_TAGS,
        attributes=nh3.ALLOWED_ATTRIBUTES | IMAGE_ATTRIBUTES,
        url_schemes=URL_SCHEMES,
        link_rel="noopener",
    )


def referenced_images(text: str) -> set[int]:
    """Return the keys of the images that a body refers to, whether they exist or not."""
    urls = (str(token.attrs["src"]) for token in _image_tokens(_document_parser.parse(text)))
    return {int(match[1]) for url in urls if (match := image_html.REFERENCE.fullmatch(url))}


def render_comment(text: str) -> str:
    """Render a comment as HTML: paragraphs, emphasis, lists, quotations, code and links with `nofollow`."""
    return _clean_comment(_comment_parser.render(text))


def render_plain(text: str) -> str:
    """Render plain text, such as that of a saved page, as HTML: paragraphs, line breaks and links."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip()]
    return _clean_comment("\n".join(f"<p>{_linkify_text(part)}</p>" for part in paragraphs))


def count_words(markup: str) -> int:
    """Return the number of words in rendered HTML. A dash between spaces is not a word."""
    return len(_WORD.findall(_TAG.sub(" ", markup)))


def reading_minutes(markup: str) -> int:
    """Return the minutes that reading rendered HTML takes, at least one."""
    return max(1, round(count_words(markup) / WORDS_PER_MINUTE))


def excerpt_source_length(limit: int) -> int:
    """Return the number of characters of HTML from which make_excerpt makes the same excerpt as from all.

    They leave room for tags and entities, and bound the work.
    """
    return 4 * limit + 1


def make_excerpt(markup: str, limit: int) -> str:
    """Return the beginning of rendered HTML as plain text, at most `limit` characters, cut at a word."""
    if "<figure>" in markup or "<h" in markup:  # a heading would run into the paragraph below it
        markup = _FIGURE_OR_HEADING.sub("", markup)
    head = markup[: excerpt_source_length(limit) - 1]
    return _excerpt(head, len(markup) == len(head), limit)


def make_comment_excerpt(markup: str, limit: int) -> str:
    """Return the excerpt of a comment without quoted words of others, unless it has no words of its own."""
    depth, own = 0, []
    for part in _QUOTATION_TAG.split(markup):
        if _QUOTATION_TAG.fullmatch(part):
            depth += -1 if part.startswith("</") else 1
        elif not depth:
            own.append(part)
    return make_excerpt("".join(own), limit) or make_excerpt(markup, limit)


@lru_cache(maxsize=2048)  # after a change of a thread, all comments but one are cached
def _excerpt(head: str, is_whole: bool, limit: int) -> str:
    text = html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", head)))
    plain = " ".join(text.split())
    if len(plain) <= limit and is_whole:
        return plain
    return plain[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:–- ") + "…"


_FIGURE_OR_HEADING = re.compile(r"<(figure|h[1-6])\b[^>]*>.*?</\1>", re.DOTALL)
_INLINE_TAG = re.compile(r"</?(?:em|strong|s|a|code)\b[^>]*(?:>|$)")
_QUOTATION_TAG = re.compile(r"(</?blockquote>)")
_TAG = re.compile(r"<[^>]*(?:>|$)")
_WORD = re.compile(r"\w\S*")


def _linkify_text(text: str) -> str:
    out, last = [], 0
    for match in _linkifier.match(text) or []:
        out += [html.escape(text[last : match.index], quote=False)]
        out += [f'<a href="{html.escape(match.url)}">{html.escape(match.text, quote=False)}</a>']
        last = match.last_index
    return "".join([*out, html.escape(text[last:], quote=False)]).replace("\n", "<br>\n")


def _clean_comment(markup: str) -> str:
    return nh3.clean(
        markup, tags=TEXT_TAGS, url_schemes=URL_SCHEMES, link_rel="ugc nofollow noopener noreferrer"
    )
