"""Cache headers of files and scripts whose URLs change with their content."""

from django.http import HttpResponseBase
from django.utils.cache import patch_cache_control

YEAR = 60 * 60 * 24 * 365  # seconds


def cache_for_a_year(response: HttpResponseBase) -> None:
    """Let browsers and proxies keep a response for a year without asking again."""
    patch_cache_control(response, public=True, immutable=True, max_age=YEAR)
