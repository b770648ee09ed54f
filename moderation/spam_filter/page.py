"""Data of the filter's page, in nine statements at most.

Expensive counts are stored in the version's evaluation (training.Evaluation). Of the comments that it got
wrong, only ids and spans are stored there; their texts are read here if the user may read them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Comment, Reason, State, Transition
from moderation import excerpts, explanations
from moderation.actions.state_history import expected_transition_value, last_transition_ids
from moderation.checks.spam import probability_text
from moderation.models import FilterVersion, ModerationSettings, SettingChange
from moderation.spam_filter import active_model
from moderation.spam_filter import explanations as spam_explanations
from moderation.spam_filter.contributions import Contribution, Mistake
from moderation.spam_filter.thresholds import (
    AUTO_SPAM_MIN_DECISIONS,
    MIN_THRESHOLD,
    STRICT_PERCENT,
    auto_spam_threshold,
    pending_threshold,
)
from moderation.transparency import charts

MAX_VERSIONS = 20  # latest versions in the list
MAX_MISTAKES = 10  # of each kind
# Good comments in a hundred that may become pending: percentages to compare with the current setting.
PERCENT_CHOICES = (0.1, STRICT_PERCENT, 1.0, 2.0, 5.0, 10.0)
EXCERPT_LENGTH = 360  # characters of a comment
MIN_DIFFERENCE = 0.05  # logits between spam and good comments; below it, a contribution is not listed


@dataclass(frozen=True)
class PercentOption:
    """The effect of letting so many good comments become pending, measured by later decisions."""

    percent: float
    threshold: float  # the probability from which a comment is reviewed first
    pending_good_count: int  # good comments that would have become pending
    pending_spam_percent: int | None  # of spam that would have; None if there was no spam

    @property
    def percent_text(self) -> str:
        return f"{self.percent:g}"

    @property
    def threshold_text(self) -> str:
        return f"{100 * self.threshold:.1f}"

    @property
    def is_strict(self) -> bool:
        """Return whether this is the strict setting."""
        return self.percent == STRICT_PERCENT

    @property
    def is_lowest(self) -> bool:
        """Return whether the threshold is at its minimum, below which nothing becomes pending."""
        return self.threshold <= MIN_THRESHOLD


@dataclass(frozen=True)
class ContributionRow:
    """A contribution as text, with its bars."""

    sentence: str
    in_good: float
    in_spam: float
    bar_good: str
    bar_spam: str


@dataclass(frozen=True)
class MistakeRow:
    """A comment that the filter got wrong."""

    comment: Comment
    expected_transition: str  # state_history.expected_transition_value, which the decision form sends back
    decided: str  # the decision by people, as text
    sentence: str  # the filter's prediction, as text
    text: SafeString  # an excerpt with the heaviest words marked
    parts: list[spam_explanations.PartText]


class ComparedNumber(NamedTuple):
    """A number of a version, and that of the version it was compared with."""

    own: float | None = None
    other: float | None = None


@dataclass(frozen=True)
class VersionRow:
    """A version in the list."""

    pk: int
    kind: str
    made_at: Any
    trained_on: int
    spam: int
    # "active", "weights_deleted", "other_release", "refused", "not_measured" or "" (measured, not active now)
    state: str
    rows: int
    other: int | None  # the version with which it was compared
    log_loss: ComparedNumber
    recall: ComparedNumber  # percentage of spam found if 1 in 100 good comments may become pending
    # Percentage of good comments that become pending with the setting of the time.
    pending_good_percent: ComparedNumber
    pending_spam_percent: ComparedNumber  # the same for spam; None if there was no spam

    @property
    def may_be_activated(self) -> bool:
        """Return whether the page offers to activate it; `filter-use` refuses what can’t be loaded."""
        return self.state not in {"active", "weights_deleted", "other_release"}


class FilterPage:
    """The filter's page; each part is read when it is asked for."""

    def __init__(self, user: User) -> None:
        self.user = user
        moderation_settings = (
            ModerationSettings.objects.select_related("filter").defer("filter__weights").filter(pk=1).first()
        )
        self.moderation_settings = moderation_settings or ModerationSettings()
        self.version: FilterVersion | None = self.moderation_settings.filter
        self.evaluation: Mapping[str, Any] = self.version.evaluation if self.version else {}
        self.metrics: Mapping[str, Any] = self.evaluation.get("metrics", {})

    @property
    def false_positive_limit(self) -> str:
        return f"{self.moderation_settings.false_positive_limit:g}"

    @cached_property
    def last_change(self) -> SettingChange | None:
        """Return the change that activated the version or switched the filter off.

        None if the version came with the program.
        """
        rows = SettingChange.objects.filter(
            target=SettingChange.Target.MODERATION_SETTINGS, target_id=1, field="filter"
        )
        return rows.select_related("action__actor").order_by("id").last()

    @cached_property
    def previous_version(self) -> int | None:
        """Return the version that can be activated again while the filter is off."""
        if self.version:
            return None
        known = FilterVersion.objects.filter(is_refused=False).exclude(weights=b"")
        known = known.exclude(trained_on__has_key="is_of_another_release")
        last = self.last_change.old if self.last_change and isinstance(self.last_change.old, int) else 0
        ids = list(known.order_by("-pk").values_list("pk", flat=True)[: MAX_VERSIONS + 1])
        return last if last in ids else next(iter(ids), None)

    @cached_property
    def is_usable(self) -> bool:
        """Return whether the active model can be loaded. If not, the filter finds nothing.

        Each process reads the weights once.
        """
        return self.version is None or active_model.can_be_used(self.version.pk)

    @cached_property
    def training_text(self) -> str:
        """Return a sentence that says what the version was trained on."""
        version = self.version
        if version is None:
            return ""
        if version.kind == FilterVersion.Kind.STARTER:
            return _("It came with the program and has not been trained on this site.")
        decisions, spam = (version.trained_on.get(name, 0) for name in ("decisions", "spam"))
        text = ngettext(
            "It was trained on %(n)s decision of this site, %(spam)s of them spam.",
            "It was trained on %(n)s decisions of this site, %(spam)s of them spam.",
            decisions,
        )
        return text % {"n": f"{decisions:,}", "spam": f"{spam:,}"}

    @cached_property
    def metric_sentences(self) -> list[str]:
        """Return the metrics on later decisions, as sentences."""
        metrics = self.metrics
        if not metrics:
            return [_("Not measured yet. It is measured every ten minutes, once there are later decisions.")]
        rows = ngettext(
            "Measured on %(n)s later decision: %(spam)s spam, %(ham)s good.",
            "Measured on %(n)s later decisions: %(spam)s spam, %(ham)s good.",
            metrics["rows"],
        )
        counts = {"n": f"{metrics['rows']:,}", "spam": f"{metrics['spam']:,}", "ham": f"{metrics['ham']:,}"}
        sentences = [rows % counts]
        if metrics["roc_auc"] is not None:
            sentences.append(
                _(
                    "In %(share)s of 100 pairs of a spam and a good comment, the spam scored higher "
                    "(ROC-AUC %(auc)s)."
                )
                % {"share": f"{100 * metrics['roc_auc']:.1f}", "auc": f"{metrics['roc_auc']:.3f}"}
            )
        if metrics["ece"] is not None:
            error = f"{100 * metrics['ece']:.1f}"
            sentences.append(
                _("Its probabilities are off by %(n)s percentage points on average.") % {"n": error}
            )
        return sentences

    @cached_property
    def options(self) -> list[PercentOption]:
        """Return the current percentage and others to compare."""
        if self.version is None:
            return []
        return [
            self._option(percent)
            for percent in sorted({*PERCENT_CHOICES, self.moderation_settings.false_positive_limit})
        ]

    @cached_property
    def current_option(self) -> PercentOption | None:
        """Return the current percentage."""
        return next(
            (
                option
                for option in self.options
                if option.percent == self.moderation_settings.false_positive_limit
            ),
            None,
        )

    def _option(self, percent: float) -> PercentOption:
        site, starter, _decisions = self._good_scores
        threshold = pending_threshold(percent, site, starter)
        spam = self.evaluation.get("spam", [])
        spam_percent = charts.percentage(sum(p >= threshold for p in spam), len(spam)) if spam else None
        return PercentOption(percent, threshold, sum(p >= threshold for p in site.highest), spam_percent)

    @cached_property
    def _good_scores(self) -> Any:
        assert self.version is not None  # without a version there are no options
        return active_model.good_scores(self.version)

    @cached_property
    def auto_spam_text(self) -> str:
        """Return a sentence with the probability from which a comment is marked as spam without review."""
        if self.version is None:
            return ""
        threshold = auto_spam_threshold(self.moderation_settings.false_positive_limit, *self._good_scores)
        if threshold is None:
            return _(
                "No comment is marked as spam automatically until %(n)s decisions were made on this site."
            ) % {"n": AUTO_SPAM_MIN_DECISIONS}
        if threshold > 1:
            return _("No comment is marked as spam automatically, because a good comment scored too high.")
        return _(
            "From %(n)s%%, a comment is marked as spam automatically, unless its author has an approved "
            "comment. You can undo that."
        ) % {"n": f"{100 * threshold:.1f}"}

    @cached_property
    def reliability(self) -> charts.Curve | None:
        bins = self.metrics.get("bins", [])
        if not bins:
            return None
        total = sum(weight for *_rest, weight in bins)
        return charts.Curve(
            title=_("Calibration"),
            description=_(
                "Horizontal: predicted probability of spam. Vertical: actual share of spam. On the dashed "
                "line, both are equal. Larger rings stand for more comments."
            ),
            across=_("predicted probability"),
            up=_("actual share of spam"),
            line=charts.line([(mean, share) for _low, _high, mean, share, _weight in bins]),
            dots=charts.dots(
                [(mean, share, 1 + 4 * (weight / total) ** 0.5) for _low, _high, mean, share, weight in bins]
            ),
            heads=[_("Predicted"), _("Comments"), _("Actual spam"), _("Mean prediction")],
            rows=[
                (
                    _("%(low)s to %(high)s%%") % {"low": round(100 * low), "high": round(100 * high)},
                    [f"{weight:,.0f}", f"{100 * share:.0f}%", f"{100 * mean:.0f}%"],
                )
                for low, high, mean, share, weight in bins
            ],
        )

    @cached_property
    def roc(self) -> charts.Curve | None:
        points = [(x, y) for x, y in self.evaluation.get("roc", [])]
        if not points or self.current_option is None:
            return None
        now = (
            self.current_option.pending_good_count / self.metrics["ham"],
            (self.current_option.pending_spam_percent or 0) / 100,
        )
        return charts.Curve(
            title=_("ROC curve"),
            description=_(
                "Horizontal: share of good comments that would wait. Vertical: share of spam that would "
                "wait. The closer the curve is to the upper corner, the better; the dashed line is "
                "guessing. The ring is the current setting."
            ),
            across=_("good comments that wait"),
            up=_("spam that waits"),
            line=charts.line(points),
            dots=charts.dots([(*now, 2.5)]),
            heads=[_("May wait"), _("Good comments that waited"), _("Spam that waited")],
            rows=[
                (
                    _("%(n)s in 100") % {"n": f"{option.percent:g}"},
                    [
                        f"{100 * option.pending_good_count / self.metrics['ham']:.1f}%",
                        f"{option.pending_spam_percent}%" if option.pending_spam_percent is not None else "–",
                    ],
                )
                for option in self.options
            ],
        )

    @cached_property
    def contributions(self) -> list[ContributionRow]:
        every: Sequence[Contribution] = self.evaluation.get("contributions", [])
        # Those that a release before counted are left out until the version is measured again.
        listed = [
            row for row in every if abs(row.get("in_spam", 0) - row.get("in_good", 0)) >= MIN_DIFFERENCE
        ]
        top = max((max(abs(row["in_good"]), abs(row["in_spam"])) for row in listed), default=1.0)
        return [
            ContributionRow(
                sentence=spam_explanations.describe_part(row["name"]),
                in_good=row["in_good"],
                in_spam=row["in_spam"],
                bar_good=spam_explanations.bar_path(row["in_good"] / top),
                bar_spam=spam_explanations.bar_path(row["in_spam"] / top),
            )
            for row in listed
        ]

    @cached_property
    def missed_spam(self) -> list[MistakeRow]:
        """Return the spam that the filter rated as good."""
        return [mistake for mistake in self._mistakes if mistake.comment.state == State.SPAM][:MAX_MISTAKES]

    @cached_property
    def flagged_good(self) -> list[MistakeRow]:
        """Return the good comments that the filter rated as spam."""
        return [mistake for mistake in self._mistakes if mistake.comment.state_reason == Reason.APPROVED][
            :MAX_MISTAKES
        ]

    @cached_property
    def _mistakes(self) -> list[MistakeRow]:
        """Return the mistakes whose decision still stands on the same text, the worst first of each kind."""
        mistakes: list[Mistake] = [
            *self.evaluation.get("missed", []),
            *self.evaluation.get("false_positives", []),
        ]
        ids = [mistake["comment"] for mistake in mistakes]
        rows = Comment.objects.moderatable_by(self.user).filter(pk__in=ids, erased_at=None)
        found = rows.with_story().defer("body_html").in_bulk() if ids else {}
        transitions = Transition.objects.filter(pk__in=[mistake["transition"] for mistake in mistakes])
        revisions = dict(transitions.values_list("pk", "revision")) if ids else {}
        last = last_transition_ids(ids) if ids else {}
        return [
            _mistake_row(comment, mistake, last[comment.pk])
            for mistake in mistakes
            if (comment := found.get(mistake["comment"]))
            and comment.revision == revisions.get(mistake["transition"])
        ]

    @cached_property
    def versions(self) -> list[VersionRow]:
        """Return the latest versions and the active one, the latest first."""
        fields = ("kind", "made_at", "evaluated_at", "is_refused")
        paths = (
            *("trained_on__decisions", "trained_on__spam", "trained_on__is_emptied"),
            "trained_on__is_of_another_release",
            *("evaluation__log_loss", "evaluation__trial"),
            *("evaluation__metrics__recall_at", "evaluation__metrics__rows"),
        )
        current = self.version.pk if self.version else 0
        every = FilterVersion.objects.order_by("-pk").values("pk", *fields, *paths)
        rows = list(every[:MAX_VERSIONS])
        if current and current not in {row["pk"] for row in rows}:
            rows += every.filter(pk=current)
        return [_version_row(row, current) for row in rows]


