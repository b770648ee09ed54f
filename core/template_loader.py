"""The template loader, which removes the indentation of HTML templates."""

import re

from django.template import Origin
from django.template.loaders import filesystem

# Tags without output of their own. The line end after a line of only such tags is removed. The previous line
# keeps its own, so no words are joined.
_BLOCK_TAGS = "load|extends|include|block|endblock|if|elif|else|endif|for|empty|endfor|with|endwith"
_BLOCK_TAG = rf"\{{%\s*(?:{_BLOCK_TAGS})\b[^%]*%\}}"
_TAGS_ALONE = re.compile(rf"^(?:\{{#[^\n]*#\}}|{_BLOCK_TAG})+$")


class Loader(filesystem.Loader):
    """Load templates without indentation, blank lines, and the ends of lines with nothing but tags.

    That saves a hundred bytes of a compressed page, and Django has fewer pieces to join. Text templates
    (.txt), which are mails, stay unchanged.
    """

    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        return strip_indentation(text) if str(origin.name).endswith(".html") else text


def strip_indentation(text: str) -> str:
    """Return the template without indentation, blank lines and unneeded line ends."""
    lines = filter(None, map(str.strip, text.split("\n")))
    return "".join(line if _TAGS_ALONE.match(line) else f"{line}\n" for line in lines)
