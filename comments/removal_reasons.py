"""The reasons to remove, as administrators have them now. Read once for each version of the site, which
grows when they change: a thread asks for their words without a statement."""

from articles.site.current_site import current_site
from comments.models import Reason, RemovalReason

_known: tuple[int, dict[str, RemovalReason]] | None = None


def known() -> dict[str, RemovalReason]:
    """All of them by code, in their order, those that are switched off too."""
    global _known
    version, found = current_site().version, _known
    if found is None or found[0] != version:
        found = _known = version, {reason.code: reason for reason in RemovalReason.objects.all()}
    return found[1]


def choices() -> list[tuple[str, str]]:
    """(code, words) of those that can be chosen."""
    return [(code, str(reason)) for code, reason in known().items() if reason.is_active]


def is_active(code: str) -> bool:
    reason = known().get(code)
    return reason is not None and reason.is_active


def label(code: str) -> str:
    """Its words, also of a reason that the system gives."""
    if reason := known().get(code):
        return str(reason)
    return str(Reason(code).label) if code in Reason.values else code


def told(code: str) -> str:
    """What the author of a comment reads besides; often nothing."""
    reason = known().get(code)
    return reason.told if reason else ""


def said() -> dict[str, str]:
    """Words by code, for readers. Our own "other" explains nothing, so it is left out."""
    words = {
        code: str(reason) for code, reason in known().items() if reason.label or code != Reason.OTHER.value
    }
    return words | {Reason.SPAM.value: str(Reason.SPAM.label)}
