"""Convert imported plain text to Markdown. Characters that Markdown would take for markup are escaped."""

import re
from itertools import cycle

# URL: a bare link. MARKUP: markup anywhere. LINE_MARKUP: at the start of a line. LIST_NUMBER: of a list item.
URL = re.compile(r"(https?://[^\s<>]*[\w/#=&%~+-])")
MARKUP = re.compile(r"[\\`*\[<]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|&(?=#?\w{1,32};)")
LINE_MARKUP = re.compile(r"^(?:[-+](?=[\s|:-]|$)|#(?=[#\s]|$)|=(?==*$)|[>|~]|:(?=-))")
LIST_NUMBER = re.compile(r"^([0-9]{1,9})([.)])(?=\s|$)")


def as_markdown(text: str) -> str:
    """Return Markdown that shows `text` unchanged, with its line breaks and indentation."""
    return "\n\n".join("\\\n".join(map(_literal, paragraph.split("\n"))) for paragraph in text.split("\n\n"))


def _literal(line: str) -> str:
    """Return Markdown that shows one line unchanged."""
    text = line.lstrip(" ")
    # A URL in angle brackets is a link whatever it contains. Escapes inside a bare URL would cut it short.
    escaped = "".join(
        f"<{part}>" if odd else MARKUP.sub(r"\\\g<0>", part)
        for part, odd in zip(URL.split(text), cycle((False, True)), strict=False)
    )
    escaped = LINE_MARKUP.sub(r"\\\g<0>", escaped, count=1)
    escaped = LIST_NUMBER.sub(r"\g<1>\\\g<2>", escaped, count=1)
    return "&nbsp;" * (len(line) - len(text)) + escaped
