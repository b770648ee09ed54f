"""Reading this project's templates: what sets them out for who edits them is not sent to who reads pages."""

import re

from django.template import Origin
from django.template.loaders import filesystem

# Tags that write nothing themselves. Of a line that holds nothing else the line before keeps its own end, so
# no words are joined.
_BLOCK_TAGS = "load|extends|block|endblock|if|elif|else|endif|for|empty|endfor|with|endwith"
_BLOCK_TAG = rf"\{{%\s*(?:{_BLOCK_TAGS})\b[^%]*%\}}"
_TAGS_ALONE = re.compile(rf"^(?:\{{#[^\n]*#\}}|{_BLOCK_TAG})+$")


class Loader(filesystem.Loader):
    """Without indentation, blank lines, and the ends of lines that only steer the template: a hundred bytes
    of a packed page, and fewer pieces for Django to put together. Mails (.txt) stay as they are written."""

    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        return strip_indentation(text) if str(origin.name).endswith(".html") else text


def strip_indentation(text: str) -> str:
    lines = filter(None, map(str.strip, text.split("\n")))
    return "".join(line if _TAGS_ALONE.match(line) else f"{line}\n" for line in lines)
