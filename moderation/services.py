"""The verbs of judging: each is one act, one Batch and one transaction."""

from collections.abc import Sequence

from accounts.models import User
from articles.models import Article
from comments.models import Comment, Discussion, Reason, State
from comments.policy import Draft
from moderation.checks import IMPORT_CHECKS, Context, run
from moderation.models import Batch, Finding, Rule
from moderation.repeats import find_repeats


def screen_import(*, article: Article, ids: Sequence[int]) -> int:
    """Look at comments that were brought in, each at its own time, and store what the checks find.

    Changes no state. A bounded number of statements for any number of comments. Returns the findings.
    """
    discussion = Discussion(article=article)
    terms = Rule.objects.active_terms()
    repeats = find_repeats(ids)
    findings = []
    for comment in Comment.objects.filter(pk__in=ids).order_by("pk").defer("body_html"):
        draft = Draft(
            discussion=discussion,
            parent=None,
            author=None,
            guest=None,
            name=comment.author_name,
            body=comment.body,
            at=comment.created_at,
            comment=comment,
        )
        context = Context(repeat=repeats.get(comment.pk), terms=terms, text_missing=comment.text_missing)
        findings += [Finding.of(comment, found) for found in run(draft, context, IMPORT_CHECKS)]
    Finding.objects.bulk_create(findings, batch_size=2_000)
    return len(findings)


def start_batch(
    kind: Batch.Kind,
    actor: User | None,
    *,
    to_state: State | None = None,
    reason: Reason | None = None,
    undoes: Batch | None = None,
) -> Batch:
    """A new act, whose uuid then stands on its transitions."""
    return Batch.objects.create(
        kind=kind, actor=actor, to_state=to_state or "", reason=reason or "", undoes=undoes
    )
