"""Slugs that are not used yet."""

from collections.abc import Collection


def first_unused_slug(base: str, taken: Collection[str], *, stem: str = "") -> str:
    """Return `base`, or if it is taken the stem (default: `base`) with the lowest unused number from 2."""
    stem = stem or base
    numbered = (base if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(slug for slug in numbered if slug not in taken)
