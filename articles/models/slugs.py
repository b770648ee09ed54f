"""Slugs: how they look in a URL, and those that are not used yet."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.utils.text import slugify

MAX_SLUG_LENGTH = 120  # characters
SLUG_PATTERN = rf"[-\w]{{1,{MAX_SLUG_LENGTH}}}"  # in any script, without characters that Postgres rejects


def first_unused_slug(base: str, taken: Collection[str], *, stem: str = "") -> str:
    """Return `base`, or if it is taken the stem (default: `base`) with the lowest unused number from 2."""
    stem = stem or base
    numbered = (base if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(slug for slug in numbered if slug not in taken)


def unused_slug_of_name(name: str, rows: QuerySet[Any], *, max_length: int, fallback: str) -> str:
    """Return a slug in the script of the name that none of `rows` has: cut, and numbered if it is taken.

    `fallback` stands for a name without letters and digits.
    """
    base = slugify(name, allow_unicode=True)[:max_length].strip("-") or fallback
    return first_unused_slug(base, set(rows.filter(slug__startswith=base).values_list("slug", flat=True)))
