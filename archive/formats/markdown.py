"""Plain text that comes in, as the Markdown in which articles are kept: nothing in it is taken for markup."""

import re
from itertools import cycle

# Markup that Markdown finds anywhere, at the start of a line, and in a list's number.
URL = re.compile(r"(https?://[^\s<>]*[\w/#=&%~+-])")
MARKUP = re.compile(r"[\\`*\[<]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|&(?=#?\w{1,32};)")
LINE_MARKUP = re.compile(r"^(?:[-+](?=[\s|:-]|$)|#(?=[#\s]|$)|=(?==*$)|[>|~]|:(?=-))")
LIST_NUMBER = re.compile(r"^([0-9]{1,9})([.)])(?=\s|$)")


def as_markdown(text: str) -> str:
    """Markdown that shows `text` as it is, with its line breaks and indents."""
    return "\n\n".join("\\\n".join(map(_literal, paragraph.split("\n"))) for paragraph in text.split("\n\n"))


def _literal(line: str) -> str:
    text = line.lstrip(" ")
    # A URL in angle brackets is a link whatever it contains; escapes inside a bare one would cut it short.
    escaped = "".join(
        f"<{part}>" if odd else MARKUP.sub(r"\\\g<0>", part)
        for part, odd in zip(URL.split(text), cycle((False, True)), strict=False)
    )
    escaped = LINE_MARKUP.sub(r"\\\g<0>", escaped, count=1)
    escaped = LIST_NUMBER.sub(r"\g<1>\\\g<2>", escaped, count=1)
    return "&nbsp;" * (len(line) - len(text)) + escaped
