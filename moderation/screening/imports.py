"""What the checks and the filter find in comments that were brought in."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from articles.models import Article
from comments.duplicates import fold
from comments.models import Comment, Discussion, State
from comments.policy import Draft
from moderation.features.signals import SITE_SIGNAL_WEIGHTS
from moderation.features.site_facts import THREAD_COMMENT_LENGTH, THREAD_COMMENTS
from moderation.features.text_reading import Read
from moderation.models import Finding
from moderation.rules import active_rules
from moderation.screening.checks import IMPORT_CHECKS, Context, Found, run_checks
from moderation.screening.duplicates import find_duplicates
from moderation.spam_filter import scoring
from moderation.spam_filter.active_model import ActiveFilter, usable_filter


def screen_import(*, article: Article, ids: Sequence[int]) -> int:
    """Look at comments that were brought in, each at its own time, and store what the checks find.

    Changes no state. A bounded number of statements for any number of comments. Returns the findings.
    """
    discussion = Discussion(article=article)
    known = active_rules.in_force()
    here = known.at(article.pk, article.topics.values_list("pk", flat=True) if known.is_scoped else ())
    repeats = find_duplicates(article=article, ids=ids)
    thread, now = _ImportedThread(article), usable_filter()
    if now:
        now = now._replace(topics=tuple(article.topics.order_by("pk").values_list("pk", flat=True)))
    findings = []
    for comment in Comment.objects.filter(pk__in=ids).order_by("created_at", "pk").defer("body_html"):
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
        context = Context(repeat=repeats.get(comment.pk), rules=here, text_missing=comment.text_missing)
        found = run_checks(draft, context, IMPORT_CHECKS)
        if now and not comment.text_missing:
            found += thread.judge(draft, now, found)
        thread.add(comment)
        findings += [Finding.of(comment, one) for one in found]
    Finding.objects.bulk_create(findings, batch_size=2_000)
    return len(findings)


class _ImportedThread:
    """What was said before a comment that was brought in, as known.look_up would tell it of one that is
    written here; but in memory, for all of them."""

    def __init__(self, article: Article) -> None:
        self.story = f"{article.standfirst}\n{article.body}"
        self.latest: deque[str] = deque(maxlen=THREAD_COMMENTS)
        self.said: dict[int, str] = {}

    def add(self, comment: Comment) -> None:
        folded = fold(comment.body)
        if comment.state == State.PUBLISHED:
            self.latest.append(folded[:THREAD_COMMENT_LENGTH])
        self.said[comment.pk] = folded[: THREAD_COMMENT_LENGTH * 4]

    def judge(self, draft: Draft, now: ActiveFilter, found: Sequence[Found]) -> list[Found]:
        assert draft.comment
        read = Read(
            replace(
                scoring.draft_data(draft),
                article_text=self.story,
                parent=self.said.get(draft.comment.parent_id or 0),
                thread=" ".join(self.latest) or None,
            )
        )
        more = [scoring.as_signal(one) for one in found if one.check in SITE_SIGNAL_WEIGHTS]
        return scoring.score_comment(read, now, more)[1]
