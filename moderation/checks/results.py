"""The result of a check."""

from dataclasses import dataclass, field

from moderation.rules.matching import Spans


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A finding before it is stored: the fields of models.Finding."""

    strength: float
    check: str = ""  # name of the check, filled in by registry.run_checks
    holds: bool = True  # false: it does not send the comment to review, although its check may do so
    spans: Spans = field(default_factory=list)
    number: int | None = None
    duplicate_of: int | None = None
    rule: int | None = None
    filter: int | None = None  # id of the filter version that gave this probability
