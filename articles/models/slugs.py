"""Slugs: how they look in a URL, and those that are not used yet."""

from collections.abc import Collection

MAX_SLUG_LENGTH = 120  # characters
SLUG_PATTERN = rf"[-\w]{{1,{MAX_SLUG_LENGTH}}}"  # in any script, without characters that Postgres rejects


def first_unused_slug(base: str, taken: Collection[str], *, stem: str = "") -> str:
    """Return `base`, or if it is taken the stem (default: `base`) with the lowest unused number from 2."""
    stem = stem or base
    numbered = (base if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(slug for slug in numbered if slug not in taken)
