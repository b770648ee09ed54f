"""What the page of the filter shows, in nine statements at most, whatever was decided.

What is heavy to count stands in the numbers of the version (filter.training.Numbers). Of the comments that it
was wrong about only ids and places stand there; their words are read here, if they may still be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Comment, Reason, State, Transition
from moderation.models import Change, Desk, Filter, has_page
from moderation.policy import last_decisions
from moderation.queue import explanations
from moderation.spam_filter import active_model
from moderation.spam_filter import explanations as say
from moderation.spam_filter.contributions import Contribution, Mistake
from moderation.spam_filter.thresholds import (
    AUTO_SPAM_MIN_DECISIONS,
    MIN_THRESHOLD,
    auto_spam_threshold,
    line,
)
from moderation.transparency import charts

MAX_VERSIONS = 20  # the latest, beside the one in force
MAX_MISTAKES = 10  # mistakes of each kind
PERCENT_CHOICES = (
    0.1,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
)  # honest ones in a hundred that may wait, told beside what is set
EXCERPT_LENGTH = 360  # characters of a comment
MIN_CONTRIBUTION = 0.005  # logits, below which a voice is left out


@dataclass(frozen=True)
class PercentOption:
    """What it means that so many honest ones may wait, by the decisions that came later."""

    percent: float
    line: float  # a comment waits from this probability on
    waited: int  # honest ones
    held: int | None  # spam, in per cent; None: there was none

    @property
    def percent_in_words(self) -> str:
        return f"{self.percent:g}"

    @property
    def line_in_words(self) -> str:
        return f"{100 * self.line:.1f}"

    @property
    def is_lowest(self) -> bool:
        """More could wait, but of what the filter finds so little in nothing does."""
        return self.line <= MIN_THRESHOLD


@dataclass(frozen=True)
class ContributionRow:
    """A voice, in words, with its bars."""

    sentence: str
    against: float
    in_favour: float
    bar_against: str
    bar_in_favour: str
    of_spam: int  # per cent
    of_honest: int


@dataclass(frozen=True)
class MistakeRow:
    """A comment that the filter took for something else than people did."""

    comment: Comment
    seen: str  # what a decision is made upon
    decided: str  # what people said of it
    sentence: str  # … and the filter
    text: SafeString  # its first words, with those marked that weighed
    is_whole: bool
    parts: list[say.PartSaid]
    has_page: bool


@dataclass(frozen=True)
class VersionRow:
    """A line of the list."""

    pk: int
    kind: str
    made_at: Any
    numbers_at: Any
    trained_on: int
    spam: int
    state: str  # "in_force", "emptied", "waits", "worse" or "" (it was tried, and is not used now)
    log_loss: float | None
    recall: int | None  # per cent of spam, where 1 in 100 honest ones may wait
    rows: int
    other: int | None  # the version beside which it was tried …
    other_log_loss: float | None
    other_recall: int | None
    honest: float | None = None  # per cent of honest ones that would wait where what was set then holds …
    held: int | None = None  # … and of spam; None: there was none
    other_honest: float | None = None
    other_held: int | None = None


class FilterPage:
    """Each part is read when it is asked for."""

    def __init__(self, user: User) -> None:
        self.user = user
        desk = Desk.objects.select_related("filter").defer("filter__weights").filter(pk=1).first()
        self.desk = desk or Desk()
        self.version: Filter | None = self.desk.filter
        self.numbers: Mapping[str, Any] = self.version.numbers if self.version else {}
        self.figures: Mapping[str, Any] = self.numbers.get("figures", {})

    @property
    def may_wait(self) -> str:
        return f"{self.desk.honest_may_wait:g}"

    @cached_property
    def act(self) -> Change | None:
        """What set the version in force, or switched it off. None: it came so."""
        rows = Change.objects.filter(target=Change.Target.DESK, target_id=1, field="filter")
        return rows.select_related("batch__actor").order_by("id").last()

    @cached_property
    def before(self) -> int | None:
        """Of no version in force: the one that could be again."""
        if self.version:
            return None
        known = Filter.objects.filter(is_refused=False).exclude(weights=b"")
        last = self.act.old if self.act and isinstance(self.act.old, int) else 0
        ids = list(known.order_by("-pk").values_list("pk", flat=True)[: MAX_VERSIONS + 1])
        return last if last in ids else next(iter(ids), None)

    @cached_property
    def is_usable(self) -> bool:
        """Else nothing is found, whatever is in force. Its weights are read once in a process."""
        return self.version is None or active_model.can_be_used(self.version.pk)

    @cached_property
    def trained(self) -> str:
        version = self.version
        if version is None:
            return ""
        if version.kind == Filter.Kind.STARTER:
            return _("It came with the program, and has learnt nothing on this site.")
        return _training_text(version.trained_on.get("decisions", 0), version.trained_on.get("spam", 0))

    @cached_property
    def did(self) -> list[str]:
        """How it did on later decisions, in sentences."""
        figures = self.figures
        if not figures:
            return [_("Not measured yet: that takes later decisions, and is counted every ten minutes.")]
        rows = ngettext(
            "Since then people took %(n)s decision by which it is measured: %(spam)s spam, %(ham)s honest.",
            "Since then people took %(n)s decisions by which it is measured: %(spam)s spam, %(ham)s honest.",
            figures["rows"],
        )
        counts = {"n": f"{figures['rows']:,}", "spam": f"{figures['spam']:,}", "ham": f"{figures['ham']:,}"}
        told = [rows % counts]
        if figures["roc_auc"] is not None:
            told.append(
                _(
                    "Of a spam and an honest comment it found the spam the likelier one in %(share)s of 100 "
                    "pairs (ROC-AUC %(auc)s)."
                )
                % {"share": f"{100 * figures['roc_auc']:.1f}", "auc": f"{figures['roc_auc']:.3f}"}
            )
        if figures["ece"] is not None:
            off = f"{100 * figures['ece']:.1f}"
            told.append(_("What it says is off by %(n)s points of 100 on average.") % {"n": off})
        return told

    @cached_property
    def choices(self) -> list[PercentOption]:
        """What is set, and others to choose from."""
        if self.version is None:
            return []
        return [self._choice(percent) for percent in sorted({*PERCENT_CHOICES, self.desk.honest_may_wait})]

    @cached_property
    def choice(self) -> PercentOption | None:
        """What is set."""
        return next((one for one in self.choices if one.percent == self.desk.honest_may_wait), None)

    def _choice(self, percent: float) -> PercentOption:
        here, elsewhere, _decisions = self._known
        at = line(percent, here, elsewhere)
        spam = self.numbers.get("spam", [])
        held = charts.share(sum(p >= at for p in spam), len(spam)) if spam else None
        return PercentOption(percent, at, sum(p >= at for p in here.highest), held)

    @cached_property
    def _known(self) -> Any:
        assert self.version is not None  # else there are no choices
        return active_model.honest_scores(self.version)

    @cached_property
    def strictly(self) -> str:
        """From where on a comment is spam without a look of a person."""
        if self.version is None:
            return ""
        at = auto_spam_threshold(self.desk.honest_may_wait, *self._known)
        if at is None:
            return _(
                "Nothing is taken for spam without a person’s look before people have taken %(n)s decisions "
                "here."
            ) % {"n": AUTO_SPAM_MIN_DECISIONS}
        if at > 1:
            return _("Nothing is taken for spam without a person’s look: an honest comment scored too high.")
        return _(
            "From %(n)s of 100 on it goes to spam without a person’s look, unless its author was "
            "approved here before. That can be undone."
        ) % {"n": f"{100 * at:.1f}"}

    @cached_property
    def reliability(self) -> charts.Curve | None:
        bins = self.figures.get("bins", [])
        if not bins:
            return None
        total = sum(weight for *_rest, weight in bins)
        return charts.Curve(
            title=_("Does it mean what it says?"),
            description=_(
                "Across, the probability that it gave; upwards, how much of that was spam. On the dashed "
                "line both are the same. A large ring stands for many comments."
            ),
            across=_("probability that it gave"),
            up=_("spam among them"),
            line=charts.line([(mean, share) for _low, _high, mean, share, _weight in bins]),
            dots=charts.dots(
                [(mean, share, 1 + 4 * (weight / total) ** 0.5) for _low, _high, mean, share, weight in bins]
            ),
            heads=[_("It gave"), _("Comments"), _("Spam among them"), _("It said")],
            rows=[
                (
                    _("%(low)s to %(high)s %%") % {"low": round(100 * low), "high": round(100 * high)},
                    [f"{weight:,.0f}", f"{100 * share:.0f} %", f"{100 * mean:.0f} %"],
                )
                for low, high, mean, share, weight in bins
            ],
        )

    @cached_property
    def roc(self) -> charts.Curve | None:
        points = [(x, y) for x, y in self.numbers.get("roc", [])]
        if not points or self.choice is None:
            return None
        now = (self.choice.waited / self.figures["ham"], (self.choice.held or 0) / 100)
        return charts.Curve(
            title=_("Does it tell them apart?"),
            description=_(
                "Across, the share of honest comments that would wait; upwards, the share of spam that "
                "would. The nearer the line comes to the corner above, the better; the dashed one is "
                "guessing. The ring is what is set now."
            ),
            across=_("honest ones that wait"),
            up=_("spam that waits"),
            line=charts.line(points),
            dots=charts.dots([(*now, 2.5)]),
            heads=[_("May wait"), _("Honest ones that waited"), _("Spam that waited")],
            rows=[
                (
                    _("%(n)s in 100") % {"n": f"{one.percent:g}"},
                    [
                        f"{100 * one.waited / self.figures['ham']:.1f} %",
                        f"{one.held} %" if one.held is not None else "–",
                    ],
                )
                for one in self.choices
            ],
        )

    @cached_property
    def voices(self) -> list[ContributionRow]:
        every: Sequence[Contribution] = self.numbers.get("voices", [])
        loud = [
            one
            for one in every
            if one["against"] >= MIN_CONTRIBUTION or one["in_favour"] <= -MIN_CONTRIBUTION
        ]
        top = max((max(one["against"], -one["in_favour"]) for one in loud), default=1.0)
        return [
            ContributionRow(
                sentence=say.voice(one["name"]),
                against=one["against"] if one["against"] >= MIN_CONTRIBUTION else 0.0,
                in_favour=one["in_favour"] if one["in_favour"] <= -MIN_CONTRIBUTION else 0.0,
                bar_against=say.bar_path(one["against"] / top),
                bar_in_favour=say.bar_path(one["in_favour"] / top),
                of_spam=round(100 * one["of_spam"]),
                of_honest=round(100 * one["of_honest"]),
            )
            for one in loud
        ]

    @cached_property
    def missed(self) -> list[MistakeRow]:
        """Spam that it took for honest."""
        return [one for one in self._wrong if one.comment.state == State.SPAM][:MAX_MISTAKES]

    @cached_property
    def wronged(self) -> list[MistakeRow]:
        """Honest ones that it took for spam."""
        return [one for one in self._wrong if one.comment.state_reason == Reason.APPROVED][:MAX_MISTAKES]

    @cached_property
    def _wrong(self) -> list[MistakeRow]:
        """Of which the decision stands, or stands again, upon the words of then: the worst first of each
        kind."""
        told: list[Mistake] = [*self.numbers.get("missed", []), *self.numbers.get("wronged", [])]
        ids = [one["comment"] for one in told]
        rows = Comment.objects.moderated_by(self.user).filter(pk__in=ids, erased_at=None)
        rows = rows.select_related("discussion__article").defer(
            "body_html", *(f"discussion__article__{name}" for name in ("body", "body_html", "vector"))
        )
        found = rows.in_bulk() if ids else {}
        lines = Transition.objects.filter(pk__in=[one["line"] for one in told])
        revisions = dict(lines.values_list("pk", "revision")) if ids else {}
        last = last_decisions(ids) if ids else {}
        return [
            _mistake_row(comment, one, last[comment.pk])
            for one in told
            if (comment := found.get(one["comment"])) and comment.revision == revisions.get(one["line"])
        ]

    @cached_property
    def versions(self) -> list[VersionRow]:
        """The latest first, the one in force among them."""
        fields = ("kind", "made_at", "numbers_at", "is_refused")
        paths = (
            *("trained_on__decisions", "trained_on__spam", "trained_on__is_emptied"),
            *("numbers__log_loss", "numbers__trial"),
            *("numbers__figures__recall_at", "numbers__figures__rows"),
        )
        current = self.version.pk if self.version else 0
        every = Filter.objects.order_by("-pk").values("pk", *fields, *paths)
        rows = list(every[:MAX_VERSIONS])
        if current and current not in {row["pk"] for row in rows}:
            rows += every.filter(pk=current)
        return [_version_row(row, current) for row in rows]


def _training_text(decisions: int, spam: int) -> str:
    said = ngettext(
        "It has learnt from %(n)s decision that people took here, %(spam)s of them spam.",
        "It has learnt from %(n)s decisions that people took here, %(spam)s of them spam.",
        decisions,
    )
    return said % {"n": f"{decisions:,}", "spam": f"{spam:,}"}


def _version_row(row: Mapping[str, Any], current: int) -> VersionRow:
    trial = row["numbers__trial"] or {}
    own = trial.get("log_loss", [row["numbers__log_loss"], None])
    recall = trial.get("recall", [(row["numbers__figures__recall_at"] or {}).get("0.01"), None])
    state = ""
    if row["pk"] == current:
        state = "in_force"
    elif row["trained_on__is_emptied"]:
        state = "emptied"
    elif row["is_refused"]:
        state = "worse"
    elif row["kind"] == Filter.Kind.LEARNT and row["numbers_at"] is None:
        state = "waits"
    return VersionRow(
        pk=row["pk"],
        kind=row["kind"],
        made_at=row["made_at"],
        numbers_at=row["numbers_at"],
        trained_on=row["trained_on__decisions"] or 0,
        spam=row["trained_on__spam"] or 0,
        state=state,
        log_loss=own[0],
        recall=_percent(recall[0]),
        rows=trial.get("rows", row["numbers__figures__rows"] or 0),
        other=trial.get("version"),
        other_log_loss=own[1],
        other_recall=_percent(recall[1]),
        **_waiting_shares(trial),
    )


def _waiting_shares(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing of a trial from before it was counted."""
    if "honest" not in trial:
        return {}
    held, other_held = (None if share is None else round(share) for share in trial["spam"])
    honest, other_honest = trial["honest"]
    return {"honest": honest, "other_honest": other_honest, "held": held, "other_held": other_held}


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _mistake_row(comment: Comment, mistake: Mistake, last: int) -> MistakeRow:
    spans = [span for part in mistake["parts"] for span in part["spans"]]
    start, end = _excerpt_bounds(comment.body, spans)
    here = [[max(a, start) - start, min(b, end) - start] for a, b in spans if a < end and b > start]
    return MistakeRow(
        comment=comment,
        seen=f"{comment.pk}.{last}",
        decided=explanations.decided(comment.state, comment.state_reason),
        sentence=say.probability(mistake["probability"]),
        text=explanations.marked(comment.body[start:end], here),
        is_whole=end - start == len(comment.body),
        parts=say.parts(mistake["parts"], comment.body, comment.author_name),
        has_page=has_page(comment),
    )


def _excerpt_bounds(body: str, spans: Iterable[Sequence[int]]) -> tuple[int, int]:
    """Its first words; of a long text those around the first place that is marked, if that comes late."""
    first = min((start for start, _end in spans), default=0)
    start = first - 60 if len(body) > EXCERPT_LENGTH and first > EXCERPT_LENGTH - 60 else 0
    return start, min(start + EXCERPT_LENGTH, len(body))
