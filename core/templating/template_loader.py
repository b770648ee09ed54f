"""Template loaders of Django's engine and of Jinja's (.jinja), which remove the indentation."""

import re
from collections.abc import Callable, Iterator

import jinja2
from django.template import Origin
from django.template.loaders import filesystem

# Tags without output of their own. The line end after a line of only such tags is removed. The previous line
# keeps its own, so no words are joined.
_BLOCK_TAGS = (
    "load|extends|include|block|endblock|if|elif|else|endif|for|empty|endfor|with|endwith"
    "|set|autoescape|endautoescape"
)
_BLOCK_TAG = rf"\{{%-?\s*(?:{_BLOCK_TAGS})\b[^%]*%\}}"
_JINJA_COMMENT = re.compile(r"\{#.*?#\}\n?", re.DOTALL)
_TAGS_ALONE = re.compile(rf"^(?:\{{#[^\n]*#\}}|{_BLOCK_TAG})+$")


class Loader(filesystem.Loader):
    """Load templates without indentation, blank lines, and the ends of lines with nothing but tags.

    That saves a hundred bytes of a compressed page, and Django has fewer pieces to join. Text templates
    (.txt), which are mails, stay unchanged.
    """

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        """Yield the places of a template: none for a Jinja template, so Django asks the next engine."""
        if not template_name.endswith(".jinja"):
            yield from super().get_template_sources(template_name)

    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        return strip_indentation(text) if str(origin.name).endswith(".html") else text


class JinjaLoader(jinja2.FileSystemLoader):
    """Load Jinja templates without indentation, as Loader does."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_current = super().get_source(environment, template)
        return strip_indentation(_JINJA_COMMENT.sub("", source)), path, is_current


def strip_indentation(text: str) -> str:
    """Return the template without indentation, blank lines and unneeded line ends."""
    lines = filter(None, map(str.strip, text.split("\n")))
    return "".join(line if _TAGS_ALONE.match(line) else f"{line}\n" for line in lines)