def _version_row(row: Mapping[str, Any], current: int) -> VersionRow:
    trial = row["evaluation__trial"] or {}
    recall = (row["evaluation__metrics__recall_at"] or {}).get("0.01")
    state = ""
    if row["pk"] == current:
        state = "active"
    elif row["trained_on__is_emptied"]:
        state = "weights_deleted"
    elif row["trained_on__is_of_another_release"]:
        state = "other_release"
    elif row["is_refused"]:
        state = "refused"
    elif row["kind"] == FilterVersion.Kind.TRAINED and row["evaluated_at"] is None:
        state = "not_measured"
    return VersionRow(
        pk=row["pk"],
        kind=row["kind"],
        made_at=row["made_at"],
        trained_on=row["trained_on__decisions"] or 0,
        spam=row["trained_on__spam"] or 0,
        state=state,
        rows=trial.get("rows", row["evaluation__metrics__rows"] or 0),
        other=trial.get("version"),
        log_loss=ComparedNumber(*trial.get("log_loss", [row["evaluation__log_loss"]])),
        recall=_rounded(trial.get("recall", [recall]), factor=100),
        # An older trial did not count these.
        pending_good_percent=ComparedNumber(*trial.get("good", [])),
        pending_spam_percent=_rounded(trial.get("spam", [])),
    )


def _rounded(numbers: Sequence[float | None], *, factor: int = 1) -> ComparedNumber:
    return ComparedNumber(*(None if value is None else round(factor * value) for value in numbers))


def _mistake_row(comment: Comment, mistake: Mistake, last: int) -> MistakeRow:
    spans = [span for part in mistake["parts"] for span in part["spans"]]
    text = excerpts.highlighted_excerpt(comment.body, spans, EXCERPT_LENGTH)
    return MistakeRow(
        comment=comment,
        expected_transition=expected_transition_value(comment.pk, last),
        decided=explanations.describe_decision(comment.state, comment.state_reason),
        sentence=probability_text(mistake["probability"]),
        text=text,
        parts=spam_explanations.part_texts(mistake["parts"], comment.body, comment.author_name),
    )
