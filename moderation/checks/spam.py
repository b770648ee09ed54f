"""The spam filter's score and the answers of external scorers as checks.

The filter scores every comment, and so may a scorer: below `min_shown_strength` they have found nothing.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from comments.models import Reason
from moderation.checks.base import Check

ALMOST_CERTAIN, LIKELY, UNCERTAIN = 0.95, 0.7, 0.3


def probability_text(p: float, *, becomes_pending: bool = False) -> str:
    """Return a probability as a sentence. `becomes_pending`: the comment is reviewed first because of it."""
    if p >= ALMOST_CERTAIN:
        percent = min(99, round(100 * p))
        return _("Almost certainly spam: %(n)s in 100 comments like this are spam.") % {"n": percent}
    if p >= LIKELY:
        return _("Likely spam: %(n)s in 10 comments like this are spam.") % {"n": round(10 * p)}
    if p >= UNCERTAIN:
        return _("Possibly spam: %(n)s in 10 comments like this are spam.") % {"n": round(10 * p)}
    if becomes_pending:
        return _("Possibly spam: %(n)s in 100 comments like this are spam.") % {"n": round(100 * p)}
    if n := round(100 * p):
        text = ngettext(
            "Probably not spam: %(n)s in 100 comments like this is spam.",
            "Probably not spam: %(n)s in 100 comments like this are spam.",
            n,
        )
        return text % {"n": n}
    return _("Probably not spam.")


FILTER = Check(
    name="filter",
    label=gettext_lazy("the spam filter"),
    description=gettext_lazy("It is like comments that were spam."),
    to_moderator=lambda finding, original: probability_text(finding.strength, becomes_pending=finding.holds),
    to_author=lambda finding, original: _("The spam filter of this site asks for a review first."),
    holds=True,
    priority=1,
    min_shown_strength=UNCERTAIN,
    counted_only_if_holding=True,
    proposes_removal_for=[Reason.SPAM],
)
AKISMET = Check(
    name="akismet",
    label=gettext_lazy("rated as spam by Akismet"),
    description=gettext_lazy("Akismet rates it as spam."),
    weight=2.0,
    min_shown_strength=0.5,
)
AKISMET_SILENT = Check(
    name="akismet_silent",
    label=gettext_lazy("no answer from Akismet"),
    description=gettext_lazy("Akismet gave no usable answer in time."),
)
SCORER = Check(
    name="scorer",
    label=gettext_lazy("rated as spam by the external service"),
    description=gettext_lazy("The external service rates it as spam."),
    weight=2.0,
    min_shown_strength=0.5,
)
SCORER_SILENT = Check(
    name="scorer_silent",
    label=gettext_lazy("no answer from the external service"),
    description=gettext_lazy("The external service gave no usable answer in time."),
)
SILENT = {AKISMET.name: AKISMET_SILENT, SCORER.name: SCORER_SILENT}  # by the scorer that did not answer
CHECKS = [AKISMET, SCORER, AKISMET_SILENT, SCORER_SILENT, FILTER]
