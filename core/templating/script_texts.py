"""The translations of the texts in scripts, as a script that pages load before the others."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

from core.caching import cache_for_a_year

_catalog = JavaScriptCatalog.as_view(packages=["core"])  # without those of Django's admin


@require_safe
def script_texts(request: HttpRequest, language: str, version: str) -> HttpResponseBase:
    """Return the script with the texts of a language, cached forever: its URL changes with the texts.

    A page of another version of the program gets our texts, which no cache keeps.
    """
    current = _version(language) if language in dict(settings.LANGUAGES) else ""
    if not current:
        raise Http404
    with translation.override(language):
        response = _catalog(request)
    if version == current:
        cache_for_a_year(response)
    return response


def script_texts_url() -> str:
    """Return the URL of the script for the active language, or "" if it has no translations: for English."""
    language = translation.get_language() or ""
    version = _version(language)
    return reverse("script-texts", args=[language, version]) if version else ""


@lru_cache
def _version(language: str) -> str:
    """Return a hash of the translations, or "" if there are none."""
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "djangojs.mo"
    return blake2b(path.read_bytes(), digest_size=6).hexdigest() if path.is_file() else ""
