"""HTML with named regions, whose content can be replaced without rendering the rest again.

A template marks a region by its name between two marks and a third mark after its content. The mark is the
NUL character: Postgres cannot store it, so no text that a person wrote contains one.
"""

from collections.abc import Mapping

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

MARK = "\0"


class HtmlRegions:
    """Rendered HTML, split at its regions."""

    def __init__(self, html: str) -> None:
        parts = html.split(MARK)  # text, then a name, a content and a text for each region
        assert len(parts) % 3 == 1, "A region is not closed."
        self._texts = [part for number, part in enumerate(parts) if number % 3 != 1]
        self._indexes = {name: 2 * number + 1 for number, name in enumerate(parts[1::3])}

    def content(self, name: str) -> str:
        """Return the content of a region. Raises KeyError for an unknown name."""
        return self._texts[self._indexes[name]]

    def replace(self, contents: Mapping[str, str]) -> str:
        """Return the HTML with these contents by name. Names that it does not have are ignored."""
        texts = self._texts.copy()
        for name, content in contents.items():
            if name in self._indexes:
                texts[self._indexes[name]] = content
        return "".join(texts)


@pass_context
def region(context: Context, name: str) -> Markup:
    """Begin a region if the template is rendered with `has_regions`, else return an empty text."""
    return Markup(f"{MARK}{name}{MARK}" if context.get("has_regions") else "")  # noqa: S704  # our own names


@pass_context
def end_region(context: Context) -> Markup:
    """End the region."""
    return Markup(MARK if context.get("has_regions") else "")  # noqa: S704
