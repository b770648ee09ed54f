"""Redirect from the path that an imported story had at its source: its domain may move to this site."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext as _

from articles.models import Article
from articles.redirects import RedirectError, add_missing_redirect, check_url_is_free, old_url_of_article


@dataclass(frozen=True, kw_only=True)
class SourceRedirect:
    """The result of the redirect from a story's old URL, or of its preview."""

    old: str  # path, and query if other systems name pages by it
    refusal: str  # a sentence why the old URL does not lead to the story, or ""
    is_preview: bool

    @property
    def text(self) -> str:
        """Return a sentence for the person who imports the story."""
        if self.refusal:
            text = _("The old URL %(old)s does not lead to the story. %(why)s")
        elif self.is_preview:
            text = _("The old URL %(old)s will lead to the story.")
        else:
            text = _("The old URL %(old)s leads to the story.")
        return text % {"old": self.old, "why": self.refusal}

    def to_json(self) -> dict[str, Any]:
        """Return the result for `import_archive --json`."""
        return {"old": self.old, "leads_to_story": not self.refusal, "refusal": self.refusal}


def redirect_from_source(article: Article, *, dry_run: bool) -> SourceRedirect:
    """Redirect from a new story's path at its source. A page or a redirect that has this path keeps it.

    A dry run returns the same and writes nothing.
    """
    old, refusal = article.source_url, ""
    try:
        old = old_url_of_article(article.source_url)
        if old == unquote(article.get_absolute_url()):
            pass  # it has the same path here
        elif dry_run:
            check_url_is_free(old)
        else:
            add_missing_redirect(old=old, target_url=article.get_absolute_url())
    except RedirectError as error:
        refusal = str(error)
    return SourceRedirect(old=old, refusal=refusal, is_preview=dry_run)
