"""Excerpts of comments, and texts with highlighted spans, as HTML."""

from collections.abc import Iterable, Sequence

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from articles.markup.markdown import make_excerpt
from comments.models import Comment, Reason

MAX_LENGTH = 120  # characters of an excerpt in lists of moderation


def comment_excerpt(comment: Comment) -> str:
    """Return the beginning of a comment as plain text, or the reason for which it has no text."""
    if comment.erased_at:
        return _("permanently deleted")
    if comment.state_reason == Reason.RESTRICTED:
        return _("access restricted")
    return make_excerpt(comment.body_html, MAX_LENGTH) or str(comment.get_text_missing_display())


def highlighted_excerpt(body: str, spans: Sequence[Sequence[int]], length: int) -> SafeString:
    """Return an excerpt of at most `length` characters of a plain text, with these spans in <mark>.

    It is the beginning, or the place of the first span if that is further down. "…" stands where it is cut.
    """
    first, before = min((start for start, _end in spans), default=0), length // 6
    start = first - before if len(body) > length and first > length - before else 0
    end = start + length
    shown = [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]
    text = highlight_text(body[start:end], shown)
    return format_html("{}{}{}", "… " if start else "", text, " …" if end < len(body) else "")


def highlight_text(body: str, spans: Iterable[Sequence[int]]) -> SafeString:
    """Return a plain text as HTML with these spans in <mark>; overlapping spans are merged."""
    out, last = [], 0
    for start, end in merge_spans(spans):
        out += [escape(body[last:start]), "<mark>", escape(body[start:end]), "</mark>"]
        last = end
    markup = "".join([*out, escape(body[last:])])
    return mark_safe(markup.replace("\n", "<br>\n"))  # noqa: S308  # escaped above, piece by piece


def merge_spans(spans: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the spans in order; spans that overlap or touch are merged."""
    separate: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end in spans):
        if separate and start <= separate[-1][1]:
            separate[-1] = (separate[-1][0], max(end, separate[-1][1]))
        else:
            separate.append((start, end))
    return separate
