"""Advice that a writer reads once before a comment is posted: on its length, links and duplicates.

It does not mention rules, filters or scores, only facts that the writer can see in the text, in the
discussion and among their own comments.
"""

from collections.abc import Sequence

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments.policy import Nudge, Submission
from moderation.checks import text
from moderation.checks.base import Context
from moderation.checks.results import CheckResult

SOFT_LENGTH = 2_000  # characters: about a screen


def applicable_nudges(
    submission: Submission, context: Context, findings: Sequence[CheckResult], *, becomes_pending: bool
) -> dict[Nudge, str]:
    """Return those of the submission's nudges that apply, each with its sentence.

    `becomes_pending`: whether findings make the comment pending. The verdict of the spam filter must not
    show by a sentence or by its absence.
    """
    sentences: dict[Nudge, str] = {}
    if len(submission.body) > SOFT_LENGTH:
        values = {"count": number_format(len(submission.body), force_grouping=True)}
        sentences[Nudge.LONG] = (
            _("Your comment has %(count)s characters: it fills more than one screen.") % values
        )
    holding = [found for found in findings if found.holds and found.check == text.LINKS.name]
    if becomes_pending and holding and (links := holding[0].number):
        sentences[Nudge.MANY_LINKS] = ngettext(
            "Your comment has %(count)s link. With so many, a moderator reads it before it appears.",
            "Your comment has %(count)s links. With so many, a moderator reads it before it appears.",
            links,
        ) % {"count": links}
    if context.duplicate and context.duplicate.is_own_pending:
        sentences[Nudge.SAME_TEXT] = (
            _("Your comment with this text is waiting for review.")
            if context.duplicate.exact
            else _("Your comment with almost the same text is waiting for review.")
        )
    elif context.duplicate and context.duplicate.is_published_in_discussion:
        sentences[Nudge.SAME_TEXT] = (
            _("A comment in this discussion has the same text.")
            if context.duplicate.exact
            else _("A comment in this discussion has almost the same text.")
        )
    return {nudge: sentence for nudge, sentence in sentences.items() if nudge in submission.nudges}
