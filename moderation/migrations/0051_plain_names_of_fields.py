import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Coalesce

from core.database.independent_operations import StateOperations


class Migration(migrations.Migration):
    """Rename fields in the models alone: columns keep the names that servers of the previous version use."""

    dependencies = [("moderation", "0050_plain_names_of_groups")]

    operations = [
        StateOperations(
            [
                migrations.RenameField("accounterasure", "asked_at", "requested_at"),
                migrations.AlterField(
                    "accounterasure",
                    "requested_at",
                    models.DateTimeField(db_column="asked_at", default=django.utils.timezone.now),
                ),
                migrations.RenameField("appeal", "against", "appealed_transition"),
                migrations.AlterField(
                    "appeal",
                    "appealed_transition",
                    models.ForeignKey(
                        db_column="against_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.transition",
                    ),
                ),
                migrations.RemoveIndex("case", "case_closed_by"),
                migrations.RemoveIndex("case", "case_flags"),
                migrations.RenameField("case", "closed_by", "closing_action_id"),
                migrations.AlterField(
                    "case", "closing_action_id", models.UUIDField(db_column="closed_by", null=True)
                ),
                migrations.RenameField("case", "is_illegal", "is_reported_illegal"),
                migrations.AlterField(
                    "case",
                    "is_reported_illegal",
                    models.BooleanField(db_column="is_illegal", default=False),
                ),
                migrations.RenameField("case", "is_waiting", "is_pending"),
                migrations.AlterField(
                    "case", "is_pending", models.BooleanField(db_column="is_waiting", default=False)
                ),
                migrations.AddIndex(
                    "case",
                    models.Index(
                        condition=~Q(closing_action_id=None),
                        fields=["closing_action_id"],
                        name="case_closed_by",
                    ),
                ),
                migrations.AddIndex(
                    "case",
                    models.Index(
                        condition=Q(closed_at=None),
                        fields=[
                            "is_pending",
                            "is_reported",
                            "is_reported_illegal",
                            "is_new_person",
                            "is_appealed",
                            "opened_at",
                            "id",
                        ],
                        name="case_flags",
                    ),
                ),
                migrations.RenameField("filterversion", "numbers", "evaluation"),
                migrations.AlterField(
                    "filterversion", "evaluation", models.JSONField(db_column="numbers", default=dict)
                ),
                migrations.RenameField("filterversion", "numbers_at", "evaluated_at"),
                migrations.AlterField(
                    "filterversion", "evaluated_at", models.DateTimeField(db_column="numbers_at", null=True)
                ),
                migrations.RemoveConstraint("rule", "rule_one_version"),
                migrations.RenameField("rule", "first", "first_version"),
                migrations.AlterField(
                    "rule",
                    "first_version",
                    models.ForeignKey(
                        db_column="first_id",
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.rule",
                    ),
                ),
                migrations.AddConstraint(
                    "rule",
                    models.UniqueConstraint(
                        Coalesce("first_version", "id"),
                        condition=Q(is_active=True),
                        name="rule_one_version",
                    ),
                ),
                migrations.RemoveConstraint("secondopinion", "secondopinion_once"),
                migrations.RenameField("secondopinion", "first", "first_action"),
                migrations.AlterField(
                    "secondopinion",
                    "first_action",
                    models.ForeignKey(
                        db_column="first_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.batch",
                    ),
                ),
                migrations.AddConstraint(
                    "secondopinion",
                    models.UniqueConstraint(fields=["comment", "first_action"], name="secondopinion_once"),
                ),
                migrations.RenameField("secondopinion", "asked_at", "requested_at"),
                migrations.AlterField(
                    "secondopinion",
                    "requested_at",
                    models.DateTimeField(db_column="asked_at", default=django.utils.timezone.now),
                ),
                migrations.RenameField("secondopinion", "given_at", "answered_at"),
                migrations.AlterField(
                    "secondopinion",
                    "answered_at",
                    models.DateTimeField(db_column="given_at", null=True),
                ),
            ]
        )
    ]
