import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.spam_filter import metrics, training
from moderation.spam_filter.classifier.model import sigmoid
from moderation.spam_filter.examples import MAX_DECISIONS, current_decisions

BAR_WIDTH = 40  # characters of the longest bar


class Command(BaseCommand):
    """Replay all decisions of this site through the filter."""

    help = (
        "Replay this site's decisions in their order: predict each one before the filter learns it, and "
        "compare the result with the starter version, which learns nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--each", type=int, default=50, metavar="N", help="decisions per step of the curve; default: 50"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["each"] < 1:
            raise CommandError("--each must be 1 or more.")
        decided = list(current_decisions(limit=MAX_DECISIONS))
        if not decided:
            raise CommandError("There are no decisions to replay yet.")
        labels = [decision.is_spam for decision in decided]
        starter, learner = training.starter_model(), training.starter_model()
        starter_scores = [
            sigmoid(starter.logit(training.decision_features(decision, starter))) for decision in decided
        ]
        learner_scores = [
            sigmoid(learner.slope * raw + learner.offset)
            for raw in training.progressive_scores(decided, learner)
        ]
        steps: list[dict[str, Any]] = []
        for start in range(0, len(decided), options["each"]):
            places = range(start, min(start + options["each"], len(decided)))
            step: dict[str, Any] = {
                "from": places[0] + 1,
                "until": places[-1] + 1,
                "spam": sum(labels[n] for n in places),
            }
            for name, scores in (("learnt", learner_scores), ("starter", starter_scores)):
                step_scores, step_labels = [scores[n] for n in places], [labels[n] for n in places]
                wrong = [(p >= 0.5) != is_spam for p, is_spam in zip(step_scores, step_labels, strict=True)]
                step |= {
                    f"{name}_log_loss": round(training.log_loss(step_scores, step_labels), 4),
                    f"{name}_wrong": sum(wrong),
                }
            steps.append(step)
        summary = {
            name: {
                key: value for key, value in metrics.compute_metrics(scores, labels).items() if key != "bins"
            }
            for name, scores in (("learnt", learner_scores), ("starter", starter_scores))
        }
        if options["json"]:
            self.stdout.write(json.dumps({"steps": steps, **summary}))
        else:
            self._draw(steps, summary)

    def _draw(self, steps: list[dict[str, Any]], summary: dict[str, Any]) -> None:
        most = max(max(step["learnt_log_loss"], step["starter_log_loss"]) for step in steps) or 1
        self.stdout.write("Log loss per step (lower is better); ▇ learning filter, ░ starter")
        for step in steps:
            head = f"{step['from']:>6,}–{step['until']:<6,} {step['spam']:>4} spam"
            for mark, name in (("▇", "learnt"), ("░", "starter")):
                loss, wrong = step[f"{name}_log_loss"], step[f"{name}_wrong"]
                bar = mark * max(1, round(BAR_WIDTH * loss / most))
                self.stdout.write(f"{head:24} {bar:{BAR_WIDTH}} {loss:.3f}, {wrong} wrong")
                head = ""
        for name, results in summary.items():
            at = ", ".join(
                f"{float(share):.1%}: {'–' if value is None else f'{value:.0%}'}"
                for share, value in results["recall_at"].items()
            )
            area = results["roc_auc"]
            self.stdout.write(
                f"{name}: roc_auc {'–' if area is None else f'{area:.4f}'}; spam found, by the share of good "
                f"comments that waits: {at}"
            )
