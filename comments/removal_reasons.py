"""The removal reasons of this site, as administrators have set them up.

They are cached for each version of the site, which grows when they change: a thread needs no query for them.
"""

from articles.site.current_site import current_site
from comments.models import BUILT_IN_REASONS, Reason, RemovalReason

_cache: tuple[int, dict[str, RemovalReason]] | None = None  # (site version, reasons)


def all_reasons() -> dict[str, RemovalReason]:
    """Return all reasons by code, in their order, including inactive ones."""
    global _cache
    version, cached = current_site().version, _cache
    if cached is None or cached[0] != version:
        cached = _cache = version, {reason.code: reason for reason in RemovalReason.objects.all()}
    return cached[1]


def choices() -> list[tuple[str, str]]:
    """Return (code, label) of the active reasons."""
    return [(code, str(reason)) for code, reason in all_reasons().items() if reason.is_active]


def is_active(code: str) -> bool:
    reason = all_reasons().get(code)
    return reason is not None and reason.is_active


def label(code: str) -> str:
    """Return the label of a reason, including those that only the system sets."""
    if reason := all_reasons().get(code):
        return str(reason)
    return str(Reason(code).label) if code in Reason else code


def author_message(code: str) -> str:
    """Return the sentence for the author that says which rule was broken, or "" if a reason has none."""
    reason = all_reasons().get(code)
    return (reason.message if reason else "") or str(BUILT_IN_REASONS.get(code, ""))


def public_labels() -> dict[str, str]:
    """Return the labels that readers see, by code. The built-in "other" is left out: it explains nothing."""
    labels = {
        code: str(reason)
        for code, reason in all_reasons().items()
        if reason.label or code != Reason.OTHER.value
    }
    return labels | {Reason.SPAM.value: str(Reason.SPAM.label)}
